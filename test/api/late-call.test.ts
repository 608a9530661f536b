import { expect, onTestFinished, test } from 'vitest';
import { decodeIdOf } from '../../src/domain/ids.ts';
import { only, startGateway, useGateway } from '../harness/gateway.ts';
import { card, Till } from '../harness/till.ts';
import { until } from '../harness/until.ts';

const CALL_TIMEOUT_MS = 300;

/** Nothing is asked about before a test lets its time come. */
const settings = { recoveryDelayMs: 30_000 };
const gateway = useGateway({ settings });
const till = new Till(gateway);
const pool = () => gateway().app.gateway.database.pool;

async function letFallDue(paymentId: string): Promise<void> {
  await pool().query(
    `UPDATE operation SET recover_at = now(), call_deadline = now() - interval '1 hour'
     WHERE payment_id = $1 AND recover_at IS NOT NULL`,
    [decodeIdOf('Payment', paymentId)],
  );
}

/** Somebody waits for a lock. */
async function isAnyoneWaiting(): Promise<boolean> {
  const { rowCount } = await pool().query(
    `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
  );
  return rowCount !== 0;
}

test('a call whose deadline passed behind a lock is never made: recovery may have given it up', async () => {
  const { payment } = only(await till.create({ card: card() }), 'CreatePaymentPayload');
  // Its calls have so little time that nothing else could be done there.
  const limits = { callTimeoutMs: CALL_TIMEOUT_MS };
  const hurried = await startGateway({ role: 'api', sandbox: { limits }, settings }, gateway());
  onTestFinished(() => hurried.app.close());
  const holder = await pool().connect();
  try {
    await holder.query('BEGIN');
    await holder.query('SELECT 1 FROM payment WHERE id = $1 FOR UPDATE', [decodeIdOf('Payment', payment.id)]);
    const processing = new Till(() => hurried).process({ paymentId: payment.id });
    await until(isAnyoneWaiting);
    const releaseMs = performance.now() + 2 * CALL_TIMEOUT_MS;
    await until(() => performance.now() > releaseMs);
    await holder.query('COMMIT');
    expect(only(await processing, 'ProcessPaymentPayload').payment.status).toBe('PROCESSING');
  } finally {
    holder.release();
  }
  await letFallDue(payment.id);
  const failed = await until(async () => {
    const now = await till.read(payment.id);
    return now.status === 'FAILED' && now;
  });
  expect(failed.decline).toMatchObject({ code: 'not_executed' });
  const { rows } = await pool().query('SELECT 1 FROM sandbox_charge');
  expect(rows).toHaveLength(0);
});

test('an operation that was asked about without end does not stop the recovery of others', async () => {
  const old = await till.payWith('4000000000001018');
  await pool().query('UPDATE operation SET inquiries = 32767, recover_at = now() WHERE payment_id = $1', [
    decodeIdOf('Payment', old.id),
  ]);
  const lost = await till.payWith('4000000000001026');
  await letFallDue(lost.id);
  const found = await until(async () => {
    const now = await till.read(lost.id);
    return now.status === 'SUCCEEDED' && now;
  });
  expect(found.amountCaptured.amount).toBe(4999);
});
