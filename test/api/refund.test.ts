import { expect, test } from 'vitest';
import { only, useGateway } from '../harness/gateway.ts';
import { Interposed } from '../harness/interposed.ts';
import { Till } from '../harness/till.ts';
import { until } from '../harness/until.ts';

const processor = new Interposed();
// Recovery asks so late that the sandbox has told before.
const gateway = useGateway({ sandbox: { interpose: processor }, settings: { recoveryDelayMs: 30_000 } });
const till = new Till(gateway);

async function refund(paymentId: string, amount?: number) {
  return only(await till.refund({ paymentId, ...(amount !== undefined && { amount }) }), 'RefundPaymentPayload');
}

test('a refund gives everything back unless told otherwise', async () => {
  const paid = await till.pay();
  const given = only(await till.refund({ paymentId: paid.id, reason: 'returned' }), 'RefundPaymentPayload');
  expect(given).toMatchObject({
    replayed: false,
    refund: { status: 'SUCCEEDED', reason: 'returned', amount: { amount: 4999 } },
    payment: {
      status: 'SUCCEEDED',
      refundStatus: 'REFUNDED',
      amountCaptured: { amount: 4999 },
      amountRefunded: { amount: 4999 },
      maximumRefundable: { amount: 0 },
    },
  });
});

test('several partial refunds, down to nothing', async () => {
  const { id } = await till.pay({ amount: 1000 });
  expect((await refund(id, 300)).payment).toMatchObject({
    refundStatus: 'PARTIALLY_REFUNDED',
    amountRefunded: { amount: 300 },
    maximumRefundable: { amount: 700 },
  });
  expect((await refund(id, 200)).payment.maximumRefundable.amount).toBe(500);
  const { payment } = await refund(id);
  expect(payment).toMatchObject({ refundStatus: 'REFUNDED', amountRefunded: { amount: 1000 } });
  expect(payment.refunds.map(({ amount }) => amount.amount)).toEqual([300, 200, 500]);
});

test('more than is left is refused, and the answer says how much is left', async () => {
  const { id } = await till.pay({ amount: 1000 });
  await refund(id, 400);
  const refused = only(await till.refund({ paymentId: id, amount: 601 }), 'RefundTooLargeError');
  expect(refused).toMatchObject({
    code: 'AMOUNT_TOO_LARGE',
    path: ['input', 'amount'],
    maximumRefundable: { amount: 600, currency: 'EUR', decimal: '6.00' },
  });
  expect((await till.read(id)).refunds).toHaveLength(1);
});

test('refunds at the same time never give back more than was captured', async () => {
  const { id } = await till.pay({ amount: 1000 });
  const results = await Promise.all(Array.from({ length: 8 }, () => till.refund({ paymentId: id, amount: 300 })));
  expect(results.filter((result) => result.__typename === 'RefundPaymentPayload')).toHaveLength(3);
  expect(results.filter((result) => result.__typename === 'RefundTooLargeError')).toHaveLength(5);
  expect(await till.read(id)).toMatchObject({ amountRefunded: { amount: 900 }, maximumRefundable: { amount: 100 } });
});

test('what was not captured cannot be refunded', async () => {
  const created = await till.pay({ process: false });
  expect(only(await till.refund({ paymentId: created.id }), 'IllegalStateError').status).toBe('CREATED');
  const authorized = await till.authorize();
  const refused = only(await till.refund({ paymentId: authorized.id, amount: 1 }), 'RefundTooLargeError');
  expect(refused.maximumRefundable.amount).toBe(0);
});

test('4000000000007726: the refund is pending, then it succeeds', async () => {
  const { id } = await till.payWith('4000000000007726', { amount: 1000 });
  // However long the answer takes, the result is not told meanwhile.
  processor.notifies = false;
  const pending = await refund(id, 400).finally(() => (processor.notifies = true));
  expect(pending).toMatchObject({
    refund: { status: 'PENDING' },
    payment: {
      refundStatus: 'PENDING',
      amountRefunded: { amount: 0 },
      amountRefundPending: { amount: 400 },
      maximumRefundable: { amount: 600 },
    },
  });
  const settled = await until(async () => {
    const payment = await till.read(id);
    return payment.refundStatus !== 'PENDING' && payment;
  });
  expect(settled).toMatchObject({
    refundStatus: 'PARTIALLY_REFUNDED',
    amountRefunded: { amount: 400 },
    amountRefundPending: { amount: 0 },
    refunds: [{ status: 'SUCCEEDED' }],
  });
});

test('4000000000005126: the refund succeeds, then the bank sends it back and it can be given again', async () => {
  const { id } = await till.payWith('4000000000005126', { amount: 1000 });
  only(await till.refund({ paymentId: id }), 'RefundPaymentPayload');
  const returned = await until(async () => {
    const payment = await till.read(id);
    return payment.refundStatus === 'FAILED' && payment;
  });
  expect(returned).toMatchObject({
    status: 'SUCCEEDED',
    refundStatus: 'FAILED',
    amountRefunded: { amount: 0 },
    maximumRefundable: { amount: 1000 },
    refunds: [{ status: 'FAILED', failureCode: 'returned' }],
  });
  expect((await refund(id, 1000)).refund.amount.amount).toBe(1000);
});

test('a refund over several captures is shared out, the oldest first', async () => {
  const { id } = await till.authorize({ amount: 1000 });
  for (const amount of [300, 200, 500]) {
    only(await till.capture({ paymentId: id, amount }), 'CapturePaymentPayload');
  }
  await refund(id, 400);
  await refund(id, 350);
  const { rows } = await gateway().app.gateway.database.pool.query<{ refund: number; captures: number[] }>(
    `SELECT refund.amount::int AS refund, array_agg(refund_allocation.amount::int ORDER BY capture.created_at) AS captures
     FROM refund JOIN refund_allocation ON refund_id = refund.id JOIN capture ON capture_id = capture.id
     WHERE 'pay_' || refund.payment_id = $1 GROUP BY refund.id, refund.amount, refund.created_at ORDER BY refund.created_at`,
    [id],
  );
  expect(rows).toEqual([
    { refund: 400, captures: [300, 100] },
    { refund: 350, captures: [100, 250] },
  ]);
  expect(await till.read(id)).toMatchObject({ maximumRefundable: { amount: 250 } });
});
