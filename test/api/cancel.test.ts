import { expect, test } from 'vitest';
import { only, useGateway } from '../harness/gateway.ts';
import { card, Till } from '../harness/till.ts';
import { until } from '../harness/until.ts';

const gateway = useGateway();
const till = new Till(gateway);
/** Its sandbox keeps results back for longer than any test takes. */
const slow = useGateway({ sandbox: { delayMs: 3_600_000 } });

async function cancel(paymentId: string) {
  return only(await till.cancel({ paymentId }), 'CancelPaymentPayload').payment;
}

test('CREATED is canceled with no processor asked', async () => {
  const created = await till.pay({ process: false });
  expect(await cancel(created.id)).toMatchObject({ status: 'CANCELED', attempts: [] });
});

test('AUTHORIZED is voided at the processor', async () => {
  const { id } = await till.authorize();
  expect(await cancel(id)).toMatchObject({
    status: 'CANCELED',
    amountCaptured: { amount: 0 },
    maximumCapturable: { amount: 0 },
    attempts: [{ status: 'CANCELED' }],
  });
  const { rows } = await gateway().app.gateway.database.pool.query<{ status: string }>(
    `SELECT sandbox_charge.status FROM sandbox_charge JOIN operation ON operation.processor_key = sandbox_charge.key
     WHERE 'pay_' || operation.payment_id = $1`,
    [id],
  );
  expect(rows).toEqual([{ status: 'voided' }]);
});

test('a partly captured payment keeps what was captured and ends SUCCEEDED', async () => {
  const { id } = await till.authorize({ amount: 1000 });
  only(await till.capture({ paymentId: id, amount: 300 }), 'CapturePaymentPayload');
  expect(await cancel(id)).toMatchObject({
    status: 'SUCCEEDED',
    amountCaptured: { amount: 300 },
    maximumCapturable: { amount: 0 },
    maximumRefundable: { amount: 300 },
  });
});

test('FAILED is canceled and cannot be processed any more', async () => {
  const failed = await till.payWith('4000000000000002');
  expect(await cancel(failed.id)).toMatchObject({ status: 'CANCELED', attempts: [{ status: 'FAILED' }] });
  const again = only(await till.process({ paymentId: failed.id, card: card() }), 'IllegalStateError');
  expect(again).toMatchObject({ status: 'CANCELED', allowedTransitions: [] });
});

test('a charge whose result is outstanding is voided', async () => {
  const shop = new Till(slow);
  const { id } = await shop.payWith('4000000000001018');
  only(await shop.cancel({ paymentId: id }), 'CancelPaymentPayload');
  // A round of the gateway may have taken the void on before the request did.
  const canceled = await until(async () => {
    const payment = await shop.read(id);
    return payment.status !== 'PROCESSING' && payment;
  });
  expect(canceled).toMatchObject({ status: 'CANCELED', amountCaptured: { amount: 0 } });
});

test('SUCCEEDED cannot be canceled', async () => {
  const paid = await till.pay();
  expect(only(await till.cancel({ paymentId: paid.id }), 'IllegalStateError')).toMatchObject({
    code: 'ILLEGAL_STATE',
    status: 'SUCCEEDED',
    path: ['input', 'paymentId'],
  });
  expect((await till.read(paid.id)).sequence).toBe(paid.sequence);
});

test('CANCELED cannot be canceled again', async () => {
  const created = await till.pay({ process: false });
  await cancel(created.id);
  expect(only(await till.cancel({ paymentId: created.id }), 'IllegalStateError').status).toBe('CANCELED');
});
