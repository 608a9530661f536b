import type { Operation, Payment } from '../../generated/prisma/client.ts';
import { fromRow, ROW_TYPES } from './columns.ts';
import type { Database } from './database.ts';

/**
 * Takes operations whose time has come, each for the length of a lease: another process passes them by until
 * then, and takes them after it if this one dies. Times are the database's.
 */
export async function claimDueOperations(
  database: Database,
  { limit, leaseMs }: { readonly limit: number; readonly leaseMs: number },
): Promise<Operation[]> {
  const { rows } = await database.pool.query<Record<string, unknown>>({
    name: 'claim_due_operations',
    text: `UPDATE operation SET recover_at = now() + make_interval(secs => $2::float8 / 1000), inquiries = least(inquiries + 1, 32767)
           WHERE (environment_id, id) IN (
             SELECT environment_id, id FROM operation WHERE recover_at <= now()
             ORDER BY recover_at LIMIT $1 FOR UPDATE SKIP LOCKED
           )
           RETURNING *`,
    values: [limit, leaseMs],
    types: ROW_TYPES,
  });
  return rows.map((row) => fromRow<Operation>(row));
}

/**
 * Takes payments that the gateway has to do something about by itself, each for the length of a lease. Whether it
 * still has to is decided under the payment's lock.
 */
export async function claimDuePayments(
  database: Database,
  { limit, leaseMs }: { readonly limit: number; readonly leaseMs: number },
): Promise<Pick<Payment, 'environmentId' | 'id'>[]> {
  const { rows } = await database.pool.query<Record<string, unknown>>({
    name: 'claim_due_payments',
    text: `UPDATE payment SET due_at = now() + make_interval(secs => $2::float8 / 1000)
           WHERE (environment_id, id) IN (
             SELECT environment_id, id FROM payment WHERE due_at <= now()
             ORDER BY due_at LIMIT $1 FOR UPDATE SKIP LOCKED
           )
           RETURNING environment_id, id`,
    values: [limit, leaseMs],
    types: ROW_TYPES,
  });
  return rows.map((row) => fromRow<Pick<Payment, 'environmentId' | 'id'>>(row));
}

/**
 * Deletes idempotency keys whose time is over, counted from the request. A request whose outcome is not final, or has
 * been for less than `keepFinalMs`, keeps its key all the same; so does every key of a payment whose cancellation waits
 * for its processor.
 * @returns how many were deleted
 */
export async function deleteExpiredKeys(
  database: Database,
  { limit, keepFinalMs }: { readonly limit: number; readonly keepFinalMs: number },
): Promise<number> {
  const { rowCount } = await database.pool.query({
    name: 'delete_expired_keys',
    text: `DELETE FROM idempotency_key
           WHERE (environment_id, principal, operation, key) IN (
             SELECT key.environment_id, key.principal, key.operation, key.key
             FROM idempotency_key AS key
             JOIN payment ON payment.environment_id = key.environment_id AND payment.id = key.payment_id
             LEFT JOIN operation ON operation.environment_id = key.environment_id AND operation.id = key.operation_id
             WHERE key.expires_at <= now()
               AND (key.operation_id IS NULL
                 OR operation.completed_at <= now() - make_interval(secs => $2::float8 / 1000))
               AND payment.cancel_requested_at IS NULL
             ORDER BY key.expires_at LIMIT $1 FOR UPDATE OF key SKIP LOCKED
           )`,
    values: [limit, keepFinalMs],
  });
  return rowCount ?? 0;
}
