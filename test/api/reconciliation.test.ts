import { beforeEach, expect, test } from 'vitest';
import { only, useGateway } from '../harness/gateway.ts';
import { Interposed } from '../harness/interposed.ts';
import { LedgerDay } from '../harness/ledger-day.ts';
import { doneThenLost } from '../harness/stand-ins.ts';

/** What differs between our rows and the sandbox's books is found, and nothing else is. */

const processor = new Interposed();
const gateway = useGateway({ sandbox: { interpose: processor } });

beforeEach(() => processor.use({}));

/** A day with something of each kind; all of it agrees. */
async function ordinaryDay() {
  const day = await LedgerDay.open(gateway());
  const { till } = day;
  const charged = await till.pay();
  const declined = await till.payWith('4000000000000002');
  const held = await till.authorize();
  const inPart = await till.authorize();
  only(await till.capture({ paymentId: inPart.id, amount: 3000, final: true }), 'CapturePaymentPayload');
  const voided = await till.authorize();
  only(await till.cancel({ paymentId: voided.id }), 'CancelPaymentPayload');
  const refunded = await till.pay();
  only(await till.refund({ paymentId: refunded.id, amount: 1200 }), 'RefundPaymentPayload');
  await day.settle();
  await day.pass();
  return { day, charged, declined, held, inPart, voided, refunded };
}

/** The charge of a payment in the sandbox's books, and its refund. */
const CHARGE = `merchant = $1 AND key = (SELECT processor_key FROM operation
  WHERE environment_id::text = $1 AND kind = 'CHARGE' AND 'pay_' || payment_id = $2)`;
const REFUND = CHARGE.replace("'CHARGE'", "'REFUND'");

test('a day on which nothing went wrong', async () => {
  const { day } = await ordinaryDay();
  const run = await day.compared();
  expect(run).toMatchObject({
    day: day.day,
    status: 'COMPLETED',
    daily: false,
    tries: 1,
    agreeing: 7,
    differing: 0,
    underWay: 0,
    strangers: 0,
    differences: [],
    processorAccount: null,
    createdBy: expect.stringMatching(/^key_/),
  });
});

const taken = (amount: number, currency = 'EUR') => ({ state: 'SUCCEEDED', amount: { amount, currency } });
const held = { state: 'AUTHORIZED', amount: { amount: 4999, currency: 'EUR' } };

test.each([
  ['charged', 'MISSING_THERE', 'CHARGE', taken(4999), null, `DELETE FROM sandbox_charge WHERE ${CHARGE}`],
  ['held', 'MISSING_THERE', 'CHARGE', held, null, `DELETE FROM sandbox_charge WHERE ${CHARGE}`],
  [
    'charged',
    'OTHER_AMOUNT',
    'CHARGE',
    taken(4999),
    taken(4998),
    `UPDATE sandbox_charge SET amount_captured = 4998 WHERE ${CHARGE}`,
  ],
  [
    'inPart',
    'OTHER_AMOUNT',
    'CHARGE',
    taken(3000),
    taken(4999),
    `UPDATE sandbox_charge SET amount_captured = amount, amount_released = 0 WHERE ${CHARGE}`,
  ],
  [
    'charged',
    'OTHER_CURRENCY',
    'CHARGE',
    taken(4999),
    taken(4999, 'USD'),
    `UPDATE sandbox_charge SET currency = 'USD' WHERE ${CHARGE}`,
  ],
  [
    'charged',
    'OTHER_STATE',
    'CHARGE',
    taken(4999),
    { state: 'FAILED' },
    `UPDATE sandbox_charge SET status = 'declined', amount_captured = 0 WHERE ${CHARGE}`,
  ],
  [
    'declined',
    'OTHER_STATE',
    'CHARGE',
    { state: 'FAILED' },
    taken(4999),
    `UPDATE sandbox_charge SET status = 'approved', amount_captured = amount WHERE ${CHARGE}`,
  ],
  [
    'held',
    'OTHER_STATE',
    'CHARGE',
    held,
    { state: 'CANCELED' },
    `UPDATE sandbox_charge SET status = 'voided', amount_released = amount WHERE ${CHARGE}`,
  ],
  [
    'held',
    'OTHER_STATE',
    'CHARGE',
    held,
    taken(4000),
    `UPDATE sandbox_charge SET amount_captured = 4000 WHERE ${CHARGE}`,
  ],
  [
    'voided',
    'OTHER_STATE',
    'CHARGE',
    { state: 'CANCELED' },
    held,
    `UPDATE sandbox_charge SET status = 'approved', amount_released = 0 WHERE ${CHARGE}`,
  ],
  ['refunded', 'MISSING_THERE', 'REFUND', taken(1200), null, `DELETE FROM sandbox_movement WHERE ${REFUND}`],
  [
    'refunded',
    'OTHER_AMOUNT',
    'REFUND',
    taken(1200),
    taken(2100),
    `UPDATE sandbox_movement SET amount = 2100 WHERE ${REFUND}`,
  ],
  [
    'refunded',
    'OTHER_STATE',
    'REFUND',
    taken(1200),
    { state: 'FAILED' },
    `UPDATE sandbox_movement SET status = 'failed' WHERE ${REFUND}`,
  ],
] as const)('of what was %s: %s of a %s (%j here, %j there)', async (which, kind, of, ours, theirs, statement) => {
  const { day, ...payments } = await ordinaryDay();
  const { id } = payments[which];
  expect(await day.plant(statement, id)).toBe(1);
  const run = await day.compared();
  expect(run).toMatchObject({ status: 'COMPLETED', agreeing: 6, differing: 1, count: 1 });
  expect(run.differences).toMatchObject([
    { kind, of, ours, theirs, payment: { id }, operation: { kind: of, payment: { id } } },
  ]);
});

test('what the processor did of its own accord is missing here', async () => {
  const { day, charged, refunded } = await ordinaryDay();
  await day.plant(
    `INSERT INTO sandbox_charge (merchant, id, key, token, status, amount, currency, capture_now, amount_captured,
       network_transaction_id, created_at)
     SELECT merchant, 'ch_planted', 'another key', token, status, 700, currency, true, 700, network_transaction_id, created_at
     FROM sandbox_charge WHERE ${CHARGE}`,
    charged.id,
  );
  await day.plant(
    `INSERT INTO sandbox_movement (merchant, id, charge_id, key, kind, status, amount, final, created_at)
     SELECT merchant, 'mv_planted', charge_id, 'one more', kind, status, 300, final, created_at
     FROM sandbox_movement WHERE ${REFUND}`,
    refunded.id,
  );
  const { differences, agreeing } = await day.compared();
  expect(agreeing).toBe(7);
  expect(differences).toMatchObject([
    { kind: 'MISSING_HERE', of: 'CHARGE', processorReference: 'ch_planted', payment: null, theirs: taken(700) },
    { kind: 'MISSING_HERE', of: 'REFUND', processorReference: 'mv_planted', operation: null, theirs: taken(300) },
  ]);
  expect(differences.map(({ ours }) => ours)).toEqual([null, null]);
});

test('differences are read page by page', async () => {
  const { day } = await ordinaryDay();
  await day.plant(`UPDATE sandbox_charge SET currency = 'USD' WHERE merchant = $1`);
  const whole = await day.compared();
  expect(whole).toMatchObject({ differing: 7, count: 7 });
  const [first] = await day.runs({ differences: 4 });
  expect(first).toMatchObject({ differences: whole.differences.slice(0, 4), page: { hasNextPage: true } });
  const [second] = await day.runs({ differences: 4, afterDifference: first?.page.endCursor ?? '' });
  expect(second).toMatchObject({ differences: whole.differences.slice(4), page: { hasNextPage: false } });
});

test('what is under way is no difference until some minutes have passed', async () => {
  const day = await LedgerDay.open(gateway());
  processor.use({ charge: doneThenLost, lookUpCharge: () => Promise.resolve({ kind: 'unknown' }) });
  const { id } = await day.till.pay();
  expect((await day.till.read(id)).status).toBe('PROCESSING');
  await day.pass();
  await day.plant(`UPDATE payment SET updated_at = now() - interval '9 minutes' WHERE environment_id::text = $1`);
  expect(await day.compared()).toMatchObject({ underWay: 1, differing: 0 });
  await day.plant(`UPDATE payment SET updated_at = now() - interval '11 minutes' WHERE environment_id::text = $1`);
  expect((await day.compared()).differences).toMatchObject([
    { kind: 'OTHER_STATE', ours: { state: 'UNKNOWN' }, theirs: { state: 'SUCCEEDED' }, payment: { id } },
  ]);
  processor.use({});
});

test('a later run replaces nothing: the newest counts', async () => {
  const { day, charged } = await ordinaryDay();
  await day.plant(`UPDATE sandbox_charge SET amount_captured = 1 WHERE ${CHARGE}`, charged.id);
  const wrong = await day.compared();
  await day.plant(`UPDATE sandbox_charge SET amount_captured = amount WHERE ${CHARGE}`, charged.id);
  const right = await day.compared();
  expect(await day.runs()).toMatchObject([
    { id: right.id, differing: 0 },
    { id: wrong.id, differing: 1, differences: [{ kind: 'OTHER_AMOUNT' }] },
  ]);
});

test('asking again for what waits already answers that', async () => {
  const day = await LedgerDay.open(gateway());
  const id = await day.putDown(60_000);
  const asked = only(await day.reconcile(), 'ReconcileDayPayload').reconciliation;
  expect(asked).toMatchObject({ id, status: 'WAITING', tries: 0, startedAt: null, finishedAt: null });
  expect(await day.runs()).toHaveLength(1);
});

test.each([
  [{ day: '2026-02-30' }, 'InvalidInputError', ['input', 'day']],
  [{ day: 'yesterday' }, 'InvalidInputError', ['input', 'day']],
  [{ day: '2199-01-01' }, 'InvalidInputError', ['input', 'day']],
  [{ processorAccountId: 'pra_x' }, 'NotFoundError', ['input', 'processorAccountId']],
  [
    { processorAccountId: 'pra_01890000-0000-7000-8000-000000000000' },
    'NotFoundError',
    ['input', 'processorAccountId'],
  ],
])('%j is refused', async (input, error, path) => {
  const day = await LedgerDay.open(gateway());
  expect(await day.reconcile(input)).toMatchObject({ __typename: error, path });
  expect(await day.runs()).toEqual([]);
});

test('others do not see it', async () => {
  const { day } = await ordinaryDay();
  const { id } = await day.compared();
  const { data } = await gateway().request(`{ node(id: "${id}") { id } reconciliations { totalCount } }`);
  expect(data).toEqual({ node: null, reconciliations: { totalCount: 0 } });
});
