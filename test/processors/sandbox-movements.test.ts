import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { deliverNotifications } from '../../src/processors/sandbox/notifications.ts';
import { NOW } from '../harness/present.ts';
import { AMOUNT, useBench, type Made } from './bench.ts';

const GOOD = '4242424242424242';
const CHALLENGED = '4000000000003220';
const CAPTURE_SUCCEEDS_LATER = '4000000000001083';
const CAPTURE_FAILS_LATER = '4000000000001091';
const CAPTURE_TAKEN_BACK = '4000000000001109';

const bench = useBench();

const succeeded = { kind: 'succeeded' };
const notPossible = (kind: string) => ({ kind: 'failed', reference: null, code: `${kind}_not_possible` });
const atOnce = <T>(times: number, act: () => Promise<T>) => Promise.all(Array.from({ length: times }, act));

test('an authorisation is captured in parts, and nothing beyond it', async () => {
  const made = await bench().authorize(GOOD);
  expect(await bench().capture(made, 400n)).toMatchObject(succeeded);
  expect(await bench().row(made)).toMatchObject({ captured: 400n, released: 0n, open: true });
  // How it was charged is one thing, what was captured since another.
  expect(await bench().lookUp(made)).toMatchObject({ kind: 'approved', captured: false, expiresAt: expect.any(Date) });
  expect(await bench().capture(made, 601n)).toMatchObject(notPossible('capture'));
  expect(await bench().capture(made, 600n)).toMatchObject(succeeded);
  expect(await bench().row(made)).toMatchObject({ captured: AMOUNT, released: 0n, open: false });
  expect(await bench().capture(made, 1n)).toMatchObject(notPossible('capture'));
  expect(await bench().void(made)).toMatchObject(notPossible('void'));
  // Nothing is held any more.
  expect(await bench().lookUp(made)).toMatchObject({ kind: 'expired' });
});

test('the final capture releases what it leaves', async () => {
  const made = await bench().authorize(GOOD);
  await bench().capture(made, 400n, { final: true });
  expect(await bench().row(made)).toMatchObject({ captured: 400n, released: 600n, open: false });
  expect(await bench().capture(made, 1n)).toMatchObject(notPossible('capture'));
});

test('an authorisation that was captured in part keeps what was captured when it expires', async () => {
  const made = await bench().authorize(GOOD);
  await bench().capture(made, 400n);
  await bench().elapse();
  expect(await bench().row(made)).toMatchObject({ status: 'approved', captured: 400n, released: 600n, open: false });
  expect(await bench().lookUp(made)).toMatchObject({ kind: 'expired' });
  expect(await bench().capture(made, 1n)).toMatchObject(notPossible('capture'));
  expect(await bench().refund(made, 400n)).toMatchObject(succeeded);
});

test.each(['expired', 'declined', 'voided', 'pending', 'action_required'])(
  'nothing is captured of %s',
  async (status) => {
    const number = { declined: '4000000000000002', pending: '4000000000001018', action_required: CHALLENGED }[status];
    const made = await bench().authorize(number ?? GOOD);
    if (status === 'expired') await bench().elapse();
    if (status === 'voided') await bench().void(made);
    expect(await bench().row(made)).toMatchObject({ status });
    expect(await bench().capture(made, 1n)).toMatchObject(notPossible('capture'));
    expect(await bench().refund(made, 1n)).toMatchObject(notPossible('refund'));
  },
);

test.each([
  [GOOD, 'an authorisation'],
  ['4000000000001018', 'a pending charge'],
  [CHALLENGED, 'a charge that waits for the payer'],
])('%s: a void ends %s, once', async (number) => {
  const made = await bench().authorize(number);
  expect(await bench().void(made)).toMatchObject(succeeded);
  expect(await bench().row(made)).toMatchObject({ status: 'voided', released: AMOUNT, open: false });
  await bench().elapse();
  expect(await bench().books.completeAction(made.reference, true)).toMatchObject({ status: 'voided' });
  expect(await bench().lookUp(made)).toEqual({ kind: 'voided', reference: made.reference });
  expect(await bench().void(made)).toMatchObject(notPossible('void'));
});

test('a void leaves what was captured', async () => {
  const made = await bench().authorize(GOOD);
  await bench().capture(made, 400n);
  expect(await bench().void(made)).toMatchObject(succeeded);
  expect(await bench().row(made)).toMatchObject({ status: 'approved', captured: 400n, released: 600n, open: false });
});

test.each([GOOD, '4000000000000002', CHALLENGED])('%s: what is over, or captured, cannot be voided', async (number) => {
  const made = await bench().charge(number);
  if (number === CHALLENGED) await bench().elapse();
  expect(await bench().void(made)).toMatchObject(notPossible('void'));
});

test('a capture is pending, then succeeds', async () => {
  const made = await bench().authorize(CAPTURE_SUCCEEDS_LATER);
  const key = randomUUID();
  expect(await bench().capture(made, AMOUNT, { key })).toMatchObject({ kind: 'pending' });
  await bench().elapse();
  expect(await bench().lookUpMovement(key)).toMatchObject(succeeded);
  expect(await bench().row(made)).toMatchObject({ captured: AMOUNT, released: 0n, open: false });
});

test.each([
  ['a part', 400n, false, { captured: 0n, released: 0n, open: true }],
  ['a final part', 400n, true, { captured: 0n, released: AMOUNT, open: false }],
  ['the whole', AMOUNT, false, { captured: 0n, released: AMOUNT, open: false }],
])('a pending capture of %s that fails gives it back', async (_what, amount, final, after) => {
  const made = await bench().authorize(CAPTURE_FAILS_LATER);
  const key = randomUUID();
  const pending = await bench().capture(made, amount, { final, key });
  expect(pending).toMatchObject({ kind: 'pending' });
  await bench().pool.query(`UPDATE sandbox_movement SET next_at = ${NOW} WHERE key = $1`, [key]);
  await bench().books.advance();
  expect(await bench().lookUpMovement(key)).toMatchObject({ ...pending, kind: 'failed', code: 'not_paid' });
  expect(await bench().row(made)).toMatchObject(after);
  expect((await bench().capture(made, AMOUNT)).kind).toBe(after.open ? 'pending' : 'failed');
});

test('a pending capture that fails after the authorisation is over releases what it gives back', async () => {
  const made = await bench().authorize(CAPTURE_FAILS_LATER);
  await bench().capture(made, 300n);
  await bench().capture(made, 300n);
  await bench().void(made);
  await bench().elapse();
  expect(await bench().row(made)).toMatchObject({ status: 'approved', captured: 0n, released: AMOUNT, open: false });
});

test('a capture that is taken back cannot be made again, though it was refunded', async () => {
  const made = await bench().authorize(CAPTURE_TAKEN_BACK);
  const key = randomUUID();
  expect(await bench().capture(made, 400n, { key })).toMatchObject(succeeded);
  expect(await bench().refund(made, 300n)).toMatchObject(succeeded);
  await bench().pool.query(`UPDATE sandbox_movement SET next_at = ${NOW} WHERE key = $1`, [key]);
  await bench().books.advance();
  expect(await bench().lookUpMovement(key)).toMatchObject({ kind: 'failed', code: 'not_paid' });
  expect(await bench().row(made)).toMatchObject({ captured: 0n, released: 400n, refunded: 300n, open: true });
  expect(await bench().refund(made, 1n)).toMatchObject(notPossible('refund'));
  expect(await bench().capture(made, 601n)).toMatchObject(notPossible('capture'));
  expect(await bench().capture(made, 600n)).toMatchObject(succeeded);
  expect(await bench().row(made)).toMatchObject({ captured: 600n, released: 400n, open: false });
});

test('refunds add up to what was captured at most', async () => {
  const made = await bench().authorize(GOOD);
  await bench().capture(made, 400n);
  expect(await bench().refund(made, 300n)).toMatchObject(succeeded);
  expect(await bench().refund(made, 101n)).toMatchObject(notPossible('refund'));
  expect(await bench().refund(made, 100n)).toMatchObject(succeeded);
});

test.each([
  ['4000000000007726', 'pending', 'succeeded', 300n],
  ['4000000000005126', 'succeeded', 'failed', 0n],
])('%s: a refund is %s, then %s', async (number, first, later, refunded) => {
  const made = await bench().charge(number);
  const key = randomUUID();
  const refund = await bench().refund(made, 300n, key);
  expect(refund).toMatchObject({ kind: first });
  expect(await bench().row(made)).toMatchObject({ refunded: 300n });
  await bench().elapse();
  const reference = 'reference' in refund ? refund.reference : null;
  expect(await bench().lookUpMovement(key)).toMatchObject({ reference, kind: later });
  expect(await bench().row(made)).toMatchObject({ refunded });
});

test('one key is one movement, however many ask at once and however little is left', async () => {
  const captured = await bench().authorize(GOOD);
  const voided = await bench().authorize(GOOD);
  const refunded = await bench().charge(GOOD);
  const keys = [randomUUID(), randomUUID(), randomUUID()] as const;
  const all = await Promise.all([
    atOnce(50, () => bench().capture(captured, AMOUNT, { key: keys[0] })),
    atOnce(50, () => bench().void(voided, keys[1])),
    atOnce(50, () => bench().refund(refunded, 400n, keys[2])),
  ]);
  for (const outcomes of all) {
    expect(outcomes[0]).toMatchObject(succeeded);
    expect(new Set(outcomes.map((outcome) => JSON.stringify(outcome))).size).toBe(1);
  }
  expect(await bench().row(refunded)).toMatchObject({ refunded: 400n });
});

test('of captures under keys of their own no more succeed than there is money for', async () => {
  const made = await bench().authorize(GOOD);
  const outcomes = await atOnce(20, () => bench().capture(made, 300n));
  expect(outcomes.filter(({ kind }) => kind === 'succeeded')).toHaveLength(3);
});

test('several gateways may let time pass at once: everything happens once', async () => {
  const made = await atOnce(5, () => bench().charge('4000000000005126'));
  await Promise.all(made.flatMap((each) => Array.from({ length: 5 }, () => bench().refund(each, 100n))));
  await bench().makeDue();
  await atOnce(10, () => bench().books.advance());
  for (const each of made) expect(await bench().row(each)).toMatchObject({ refunded: 0n });
});

test('another merchant has no such charge', async () => {
  const made = await bench().charge(GOOD);
  const request = { ...bench().movement(made, 1n), merchant: 'another' };
  expect(await bench().sandbox.refund(request)).toMatchObject(notPossible('refund'));
  expect(await bench().sandbox.capture({ ...request, final: false })).toMatchObject(notPossible('capture'));
  expect(
    await bench().sandbox.lookUpCharge({ merchant: 'another', key: made.key, reference: null, isLanded: true }),
  ).toEqual({
    kind: 'not_found',
  });
});

test('a change is told again until it is taken, and what changed meanwhile is told too', async () => {
  const made = await bench().authorize(CHALLENGED);
  const told: string[] = [];
  const deliver = (meanwhile: () => Promise<unknown>) =>
    deliverNotifications(bench().books, async ({ key }) => {
      if (key !== made.key) return;
      told.push((await bench().lookUp(made)).kind);
      await meanwhile();
    });
  await bench().books.completeAction(made.reference, true);
  await expect(deliver(() => Promise.reject(new Error('not now')))).rejects.toThrow('not now');
  await deliver(() => bench().elapse());
  await deliver(() => Promise.resolve());
  await deliver(() => Promise.resolve());
  expect(told).toEqual(['approved', 'approved', 'expired']);
});

const NUMBERS = [GOOD, CHALLENGED, CAPTURE_SUCCEEDS_LATER, CAPTURE_FAILS_LATER, CAPTURE_TAKEN_BACK];
const NUMBERS_OF_REFUNDS = ['4000000000007726', '4000000000005126', '4000000000001018', '4000000000001075'];

test('whatever is asked for at once, and whatever happens meanwhile, the books agree with themselves', async () => {
  const acts: ((made: Made, amount: bigint) => Promise<unknown>)[] = [
    (made, amount) => bench().capture(made, amount),
    (made, amount) => bench().capture(made, amount, { final: true }),
    (made, amount) => bench().refund(made, amount),
    (made) => bench().void(made),
    ({ reference }) => bench().books.completeAction(reference, true),
    () => bench().elapse(),
  ];
  const act = fc.tuple(fc.constantFrom(...acts), fc.bigInt(1n, AMOUNT / 2n));
  const charge = fc.tuple(fc.constantFrom(...NUMBERS, ...NUMBERS_OF_REFUNDS), fc.boolean());
  await fc.assert(
    fc.asyncProperty(charge, fc.array(fc.array(act, { maxLength: 4 }), { maxLength: 6 }), async (of, steps) => {
      const [number, captureNow] = of;
      const made = await bench().charge(number, { captureNow });
      for (const together of steps) await Promise.all(together.map(([each, amount]) => each(made, amount)));
      expect(await bench().inconsistent()).toEqual([]);
    }),
    { numRuns: 60 },
  );
});
