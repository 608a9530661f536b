import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { AMOUNT, CAPTURED } from './contract/bench.ts';
import { Dealings, type Moved } from './contract/dealings.ts';
import { StripeBench } from './contract/stripe-bench.ts';

/** What is Stripe's own of captures, voids and refunds, beside what the contract asks of every connector. */

const bench = new StripeBench();
const dealings = new Dealings(bench);
const { books, faults } = bench.standIn;

beforeAll(() => bench.start());
afterAll(() => bench.standIn.stop());
beforeEach(() => bench.mend());

const unknown = { kind: 'unknown' } as const;

test('a capture is settled once its money is available, and says so when it is looked up', async () => {
  const made = await dealings.authorize('approved');
  const capture = await dealings.move('capture', made, 400n);
  books.settle(made.reference ?? '');
  const settled = { kind: 'succeeded', reference: made.reference, settledAt: new Date(1_234_567_890_000) };
  expect(await dealings.lookUpMovement(capture)).toEqual(settled);
});

test.each([
  ['lost', undefined, 'failed'],
  ['lost', 100, 'succeeded'],
  ['under_review', undefined, 'succeeded'],
] as const)('a dispute that is %s, over %s: the capture has %s', async (status, amount, kind) => {
  const made = await dealings.authorize('approved');
  const capture = await dealings.move('capture', made);
  books.dispute(made.reference ?? '', status, amount);
  expect(await dealings.lookUpMovement(capture)).toMatchObject({ kind, reference: made.reference });
  faults.plan('list_disputes', 'error_500_before');
  expect(await dealings.lookUpMovement(capture)).toEqual(unknown);
});

test('what someone captured at the dashboard counts where it is what was asked for', async () => {
  const made = await dealings.authorize('approved');
  books.capture(made.reference ?? '', { amount_to_capture: Number(AMOUNT) });
  const part = await dealings.move('capture', made, 400n);
  expect(part.outcome).toMatchObject({ kind: 'failed', reference: null, code: 'captured_otherwise' });
  expect(await dealings.lookUpMovement(part)).toMatchObject({ code: 'captured_otherwise' });
  expect((await dealings.move('capture', made)).outcome).toMatchObject({ kind: 'succeeded' });
  expect(await dealings.lookUp(made)).toMatchObject({ kind: 'approved', captured: true });
});

test('captured in part at the dashboard, a charge was authorised, and no more than that is said', async () => {
  const made = await dealings.authorize('approved');
  books.capture(made.reference ?? '', { amount_to_capture: 400 });
  expect(await dealings.lookUp(made)).toMatchObject({ kind: 'approved', captured: false, expiresAt: null });
});

test.each([
  ['challenged', 'requires_action'],
  ['pending_then_approved', 'processing'],
] as const)('a charge of a card that is %s cannot be captured', async (card, status) => {
  const made = await dealings.authorize(card);
  expect(books.readIntent(made.reference ?? '').status).toBe(status);
  const { outcome } = await dealings.move('capture', made);
  expect(outcome.kind).toBe(status === 'processing' ? 'pending' : 'failed');
});

test('what is processing cannot be voided', async () => {
  const made = await dealings.charge('pending_then_approved');
  const voided = await dealings.move('void', made);
  expect(voided.outcome).toMatchObject({ kind: 'failed', code: 'payment_intent_unexpected_state' });
  expect(await dealings.lookUpMovement(voided)).toEqual({ kind: 'not_found' });
});

test('what has expired counts as voided: nothing is held', async () => {
  const made = await dealings.authorize('approved');
  books.expire(made.reference ?? '');
  expect((await dealings.move('void', made)).outcome).toMatchObject({ kind: 'succeeded', reference: made.reference });
});

test('a void whose charge was captured meanwhile has failed', async () => {
  const made = await dealings.authorize('approved');
  await dealings.move('capture', made);
  const { merchant, key, currency } = made.request;
  const request = { merchant, key: `${key}:void`, currency, amount: AMOUNT, chargeReference: made.reference ?? '' };
  const looked = await dealings.lookUpMovement({ name: 'void', request, outcome: unknown });
  expect(looked).toMatchObject({ kind: 'failed', reference: null, code: 'void_not_possible' });
});

test('a refund is found by its key among more than a page of them', async () => {
  const made = await dealings.charge('approved');
  const first = await dealings.move('refund', made, 1n);
  for (let count = 0; count < 205; count++) {
    books.refund({ payment_intent: made.reference, amount: 1, metadata: { tender_key: `other ${count}` } });
  }
  const looked = await dealings.lookUpMovement({ ...first, outcome: unknown });
  expect(looked).toEqual(first.outcome);
  faults.plan('list_refunds', 'html_502_before');
  expect(await dealings.lookUpMovement({ ...first, outcome: unknown })).toEqual(unknown);
});

test('a refund of what was refunded already is refused, and one that was done is found', async () => {
  const made = await dealings.charge('approved');
  const refund = await dealings.move('refund', made);
  const again = await dealings.move('refund', made);
  expect(again.outcome).toMatchObject({ kind: 'failed', reference: null, code: 'charge_already_refunded' });
  expect(await dealings.lookUpMovement({ ...again, outcome: unknown })).toEqual({ kind: 'not_found' });
  expect(await dealings.lookUpMovement({ ...refund, outcome: unknown })).toEqual(refund.outcome);
});

test.each([
  ['canceled', { kind: 'failed', code: 'canceled' }],
  ['requires_action', { kind: 'pending' }],
  ['of_tomorrow', { kind: 'unknown' }],
] as const)('a refund that is %s', async (status, outcome) => {
  const made = await dealings.charge('approved');
  const refund = await dealings.move('refund', made);
  books.readRefund((refund.outcome as { reference: string }).reference).status = status;
  expect(await dealings.lookUpMovement(refund)).toMatchObject(outcome);
});

test('a refund whose id Stripe does not know is not found', async () => {
  const made = await dealings.charge('approved');
  const { request } = await dealings.move('refund', made);
  const moved: Moved = { name: 'refund', request, outcome: { kind: 'pending', reference: 're_none' } };
  expect(await dealings.lookUpMovement(moved)).toEqual({ kind: 'not_found' });
});

test.each(['capture', 'void', 'refund'] as const)('a %s of a charge that Stripe does not know', async (name) => {
  const made = await dealings.charge('approved');
  const moved = await dealings.move(name, { ...made, reference: 'pi_none' });
  expect(moved.outcome).toMatchObject({ kind: 'failed', reference: null, code: 'resource_missing' });
  expect(await dealings.money(made)).toEqual(CAPTURED);
});

test('an amount that Stripe cannot be told of is not asked for', async () => {
  const made = await dealings.charge('approved', { amount: 5_120n, currency: 'KWD' });
  expect((await dealings.move('refund', made, 5_124n)).outcome).toMatchObject({ code: 'amount_not_possible' });
  expect((await dealings.move('refund', made, 5_120n)).outcome).toMatchObject({ kind: 'succeeded' });
});

test('a key that was used for another refund is a bug, and no other is made up', async () => {
  const made = await dealings.charge('approved');
  const { request } = await dealings.move('refund', made, 400n);
  const other = bench.processor.refund({ ...request, amount: 300n }, AbortSignal.timeout(20_000));
  await expect(other).rejects.toThrow('an idempotency key came to Stripe');
  expect(await dealings.money(made)).toEqual({ ...CAPTURED, refunded: 400n });
});

test.each(['capture', 'void', 'refund'] as const)(
  'a %s of a charge that is not in the account is not known: it may have been made in the one that was asked',
  async (name) => {
    const made = await dealings.charge('approved', { captureNow: name === 'refund' });
    faults.plan(name === 'void' ? 'cancel' : name === 'refund' ? 'create_refund' : 'capture', 'html_502_after');
    const moved = await dealings.move(name, made);
    books.intents.delete(made.reference ?? '');
    expect(await dealings.lookUpMovement(moved)).toEqual(unknown);
  },
);
