import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { decodeIdOf } from '../../src/domain/ids.ts';
import { only, useGateway } from '../harness/gateway.ts';
import { card, Till } from '../harness/till.ts';
import { until } from '../harness/until.ts';

/** Nothing is asked about before a test lets its time come, however long the test is held up until then. */
const gateway = useGateway({ settings: { recoveryDelayMs: 30_000 } });
const till = new Till(gateway);

const CHARGED_THEN_DROPPED = '4000000000001026';
const DROPPED_BEFORE = '4000000000001034';

/** The time of recovery has come: the gateway's own round asks. */
async function recovered(id: string) {
  await gateway().app.gateway.database.pool.query(
    `UPDATE operation SET recover_at = now(), call_deadline = now() - interval '1 hour'
     WHERE payment_id = $1 AND recover_at IS NOT NULL`,
    [decodeIdOf('Payment', id)],
  );
  return until(async () => {
    const payment = await till.read(id);
    return payment.status !== 'PROCESSING' && payment;
  });
}

test('the answer was lost and the charge was made: recovery finds the approval', async () => {
  const lost = await till.payWith(CHARGED_THEN_DROPPED);
  expect(lost).toMatchObject({ status: 'PROCESSING', decline: null, attempts: [{ status: 'UNKNOWN' }] });
  expect(await recovered(lost.id)).toMatchObject({
    status: 'SUCCEEDED',
    amountCaptured: { amount: 4999 },
    attempts: [{ number: 1, status: 'SUCCEEDED' }],
  });
});

test('the answer was lost and nothing was done: it fails once that is certain, and can be processed again', async () => {
  const lost = await till.payWith(DROPPED_BEFORE);
  expect(lost).toMatchObject({ status: 'PROCESSING', decline: null, attempts: [{ status: 'UNKNOWN' }] });
  const failed = await recovered(lost.id);
  expect(failed).toMatchObject({
    status: 'FAILED',
    decline: { code: 'not_executed', retryable: true },
    attempts: [{ status: 'FAILED' }],
  });
  const again = only(await till.process({ paymentId: lost.id, card: card() }), 'ProcessPaymentPayload');
  expect(again.payment).toMatchObject({ status: 'SUCCEEDED', amountCaptured: { amount: 4999 } });
});

test('while the outcome is unknown, nothing else is tried, and a cancellation is kept as a wish', async () => {
  const input = { idempotencyKey: randomUUID(), process: true, card: card(DROPPED_BEFORE) };
  const { payment } = only(await till.create(input), 'CreatePaymentPayload');
  expect(only(await till.process({ paymentId: payment.id, card: card() }), 'IllegalStateError').status).toBe(
    'PROCESSING',
  );
  const wished = only(await till.cancel({ paymentId: payment.id }), 'CancelPaymentPayload').payment;
  expect(wished).toMatchObject({ status: 'PROCESSING', cancelRequestedAt: expect.any(String) });
  const replayed = only(await till.create(input), 'CreatePaymentPayload');
  expect(replayed).toMatchObject({ replayed: true, payment: { status: 'PROCESSING' } });
  expect(replayed.payment.attempts).toHaveLength(1);
});
