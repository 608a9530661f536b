import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { PaymentFieldsFragment } from '../../generated/operations/graphql.ts';
import { decodeId, encodeId } from '../../src/domain/ids.ts';
import { recoverDue } from '../../src/due/recover.ts';
import { stripeConnector } from '../../src/processors/stripe/connector.ts';
import { Backstage } from '../harness/backstage.ts';
import { only, useGateway } from '../harness/gateway.ts';
import { MerchantAccounts, type Account } from '../harness/merchant-accounts.ts';
import { card } from '../harness/till.ts';
import { until } from '../harness/until.ts';
import type { TestToken } from '../stripe/cards.ts';
import { isDone, type FaultKind, type RouteName } from '../stripe/faults.ts';
import { WEBHOOK_SECRET } from '../stripe/mailbox.ts';
import { SECRET_KEY, StripeStandIn } from '../stripe/stand-in.ts';

/** The whole way: through the API, with the gateway's own recovery and notifications, to Stripe's stand-in. */

const standIn = new StripeStandIn();
await standIn.start();
/** A busy machine may take long for a call: it is given up soon only where it would be held for ever. */
const CALL_TIMEOUT_MS = 20_000;
const HELD_CALL_TIMEOUT_MS = 2_000;
const limits = { callTimeoutMs: CALL_TIMEOUT_MS, inFlightWindowMs: 100 };
const connector = stripeConnector({ apiUrl: standIn.url, limits });
const gateway = useGateway({ connectors: [connector], settings: { recoveryDelayMs: 20 } });
const accounts = new MerchantAccounts(gateway);
const { till } = accounts;
const backstage = new Backstage(gateway);

let account: Account;

beforeAll(async () => {
  account = await accounts.open({ secretKey: SECRET_KEY, notificationSecrets: [WEBHOOK_SECRET], rawCards: true });
  // The stand-in compiles Stripe's description at the first request of a kind, which may take longer than a call.
  for (const captureMethod of ['AUTOMATIC', 'MANUAL'] as const) {
    const { id } = await settled(await pay('pm_card_visa', { captureMethod }));
    await till.capture({ paymentId: id });
    await till.refund({ paymentId: id });
  }
});

afterEach(() => {
  Object.assign(connector.limits, limits);
  standIn.faults.clear();
  standIn.release();
  // So many faults in a row would have the account left alone.
  const { uuid = '' } = decodeId(account.id) ?? {};
  gateway().app.gateway.circuits.ended({ processorAccountId: uuid }, { kind: 'approved' });
});

afterAll(() => standIn.stop());

function pay(token: TestToken, input: Parameters<typeof accounts.pay>[1] = {}): Promise<PaymentFieldsFragment> {
  return accounts.pay(account, { token, ...input });
}

/** What moved at Stripe for a payment: how often, and how much. */
function movedFor({ id }: Pick<PaymentFieldsFragment, 'id'>) {
  const { intents, moves } = standIn.books;
  const ours = [...intents.values()].filter(({ metadata }) => metadata['tender_payment'] === id);
  const sum = { authorized: 0, captured: 0, released: 0, refunded: 0, returned: 0 };
  const authorizations = new Set<string>();
  for (const { intent, kind, amount } of moves) {
    if (!ours.some((each) => each.id === intent)) continue;
    sum[kind] += amount;
    if (kind === 'authorized') authorizations.add(intent);
  }
  return { ...sum, charges: authorizations.size };
}

/** The payment once nothing of it is under way any more: so much later that no request can be on its way. */
async function settled({ id }: Pick<PaymentFieldsFragment, 'id'>): Promise<PaymentFieldsFragment> {
  await backstage.letTimePass(id, 1);
  return until(async () => {
    await recoverDue(gateway().app.gateway).catch(() => 'it is tried again');
    const { rows } = await gateway().app.gateway.database.pool.query<{ open: number }>(
      `SELECT count(*)::int AS open FROM operation WHERE status <> 'COMPLETED' AND 'pay_' || payment_id = $1`,
      [id],
    );
    return rows[0]?.open === 0 && till.read(id);
  });
}

test('a token is charged, and refunded in part', async () => {
  const payment = await pay('pm_card_visa', { amount: 4999, currency: 'EUR', statementDescriptor: 'NORTH SHOP' });
  expect(payment).toMatchObject({ status: 'SUCCEEDED', attempts: [{ status: 'SUCCEEDED' }] });
  const { refund } = only(await till.refund({ paymentId: payment.id, amount: 1000 }), 'RefundPaymentPayload');
  expect(refund.status).toBe('SUCCEEDED');
  expect(movedFor(payment)).toMatchObject({ charges: 1, captured: 4999, refunded: 1000 });
  const intents = [...standIn.books.intents.values()].filter(
    ({ metadata }) => metadata['tender_payment'] === payment.id,
  );
  expect(intents).toMatchObject([{ statement_descriptor_suffix: 'NORTH SHOP', amount: 4999, currency: 'eur' }]);
});

test('a card number goes where it may', async () => {
  const payment = await till.pay({ card: card() });
  expect(payment).toMatchObject({ status: 'SUCCEEDED' });
  expect(movedFor(payment)).toMatchObject({ charges: 1, captured: 4999 });
});

test('held, then captured in part, and what is left is let go', async () => {
  const payment = await pay('pm_card_visa', { captureMethod: 'MANUAL' });
  expect(payment.status).toBe('AUTHORIZED');
  await till.capture({ paymentId: payment.id, amount: 3000 });
  expect(await settled(payment)).toMatchObject({ status: 'SUCCEEDED', amountCaptured: { amount: 3000 } });
  expect(movedFor(payment)).toMatchObject({ charges: 1, captured: 3000, released: 1999 });
});

test('held, then canceled', async () => {
  const payment = await pay('pm_card_visa', { captureMethod: 'MANUAL' });
  await till.cancel({ paymentId: payment.id });
  expect(await settled(payment)).toMatchObject({ status: 'CANCELED' });
  expect(movedFor(payment)).toMatchObject({ captured: 0, released: 4999 });
});

test('a decline is told in our words', async () => {
  expect(await pay('pm_card_visa_chargeDeclinedInsufficientFunds')).toMatchObject({
    status: 'FAILED',
    decline: { code: 'insufficient_funds', retryable: true },
  });
});

test.each([
  ['ISK', 5000, 500_000],
  ['KWD', 12_340, 12_340],
])('an amount in %s is in the units of Stripe', async (currency, amount, captured) => {
  const payment = await pay('pm_card_visa', { currency, amount });
  expect(payment.status).toBe('SUCCEEDED');
  expect(movedFor(payment).captured).toBe(captured);
});

test('an amount that Stripe does not take is refused before anything is asked', async () => {
  const paymentMethodId = await accounts.token(account.id, 'pm_card_visa');
  const asked = standIn.asked.length;
  const refused = await till.create({ paymentMethodId, process: true, currency: 'KWD', amount: 12_345 });
  expect(only(refused, 'InvalidInputError').path).toEqual(['input', 'amount']);
  expect(standIn.asked).toHaveLength(asked);
});

test('3-D Secure: the payer acts, and notifications bring the result in any order, twice, and late', async () => {
  const payment = await pay('pm_card_authenticationRequired');
  expect(payment.status).toBe('REQUIRES_ACTION');
  await fetch(`${payment.nextAction?.redirectUrl ?? ''}/complete`, { method: 'POST', redirect: 'manual' });
  const letters = standIn.mailbox.letters();
  const sent = await standIn.mailbox.send(account.notificationUrl, [...letters.toReversed(), ...letters]);
  expect(new Set(sent)).toEqual(new Set([200]));
  await until(async () => (await till.read(payment.id)).status === 'SUCCEEDED');
  expect(movedFor(payment)).toMatchObject({ charges: 1, captured: 4999 });
});

test('a notification with a forged signature is refused', async () => {
  const forged = standIn.mailbox.letters({ secret: 'whsec_forged' }).slice(0, 1);
  expect(await standIn.mailbox.send(account.notificationUrl, forged)).toEqual([400]);
  const old = standIn.mailbox.letters({ at: new Date(Date.now() - 301_000) }).slice(0, 1);
  expect(await standIn.mailbox.send(account.notificationUrl, old)).toEqual([400]);
  const elsewhere = account.notificationUrl.replace(account.id, encodeId('ProcessorAccount', crypto.randomUUID()));
  expect(await standIn.mailbox.send(elsewhere, standIn.mailbox.letters().slice(0, 1))).toEqual([404]);
});

test('a refund that ends later ends by a notification', async () => {
  const payment = await pay('pm_card_pendingRefund');
  const { refund } = only(await till.refund({ paymentId: payment.id }), 'RefundPaymentPayload');
  expect(refund.status).toBe('PENDING');
  for (const { id, status } of standIn.books.refunds.values()) {
    if (status === 'pending') standIn.books.finishRefund(id, 'succeeded');
  }
  await standIn.mailbox.send(account.notificationUrl, standIn.mailbox.letters().slice(-1));
  await until(async () => (await till.read(payment.id)).refundStatus === 'REFUNDED');
});

test('a key that Stripe does not know, and one of live mode', async () => {
  const unknown = await accounts.create({ secretKey: 'sk_test_wrong_key', notificationSecrets: [] });
  expect(only(unknown, 'InvalidInputError').path).toEqual(['input', 'secretKey']);
  const live = await accounts.create({ secretKey: 'sk_live_1234567890', notificationSecrets: [] });
  expect(only(live, 'InvalidInputError').path).toEqual(['input', 'secretKey']);
});

const KINDS: readonly FaultKind[] = [
  'stalled',
  'unanswered',
  'reset_before',
  'reset_after',
  'cut_body',
  'html_502_before',
  'html_502_after',
  'error_500_before',
  'error_500_after',
  'lock_timeout',
  'rate_limited',
];

/** The SDK sends a request that was reset once more by itself. */
function plan(route: RouteName, kind: FaultKind): void {
  const isHeld = kind === 'stalled' || kind === 'unanswered';
  if (isHeld) Object.assign(connector.limits, { callTimeoutMs: HELD_CALL_TIMEOUT_MS });
  standIn.faults.plan(route, kind, kind.startsWith('reset') ? 2 : 1);
}

test.each(KINDS)('a charge, and %s when it is written down: nothing can have happened', async (kind) => {
  const paymentMethodId = await accounts.token(account.id, 'pm_card_visa');
  plan('create_intent', kind);
  const payment = await settled(await till.pay({ paymentMethodId }));
  standIn.release();
  expect(payment.status).toBe('FAILED');
  expect(movedFor(payment).charges).toBe(0);
});

test.each(KINDS)('a charge, and %s when it is confirmed: made once, or not at all', async (kind) => {
  const paymentMethodId = await accounts.token(account.id, 'pm_card_visa');
  plan('confirm', kind);
  const payment = await settled(await till.pay({ paymentMethodId }));
  // A request that was held comes too late.
  standIn.release();
  const isMade = isDone(kind);
  expect(payment.status).toBe(isMade ? 'SUCCEEDED' : 'FAILED');
  expect(movedFor(payment)).toMatchObject({ charges: isMade ? 1 : 0, captured: isMade ? 4999 : 0 });
});

test.each(KINDS)('a capture, and %s: made once in the end', async (kind) => {
  const payment = await pay('pm_card_visa', { captureMethod: 'MANUAL' });
  plan('capture', kind);
  await till.capture({ paymentId: payment.id });
  // What was held arrives late: until then its key is in use.
  standIn.release();
  const after = await settled(payment);
  expect(after).toMatchObject({ status: 'SUCCEEDED', amountCaptured: { amount: 4999 } });
  expect(movedFor(payment)).toMatchObject({ charges: 1, captured: 4999 });
});

test.each(KINDS)('a cancellation, and %s: let go once in the end', async (kind) => {
  const payment = await pay('pm_card_visa', { captureMethod: 'MANUAL' });
  plan('cancel', kind);
  await till.cancel({ paymentId: payment.id });
  // What was held arrives late: until then its key is in use.
  standIn.release();
  const after = await settled(payment);
  expect(after.status).toBe('CANCELED');
  expect(movedFor(payment)).toMatchObject({ captured: 0, released: 4999 });
});

test.each(KINDS)('a refund, and %s: given back once in the end', async (kind) => {
  const payment = await pay('pm_card_visa');
  plan('create_refund', kind);
  await till.refund({ paymentId: payment.id, amount: 2000 });
  // What was held arrives late: until then its key is in use.
  standIn.release();
  const after = await settled(payment);
  expect(after).toMatchObject({ refundStatus: 'PARTIALLY_REFUNDED', amountRefunded: { amount: 2000 } });
  expect(movedFor(payment)).toMatchObject({ captured: 4999, refunded: 2000 });
});
