import type { Operation, Payment } from '../../generated/prisma/client.ts';
import { fromRow, ROW_TYPES } from './columns.ts';
import type { Database } from './database.ts';
import { allOf } from './rows.ts';

/** How much of what is due is taken, and for how long; and whose is passed by, because enough of it is under way. */
interface Claim {
  readonly limit: number;
  readonly leaseMs: number;
  /** Accounts with processors; the name of a processor without any. */
  readonly except: readonly string[];
}

/**
 * Takes operations whose time has come, each for the length of a lease: another process passes them by until
 * then, and takes them after it if this one dies. Times are the database's.
 */
export async function claimDueOperations(database: Database, { limit, leaseMs, except }: Claim): Promise<Operation[]> {
  const { rows } = await database.pool.query<Record<string, unknown>>({
    name: 'claim_due_operations',
    text: `UPDATE operation SET recover_at = now() + make_interval(secs => $2::float8 / 1000), inquiries = least(inquiries + 1, 32767)
           WHERE (environment_id, id) IN (
             SELECT environment_id, id FROM operation
             WHERE recover_at <= now() AND coalesce(processor_account_id::text, processor) <> ALL ($3::text[])
             ORDER BY recover_at LIMIT $1 FOR UPDATE SKIP LOCKED
           )
           RETURNING ${allOf('Operation')}`,
    values: [limit, leaseMs, except],
    types: ROW_TYPES,
  });
  return rows.map((row) => fromRow<Operation>(row));
}

/** A payment that is due, and the lane of whoever would charge it. */
export type DuePayment = Pick<Payment, 'environmentId' | 'id' | 'dueAt'> & { readonly lane: string };

/**
 * Takes payments that the gateway has to do something about by itself, each for the length of a lease. Whether it
 * still has to is decided under the payment's lock.
 */
export async function claimDuePayments(database: Database, { limit, leaseMs, except }: Claim): Promise<DuePayment[]> {
  const { rows } = await database.pool.query<Record<string, unknown>>({
    name: 'claim_due_payments',
    text: `WITH due AS (
             SELECT payment.environment_id, payment.id,
               coalesce(method.processor_account_id::text, method.processor, '') AS lane
             FROM payment LEFT JOIN payment_method AS method
               ON method.environment_id = payment.environment_id AND method.id = payment.payment_method_id
             WHERE due_at <= now() AND coalesce(method.processor_account_id::text, method.processor, '') <> ALL ($3::text[])
             ORDER BY due_at LIMIT $1 FOR UPDATE OF payment SKIP LOCKED
           )
           UPDATE payment SET due_at = now() + make_interval(secs => $2::float8 / 1000)
           FROM due WHERE payment.environment_id = due.environment_id AND payment.id = due.id
           RETURNING payment.environment_id, payment.id, payment.due_at, due.lane`,
    values: [limit, leaseMs, except],
    types: ROW_TYPES,
  });
  return rows.map((row) => fromRow<DuePayment>(row));
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
