import { createServer, type AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { decline } from '../../src/domain/decline.ts';
import { until } from '../harness/until.ts';
import { AMOUNT, CAPTURED, NOTHING } from './contract/bench.ts';
import { Dealings, soon, type Charged } from './contract/dealings.ts';
import { StripeBench } from './contract/stripe-bench.ts';

/** What is Stripe's own of a charge, beside what the contract asks of every connector. */

const bench = new StripeBench();
const dealings = new Dealings(bench);
const { books, faults, asked } = bench.standIn;

beforeAll(() => bench.start());
afterAll(() => bench.standIn.stop());
beforeEach(() => bench.mend());

const routesOf = (key: string) => asked.filter((each) => each.key?.startsWith(key)).map(({ route }) => route);

/** A charge that nobody waited for any more once its intent was created. */
const createdOnly = (): Promise<Charged> =>
  dealings.charge('approved', { keepReference: () => Promise.resolve(false) });

test('the reference is kept after the intent was created, and before it is confirmed', async () => {
  let soFar: string[] | undefined;
  const request = await dealings.request('approved');
  const made = await dealings.ask({
    ...request,
    keepReference: (reference) => {
      soFar = routesOf(request.key);
      expect(books.readIntent(reference).status).toBe('requires_confirmation');
      return Promise.resolve(true);
    },
  });
  expect(soFar).toEqual(['create_intent']);
  expect(routesOf(request.key)).toEqual(['create_intent', 'confirm']);
  expect(made.outcome).toMatchObject({ kind: 'approved', networkTransactionId: '104102978678771' });
});

test('what nobody waits for any more is not confirmed', async () => {
  const made = await createdOnly();
  expect(made.outcome).toEqual({ kind: 'not_sent' });
  expect(routesOf(made.request.key)).toEqual(['create_intent']);
});

test('where the reference cannot be kept, nothing is confirmed', async () => {
  const made = await dealings.charge('approved', { keepReference: () => Promise.reject(new Error('no database')) });
  expect(made.outcome).toEqual({ kind: 'unknown' });
  expect(await dealings.money(made)).toEqual(NOTHING);
});

test('Stripe is told of the payment, the key and the statement', async () => {
  const made = await dealings.charge('approved', { statementDescriptor: 'ORDER 12' });
  expect(books.readIntent(made.reference ?? '')).toMatchObject({
    amount: Number(AMOUNT),
    currency: 'eur',
    statement_descriptor_suffix: 'ORDER 12',
    metadata: { tender_payment: made.request.paymentId, tender_key: made.request.key },
  });
});

test.each([
  [false, 'unknown', 'requires_confirmation'],
  [true, 'not_sent', 'canceled'],
] as const)('a charge that was never confirmed, looked up when landed is %s, is %s', async (isLanded, kind, status) => {
  const made = await createdOnly();
  expect(await dealings.lookUp(made, { isLanded })).toEqual({ kind });
  expect(books.readIntent(made.reference ?? '').status).toBe(status);
  // And again, because the first answer may have been lost.
  expect(await dealings.lookUp(made, { isLanded })).toEqual({ kind });
});

test.each([
  ['update_intent', 'html_502_after'],
  ['update_intent', 'error_500_before'],
  ['cancel', 'reset_before'],
  ['cancel', 'reset_after'],
  ['cancel', 'error_500_after'],
  ['cancel', 'error_500_before'],
] as const)('giving up a charge that was never confirmed takes two looks: %s, %s', async (route, kind) => {
  const made = await createdOnly();
  faults.plan(route, kind, 2);
  expect(await dealings.lookUp(made)).toEqual({ kind: 'unknown' });
  await bench.mend();
  expect(await dealings.lookUp(made)).toEqual({ kind: 'not_sent' });
  expect(books.readIntent(made.reference ?? '').status).toBe('canceled');
});

test.each(['duplicate', 'abandoned', 'requested_by_customer', null] as const)(
  'an intent that someone else canceled is voided: %s',
  async (reason) => {
    const made = await createdOnly();
    books.cancel(made.reference ?? '', reason);
    expect(await dealings.lookUp(made)).toEqual({ kind: 'voided', reference: made.reference });
  },
);

test('an intent that is confirmed while it is given up counts as what it is', async () => {
  const made = await createdOnly();
  faults.plan('cancel', 'stalled');
  const before = bench.standIn.held;
  const looking = dealings.lookUp(made);
  await until(() => bench.standIn.held === before + 1);
  books.confirm(made.reference ?? '', {});
  await bench.mend();
  expect(await looking).toMatchObject({ kind: 'approved', captured: true });
});

test('an intent that is declined while it is given up was canceled by us, and by nobody else', async () => {
  const made = await dealings.charge('generic_decline', { keepReference: () => Promise.resolve(false) });
  faults.plan('update_intent', 'stalled');
  faults.plan('cancel', 'html_502_after');
  const before = bench.standIn.held;
  const looking = dealings.lookUp(made);
  await until(() => bench.standIn.held === before + 1);
  expect(() => books.confirm(made.reference ?? '', {})).toThrow('card_declined');
  bench.standIn.release();
  expect(await looking).toEqual({ kind: 'unknown' });
  expect(await dealings.lookUp(made)).toEqual({ kind: 'not_sent' });
});

test('a charge whose intent was canceled before it was confirmed is told as it stands', async () => {
  const made = await dealings.charge('approved', {
    keepReference: (reference) => {
      books.cancel(reference, 'requested_by_customer');
      return Promise.resolve(true);
    },
  });
  expect(made.outcome).toEqual({ kind: 'voided', reference: made.reference });
});

test('where no payer can be sent to 3-D Secure, and canceling fails, a look does it', async () => {
  faults.plan('cancel', 'error_500_before');
  const made = await dealings.charge('challenged', { returnUrl: null });
  expect(made.outcome).toEqual({ kind: 'unknown' });
  const returnUrlMissing = { kind: 'declined', reference: made.reference, decline: decline('return_url_missing') };
  expect(await dealings.lookUp(made)).toEqual(returnUrlMissing);
  expect(await dealings.lookUp(made)).toEqual(returnUrlMissing);
});

test('an authorisation that nobody captured in time has expired', async () => {
  const made = await dealings.authorize('approved');
  books.expire(made.reference ?? '');
  expect(await dealings.lookUp(made)).toEqual({ kind: 'expired', reference: made.reference });
});

test('a charge is settled once its money is available', async () => {
  const made = await dealings.charge('approved');
  books.settle(made.reference ?? '');
  expect(await dealings.lookUp(made)).toMatchObject({ kind: 'approved', settledAt: new Date(1_234_567_890_000) });
});

test.each([
  ['needs_response', undefined, 'approved'],
  ['won', undefined, 'approved'],
  ['lost', 400, 'approved'],
  ['lost', undefined, 'reversed'],
] as const)('a dispute that is %s, over %s, leaves a charge %s', async (status, amount, kind) => {
  const made = await dealings.charge('approved');
  books.dispute(made.reference ?? '', status, amount);
  expect(await dealings.lookUp(made)).toMatchObject({ kind, reference: made.reference });
  faults.plan('list_disputes', 'error_500_before');
  expect(await dealings.lookUp(made)).toEqual({ kind: 'unknown' });
});

test.each([
  'unanswered',
  'reset_before',
  'cut_body',
  'html_502_before',
  'error_500_before',
  'lock_timeout',
  'rate_limited',
] as const)('a look that fails says nothing: %s', async (kind) => {
  const made = await dealings.charge('approved');
  faults.plan('read_intent', kind, 2);
  const quick = bench.connect({ limits: { callTimeoutMs: kind === 'unanswered' ? 50 : 20_000 } });
  const { merchant, key } = made.request;
  const request = { merchant, key, reference: made.reference, isLanded: true };
  expect(await quick.lookUpCharge(request, soon())).toEqual({ kind: 'unknown' });
});

test('a reference that Stripe does not know is not found', async () => {
  const request = await dealings.request('approved');
  const looked = await dealings.lookUp({ request, reference: 'pi_none', outcome: { kind: 'unknown' } });
  expect(looked).toEqual({ kind: 'not_found' });
});

test.each([
  ['a token that is none', { token: '4242' }, "The token is none of Stripe's."],
  ['a token that Stripe does not know', { token: 'pm_none' }, /resource_missing/],
  ['an amount that it cannot be told', { amount: 5_124n, currency: 'KWD' }, /KWD/],
])('%s is for an operator to mend', async (_, rest, message) => {
  const { outcome } = await dealings.charge('approved', rest);
  expect(outcome).toEqual({ kind: 'misconfigured', message: expect.stringMatching(message) });
});

test('a wrong key is for an operator to mend, and is not told', async () => {
  const stripe = bench.connect({ secretKey: 'sk_test_wrong_and_secret' });
  const outcome = await stripe.charge(await dealings.request('approved'), soon());
  expect(outcome).toMatchObject({ kind: 'misconfigured', message: expect.stringContaining('invalid_api_key') });
  expect(JSON.stringify(outcome)).not.toContain('secret');
});

test('a key that was used for another charge is a bug, and no other is made up', async () => {
  const made = await dealings.charge('approved');
  const other = { ...made.request, amount: 2_000n };
  await expect(bench.processor.charge(other, soon())).rejects.toThrow('an idempotency key came to Stripe');
  expect(await dealings.money(made)).toEqual(CAPTURED);
});

test.each(['create_intent', 'confirm'] as const)(
  'one reset at %s is mended by the SDK, and charges once',
  async (route) => {
    faults.plan(route, 'reset_after');
    const made = await dealings.charge('approved');
    expect(made.outcome).toMatchObject({ kind: 'approved' });
    expect(await dealings.money(made)).toEqual(CAPTURED);
  },
);

test('a confirmation that was done, reset, and sent again into a busy Stripe is not known', async () => {
  faults.plan('confirm', 'reset_after');
  faults.plan('confirm', 'rate_limited');
  const made = await dealings.charge('approved');
  expect(made.outcome).toEqual({ kind: 'unknown' });
  expect(await dealings.lookUp(made)).toMatchObject({ kind: 'approved' });
  expect(await dealings.money(made)).toEqual(CAPTURED);
});

test('each request of a charge has a key of its own, derived from the attempt', async () => {
  const { request } = await dealings.charge('approved');
  const keys = asked.map(({ key }) => key).filter((key) => key?.startsWith(request.key));
  expect(keys).toEqual([`${request.key}:create`, `${request.key}:confirm`]);
});

test.each([
  [{ offSession: false }, 'expand[0]=latest_charge&return_url=https://shop.example/back'],
  [{ offSession: false, returnUrl: null }, 'expand[0]=latest_charge'],
  [{ offSession: true }, 'expand[0]=latest_charge&off_session=true'],
])('%o: Stripe is told whether there is a payer, and a way back', async (rest, told) => {
  const { request } = await dealings.charge('approved', rest);
  const confirmation = asked.find(({ key }) => key === `${request.key}:confirm`);
  expect(decodeURIComponent(confirmation?.body ?? '')).toBe(told);
});

test('while someone else makes the same charge, nobody knows what becomes of it', async () => {
  const request = await dealings.request('approved');
  faults.plan('create_intent', 'stalled');
  const before = bench.standIn.held;
  const first = dealings.ask(request);
  await until(() => bench.standIn.held === before + 1);
  const second = await dealings.ask(request);
  expect(second.outcome).toEqual({ kind: 'unknown' });
  await bench.mend();
  expect((await first).outcome).toMatchObject({ kind: 'approved' });
  expect(await dealings.money(second)).toEqual(CAPTURED);
});

test('what was reset is not sent again when its time is over', async () => {
  const made = await dealings.charge('approved');
  faults.plan('read_intent', 'reset_before');
  const before = asked.length;
  // It is over as soon as the request has come, and not before.
  const now = performance.now.bind(performance);
  const clock = vi.spyOn(performance, 'now').mockImplementation(() => now() + (asked.length > before ? 3_600_000 : 0));
  onTestFinished(() => clock.mockRestore());
  expect(await dealings.lookUp(made)).toEqual({ kind: 'unknown' });
  expect(asked).toHaveLength(before + 1);
});

test('a charge that is asked for twice at once is made once', async () => {
  const request = await dealings.request('approved');
  const both = await Promise.all([dealings.ask(request), dealings.ask(request)]);
  for (const { outcome } of both) expect(['approved', 'unknown']).toContain(outcome.kind);
  expect(await dealings.money(...both)).toEqual(CAPTURED);
});

test('where nobody answers at all, nothing was sent', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  const stripe = bench.connect({ apiUrl: `http://127.0.0.1:${port}` });
  expect(await stripe.charge(await dealings.request('approved'), soon())).toEqual({ kind: 'not_sent' });
  const movement = { merchant: 'm', key: 'k', chargeReference: 'pi_1', amount: 1n, currency: 'EUR' };
  expect(await stripe.refund(movement, soon())).toEqual({ kind: 'not_sent' });
  expect(await stripe.check(soon())).toEqual({ kind: 'unreachable' });
});

test('a request that is not answered in time is left behind', async () => {
  const stripe = bench.connect({ limits: { callTimeoutMs: 50 } });
  faults.plan('create_intent', 'unanswered');
  expect(await stripe.charge(await dealings.request('approved'), soon())).toEqual({ kind: 'not_sent' });
  faults.plan('create_refund', 'unanswered');
  const movement = { merchant: 'm', key: 'unanswered', chargeReference: 'pi_1', amount: 1n, currency: 'EUR' };
  expect(await stripe.refund(movement, soon())).toEqual({ kind: 'unknown' });
});
