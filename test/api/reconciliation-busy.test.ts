import fc from 'fast-check';
import { beforeEach, expect, test } from 'vitest';
import { TEST_CARD_NUMBERS } from '../../src/processors/sandbox/cards.ts';
import { Backstage } from '../harness/backstage.ts';
import { only, useGateway } from '../harness/gateway.ts';
import { Interposed } from '../harness/interposed.ts';
import { LedgerDay } from '../harness/ledger-day.ts';
import { delayed, doneThenLost, lost } from '../harness/stand-ins.ts';
import { until } from '../harness/until.ts';

/** Whatever has happened between the two sides: once it is over, they agree, as long as nobody meddles with the books. */

const DELAY_MS = 30;
const processor = new Interposed();
const gateway = useGateway({
  sandbox: { interpose: processor, delayMs: DELAY_MS, limits: { callTimeoutMs: 6_000, inFlightWindowMs: 1_000 } },
  settings: { recoveryDelayMs: 50 },
});
const backstage = new Backstage(gateway);

beforeEach(() => processor.use({}));

/** Those that wait for their payer for a quarter of an hour are left out. */
const WAITING = ['4000000000003220', '4000002760003184', '4000008400001629', '4000000000001059'];
const deed = fc.record({
  number: fc.constantFrom(...TEST_CARD_NUMBERS.filter((number) => !WAITING.includes(number))),
  captureMethod: fc.constantFrom('AUTOMATIC', 'MANUAL'),
  amount: fc.integer({ min: 300, max: 9_000 }),
  next: fc.array(fc.constantFrom('capture some', 'capture the rest', 'cancel', 'refund some', 'refund'), {
    maxLength: 3,
  }),
  /** What becomes of the answers to the calls after the charge. */
  isLost: fc.constantFrom('no', 'no', 'no', 'before', 'after'),
});

type Deed = typeof deed extends fc.Arbitrary<infer D> ? D : never;

async function doDeed({ till }: LedgerDay, { number, captureMethod, amount, next, isLost }: Deed) {
  const { id: paymentId } = await till.payWith(number, { captureMethod, amount });
  const standIn = { no: undefined, before: lost, after: doneThenLost }[isLost];
  processor.use(standIn === undefined ? {} : { capture: standIn, refund: standIn, void: standIn });
  for (const each of next) {
    // Many of these are refused, and that is as good as anything.
    if (each === 'capture some') await till.capture({ paymentId, amount: 100, final: false });
    if (each === 'capture the rest') await till.capture({ paymentId });
    if (each === 'cancel') await till.cancel({ paymentId });
    if (each === 'refund some') await till.refund({ paymentId, amount: 50 });
    if (each === 'refund') await till.refund({ paymentId });
  }
}

test('after a day of busy traffic nothing differs', async () => {
  const seed = Date.now() % 2 ** 31;
  const day = await LedgerDay.open(gateway());
  const deeds = fc.sample(deed, { seed, numRuns: 60 });
  for (const each of deeds) await doDeed(day, each);
  processor.use({});
  // What was lost is not on its way any more.
  await day.plant(
    `UPDATE operation SET call_deadline = call_deadline - interval '1 hour', recover_at = now()
     WHERE environment_id::text = $1 AND status <> 'COMPLETED'`,
  );
  await day.settle();
  await day.pass();
  const { status, differing, underWay, agreeing, differences } = await day.compared();
  expect({ seed, status, differing, underWay, differences }).toEqual({
    seed,
    status: 'COMPLETED',
    differing: 0,
    underWay: 0,
    differences: [],
  });
  expect(agreeing).toBeGreaterThanOrEqual(60);
});

/** A charge that is made after it was given up and its payment was canceled, so that it is given back. */
async function returned(day: LedgerDay, captureMethod: 'AUTOMATIC' | 'MANUAL') {
  const { standIn, arrive } = delayed();
  processor.use({ charge: standIn });
  const { id } = await day.till.pay({ captureMethod });
  processor.use({});
  await backstage.letTimePass(id, 0.5);
  only(await day.till.cancel({ paymentId: id }), 'CancelPaymentPayload');
  await arrive();
  await backstage.notify(id, 'CHARGE');
  await until(async () => (await day.till.read(id)).attempts[0]?.flag === 'LATE_SUCCESS_RETURNED');
  return id;
}

test.each([
  ['AUTOMATIC', 2],
  ['MANUAL', 1],
] as const)('a late success that was given back agrees: %s', async (captureMethod, entries) => {
  const day = await LedgerDay.open(gateway());
  const id = await returned(day, captureMethod);
  await day.settle();
  expect(await day.till.read(id)).toMatchObject({ attempts: [{ flag: 'LATE_SUCCESS_RETURNED' }] });
  await day.pass();
  expect(await day.compared()).toMatchObject({ agreeing: entries, differing: 0, underWay: 0 });
});

test('a late success that was given back, and is not on their books as given back', async () => {
  const day = await LedgerDay.open(gateway());
  const id = await returned(day, 'AUTOMATIC');
  await day.settle();
  await day.pass();
  await day.plant(`DELETE FROM sandbox_movement WHERE merchant = $1`);
  expect((await day.compared()).differences).toMatchObject([
    {
      kind: 'MISSING_THERE',
      of: 'REFUND',
      payment: { id },
      operation: { kind: 'RETURN' },
      ours: { state: 'SUCCEEDED' },
    },
  ]);
});

test('a capture that was taken back agrees', async () => {
  const day = await LedgerDay.open(gateway());
  await day.till.payWith('4000000000001109');
  await day.settle();
  await day.pass();
  expect(await day.compared()).toMatchObject({ agreeing: 1, differing: 0, underWay: 0 });
});

test('a capture of a part that was taken back agrees, while the rest is held', async () => {
  const day = await LedgerDay.open(gateway());
  const { id: paymentId } = await day.till.payWith('4000000000001109', { captureMethod: 'MANUAL', amount: 302 });
  only(await day.till.capture({ paymentId, amount: 100, final: false }), 'CapturePaymentPayload');
  await day.settle();
  expect(await day.till.read(paymentId)).toMatchObject({ status: 'AUTHORIZED', amountReversed: { amount: 100 } });
  await day.pass();
  expect(await day.compared()).toMatchObject({ agreeing: 1, differing: 0, underWay: 0 });
});
