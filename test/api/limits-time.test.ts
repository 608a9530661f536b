import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { CreatePaymentDocument, type CreatePaymentMutation } from '../../generated/operations/graphql.ts';
import { only, useGateway } from '../harness/gateway.ts';
import { Interposed } from '../harness/interposed.ts';
import { lockTable } from '../harness/locked-table.ts';
import { openSocket } from '../harness/socket.ts';
import { card, Till } from '../harness/till.ts';
import { TRANSPORTS } from '../harness/transports.ts';
import { until } from '../harness/until.ts';

/** Who waits for a table that is locked waits for ever: here, until the time of the operation is over. */

const interposed = new Interposed();
const hasty = useGateway({ limits: { operationMs: 400 }, sandbox: { interpose: interposed } });
const patient = useGateway();
const till = new Till(hasty);

const CUSTOMERS = '{ customers { edges { node { id } } } }';

test.each(TRANSPORTS)('over %s, a query that takes too long is answered and cancelled', async (_name, ask) => {
  const locked = await lockTable(hasty().database, 'customer');
  const { status, data, errors } = await ask(hasty(), { query: CUSTOMERS });
  expect(errors).toMatchObject([{ extensions: { code: 'OPERATION_TIMEOUT', limitMs: 400 } }]);
  expect(data ?? null).toBeNull();
  if (status !== undefined) expect(status).toBe(504);
  await locked.waits(0);
  await locked.release();
  // So short a limit may be over before a busy machine has answered anything.
  await until(async () => (await ask(hasty(), { query: CUSTOMERS })).errors === undefined);
});

test('queries that hold every connection are all cancelled, and others are answered', async () => {
  const locked = await lockTable(hasty().database, 'customer');
  const asked = Array.from({ length: 40 }, () => hasty().request(CUSTOMERS));
  for (const { errors } of await Promise.all(asked)) {
    expect(errors).toMatchObject([{ extensions: { code: 'OPERATION_TIMEOUT' } }]);
  }
  await locked.waits(0);
  await until(async () => (await hasty().request('{ payments { totalCount } }')).errors === undefined);
});

test('payments that are read for many at once are read no longer than anybody waits for them', async () => {
  const { id } = await till.pay();
  const asking = [
    ['query One($id: ID!) { payment(id: $id) { id attempts { id } } }', { id }],
    ['query Page($first: Int) { payments(first: $first) { edges { node { id attempts { id } } } } }', { first: 1 }],
  ] as const;
  // From the second time on they are compiled.
  const ask = async () => Promise.all(asking.map(([query, variables]) => hasty().request(query, variables)));
  for (let time = 0; time < 3; time++) await ask();
  const locked = await lockTable(hasty().database, 'payment');
  for (const { errors } of (await Promise.all(Array.from({ length: 10 }, ask))).flat()) {
    expect(errors).toMatchObject([{ extensions: { code: 'OPERATION_TIMEOUT' } }]);
  }
  await locked.waits(0);
  await locked.release();
  expect((await ask()).map(({ errors }) => errors)).toEqual([undefined, undefined]);
});

test.each(['application/json', 'text/event-stream'])('a client that goes away (%s) ends its query', async (accept) => {
  const locked = await lockTable(patient().database, 'customer');
  const leaving = new AbortController();
  const asked = fetch(patient().url, {
    method: 'POST',
    signal: leaving.signal,
    headers: { authorization: patient().keys.test, 'content-type': 'application/json', accept },
    body: JSON.stringify({ query: CUSTOMERS }),
  });
  await locked.waits(1);
  leaving.abort();
  await expect(asked).rejects.toMatchObject({ name: 'AbortError' });
  await locked.waits(0);
});

test.each(['complete', 'close'])('over WebSocket, %s ends a query', async (way) => {
  const locked = await lockTable(patient().database, 'customer');
  const { socket, messages, send } = await openSocket(patient(), { authorization: patient().keys.test });
  await until(() => messages.some(({ type }) => type === 'connection_ack'));
  send({ type: 'subscribe', id: 'asked', payload: { query: CUSTOMERS } });
  await locked.waits(1);
  if (way === 'complete') send({ type: 'complete', id: 'asked' });
  else socket.close();
  await locked.waits(0);
  if (way === 'close') return;
  send({ type: 'subscribe', id: 'after', payload: { query: '{ viewer { mode } }' } });
  await until(() => messages.some(({ id, type }) => id === 'after' && type === 'next'));
  expect(messages.filter(({ id }) => id === 'asked')).toEqual([]);
  socket.close();
});

/** Charges are made, and their answers kept back. @returns what lets them through */
function holdCharges(): () => void {
  const { promise, resolve } = Promise.withResolvers<void>();
  interposed.calls.length = 0;
  interposed.use({
    async charge(_request, pass) {
      const outcome = await pass();
      await promise;
      return outcome;
    },
  });
  return () => {
    interposed.use({});
    resolve();
  };
}

const input = () => ({ idempotencyKey: randomUUID(), amount: 4999, currency: 'EUR', process: true, card: card() });

test.each(TRANSPORTS)('over %s, a mutation that takes too long goes on, and its key tells how', async (_name, ask) => {
  const letThrough = holdCharges();
  const variables = { input: input() };
  const { errors } = await ask(hasty(), { query: String(CreatePaymentDocument), variables });
  expect(errors).toMatchObject([{ extensions: { code: 'OPERATION_TIMEOUT' } }]);
  expect(errors?.[0]?.message).toContain('idempotency key');
  letThrough();
  // Until it has ended, its key says that it is still running.
  const { payment } = await until(async () => {
    const { data } = await hasty().request<CreatePaymentMutation>(CreatePaymentDocument, variables);
    const created = data?.createPayment;
    if (created === undefined || created.__typename === 'IdempotencyInProgressError') return undefined;
    return only(created, 'CreatePaymentPayload');
  });
  expect(payment.status).toBe('SUCCEEDED');
  expect(interposed.calls.filter(({ call }) => call === 'charge')).toHaveLength(1);
  const operations = await until(() => till.operationsOf(payment.id).catch(() => undefined));
  expect(operations.map(({ status }) => status)).toEqual(['COMPLETED']);
});

test('a mutation whose turn would come when the time is over does not begin', async () => {
  const letThrough = holdCharges();
  const [first, second] = [input(), input()];
  const mutation = `mutation ($first: CreatePaymentInput!, $second: CreatePaymentInput!) {
    first: createPayment(input: $first) { __typename } second: createPayment(input: $second) { __typename } }`;
  const { errors } = await hasty().request(mutation, { first, second });
  expect(errors).toMatchObject([{ extensions: { code: 'OPERATION_TIMEOUT' } }]);
  letThrough();
  const { pool } = hasty().app.gateway.database;
  const statusOf = async ({ idempotencyKey }: typeof first): Promise<unknown> => {
    const text = `SELECT payment.status FROM idempotency_key JOIN payment ON payment.id = payment_id WHERE key = $1`;
    return (await pool.query<{ status: string }>(text, [idempotencyKey])).rows[0]?.status;
  };
  await until(async () => (await statusOf(first)) === 'SUCCEEDED');
  expect(await statusOf(second)).toBeUndefined();
  expect(interposed.calls.filter(({ call }) => call === 'charge')).toHaveLength(1);
});
