import { randomUUID } from 'node:crypto';
import { decodeProtectedHeader } from 'jose';
import { pino } from 'pino';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { ClientTokenDocument, SignedOfPaymentDocument } from '../../generated/operations/graphql.ts';
import type { ProcessorAccount } from '../../generated/prisma/client.ts';
import { startApp } from '../../src/app.ts';
import { Connections } from '../../src/payments/connections.ts';
import { createKeyring } from '../../src/payments/keyring.ts';
import { openPage } from '../../src/payments/page-link.ts';
import { readToken } from '../../src/payments/token-text.ts';
import { clientAt } from '../harness/crash-process.ts';
import { only, SECRET, startGateway, type TestGateway } from '../harness/gateway.ts';
import { Hooks } from '../harness/hooks.ts';
import { makeToken, Payer } from '../harness/payer.ts';
import { Receiver, verified, type Received } from '../harness/receiver.ts';
import { card, Till } from '../harness/till.ts';

/** What was made with the secret of before is taken with the next one, where it is named among the others. */

const NEXT_SECRET = 'the next secret of the tests, which has more than 32 characters';
const DECLINED = '4000000000000002';

const ends = new AsyncDisposableStack();
const receiver = new Receiver();
let before: TestGateway;
let after: TestGateway;

/** Made before the change. */
let made: {
  readonly customerId: string;
  readonly token: string;
  readonly pay: string;
  readonly receipt: string;
  readonly endpoint: { readonly id: string; readonly secret: string };
  readonly charge: { readonly idempotencyKey: string; readonly paymentId: string };
  readonly fingerprint: string | undefined;
};

beforeAll(async () => {
  await receiver.start();
  ends.defer(() => receiver.stop());
  before = await startGateway({ settings: { webhookPrivateNetworks: true } });
  ends.defer(() => before.database.drop());
  made = await make();
  await before.app.close();
  after = await startAfter();
});
afterAll(() => ends.disposeAsync());
beforeEach(() => {
  receiver.received.length = 0;
});

const till = new Till(() => after);

async function make(): Promise<typeof made> {
  const shop = new Till(() => before);
  const customerId = await shop.customer();
  const idempotencyKey = randomUUID();
  const paid = only(await shop.create({ idempotencyKey, process: true, card: card() }), 'CreatePaymentPayload').payment;
  const { receipt, fingerprint } = await signedOf(before, paid.id);
  const open = only(await shop.create(), 'CreatePaymentPayload').payment;
  const hook = await new Hooks(() => before).create({ url: receiver.url('hook'), eventTypes: ['PAYMENT_SUCCEEDED'] });
  const { secret, webhookEndpoint } = only(hook, 'CreateWebhookEndpointPayload');
  for (let failures = 0; failures < 10; failures++) await shop.payWith(DECLINED);
  return {
    customerId,
    token: await makeToken(before, { customerId }),
    pay: (await signedOf(before, open.id)).pay,
    receipt,
    fingerprint,
    endpoint: { id: webhookEndpoint.id, secret },
    charge: { idempotencyKey, paymentId: paid.id },
  };
}

async function startAfter(): Promise<TestGateway> {
  const app = await startApp({
    database: before.database.connection,
    secret: NEXT_SECRET,
    otherSecrets: ['one of long before, which has more than 32 characters', SECRET],
    host: '127.0.0.1',
    port: 0,
    log: pino({ level: 'silent' }),
    settings: { webhookPrivateNetworks: true },
  });
  ends.defer(() => app.close());
  const url = `${app.server.url}/graphql`;
  return { ...before, ...clientAt({ url, keys: before.keys }), app, url };
}

const pathOf = (url: string | null | undefined) => (url == null ? '' : new URL(url).pathname);

/** Which secret a token was signed with. */
const kidOf = (token: string) => decodeProtectedHeader(token.replace('ct_test_', '')).kid;

/** What a payment tells that was made with a secret: the paths of its pages, and its card's fingerprint. */
async function signedOf(gateway: TestGateway, id: string) {
  const { payment } = await gateway.execute(SignedOfPaymentDocument, { id });
  return {
    pay: pathOf(payment?.hostedPaymentUrl),
    receipt: pathOf(payment?.receiptUrl),
    fingerprint: payment?.paymentMethod?.card?.fingerprint,
  };
}

/** How a gateway that knows the next secret alone takes what was made before. */
const onlyNext = { keyring: createKeyring(NEXT_SECRET), now: () => new Date() };
const onlyBefore = { keyring: createKeyring(SECRET), now: () => new Date() };

test('a client token of before is taken; a new one is signed with the next secret', async () => {
  const { clientToken } = await after.execute(ClientTokenDocument, {}, { key: made.token });
  expect(clientToken).toMatchObject({ customer: { id: made.customerId } });
  const token = await makeToken(after, { customerId: made.customerId });
  expect(kidOf(made.token)).toBe(onlyBefore.keyring.id);
  expect(kidOf(token)).toBe(onlyNext.keyring.id);
  expect(await readToken(onlyNext, token)).toBeDefined();
  expect(await readToken(onlyNext, made.token)).toBeUndefined();
  expect(await readToken(onlyBefore, token)).toBeUndefined();
});

test('addresses of pages that were made before lead there', async () => {
  const open = only(await till.create(), 'CreatePaymentPayload').payment;
  for (const path of [made.pay, made.receipt, (await signedOf(after, open.id)).pay]) {
    expect(path).toMatch(/^\/(pay|receipt)\/./);
    expect((await fetch(new URL(path, after.url))).status).toBe(200);
  }
  const token = made.receipt.slice('/receipt/'.length);
  expect(openPage(onlyBefore, 'receipt', token)).toBeDefined();
  expect(openPage(onlyNext, 'receipt', token)).toBeUndefined();
  expect((await fetch(new URL(`/pay/${token}`, after.url))).status).toBe(404);
  // The payment itself tells the new one.
  const { receipt } = await signedOf(after, made.charge.paymentId);
  expect(openPage(onlyNext, 'receipt', receipt.slice('/receipt/'.length))).toBeDefined();
});

test('a webhook is signed for its receiver as it was, until the endpoint has another secret', async () => {
  const hooks = new Hooks(() => after);
  await till.pay();
  const [first] = (await receiver.wait('hook', 1)) as [Received];
  expect(verified(made.endpoint.secret, first).type).toBe('payment.succeeded');
  const rotated = await hooks.rotate({ endpointId: made.endpoint.id, secretVersion: 1, overlapSeconds: 0 });
  const { secret } = only(rotated, 'RotateWebhookSecretPayload');
  await till.pay();
  const [, second] = (await receiver.wait('hook', 2)) as [Received, Received];
  expect(verified(secret, second).type).toBe('payment.succeeded');
  expect(() => verified(made.endpoint.secret, second)).toThrow('No matching signature found');
  // Nothing but the next secret is needed for it from now on.
  const [uuid] = /[0-9a-f-]{36}/.exec(made.endpoint.id) ?? [''];
  expect(secret).toBe(`whsec_${onlyNext.keyring.webhookSecret(uuid, 2).toString('base64')}`);
});

test('a request of before that is sent again is known, and so is one that has changed', async () => {
  const { idempotencyKey, paymentId } = made.charge;
  const again = await till.create({ idempotencyKey, process: true, card: card() });
  expect(again).toMatchObject({ replayed: true, payment: { id: paymentId } });
  for (const change of [{ amount: 1 }, { card: card('5555555555554444') }]) {
    const changed = await till.create({ idempotencyKey, process: true, card: card(), ...change });
    expect(changed).toMatchObject({ code: 'IDEMPOTENCY_KEY_REUSED' });
  }
});

test('failures of a card before count against those who pay with it after', async () => {
  const { id: paymentId } = await till.pay({ process: false });
  const payer = await Payer.of(after, { paymentId });
  expect(await payer.process({ paymentId, card: card(DECLINED) })).toMatchObject({ code: 'TOO_MANY_ATTEMPTS' });
  expect(await payer.process({ paymentId, card: card() })).toMatchObject({ payment: { status: 'SUCCEEDED' } });
});

test('credentials of a processor account that were sealed before are opened; new ones are sealed with the next secret', () => {
  const { processors, database } = after.app.gateway;
  const place = { environmentId: randomUUID(), id: randomUUID() };
  const credentials = { secretKey: 'sk_of_a_processor', notificationSecrets: ['whsec_of_a_processor'] };
  const connectionsWith = ({ keyring }: Pick<typeof onlyNext, 'keyring'>) =>
    new Connections({ sandbox: processors.sandbox, connectors: [], database, keyring });
  const accountOf = (connections: Connections) =>
    ({ ...place, ...connections.sealed(place, credentials) }) as ProcessorAccount;
  const old = accountOf(connectionsWith(onlyBefore));
  expect(processors.credentialsOf(old)).toEqual(credentials);
  expect(connectionsWith(onlyNext).credentialsOf(old)).toBeUndefined();
  const next = accountOf(processors);
  expect(next.credentialsKeyId).toBe(onlyNext.keyring.id);
  expect(connectionsWith(onlyNext).credentialsOf(next)).toEqual(credentials);
});

test('a card that is given anew has a fingerprint of the next secret', async () => {
  const { id } = await till.pay();
  expect((await signedOf(after, id)).fingerprint).toBe(onlyNext.keyring.fingerprintCard('4242424242424242'));
  expect(made.fingerprint).toBe(onlyBefore.keyring.fingerprintCard('4242424242424242'));
});
