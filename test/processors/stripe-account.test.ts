import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { StatementLine } from '../../src/processors/port.ts';
import { stripeConnector } from '../../src/processors/stripe/connector.ts';
import { AMOUNT, MERCHANT } from './contract/bench.ts';
import { Dealings, soon } from './contract/dealings.ts';
import { StripeBench } from './contract/stripe-bench.ts';

/** What a merchant's account at Stripe can do beside moving money. */

const bench = new StripeBench();
const dealings = new Dealings(bench);
const { books, faults } = bench.standIn;

beforeAll(() => bench.start());
afterAll(() => bench.standIn.stop());
beforeEach(() => bench.mend());

const CARD = { number: '5555 5555 5555 4444', expMonth: 12, expYear: 2040, cvc: '123', holderName: 'Ada Lovelace' };

test('a card is exchanged for a token, which can be charged', async () => {
  const tokenized = await bench.processor.tokenize({ merchant: MERCHANT, card: CARD }, soon());
  expect(tokenized).toMatchObject({ kind: 'tokenized', brand: 'MASTERCARD', country: 'US' });
  const { token } = tokenized as { token: string };
  expect(await bench.processor.describeToken(token, soon())).toEqual({
    kind: 'card',
    brand: 'MASTERCARD',
    last4: '4444',
    expMonth: 12,
    expYear: 2040,
    holderName: 'Ada Lovelace',
    country: 'US',
    fingerprint: 'AOB934RVNwzk6xtn',
  });
  expect((await dealings.charge('approved', { token })).outcome).toMatchObject({ kind: 'approved' });
});

test('an account that takes no card numbers sends none', async () => {
  const stripe = bench.connect({ rawCards: false });
  const before = bench.standIn.asked.length;
  const outcome = await stripe.tokenize({ merchant: MERCHANT, card: CARD }, soon());
  expect(outcome).toEqual({ kind: 'refused', message: expect.stringContaining('pm_…') });
  expect(bench.standIn.asked).toHaveLength(before);
});

test('a card that Stripe refuses is refused, and not repeated', async () => {
  const card = { ...CARD, number: '4000000000000077' };
  const outcome = await bench.processor.tokenize({ merchant: MERCHANT, card }, soon());
  expect(outcome).toEqual({ kind: 'refused', message: 'The card number is wrong.' });
});

test.each([
  ['rate_limited', 'not_sent'],
  ['error_500_before', 'unknown'],
  ['lock_timeout', 'unknown'],
] as const)('a card that cannot be exchanged, because Stripe is %s: %s', async (fault, kind) => {
  faults.plan('create_method', fault);
  expect(await bench.processor.tokenize({ merchant: MERCHANT, card: CARD }, soon())).toEqual({ kind });
});

test.each([
  ['pm_card_amex', 'AMERICAN_EXPRESS'],
  ['pm_card_visa', 'VISA'],
])('%s is described as %s', async (token, brand) => {
  expect(await bench.processor.describeToken(token, soon())).toMatchObject({ kind: 'card', brand });
});

test.each(['tok_visa', '4242424242424242', '', 'pm_x/../y', 'cus_1-', 'cus_1/pm_card_visa', 'pm_none'])(
  'what is no token that Stripe knows is refused: %s',
  async (token) => {
    expect(await bench.processor.describeToken(token, soon())).toMatchObject({ kind: 'refused' });
  },
);

test("a customer's card is charged with its customer, and not without", async () => {
  const method = books.wallet.attach('pm_card_visa', 'cus_ada');
  const token = `cus_ada-${method}`;
  expect(await bench.processor.describeToken(token, soon())).toMatchObject({ kind: 'card' });
  const made = await dealings.charge('approved', { token, offSession: true });
  expect(made.outcome).toMatchObject({ kind: 'approved' });
  expect(books.readIntent(made.reference ?? '').customer).toBe('cus_ada');
  for (const wrong of [method, `cus_bob-${method}`, 'cus_ada-pm_card_visa']) {
    expect(await bench.processor.describeToken(wrong, soon())).toMatchObject({ kind: 'refused' });
    expect((await dealings.charge('approved', { token: wrong })).outcome).toMatchObject({ kind: 'misconfigured' });
  }
});

test('a payment method that is kept for nobody is charged once, and one of a customer again', async () => {
  const tokenized = await bench.processor.tokenize({ merchant: MERCHANT, card: CARD }, soon());
  const { token } = tokenized as { token: string };
  expect((await dealings.charge('approved', { token })).outcome).toMatchObject({ kind: 'approved' });
  expect((await dealings.charge('approved', { token })).outcome).toMatchObject({ kind: 'misconfigured' });
  const kept = `cus_ada-${books.wallet.attach('pm_card_visa', 'cus_ada')}`;
  for (let count = 0; count < 2; count++) {
    expect((await dealings.charge('approved', { token: kept })).outcome).toMatchObject({ kind: 'approved' });
  }
});

test('a bank account is no card', async () => {
  const method = books.wallet.attach('pm_card_visa', 'cus_ada');
  Object.assign(books.wallet.read(method).method, { type: 'us_bank_account', card: undefined });
  const description = await bench.processor.describeToken(`cus_ada-${method}`, soon());
  expect(description).toEqual({ kind: 'refused', message: 'The payment method is no card.' });
});

test('an account is checked by its credentials', async () => {
  expect(await bench.processor.check(soon())).toEqual({ kind: 'good' });
  const stripe = bench.connect({ secretKey: 'sk_test_wrong' });
  const message = 'Stripe refused it: invalid_api_key, in request req_stand_in.';
  expect(await stripe.check(soon())).toEqual({ kind: 'refused', message });
});

test.each(['rate_limited', 'html_502_before', 'error_500_before', 'cut_body', 'lock_timeout'] as const)(
  'an account cannot be checked while Stripe is %s',
  async (fault) => {
    faults.plan('balance', fault);
    expect(await bench.processor.check(soon())).toEqual({ kind: 'unreachable' });
  },
);

test.each([
  ['sk_test_1', 'whsec_1', 'TEST', undefined],
  ['rk_live_1', 'whsec_1', 'LIVE', undefined],
  ['sk_live_1', 'whsec_1', 'TEST', 'This is no key for test payments.'],
  ['sk_test_1', 'whsec_1', 'LIVE', 'This is no key for live payments.'],
  ['pk_test_1', 'whsec_1', 'TEST', 'A secret key of Stripe begins with sk_ or rk_, and test or live.'],
  ['sk_test_1', 'we_1', 'TEST', 'The signing secret of an endpoint begins with whsec_.'],
] as const)('%s and %s are credentials for %s payments', (secretKey, secret, mode, why) => {
  const credentials = { secretKey, notificationSecrets: [secret] };
  expect(stripeConnector().refusesCredentials(credentials, mode)).toBe(why);
});

async function statement(from: Date, until: Date): Promise<StatementLine[]> {
  return Array.fromAsync(bench.processor.statement(from, until, soon(), MERCHANT));
}

/** Puts all that was made so far into a day of its own, and what is made next into another. */
function dated(day: string): { readonly from: Date; readonly until: Date } {
  const from = new Date(`${day}T00:00:00Z`);
  for (const object of [...books.intents.values(), ...books.refunds.values()]) {
    if (object.created > from.getTime() / 1_000 + 86_400) object.created = from.getTime() / 1_000 + 3_600;
  }
  return { from, until: new Date(from.getTime() + 86_400_000) };
}

/** A line of that other day. */
const line = (of: { request: { key: string } }, state: string, amount: bigint) => ({
  kind: 'CHARGE',
  key: of.request.key,
  state,
  amount,
  currency: 'EUR',
  createdAt: new Date('2021-01-01T01:00:00Z'),
});

test('a statement tells of all charges and refunds of its time, with their keys', async () => {
  dated('2020-01-01');
  const captured = await dealings.charge('approved');
  const part = await dealings.authorize('approved');
  await dealings.move('capture', part, 400n);
  const held = await dealings.authorize('approved');
  const declined = await dealings.charge('lost_card');
  const waiting = await dealings.charge('challenged');
  const voided = await dealings.authorize('approved');
  await dealings.move('void', voided);
  await dealings.charge('approved', { keepReference: () => Promise.resolve(false) });
  const refund = await dealings.move('refund', captured, 300n);
  await dealings.charge('approved', { amount: 5n, currency: 'ISK' });
  const { from, until } = dated('2021-01-01');
  const lines = await statement(from, until);
  for (const expected of [
    line(captured, 'SUCCEEDED', AMOUNT),
    line(part, 'SUCCEEDED', 400n),
    line(held, 'AUTHORIZED', AMOUNT),
    line(declined, 'FAILED', AMOUNT),
    line(waiting, 'PENDING', AMOUNT),
    line(voided, 'CANCELED', AMOUNT),
    { ...line(refund, 'SUCCEEDED', 300n), kind: 'REFUND' },
  ]) {
    expect(lines).toContainEqual(expect.objectContaining(expected));
  }
  expect(lines.filter(({ currency }) => currency === 'ISK')).toEqual([expect.objectContaining({ amount: 5n })]);
  expect(lines).toHaveLength(8);
  expect(await statement(new Date('2019-01-01'), new Date('2019-12-31'))).toEqual([]);
});

test('a statement is read page by page, and never with a gap', async () => {
  for (let count = 0; count < 250; count++) {
    const params = { amount: 100, currency: 'eur', payment_method: 'pm_card_visa', metadata: {} };
    books.confirm(books.createIntent(params).id, {});
  }
  const { from, until } = dated('2022-01-01');
  const lines = await statement(from, until);
  expect(lines).toHaveLength(250);
  expect(new Set(lines.map(({ reference }) => reference)).size).toBe(250);
  expect(lines[0]?.key).toBeNull();
  const before = bench.standIn.asked.length;
  const iterator = bench.processor.statement(from, until, soon(), MERCHANT)[Symbol.asyncIterator]();
  await iterator.next();
  expect(bench.standIn.asked).toHaveLength(before + 1);
  faults.plan('list_intents', 'error_500_before');
  const rest = async (): Promise<void> => {
    while ((await iterator.next()).done !== true);
  };
  await expect(rest()).rejects.toThrow('Stripe did not tell all of its statement');
});
