import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { decodeIdOf } from '../../src/domain/ids.ts';
import { startGateway, type RequestOptions, type TestGateway } from '../harness/gateway.ts';
import { Hooks } from '../harness/hooks.ts';
import { Receiver } from '../harness/receiver.ts';
import { openSocket } from '../harness/socket.ts';
import { named, Spans, within } from '../harness/spans.ts';
import { until } from '../harness/until.ts';

/** What can be found out about a request afterwards: from its log lines and its trace. And what cannot. */

const spans = new Spans();
const receiver = new Receiver();
let gateway: TestGateway;
const hooks = new Hooks(() => gateway);

/** One that this build needs. */
const MIGRATION = '20261121084357_webhooks';

beforeAll(async () => {
  await receiver.start();
  gateway = await startGateway({
    tracer: spans.tracer(),
    migrations: [MIGRATION],
    settings: { webhookPrivateNetworks: true },
  });
});

afterAll(async () => {
  await gateway.close();
  await receiver.stop();
});

beforeEach(() => spans.clear());

const CREATE = `mutation TheirName($input: CreatePaymentInput!) {
  createPayment(input: $input) {
    __typename
    ... on CreatePaymentPayload { payment { id status } }
  }
}`;

/** What every operation is made of. */
const STEPS = ['SELECT api_key', 'graphql parse', 'graphql validate', 'graphql execute'];

const GOOD = { number: '4242424242424242', cvc: '123' };
const DECLINED = { number: '4000000000009995', cvc: '123' };
const DROPPED = { number: '4000000000001034', cvc: '123' };

interface Card {
  readonly number: string;
  readonly cvc: string;
  readonly holderName?: string;
}

let keys = 0;

function variables(card: Card) {
  const idempotencyKey = `observed ${keys++}`;
  const input = { idempotencyKey, amount: 4_999, currency: 'EUR', process: true };
  return { input: { ...input, card: { ...card, expMonth: 12, expYear: 2034 } } };
}

interface Created {
  readonly createPayment: { readonly payment: { readonly id: string; readonly status: string } };
}

async function pay(card: Card, headers: Record<string, string> = {}) {
  const options: RequestOptions = { headers: { authorization: `Bearer ${gateway.keys.test}`, ...headers } };
  const answer = await gateway.request<Created>(CREATE, variables(card), options);
  const payment = answer.data?.createPayment.payment;
  if (payment === undefined) throw new Error(`it was not created: ${answer.text}`);
  return { ...payment, uuid: decodeIdOf('Payment', payment.id), requestId: answer.headers.get('x-request-id') };
}

test('a payment is one trace: GraphQL, the first phase, the processor, the third phase', async () => {
  const { uuid } = await pay(GOOD);
  const trace = await spans.trace(named('mutation createPayment'));
  expect(within(trace, 'mutation createPayment')).toEqual(STEPS);
  const steps = within(trace, 'graphql execute').filter((name) => /^(transaction|sandbox)/.test(name));
  expect(steps).toEqual(['sandbox tokenize', 'transaction createPayment', 'sandbox charge', 'transaction conclude']);
  // The key is claimed, everything is written, and that is committed before the processor is asked.
  const first = within(trace, 'transaction createPayment');
  expect(first).toEqual(expect.arrayContaining(['BEGIN', 'INSERT idempotency_key', 'INSERT payment_method']));
  expect(first.at(-1)).toBe('COMMIT');
  const third = within(trace, 'transaction conclude');
  expect(third).toEqual(expect.arrayContaining(['BEGIN', 'SELECT payment', 'INSERT capture']));
  expect(third.at(-1)).toBe('COMMIT');
  expect(within(trace, 'sandbox charge')).toContain('INSERT sandbox_charge');
  expect(trace.find(named('sandbox charge'))?.attributes).toMatchObject({
    'tender.processor': 'sandbox',
    'tender.kind': 'CHARGE',
    'tender.outcome': 'approved',
    'tender.paymentId': uuid,
  });
  expect(trace.find(named('SELECT payment'))?.attributes).toMatchObject({
    'db.system.name': 'postgresql',
    'db.query.text': expect.stringMatching(/\$1[^]*FOR UPDATE/),
  });
});

test('who shares a transaction is told apart in it', async () => {
  const { telemetry, database } = gateway.app.gateway;
  const told = ['one', 'two'].map((requestId) =>
    telemetry.within({ errand: { requestId }, span: undefined }, () =>
      database.together('a test', [requestId], () =>
        Promise.resolve({ commit: false, value: telemetry.scope?.errand.requestId }),
      ),
    ),
  );
  expect(await Promise.all(told)).toEqual(['one', 'two']);
});

test('a caller goes on with its own trace and its own request id', async () => {
  const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
  const { requestId } = await pay(GOOD, {
    traceparent: `00-${traceId}-00f067aa0ba902b7-01`,
    'x-request-id': 'order-1234.a_b',
  });
  expect(requestId).toBe('order-1234.a_b');
  const [root] = await spans.trace(named('mutation createPayment'));
  expect(root?.spanContext().traceId).toBe(traceId);
  expect(root?.parentSpanContext?.spanId).toBe('00f067aa0ba902b7');
  expect(root?.attributes['tender.requestId']).toBe('order-1234.a_b');
});

test('a caller that does not want to be traced is not', async () => {
  await pay(GOOD, { traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-00` });
  await pay(GOOD, { traceparent: 'no such header' });
  await spans.trace(named('mutation createPayment'));
  expect(spans.all.filter(named('mutation createPayment'))).toHaveLength(1);
});

test.each([
  ['too long', 'a'.repeat(65)],
  ['too short', 'abc'],
  ['no plain characters', 'a b<script>'],
  ['a card', GOOD.number],
])('a request id that is %s is replaced', async (_, given) => {
  const { requestId } = await pay(GOOD, { 'x-request-id': given });
  expect(requestId).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f-]{21}$/);
});

test('a decline has a line with its request, payment, operation and code', async () => {
  const { requestId, uuid, status } = await pay(DECLINED);
  expect(status).toBe('FAILED');
  expect(gateway.logged.filter((line) => line['requestId'] === requestId && Number(line['level']) >= 30)).toEqual([
    {
      level: 30,
      time: expect.any(Number),
      msg: 'a charge was declined',
      requestId,
      traceId: expect.stringMatching(/^[0-9a-f]{32}$/),
      paymentId: uuid,
      attemptId: expect.any(String),
      operationId: expect.any(String),
      kind: 'CHARGE',
      processor: 'sandbox',
      declineCode: 'insufficient_funds',
      retryable: true,
      paymentStatus: 'FAILED',
    },
  ]);
});

test('an outcome that is not known has one too, and what recovery then finds out', async () => {
  const { requestId, uuid } = await pay(DROPPED);
  const lines = gateway.logged.filter((line) => line['requestId'] === requestId);
  expect(lines).toContainEqual(
    expect.objectContaining({
      level: 40,
      msg: 'the outcome of a call to a processor is not known: recovery finds out',
      paymentId: uuid,
    }),
  );
  await gateway.app.gateway.database.pool.query('UPDATE operation SET recover_at = now() WHERE payment_id = $1', [
    uuid,
  ]);
  const trace = await spans.trace(
    (span) =>
      span.name === 'recovery' &&
      spans.all.some(
        (part) =>
          part.attributes['tender.paymentId'] === uuid && part.parentSpanContext?.spanId === span.spanContext().spanId,
      ),
  );
  expect(within(trace, 'recovery')).toContain('sandbox look up charge');
  expect(trace[0]?.attributes).toMatchObject({ 'tender.round': 'recovery', 'tender.requestId': expect.any(String) });
});

test('a webhook that is not received has a line, and takes its trace along', async () => {
  const { id } = await hooks.endpoint(receiver.url('watched'));
  receiver.answer({ status: 500 });
  await pay(GOOD);
  const uuid = decodeIdOf('WebhookEndpoint', id);
  const line = await until(() => gateway.logged.find((each) => each['webhookEndpointId'] === uuid));
  expect(line).toMatchObject({
    level: 30,
    msg: 'a webhook was not received; it is sent again',
    status: 500,
    attempt: 1,
  });
  expect(line['requestId']).toEqual(expect.any(String));
  const [root, ...parts] = await spans.trace(
    (span) => span.name === 'webhook' && span.attributes['tender.requestId'] === line['requestId'],
  );
  const attempt = parts.find(named('webhook attempt'));
  const header = `00-${root?.spanContext().traceId}-${attempt?.spanContext().spanId}-01`;
  expect(receiver.received.map(({ headers }) => headers['traceparent'])).toContain(header);
});

test('an unexpected error tells its request id, which is in its line', async () => {
  const { pool } = gateway.app.gateway.database;
  await pool.query('ALTER TABLE routing_rules RENAME TO routing_rules_gone');
  try {
    const { errors, headers } = await gateway.request(CREATE, variables(GOOD));
    const requestId = headers.get('x-request-id');
    expect(errors).toMatchObject([{ extensions: { code: 'INTERNAL_SERVER_ERROR', requestId } }]);
    const errorId = errors?.[0]?.extensions?.['errorId'];
    expect(gateway.logged).toContainEqual(expect.objectContaining({ level: 50, requestId, errorId }));
    const [root] = await spans.trace(named('mutation createPayment'));
    expect(root?.attributes['tender.outcome']).toBe('internal');
  } finally {
    await pool.query('ALTER TABLE routing_rules_gone RENAME TO routing_rules');
  }
});

test('each operation of a WebSocket is a request of its own', async () => {
  const { socket, messages, send } = await openSocket(gateway, { authorization: gateway.keys.test });
  await until(() => messages.some(({ type }) => type === 'connection_ack'));
  send({ id: '1', type: 'subscribe', payload: { query: '{ viewer { __typename } }' } });
  send({ id: '2', type: 'subscribe', payload: { query: '{ nothing }' } });
  await until(() => messages.some(({ id, type }) => id === '1' && type === 'complete'));
  await until(() => messages.some(({ id, type }) => id === '2' && type === 'error'));
  const trace = await spans.trace(named('query viewer'));
  expect(within(trace, 'query viewer')).toEqual(STEPS);
  const [refused] = await spans.trace(named('none none'));
  expect(refused?.attributes).toMatchObject({ 'tender.transport': 'websocket', 'tender.outcome': 'refused' });
  // What a round does meanwhile has an id of its own, too.
  const asked = spans.all.filter(({ attributes }) => attributes['tender.transport'] === 'websocket');
  const ids = asked.flatMap(({ attributes }) => attributes['tender.requestId'] ?? []);
  expect(new Set(ids).size).toBe(2);
  socket.close();
});

test('it is ready while the database has its migrations', async () => {
  const probe = async () => {
    const answer = await fetch(`${gateway.app.server.url}/readyz`);
    return `${answer.status} ${await answer.text()}`;
  };
  const { pool } = gateway.app.gateway.database;
  expect(await probe()).toBe('200 ok\n');
  // An answer is kept for a second.
  const set = 'UPDATE _prisma_migrations SET rolled_back_at =';
  await pool.query(`${set} now() WHERE migration_name = $1`, [MIGRATION]);
  expect(await until(async () => [await probe()].find((said) => !said.startsWith('200')))).toBe(
    '503 not ready: migrations\n',
  );
  await pool.query(`${set} NULL WHERE migration_name = $1`, [MIGRATION]);
  expect(await until(async () => [await probe()].find((said) => said.startsWith('200')))).toBe('200 ok\n');
});

test('no span and no line holds a card number, a CVC, a key or a name', async () => {
  const number = '378282246310005';
  const cvc = '7391';
  // The name is stored with the card, so a statement has it among its values.
  await pay({ number, cvc, holderName: 'Erika Mustermann' });
  await gateway.request(CREATE, { input: { card: { number, cvc, holderName: 'Erika Mustermann' } } });
  await gateway.request(
    `{ a(number: "${number}", cvc: "${cvc}") }`,
    {},
    { headers: { authorization: `Bearer ${number}` } },
  );
  await spans.trace(named('mutation createPayment'));
  await spans.trace(named('none none'));
  const told = [
    ...spans.all.map(({ name, attributes, events, status }) => ({ name, attributes, events, status })),
    ...gateway.logged,
  ];
  // Ids are random, and may have any four digits in them.
  const text = JSON.stringify(told, (key, value: unknown) =>
    ['tender.statement', 'traceId', 'time'].includes(key) ? undefined : value,
  ).replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27}/g, '');
  expect(text).toContain('mutation createPayment');
  for (const secret of [number, cvc, gateway.keys.test, 'Mustermann', 'TheirName']) expect(text).not.toContain(secret);
});
