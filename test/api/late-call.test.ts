import { expect, test } from 'vitest';
import { decodeIdOf } from '../../src/domain/ids.ts';
import { only, useGateway } from '../harness/gateway.ts';
import { card, Till } from '../harness/till.ts';
import { until } from '../harness/until.ts';

const CALL_TIMEOUT_MS = 300;

const gateway = useGateway({
  sandbox: { limits: { callTimeoutMs: CALL_TIMEOUT_MS, inFlightWindowMs: 50 } },
  settings: { recoveryDelayMs: 50 },
});
const till = new Till(gateway);

test('a call whose deadline passed behind a lock is never made: recovery may have given it up', async () => {
  const { payment } = only(await till.create({ card: card() }), 'CreatePaymentPayload');
  const { pool } = gateway().app.gateway.database;
  const holder = await pool.connect();
  try {
    await holder.query('BEGIN');
    await holder.query('SELECT 1 FROM payment WHERE id = $1 FOR UPDATE', [decodeIdOf('Payment', payment.id)]);
    const processing = till.process({ paymentId: payment.id });
    const releaseMs = performance.now() + 2 * CALL_TIMEOUT_MS;
    await until(() => performance.now() > releaseMs);
    await holder.query('COMMIT');
    expect(only(await processing, 'ProcessPaymentPayload').payment.status).toBe('PROCESSING');
  } finally {
    holder.release();
  }
  const failed = await until(async () => {
    const now = await till.read(payment.id);
    return now.status === 'FAILED' && now;
  });
  expect(failed.decline).toMatchObject({ code: 'not_executed' });
  const { rows } = await pool.query('SELECT 1 FROM sandbox_charge');
  expect(rows).toHaveLength(0);
});

test('an operation that was asked about without end does not stop the recovery of others', async () => {
  const { pool } = gateway().app.gateway.database;
  const old = await till.payWith('4000000000001018');
  await pool.query('UPDATE operation SET inquiries = 32767, recover_at = now() WHERE payment_id = $1', [
    decodeIdOf('Payment', old.id),
  ]);
  const lost = await till.payWith('4000000000001026');
  const found = await until(async () => {
    const now = await till.read(lost.id);
    return now.status === 'SUCCEEDED' && now;
  });
  expect(found.amountCaptured.amount).toBe(4999);
});
