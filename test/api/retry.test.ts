import { beforeEach, expect, test } from 'vitest';
import { decline } from '../../src/domain/decline.ts';
import { Backstage } from '../harness/backstage.ts';
import { only, useGateway } from '../harness/gateway.ts';
import { Interposed } from '../harness/interposed.ts';
import { NOW } from '../harness/present.ts';
import { answers, lost } from '../harness/stand-ins.ts';
import { card, Till } from '../harness/till.ts';
import { until } from '../harness/until.ts';

const processor = new Interposed();
const gateway = useGateway({ sandbox: { interpose: processor } });
const till = new Till(gateway);
const backstage = new Backstage(gateway);

const NO_FUNDS = card('4000000000009995');
const HOUR = 3_600;
const DAY = 24 * HOUR;

beforeEach(async () => {
  processor.use({});
  await till.setRetrySchedule(HOUR, DAY);
});

/** Seconds from now until then. */
function ahead(time: string | null): number {
  if (time === null) throw new Error('there is no time');
  return (Date.parse(time) - Date.now()) / 1_000;
}

/** The retry's moment has come: the payment after it. */
async function retried(id: string) {
  await backstage.letFallDue(id);
  return till.read(id);
}

test('with no schedule a retryable decline is FAILED', async () => {
  await till.setRetrySchedule();
  expect(await till.retrySchedule()).toEqual([]);
  const failed = await till.pay({ card: NO_FUNDS });
  expect(failed).toMatchObject({ status: 'FAILED', retryAt: null, decline: { retryable: true } });
});

test('it is put off by each delay in turn, and FAILED after the last', async () => {
  expect(await till.retrySchedule()).toEqual([HOUR, DAY]);
  const first = await till.pay({ card: NO_FUNDS });
  expect(first).toMatchObject({ status: 'RETRY_SCHEDULED', decline: { code: 'insufficient_funds' } });
  expect(Math.abs(ahead(first.retryAt) - HOUR)).toBeLessThan(30);
  const second = await retried(first.id);
  expect(second).toMatchObject({
    id: first.id,
    status: 'RETRY_SCHEDULED',
    attempts: [
      { number: 1, kind: 'INITIAL', status: 'FAILED' },
      { number: 2, kind: 'SCHEDULED_RETRY', status: 'FAILED', createdBy: 'gateway' },
    ],
  });
  expect(Math.abs(ahead(second.retryAt) - DAY)).toBeLessThan(30);
  const third = await retried(first.id);
  expect(third).toMatchObject({ status: 'FAILED', retryAt: null });
  expect(third.attempts).toHaveLength(3);
  await backstage.runDuePayments();
  expect(await till.read(first.id)).toEqual(third);
  expect(await till.eventTypes(first.id)).toEqual([
    'PAYMENT_CREATED',
    'PAYMENT_PROCESSING',
    'PAYMENT_RETRY_SCHEDULED',
    'PAYMENT_PROCESSING',
    'PAYMENT_RETRY_SCHEDULED',
    'PAYMENT_PROCESSING',
    'PAYMENT_FAILED',
  ]);
});

test('a retry that is approved: SUCCEEDED, on the same payment', async () => {
  processor.use({
    charge: answers({ kind: 'declined', reference: null, decline: decline('issuer_not_available') }),
  });
  const { id } = await till.pay();
  processor.use({});
  expect(await retried(id)).toMatchObject({
    status: 'SUCCEEDED',
    decline: null,
    retryAt: null,
    attempts: [{ status: 'FAILED' }, { kind: 'SCHEDULED_RETRY', status: 'SUCCEEDED' }],
  });
  expect(await backstage.standing(id)).toEqual([4999]);
});

test('every attempt asks the processor under a key of its own, with nobody there for 3-D Secure', async () => {
  const asked: { key: string; offSession: boolean }[] = [];
  processor.use({
    charge: async ({ key, offSession }, pass) => {
      asked.push({ key, offSession });
      return pass();
    },
  });
  const { id } = await till.pay({ card: NO_FUNDS });
  await retried(id);
  await retried(id);
  expect(asked.map(({ offSession }) => offSession)).toEqual([false, true, true]);
  expect(new Set(asked.map(({ key }) => key)).size).toBe(3);
});

test.each(['4000000000000002', '4000000000009987', '4000000000000069'])(
  '%s: a hard decline is never tried again',
  async (number) => {
    expect(await till.payWith(number)).toMatchObject({ status: 'FAILED', retryAt: null });
  },
);

test('what was never executed is tried again, too', async () => {
  processor.use({ charge: lost });
  const { id } = await till.pay();
  processor.use({});
  await backstage.letTimePass(id, 0.5);
  expect(await till.read(id)).toMatchObject({ status: 'RETRY_SCHEDULED', decline: { code: 'not_executed' } });
  expect((await retried(id)).status).toBe('SUCCEEDED');
});

test('active: false at its creation: FAILED at once', async () => {
  const failed = await till.pay({ card: NO_FUNDS, active: false });
  expect(failed).toMatchObject({ status: 'FAILED', active: false, retryAt: null });
});

test('active: false later: the retry that waits is called off, for good', async () => {
  const { id } = await till.pay({ card: NO_FUNDS });
  const off = only(await till.update({ paymentId: id, active: false }), 'UpdatePaymentPayload').payment;
  expect(off).toMatchObject({ status: 'FAILED', active: false, retryAt: null });
  expect((await till.eventTypes(id)).at(-1)).toBe('PAYMENT_FAILED');
  const on = only(await till.update({ paymentId: id, active: true }), 'UpdatePaymentPayload').payment;
  expect(on).toMatchObject({ status: 'FAILED', active: true });
  await backstage.runDuePayments();
  expect((await till.read(id)).attempts).toHaveLength(1);
});

test('active: false while an attempt is under way: it is the last', async () => {
  const reached = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  processor.use({
    charge: async (_, pass) => {
      reached.resolve();
      await released.promise;
      return pass();
    },
  });
  const { id } = await till.pay({ process: false, card: NO_FUNDS });
  const processing = till.process({ paymentId: id });
  await reached.promise;
  only(await till.update({ paymentId: id, active: false }), 'UpdatePaymentPayload');
  released.resolve();
  expect(only(await processing, 'ProcessPaymentPayload').payment).toMatchObject({ status: 'FAILED', active: false });
});

test('processing by hand goes before the retry that waits; a decline then begins the schedule anew', async () => {
  const { id } = await till.pay({ card: NO_FUNDS });
  await retried(id);
  const again = only(await till.process({ paymentId: id }), 'ProcessPaymentPayload').payment;
  expect(again).toMatchObject({ status: 'RETRY_SCHEDULED', attempts: [{}, {}, { kind: 'RESUBMISSION' }] });
  expect(Math.abs(ahead(again.retryAt) - HOUR)).toBeLessThan(30);
  const paid = only(await till.process({ paymentId: id, card: card() }), 'ProcessPaymentPayload').payment;
  expect(paid).toMatchObject({ status: 'SUCCEEDED', retryAt: null });
  await backstage.letFallDue(id);
  expect((await till.read(id)).attempts).toHaveLength(4);
});

test('rounds at the same time make one attempt', async () => {
  const { id } = await till.pay({ card: NO_FUNDS });
  await gateway().app.gateway.database.pool.query(
    `UPDATE payment SET retry_at = ${NOW}, due_at = ${NOW} WHERE 'pay_' || id = $1`,
    [id],
  );
  await Promise.all([1, 2, 3, 4].map(() => backstage.runDuePayments()));
  const settled = await until(async () => {
    const payment = await till.read(id);
    return payment.status === 'RETRY_SCHEDULED' && payment.attempts.length > 1 && payment;
  });
  expect(settled.attempts.map(({ number }) => number)).toEqual([1, 2]);
});

test('two processes that both take it on make one attempt', async () => {
  processor.use({ charge: answers({ kind: 'declined', reference: null, decline: decline('processing_error') }) });
  const { id } = await till.pay();
  processor.use({});
  await Promise.all([1, 2, 3].map(() => backstage.letFallDue(id)));
  expect(await till.read(id)).toMatchObject({ status: 'SUCCEEDED', attempts: [{ number: 1 }, { number: 2 }] });
  expect(await backstage.standing(id)).toEqual([4999]);
});

test('a process that took it on and died delays it by no more than its lease', async () => {
  const { id } = await till.pay({ card: NO_FUNDS });
  const { pool } = gateway().app.gateway.database;
  // As the dead process left it: taken on, and nothing done.
  const past = (column: string) =>
    pool.query(
      `UPDATE payment SET retry_at = now() - interval '2 minutes', due_at = ${column} WHERE 'pay_' || id = $1`,
      [id],
    );
  await past("now() + interval '1 minute'");
  await backstage.runDuePayments();
  expect((await till.read(id)).attempts).toHaveLength(1);
  await past("now() - interval '1 second'");
  await backstage.runDuePayments();
  await until(async () => (await till.read(id)).attempts.length === 2);
});

test('after 50 attempts there is no other', async () => {
  const { id } = await till.pay({ process: false, card: NO_FUNDS });
  await gateway().app.gateway.database.pool.query(`UPDATE payment SET attempt_count = 49 WHERE 'pay_' || id = $1`, [
    id,
  ]);
  const last = only(await till.process({ paymentId: id }), 'ProcessPaymentPayload').payment;
  expect(last).toMatchObject({ status: 'FAILED', retryAt: null, attempts: [{ number: 50 }] });
  expect(only(await till.process({ paymentId: id }), 'InvalidInputError').message).toMatch(/at most 50/);
});

test('a schedule that is changed holds for declines from then on', async () => {
  const { id } = await till.pay({ card: NO_FUNDS });
  await till.setRetrySchedule();
  expect((await till.read(id)).status).toBe('RETRY_SCHEDULED');
  expect((await retried(id)).status).toBe('FAILED');
});

test('a stored card that was detached meanwhile is not charged any more: FAILED', async () => {
  const paymentMethodId = await till.storedCard(await till.customer(), '4000000000009995');
  const { id } = await till.pay({ paymentMethodId });
  await till.detach(paymentMethodId);
  expect(await retried(id)).toMatchObject({ status: 'FAILED', attempts: [{ number: 1 }], retryAt: null });
});
