import type { Pool } from 'pg';
import type { Discrepancy } from './books.ts';

/** What has not come to its end: each statement lists it, and none of them lists anything in the end. */
const STATEMENTS: Readonly<Record<string, string>> = {
  // One that was given up is looked for once more. A return that the bank sent back waits for an operator: see reconcile.ts.
  operation: `SELECT id, payment_id, kind, status, inquiries, recover_at FROM operation
              WHERE (status <> 'COMPLETED' OR recover_at IS NOT NULL) AND NOT (kind = 'RETURN' AND status = 'RAISED')`,
  payment: `SELECT id AS payment_id, status, refund_status FROM payment
            WHERE status IN ('PROCESSING', 'REQUIRES_ACTION', 'CAPTURED', 'RETRY_SCHEDULED') OR refund_status = 'PENDING'
               OR (status = 'AUTHORIZED' AND cancel_requested_at IS NOT NULL)`,
  attempt: `SELECT id, payment_id, status, flag FROM attempt
            WHERE status IN ('DISPATCHED', 'PENDING', 'REQUIRES_ACTION', 'UNKNOWN')
               OR (flag = 'LATE_SUCCESS_RETURNING' AND NOT EXISTS (
                 SELECT FROM operation WHERE operation.environment_id = attempt.environment_id
                   AND operation.attempt_id = attempt.id AND kind = 'RETURN' AND status = 'RAISED'))`,
  capture: `SELECT id, payment_id, status FROM capture WHERE status = 'PENDING'`,
  refund: `SELECT id, payment_id, status FROM refund WHERE status = 'PENDING'`,
  // One that was given up will never arrive.
  webhook: `SELECT id, payment_id, status, failure, attempt_count FROM webhook_delivery WHERE status <> 'SUCCEEDED'`,
  'sandbox charge': `SELECT id, key, status, next_status, notify FROM sandbox_charge
                     WHERE notify OR settles_at IS NOT NULL OR (next_at IS NOT NULL AND next_status <> 'expired')`,
  'sandbox movement': `SELECT id, key, kind, status, next_status, notify FROM sandbox_movement
                       WHERE notify OR settles_at IS NOT NULL OR next_at IS NOT NULL`,
};

/** Whatever is still under way, on either side. */
export async function readLeftovers(pool: Pool): Promise<Discrepancy[]> {
  const leftovers: Discrepancy[] = [];
  for (const [what, statement] of Object.entries(STATEMENTS)) {
    const { rows } = await pool.query<{ payment_id?: string }>(statement);
    for (const row of rows) {
      const text = `${what} ${JSON.stringify(row)}`;
      leftovers.push({ rule: 'nothing is left open', paymentId: row.payment_id ?? null, text });
    }
  }
  return leftovers;
}
