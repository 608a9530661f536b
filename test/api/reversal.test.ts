import { beforeEach, expect, test } from 'vitest';
import { Backstage } from '../harness/backstage.ts';
import { only, useGateway } from '../harness/gateway.ts';
import { Interposed } from '../harness/interposed.ts';
import { answers, doneThenLost, lost } from '../harness/stand-ins.ts';
import { Till } from '../harness/till.ts';

/** A capture that fails late: before it was confirmed, or after. */

const processor = new Interposed();
const gateway = useGateway({ sandbox: { interpose: processor } });
const till = new Till(gateway);
const backstage = new Backstage(gateway);

const returned = { kind: 'failed', reference: 'mv', code: 'bank_return', message: 'The bank did not pay.' } as const;
const reversed = { ...returned, kind: 'reversed', reference: 'ch', networkTransactionId: null } as const;

beforeEach(() => processor.use({}));

async function capture(paymentId: string, amount?: number) {
  const input = { paymentId, ...(amount !== undefined && { amount }) };
  return only(await till.capture(input), 'CapturePaymentPayload').payment;
}

/** An authorisation whose capture was accepted, and not confirmed. */
async function accepted(): Promise<string> {
  const { id } = await till.authorize();
  processor.use({
    capture: answers({ kind: 'pending', reference: 'mv' }),
    lookUpMovement: answers({ kind: 'pending', reference: 'mv' }),
  });
  expect(await capture(id)).toMatchObject({
    status: 'CAPTURED',
    amountCaptured: { amount: 0 },
    maximumCapturable: { amount: 0 },
    maximumRefundable: { amount: 0 },
    captures: [{ status: 'PENDING' }],
  });
  return id;
}

test('accepted, then confirmed: CAPTURED, then SUCCEEDED', async () => {
  const id = await accepted();
  processor.use({ lookUpMovement: answers({ kind: 'succeeded', reference: 'mv', settledAt: null }) });
  await backstage.notify(id, 'CAPTURE');
  expect(await till.read(id)).toMatchObject({
    status: 'SUCCEEDED',
    amountCaptured: { amount: 4999 },
    captures: [{ status: 'SUCCEEDED', reversal: null }],
    attempts: [{ status: 'SUCCEEDED' }],
  });
});

test('accepted, then failed: CAPTURED, then FAILED; it can be processed again', async () => {
  const id = await accepted();
  processor.use({ lookUpMovement: answers(returned) });
  await backstage.notify(id, 'CAPTURE');
  expect(await till.read(id)).toMatchObject({
    status: 'FAILED',
    amountCaptured: { amount: 0 },
    captures: [{ status: 'FAILED', reversal: null }],
    attempts: [{ status: 'FAILED' }],
  });
  processor.use({});
  const again = only(await till.process({ paymentId: id }), 'ProcessPaymentPayload').payment;
  expect(again.status).toBe('AUTHORIZED');
  expect(await capture(id)).toMatchObject({ status: 'SUCCEEDED', amountCaptured: { amount: 4999 } });
});

test('refused at once: it stays AUTHORIZED, and can be captured again', async () => {
  const { id } = await till.authorize();
  processor.use({ capture: answers({ ...returned, reference: null }) });
  expect(await capture(id)).toMatchObject({ status: 'AUTHORIZED', captures: [{ status: 'FAILED' }] });
  processor.use({});
  expect((await capture(id)).status).toBe('SUCCEEDED');
});

test('confirmed, then taken back: the payment has succeeded, a reversal says the rest, and nothing is left to refund', async () => {
  const { id } = await till.authorize();
  await capture(id);
  processor.use({ lookUpMovement: answers(returned) });
  await backstage.notify(id, 'CAPTURE');
  const taken = await till.read(id);
  expect(taken).toMatchObject({
    status: 'SUCCEEDED',
    amountCaptured: { amount: 4999 },
    amountReversed: { amount: 4999 },
    maximumRefundable: { amount: 0 },
    captures: [{ status: 'SUCCEEDED', reversal: { failureCode: 'bank_return' } }],
  });
  expect((await till.eventTypes(id)).at(-1)).toBe('CAPTURE_REVERSED');
  const refused = only(await till.refund({ paymentId: id, amount: 1 }), 'RefundTooLargeError');
  expect(refused.maximumRefundable.amount).toBe(0);
  await backstage.notify(id, 'CAPTURE');
  expect(await till.read(id)).toEqual(taken);
});

test('a charge that was captured at once is taken back', async () => {
  const { id } = await till.pay();
  processor.use({ lookUpCharge: answers(reversed) });
  await Promise.all([1, 2, 3].map(() => backstage.notify(id, 'CHARGE')));
  expect(await till.read(id)).toMatchObject({
    status: 'SUCCEEDED',
    amountReversed: { amount: 4999 },
    captures: [{ reversal: { failureCode: 'bank_return' } }],
  });
  only(await till.refund({ paymentId: id }), 'RefundTooLargeError');
});

test('a charge whose answer was lost is found taken back already: it succeeded, and was reversed', async () => {
  processor.use({ charge: lost, lookUpCharge: answers(reversed) });
  const { id } = await till.pay();
  await backstage.askAgain(id);
  expect(await till.read(id)).toMatchObject({
    status: 'SUCCEEDED',
    amountCaptured: { amount: 4999 },
    amountReversed: { amount: 4999 },
    maximumRefundable: { amount: 0 },
  });
});

test('a reversal after a part was refunded: no more can be refunded, and none of it is below zero', async () => {
  const { id } = await till.pay({ amount: 1000 });
  only(await till.refund({ paymentId: id, amount: 400 }), 'RefundPaymentPayload');
  processor.use({ lookUpCharge: answers(reversed) });
  await backstage.notify(id, 'CHARGE');
  expect(await till.read(id)).toMatchObject({
    refundStatus: 'PARTIALLY_REFUNDED',
    amountRefunded: { amount: 400 },
    amountReversed: { amount: 1000 },
    maximumRefundable: { amount: 0 },
  });
  only(await till.refund({ paymentId: id, amount: 1 }), 'RefundTooLargeError');
});

test('a refund that is under way when the capture is taken back ends as the processor says', async () => {
  const { id } = await till.pay({ amount: 1000 });
  processor.use({
    refund: doneThenLost,
    lookUpCharge: answers(reversed),
  });
  only(await till.refund({ paymentId: id, amount: 400 }), 'RefundPaymentPayload');
  await backstage.notify(id, 'CHARGE');
  await backstage.notify(id, 'REFUND');
  expect(await till.read(id)).toMatchObject({
    amountRefunded: { amount: 400 },
    amountRefundPending: { amount: 0 },
    amountReversed: { amount: 1000 },
    maximumRefundable: { amount: 0 },
  });
});

test('a capture that was given up as refused cannot be taken back', async () => {
  const { id } = await till.authorize();
  processor.use({ capture: answers(returned), lookUpMovement: answers(returned) });
  const refused = await capture(id);
  await backstage.notify(id, 'CAPTURE');
  expect(await till.read(id)).toEqual(refused);
});
