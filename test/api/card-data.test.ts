import { randomUUID } from 'node:crypto';
import { request as httpRequest } from 'node:http';
import { beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { DocumentCache } from '../../src/http/document-cache.ts';
import { buildSchema } from '../../src/schema/schema.ts';
import { FarProcessor, sign } from '../harness/far-processor.ts';
import { useGateway } from '../harness/gateway.ts';
import { MerchantAccounts } from '../harness/merchant-accounts.ts';
import { makeToken, grant } from '../harness/payer.ts';
import { documentFor, placesOf, variablesFor, type Examples, type Place } from '../harness/places.ts';
import { dumpRows } from '../harness/rows.ts';
import { lost } from '../harness/stand-ins.ts';
import { card, Till } from '../harness/till.ts';

/**
 * Card numbers and CVCs, given in every place of the API and in every wrong way, are looked for afterwards in every row, in
 * every line of the log, in the metrics, in the documents that are kept and in every answer. Nothing has them.
 */

const NUMBER = '4539578763621486';
const CVC = '739173917';

const far = new FarProcessor();
const gateway = useGateway({ connectors: [far], metricsToken: 'metrics-token-of-the-tests-0123456789' });
const till = new Till(gateway);
const schema = buildSchema();
const told: string[] = [];

/** Every document that was ever kept: compiled queries go by those. */
const kept: string[] = [];
const set = Object.getOwnPropertyDescriptor(DocumentCache.prototype, 'set')?.value as DocumentCache['set'];
DocumentCache.prototype.set = function (this: DocumentCache, text, document) {
  kept.push(text);
  set.call(this, text, document);
};

let token: string;
let paymentId: string;
let accountId: string;

beforeAll(async () => {
  const customerId = await till.customer();
  token = await makeToken(gateway(), { customerId, grants: [grant('x')] });
  paymentId = (await till.pay()).id;
  accountId = (await new MerchantAccounts(gateway).open()).id;
});

const rawCard = { number: NUMBER, expMonth: 12, expYear: 2040, cvc: CVC, holderName: 'Jenny Rosen' };

const keyed = () => ({ idempotencyKey: randomUUID(), paymentId });
const EXAMPLES: Examples = {
  CardInput: () => ({ ...card(), number: '4242424242424242' }),
  CreatePaymentInput: () => ({ idempotencyKey: randomUUID(), amount: 1000, currency: 'EUR' }),
  CreateProcessorAccountInput: () => ({
    name: randomUUID(),
    secretKey: 'sk_test_cards_00001234',
    notificationSecrets: ['whsec_cards'],
  }),
  CreateWebhookEndpointInput: () => ({ url: 'https://hooks.example/' }),
  CancelPaymentInput: keyed,
  CapturePaymentInput: keyed,
  ProcessPaymentInput: keyed,
  RefundPaymentInput: () => ({ ...keyed(), amount: 1 }),
  PaymentMethodTokenInput: () => ({ processorAccountId: accountId, id: 'pm_good' }),
  PaymentDestinationInput: () => ({ type: 'ORDER', id: 'x', amount: 1000 }),
  GrantInput: () => ({ id: 'x', amount: 1, currency: 'EUR' }),
  ReconcileDayInput: () => ({ day: '2026-01-01' }),
  ResolveOperationInput: () => ({ idempotencyKey: randomUUID(), note: 'x' }),
  TaxInput: () => ({ amount: 1, country: 'DE' }),
};

/** Every place of the API that takes a text or JSON. */
const places = placesOf(schema).filter(({ typeName, root }) => typeName !== 'Boolean' && root.name !== 'Subscription');
const texts = places.filter(({ typeName }) => ['String', 'ID', 'JSONObject', 'Currency'].includes(typeName));
/** The two places that are for it. */
const FOR_CARDS = /\.card\.(?:number|cvc)\)$/;

async function ask(place: Place, value: unknown): Promise<string> {
  const variables = variablesFor(place, value, EXAMPLES);
  const credential = place.field.name === 'payOrders' ? token : gateway().keys.test;
  const { text, headers } = await gateway().request(documentFor(place, variables, 0), variables, { key: credential });
  told.push(text, JSON.stringify([...headers]));
  return text;
}

test.each(texts.map((place) => [place.name, place] as const))('%s takes no card number', async (name, place) => {
  const values =
    place.typeName === 'JSONObject'
      ? [{ number: NUMBER }, { [NUMBER]: 'x' }, { a: { b: NUMBER } }, { a: [NUMBER] }, { a: Number(NUMBER) }]
      : [NUMBER, `Jenny ${NUMBER.replaceAll(/(\d{4})(?=\d)/g, '$1 ')}`];
  for (const value of values) {
    const answer = await ask(place, value);
    expect(answer).not.toContain(NUMBER);
    if (FOR_CARDS.test(name) || place.root.name === 'Query') continue;
    const { data, errors } = JSON.parse(answer) as {
      data: Record<string, { __typename: string }> | null;
      errors?: { extensions: { code: string } }[];
    };
    const refused = errors?.[0]?.extensions.code ?? data?.[place.field.name]?.__typename;
    expect(refused).toMatch(/^(?:BAD_USER_INPUT|\w+Error)$/);
  }
});

test.each(places.map((place) => [place.name, place] as const))(
  '%s repeats no value of the wrong type',
  async (_, place) => {
    for (const value of [{ number: NUMBER, cvc: CVC }, [Number(NUMBER), [CVC]]]) {
      const answer = await ask(place, value);
      expect(answer).not.toContain(NUMBER);
      expect(answer).not.toContain(CVC);
    }
  },
);

/** What stands around a number or a CVC in a text; empty where there is none. */
function heldIn(text: string): string {
  const at = Math.max(...[NUMBER, CVC, '4539 5787 6362 1486'].map((secret) => text.indexOf(secret)));
  return at === -1 ? '' : text.slice(Math.max(0, at - 200), at + 40);
}

async function post(body: string, headers: Record<string, string> = {}, path = '/graphql'): Promise<void> {
  const url = gateway().url.replace('/graphql', path);
  const authorization = `Bearer ${gateway().keys.test}`;
  const answer = await fetch(url, {
    method: 'POST',
    body,
    headers: { 'content-type': 'application/json', authorization, ...headers },
  });
  told.push(JSON.stringify([...answer.headers]), await answer.text());
}

const CREATE = 'mutation ($input: CreatePaymentInput!) { createPayment(input: $input) { __typename } }';

describe('requests that are wrong', () => {
  const literal = `mutation { createPayment(input: { card: { number: "${NUMBER}", cvc: "${CVC}" } }) { __typename } }`;
  const variables = { input: { idempotencyKey: 'x', amount: 1, currency: 'EUR', card: rawCard } };
  const withName = `query A${NUMBER} { viewer { mode } }`;
  test.each([
    ['a document', JSON.stringify({ query: literal })],
    ['the name of an operation in a document', JSON.stringify({ query: withName })],
    ['operationName', JSON.stringify({ query: '{ viewer { mode } }', operationName: NUMBER })],
    [
      'operationName beside several',
      JSON.stringify({
        query: 'query A { viewer { mode } } query B { viewer { mode } }',
        operationName: `${NUMBER}${CVC}`,
      }),
    ],
    ['extensions', JSON.stringify({ query: '{ viewer { mode } }', extensions: { number: NUMBER, cvc: CVC } })],
    [
      'a variable that there is none such',
      JSON.stringify({ query: '{ viewer { mode } }', variables: { [NUMBER]: CVC } }),
    ],
    ['another parameter', JSON.stringify({ query: '{ viewer { mode } }', [NUMBER]: CVC })],
    ['broken JSON', `{"query": "${CREATE}", "variables": {"number": "${NUMBER}", "cvc": ${CVC}`],
    ['no JSON', `number=${NUMBER}&cvc=${CVC}`],
    ['a text', JSON.stringify(`${NUMBER} ${CVC}`)],
    ['a list', JSON.stringify([{ query: literal }, NUMBER])],
    ['variables that are a text', JSON.stringify({ query: CREATE, variables: `${NUMBER} ${CVC}` })],
    ['a query that is a number', JSON.stringify({ query: Number(NUMBER) })],
    ['an alias', JSON.stringify({ query: `{ a${NUMBER}: viewer { mode } }` })],
    ['a field', JSON.stringify({ query: `{ viewer { a${NUMBER} } }` })],
    ['a name of a variable', JSON.stringify({ query: `query ($a${NUMBER}: Nothing) { viewer { mode } }` })],
    ['a comment', JSON.stringify({ query: `{ viewer { mode } } # ${NUMBER} ${CVC}` })],
    ['a right request', JSON.stringify({ query: CREATE, variables })],
  ])('%s', async (_, body) => {
    const before = told.length;
    await post(body);
    await post(body, { 'content-type': 'application/x-www-form-urlencoded' });
    await post(body, { 'content-type': 'text/plain' });
    await post(body, { accept: 'text/event-stream' });
    await post(body, { accept: 'application/json' });
    expect(told.length).toBe(before + 10);
  });

  // But Origin, which is the browser's own and comes back as CORS has it.
  test('headers, addresses and queries in addresses', async () => {
    const body = JSON.stringify({ query: '{ viewer { mode } }' });
    for (const name of ['authorization', 'x-api-key', 'content-type', 'accept', 'x-request-id', 'user-agent']) {
      await post(body, { [name]: `${NUMBER} ${CVC}` });
    }
    for (const path of [
      `/graphql?query=${encodeURIComponent(literal)}&number=${NUMBER}`,
      `/pay/${NUMBER}`,
      `/receipt/${NUMBER}`,
      `/notifications/${NUMBER}/${NUMBER}`,
      `/${NUMBER}`,
    ]) {
      await post(body, {}, path);
      const answer = await fetch(gateway().url.replace('/graphql', path), {
        headers: { authorization: gateway().keys.test },
      });
      told.push(await answer.text());
    }
    expect(heldIn(told.join('\n'))).toBe('');
  });

  test('a body that breaks off', async () => {
    await new Promise<void>((resolve) => {
      const headers = {
        'content-type': 'application/json',
        'content-length': '5000',
        authorization: gateway().keys.test,
      };
      const sent = httpRequest(gateway().url, { method: 'POST', headers });
      sent.on('error', () => resolve());
      sent.write(JSON.stringify({ query: CREATE, variables }), () => sent.destroy(new Error('gone')));
    });
    expect(heldIn(JSON.stringify(gateway().logged))).toBe('');
  });

  test.each([
    ['connection_init', [{ type: 'connection_init', payload: { authorization: NUMBER, number: CVC } }]],
    ['no message', [NUMBER]],
    ['a message of no kind', [{ type: NUMBER, payload: CVC }]],
    ['a document', ['init', { id: NUMBER, type: 'subscribe', payload: { query: literal } }]],
    ['variables', ['init', { id: '1', type: 'subscribe', payload: { query: CREATE, variables } }]],
    [
      'operationName',
      ['init', { id: '1', type: 'subscribe', payload: { query: '{ viewer { mode } }', operationName: NUMBER } }],
    ],
    [
      'variables of the wrong type',
      ['init', { id: '1', type: 'subscribe', payload: { query: CREATE, variables: { input: NUMBER } } }],
    ],
  ])('over WebSocket: %s', async (_, messages) => {
    const socket = new WebSocket(gateway().url.replace('http', 'ws'), 'graphql-transport-ws');
    const closed = new Promise<void>((resolve) => {
      socket.on('close', (code, reason) => {
        told.push(`${code} ${String(reason)}`);
        resolve();
      });
    });
    const init = { type: 'connection_init', payload: { authorization: `Bearer ${gateway().keys.test}` } };
    socket.on('message', (data: Buffer) => {
      // The id is the client's own, and comes back to it alone.
      told.push(String(data).replace(`"id":"${NUMBER}"`, ''));
      if (/"type":"(?:complete|error)"/.test(String(data))) socket.close();
    });
    await new Promise((resolve) => socket.once('open', resolve));
    for (const message of messages)
      socket.send(
        typeof message === 'string' && message !== 'init'
          ? message
          : JSON.stringify(message === 'init' ? init : message),
      );
    await closed;
    expect(heldIn(told.join('\n'))).toBe('');
  });
});

test('what a processor says when it fails, or tells', async () => {
  const accounts = new MerchantAccounts(gateway);
  const account = await accounts.open({ rawCards: true });
  const input = {
    idempotencyKey: randomUUID(),
    amount: 1000,
    currency: 'EUR',
    process: true,
    card: { ...rawCard, cvc: '739' },
  };
  for (const fault of [() => Promise.reject(new Error(`${NUMBER} ${CVC}`)), lost]) {
    far.calls.use({ charge: fault });
    far.beforeCard = () => Promise.reject(new Error(`card ${NUMBER} ${CVC}`));
    await post(JSON.stringify({ query: CREATE, variables: { input: { ...input, idempotencyKey: randomUUID() } } }));
    far.beforeCard = () => Promise.resolve();
    await post(JSON.stringify({ query: CREATE, variables: { input: { ...input, idempotencyKey: randomUUID() } } }));
  }
  far.calls.use({});
  const { body } = sign(Buffer.from(JSON.stringify({ number: NUMBER, cvc: CVC })));
  await post(body.toString(), { 'far-signature': `${NUMBER}.${CVC}` }, new URL(account.notificationUrl).pathname);
  expect(heldIn(told.join('\n'))).toBe('');
});

test('the form of a payment’s page', async () => {
  const made = await gateway().request<{ createPayment: { payment: { hostedPaymentUrl: string } } }>(
    `mutation ($input: CreatePaymentInput!) { createPayment(input: $input) { ... on CreatePaymentPayload { payment { hostedPaymentUrl } } } }`,
    { input: { idempotencyKey: randomUUID(), amount: 1000, currency: 'EUR' } },
  );
  const url = made.data?.createPayment.payment.hostedPaymentUrl ?? '';
  const page = await (await fetch(url)).text();
  const nonce = /name="nonce" value="([^"]+)"/.exec(page)?.[1] ?? '';
  const good = { nonce, number: NUMBER, expiry: '12/40', cvc: '739', name: 'Jenny' };
  for (const wrong of [
    {},
    { cvc: CVC },
    { name: NUMBER },
    { name: CVC },
    { expiry: NUMBER },
    { number: `${NUMBER}1`, name: `x ${NUMBER}` },
    { nonce: NUMBER },
    { cvc: NUMBER, number: CVC },
  ]) {
    const answer = await fetch(url, {
      method: 'POST',
      body: new URLSearchParams({ ...good, ...wrong }),
      redirect: 'manual',
    });
    told.push(await answer.text(), JSON.stringify([...answer.headers]));
  }
  expect(heldIn(told.join('\n'))).toBe('');
});

test('a secret in a document is refused, and not repeated', async () => {
  for (const secret of [
    'sk_live_0123456789abcdef',
    'sk_test_0123456789abcdef',
    'rk_live_0123456789abcdef',
    'whsec_0123456789abcdef',
  ]) {
    const { text, errors } = await gateway().request(`{ payment(id: "${secret}") { id } }`);
    expect(errors).toMatchObject([{ extensions: { code: 'SECRET_IN_DOCUMENT' } }]);
    expect(text).not.toContain(secret);
  }
});

/** To be last: everything else has happened by then. */
test('nothing has them: no row, no line of the log, no metric, no document that is kept, no answer', async () => {
  const metrics = await fetch(gateway().url.replace('/graphql', '/metrics'), {
    headers: { authorization: 'Bearer metrics-token-of-the-tests-0123456789' },
  });
  expect(metrics.status).toBe(200);
  const rows = await dumpRows(gateway());
  // Its last digits are kept: cards were taken.
  expect(rows).toContain('1486');
  expect(heldIn(rows)).toBe('');
  expect(heldIn(JSON.stringify(gateway().logged))).toBe('');
  expect(heldIn(await metrics.text())).toBe('');
  expect(kept).toContain(CREATE);
  expect(heldIn(kept.join('\n'))).toBe('');
  expect(heldIn(told.join('\n'))).toBe('');
});
