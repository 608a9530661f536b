import { beforeEach, expect, test } from 'vitest';
import { Backstage } from '../harness/backstage.ts';
import { only, useGateway } from '../harness/gateway.ts';
import { Interposed } from '../harness/interposed.ts';
import { delayed, doneThenLost, lost } from '../harness/stand-ins.ts';
import { Till } from '../harness/till.ts';

/** A charge that was given up as never executed, and that the processor made after all. */

const processor = new Interposed();
/** Nothing that is unknown or pending is asked about before a test has it asked, however slow the machine is. */
const gateway = useGateway({ sandbox: { interpose: processor }, settings: { recoveryDelayMs: 30_000 } });
const till = new Till(gateway);
const backstage = new Backstage(gateway);

beforeEach(async () => {
  processor.use({});
  await till.setRetrySchedule();
});

type Input = Parameters<Till['pay']>[0];

/** A charge whose request is still on its way when it is given up. `arrive` lets the processor execute it. */
async function givenUp(input: Input = {}) {
  const { standIn, arrive } = delayed();
  processor.use({ charge: standIn });
  const { id } = await till.pay(input);
  processor.use({});
  await backstage.letTimePass(id, 0.5);
  return { id, arrive };
}

test('a FAILED payment takes it on', async () => {
  const { id, arrive } = await givenUp();
  expect(await till.read(id)).toMatchObject({ status: 'FAILED', decline: { code: 'not_executed' } });
  await arrive();
  await backstage.notify(id, 'CHARGE');
  expect(await till.read(id)).toMatchObject({
    status: 'SUCCEEDED',
    decline: null,
    amountCaptured: { amount: 4999 },
    maximumRefundable: { amount: 4999 },
    attempts: [{ status: 'SUCCEEDED', flag: 'LATE_SUCCESS_ADOPTED', decline: null }],
    captures: [{ status: 'SUCCEEDED', amount: { amount: 4999 } }],
  });
  expect(await backstage.standing(id)).toEqual([4999]);
  const refunded = only(await till.refund({ paymentId: id }), 'RefundPaymentPayload').payment;
  expect(refunded.refundStatus).toBe('REFUNDED');
  expect(await backstage.standing(id)).toEqual([]);
});

test('the processor does not tell: it is looked for once more, an hour later', async () => {
  const { id, arrive } = await givenUp();
  await arrive();
  await backstage.letTimePass(id, 0.1);
  expect((await till.read(id)).status).toBe('FAILED');
  await backstage.letTimePass(id, 1);
  expect(await till.read(id)).toMatchObject({
    status: 'SUCCEEDED',
    attempts: [{ flag: 'LATE_SUCCESS_ADOPTED' }],
  });
});

test('the later look finds nothing: it stays FAILED, and nobody looks again', async () => {
  const { id } = await givenUp();
  await backstage.letTimePass(id, 1);
  const looks = processor.calls.length;
  await backstage.letTimePass(id, 100);
  expect(processor.calls).toHaveLength(looks);
  expect(await till.read(id)).toMatchObject({ status: 'FAILED', attempts: [{ flag: null }] });
});

test('with manual capture it is taken on as AUTHORIZED, and can be captured', async () => {
  const { id, arrive } = await givenUp({ captureMethod: 'MANUAL' });
  await arrive();
  await backstage.notify(id, 'CHARGE');
  expect(await till.read(id)).toMatchObject({
    status: 'AUTHORIZED',
    maximumCapturable: { amount: 4999 },
    attempts: [{ status: 'AUTHORIZED', flag: 'LATE_SUCCESS_ADOPTED' }],
  });
  expect(only(await till.capture({ paymentId: id }), 'CapturePaymentPayload').payment.status).toBe('SUCCEEDED');
  expect(await backstage.standing(id)).toEqual([4999]);
});

test('out of RETRY_SCHEDULED it is taken on, and the retry is called off', async () => {
  await till.setRetrySchedule(3600);
  const { id, arrive } = await givenUp();
  expect(await till.read(id)).toMatchObject({ status: 'RETRY_SCHEDULED', retryAt: expect.any(String) });
  await arrive();
  await backstage.notify(id, 'CHARGE');
  expect(await till.read(id)).toMatchObject({ status: 'SUCCEEDED', retryAt: null });
  await backstage.letFallDue(id);
  expect((await till.read(id)).attempts).toHaveLength(1);
  expect(await backstage.standing(id)).toEqual([4999]);
});

test('a canceled payment stays CANCELED: the charge is refunded, and flagged', async () => {
  const { id, arrive } = await givenUp();
  only(await till.cancel({ paymentId: id }), 'CancelPaymentPayload');
  await arrive();
  await backstage.notify(id, 'CHARGE');
  expect(await till.read(id)).toMatchObject({
    status: 'CANCELED',
    refundStatus: 'NONE',
    amountCaptured: { amount: 0 },
    amountRefunded: { amount: 0 },
    attempts: [{ status: 'FAILED', flag: 'LATE_SUCCESS_RETURNED' }],
    captures: [],
    refunds: [],
  });
  expect(await backstage.charges(id)).toMatchObject([{ captured: 4999, refunded: 4999 }]);
});

test('a canceled payment with manual capture: the authorisation is voided', async () => {
  const { id, arrive } = await givenUp({ captureMethod: 'MANUAL' });
  only(await till.cancel({ paymentId: id }), 'CancelPaymentPayload');
  await arrive();
  await backstage.letTimePass(id, 1);
  expect((await till.read(id)).attempts).toMatchObject([{ flag: 'LATE_SUCCESS_RETURNED' }]);
  expect(await backstage.charges(id)).toMatchObject([{ status: 'voided', captured: 0 }]);
});

test('an expired payment stays EXPIRED: the charge is given back', async () => {
  const { id, arrive } = await givenUp({ expiresAt: new Date(Date.now() + 3_600_000).toISOString() });
  await backstage.letFallDue(id);
  await arrive();
  await backstage.notify(id, 'CHARGE');
  expect(await till.read(id)).toMatchObject({ status: 'EXPIRED', attempts: [{ flag: 'LATE_SUCCESS_RETURNED' }] });
  expect(await backstage.standing(id)).toEqual([]);
});

test('a payment that another attempt has paid keeps that one: two charges never stand', async () => {
  const { id, arrive } = await givenUp();
  only(await till.process({ paymentId: id }), 'ProcessPaymentPayload');
  await arrive();
  await backstage.notify(id, 'CHARGE');
  expect(await till.read(id)).toMatchObject({
    status: 'SUCCEEDED',
    refundStatus: 'NONE',
    amountCaptured: { amount: 4999 },
    maximumRefundable: { amount: 4999 },
    attempts: [
      { number: 1, status: 'FAILED', flag: 'LATE_SUCCESS_RETURNED' },
      { number: 2, status: 'SUCCEEDED', flag: null },
    ],
  });
  expect(await backstage.charges(id)).toMatchObject([
    { captured: 4999, refunded: 4999 },
    { captured: 4999, refunded: 0 },
  ]);
});

test('while another attempt is under way it is given back at once', async () => {
  const { id, arrive } = await givenUp();
  processor.use({ charge: doneThenLost });
  only(await till.process({ paymentId: id }), 'ProcessPaymentPayload');
  processor.use({});
  await arrive();
  await backstage.notify(id, 'CHARGE');
  expect(await till.read(id)).toMatchObject({
    status: 'SUCCEEDED',
    attempts: [{ flag: 'LATE_SUCCESS_RETURNED' }, { status: 'SUCCEEDED', flag: null }],
  });
  expect(await backstage.standing(id)).toEqual([4999]);
});

test('two attempts that were given up were both made: one is taken on, and the other given back', async () => {
  const { id, arrive } = await givenUp();
  const other = delayed();
  processor.use({ charge: other.standIn });
  only(await till.process({ paymentId: id }), 'ProcessPaymentPayload');
  processor.use({});
  await backstage.letTimePass(id, 0.5);
  expect(await till.read(id)).toMatchObject({ status: 'FAILED', attempts: [{}, {}] });
  await Promise.all([arrive(), other.arrive()]);
  await backstage.notify(id, 'CHARGE');
  const adopted = await till.read(id);
  expect(adopted).toMatchObject({
    status: 'SUCCEEDED',
    amountCaptured: { amount: 4999 },
    attempts: [{ flag: 'LATE_SUCCESS_ADOPTED' }, { flag: 'LATE_SUCCESS_RETURNED' }],
  });
  expect(await backstage.standing(id)).toEqual([4999]);
  // The first attempt counts now: it is the one that is refunded.
  only(await till.refund({ paymentId: id }), 'RefundPaymentPayload');
  expect(await backstage.standing(id)).toEqual([]);
});

test('it is told twice, and taken on once', async () => {
  const { id, arrive } = await givenUp();
  await arrive();
  await Promise.all([1, 2, 3].map(() => backstage.notify(id, 'CHARGE')));
  const adopted = await till.read(id);
  expect(adopted.captures).toHaveLength(1);
  await backstage.notify(id, 'CHARGE');
  expect(await till.read(id)).toEqual(adopted);
});

test('it is told twice, and given back once', async () => {
  const { id, arrive } = await givenUp();
  only(await till.cancel({ paymentId: id }), 'CancelPaymentPayload');
  await arrive();
  await Promise.all([1, 2, 3].map(() => backstage.notify(id, 'CHARGE')));
  await backstage.askAgain(id);
  expect((await till.operationsOf(id)).filter(({ kind }) => kind === 'RETURN')).toHaveLength(1);
  expect(await backstage.charges(id)).toMatchObject([{ captured: 4999, refunded: 4999 }]);
});

test('an approval that was asked about before it was given up is not believed: it is asked about anew', async () => {
  const asked = Promise.withResolvers<void>();
  const answered = Promise.withResolvers<void>();
  let looks = 0;
  processor.use({
    charge: lost,
    lookUpCharge: async (_, pass) => {
      if (++looks > 1) return pass();
      asked.resolve();
      await answered.promise;
      return {
        kind: 'approved',
        reference: 'ch_old',
        networkTransactionId: null,
        captured: true,
        expiresAt: null,
        settledAt: null,
      };
    },
  });
  const { id } = await till.pay();
  const old = backstage.notify(id, 'CHARGE');
  await asked.promise;
  await backstage.letTimePass(id, 0.5);
  const failed = await till.read(id);
  expect(failed.status).toBe('FAILED');
  answered.resolve();
  await old;
  expect(await till.read(id)).toEqual(failed);
  await backstage.askAgain(id);
  expect(looks).toBe(3);
  expect(await till.read(id)).toEqual(failed);
});
