import { expect, test } from 'vitest';
import { decline } from '../../src/domain/decline.ts';
import { behaviorOf, TEST_CARD_NUMBERS } from '../../src/processors/sandbox/cards.ts';
import { AMOUNT, useBench } from './bench.ts';
import { until } from '../harness/until.ts';

const CHALLENGED = '4000000000003220';
const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

const bench = useBench();
// Short enough to be waited for, by those who ask the clock and not a test.
const hasty = useBench({ delayMs: 20, actionMs: 20, authorizationMs: 20, challengeUrl: (id) => `https://3ds/${id}` });

const declined = (code: Parameters<typeof decline>[0]) => ({ kind: 'declined', decline: decline(code) });

/** A time from now, give or take what a busy machine takes. */
function expectIn(ms: number, at: Date | null | undefined): void {
  const left = (at?.getTime() ?? 0) - Date.now();
  expect(left).toBeGreaterThan(ms - MINUTE_MS);
  expect(left).toBeLessThanOrEqual(ms + 1_000);
}

const numbersThat = (...kinds: string[]) =>
  TEST_CARD_NUMBERS.filter((number) => kinds.includes(behaviorOf(number)?.kind ?? ''));
const approvedAtOnce = [...numbersThat('approve', 'approve_with_refunds', 'hold_briefly'), '4000000000001109'];

test.each(approvedAtOnce)('%s is approved and captured', async (number) => {
  const made = await bench().charge(number);
  expect(made.outcome).toMatchObject({ kind: 'approved', captured: true, expiresAt: null });
  expect(await bench().row(made)).toMatchObject({ status: 'approved', captured: AMOUNT, released: 0n });
});

test.each([...approvedAtOnce, '4000000000001083', '4000000000001091'])('%s is authorised', async (number) => {
  const { outcome, ...made } = await bench().authorize(number);
  expect(outcome).toMatchObject({ kind: 'approved', captured: false });
  expectIn(number === '4000000000001075' ? 2_000 : 7 * DAY_MS, outcome.kind === 'approved' ? outcome.expiresAt : null);
  await bench().elapse();
  expect(await bench().lookUp(made)).toEqual({ kind: 'expired', reference: made.reference });
  expect(await bench().row(made)).toMatchObject({ captured: 0n, released: AMOUNT, open: false });
});

test.each(numbersThat('decline'))('%s is declined', async (number) => {
  const behavior = behaviorOf(number);
  const { outcome, ...made } = await bench().charge(number);
  expect(outcome).toMatchObject(declined(behavior?.kind === 'decline' ? behavior.code : 'not_executed'));
  expect(await bench().lookUp(made)).toEqual(outcome);
});

test.each([
  ['4000000000001018', { kind: 'approved', captured: true, expiresAt: null }],
  ['4000000000001067', declined('generic_decline')],
  ['4000000000001083', { kind: 'approved', captured: true, expiresAt: null }],
  ['4000000000001091', declined('generic_decline')],
])('%s, captured at once, is pending first', async (number, later) => {
  const made = await bench().charge(number);
  expect(made.outcome).toEqual({ kind: 'pending', reference: made.reference });
  await bench().elapse();
  expect(await bench().lookUp(made)).toMatchObject({ ...later, reference: made.reference });
  await bench().elapse();
  expect(await bench().lookUp(made)).toMatchObject(later);
});

test('an authorisation that is approved later is held from then on', async () => {
  const made = await bench().authorize('4000000000001018');
  await bench().elapse();
  const approved = await bench().lookUp(made);
  expect(approved).toMatchObject({ kind: 'approved', captured: false });
  expectIn(7 * DAY_MS, approved.kind === 'approved' ? approved.expiresAt : null);
  await bench().elapse();
  expect(await bench().lookUp(made)).toEqual({ kind: 'expired', reference: made.reference });
});

test('a payment that was captured is taken back by the bank, refunds or not', async () => {
  const made = await bench().charge('4000000000001109');
  expect(await bench().refund(made, 300n)).toMatchObject({ kind: 'succeeded' });
  await bench().elapse();
  expect(await bench().lookUp(made)).toMatchObject({ kind: 'reversed', reference: made.reference, code: 'reversed' });
  expect(await bench().row(made)).toMatchObject({ captured: 0n, released: AMOUNT, refunded: 300n, open: false });
  expect(await bench().refund(made, 1n)).toMatchObject({ kind: 'failed', code: 'refund_not_possible' });
  expect(await bench().void(made)).toMatchObject({ kind: 'failed', code: 'void_not_possible' });
});

test('the connection drops after the charge was made, or before', async () => {
  const after = await bench().charge('4000000000001026');
  expect(after.outcome).toEqual({ kind: 'unknown' });
  expect(await bench().lookUp(after)).toMatchObject({ kind: 'approved', captured: true });
  const before = await bench().charge('4000000000001034');
  expect(before.outcome).toEqual({ kind: 'unknown' });
  expect(await bench().lookUp(before)).toEqual({ kind: 'not_found' });
});

const challenged = numbersThat('challenge');

test.each(challenged)('%s waits for the payer, and no longer than it is told', async (number) => {
  const made = await bench().charge(number);
  expect(made.outcome).toMatchObject({
    kind: 'action_required',
    reference: made.reference,
    url: `http://127.0.0.1:4000/sandbox/challenge/${made.reference}`,
  });
  const { outcome } = made;
  const ms = number === '4000000000001042' ? 2_000 : 15 * MINUTE_MS;
  expectIn(ms, outcome.kind === 'action_required' ? outcome.expiresAt : null);
  expect(await bench().lookUp(made)).toEqual(outcome);
  await bench().elapse();
  expect(await bench().lookUp(made)).toEqual({ kind: 'expired', reference: made.reference });
});

test.each(challenged)('%s off session is declined: nobody is there to be asked', async (number) => {
  const { outcome } = await bench().charge(number, { offSession: true });
  expect(outcome).toMatchObject(declined('authentication_required'));
});

test.each([
  ['4000000000003220', { kind: 'approved', captured: true, expiresAt: null }],
  ['4000002760003184', { kind: 'approved', captured: true, expiresAt: null }],
  ['4000008400001629', declined('generic_decline')],
  ['4000000000001042', { kind: 'approved', captured: true, expiresAt: null }],
  ['4000000000001059', declined('three_d_secure_failed')],
])('%s: the payer passes, or does not', async (number, expected) => {
  const passed = await bench().charge(number);
  await bench().books.completeAction(passed.reference, true);
  expect(await bench().lookUp(passed)).toMatchObject(expected);
  const failed = await bench().charge(number);
  await bench().books.completeAction(failed.reference, false);
  expect(await bench().lookUp(failed)).toMatchObject(declined('three_d_secure_failed'));
});

test('the payer passes, and the authorisation is held from then on', async () => {
  const made = await bench().authorize(CHALLENGED);
  await bench().books.completeAction(made.reference, true);
  const approved = await bench().lookUp(made);
  expect(approved).toMatchObject({ kind: 'approved', captured: false });
  expectIn(7 * DAY_MS, approved.kind === 'approved' ? approved.expiresAt : null);
});

test('an action that is over is over', async () => {
  const made = await bench().charge(CHALLENGED);
  const first = await bench().books.completeAction(made.reference, true);
  expect(first).toMatchObject({ status: 'approved', amount: AMOUNT });
  expect(await bench().books.completeAction(made.reference, false)).toEqual(first);
  const late = await bench().charge(CHALLENGED);
  await bench().elapse();
  expect(await bench().books.completeAction(late.reference, true)).toMatchObject({ status: 'expired' });
  const other = await bench().charge('4242424242424242');
  expect(await bench().books.completeAction(other.reference, false)).toMatchObject({ status: 'approved' });
  expect(await bench().books.completeAction('ch_none', true)).toBeUndefined();
});

test('of a payer in the last second and the expiry one wins, and all agree on which', async () => {
  const made = await Promise.all(Array.from({ length: 30 }, () => bench().charge(CHALLENGED)));
  await bench().makeDue();
  const [answers] = await Promise.all([
    Promise.all(made.map(({ reference }, each) => bench().books.completeAction(reference, each % 2 === 0))),
    bench().books.advance(),
  ]);
  for (const [each, charge] of made.entries()) {
    const { status } = await bench().row(charge);
    expect(['expired', each % 2 === 0 ? 'approved' : 'declined']).toContain(status);
    expect(answers[each]?.status).toBe(status);
  }
});

test('one key is one charge, however many ask at once', async () => {
  for (const number of ['4242424242424242', CHALLENGED]) {
    const request = await bench().request(number);
    const outcomes = await Promise.all(Array.from({ length: 50 }, () => bench().sandbox.charge(request)));
    expect(new Set(outcomes.map((outcome) => JSON.stringify(outcome))).size).toBe(1);
    const { rows } = await bench().pool.query('SELECT 1 FROM sandbox_charge WHERE key = $1', [request.key]);
    expect(rows).toHaveLength(1);
  }
});

test('time is what the options say', async () => {
  const made = await hasty().authorize(CHALLENGED);
  expect(made.outcome).toMatchObject({ kind: 'action_required', url: `https://3ds/${made.reference}` });
  await until(async () => {
    await hasty().books.advance();
    return (await hasty().lookUp(made)).kind === 'expired';
  });
  const later = await hasty().authorize('4000000000001018');
  // Approved, and then let go: each after twenty milliseconds.
  await until(async () => {
    await hasty().books.advance();
    return (await hasty().lookUp(later)).kind === 'expired';
  });
});
