import type { Operation, ProcessorNotification } from '../../generated/prisma/client.ts';
import { fromRow, ROW_TYPES } from './columns.ts';
import type { Database } from './database.ts';
import { allOf } from './rows.ts';

/** What processors said of their own accord, until it was looked into. Times are the database's. */

export type NewNotification = Pick<
  ProcessorNotification,
  'environmentId' | 'id' | 'processorAccountId' | 'eventId' | 'type' | 'about'
> & { readonly body: Buffer };

/** Keeps a notification. @returns false for one that is kept already: processors send them again */
export async function addNotification({ pool }: Database, notification: NewNotification): Promise<boolean> {
  const { environmentId, id, processorAccountId, eventId, type, body, about } = notification;
  const { rowCount } = await pool.query({
    name: 'add_notification',
    text: `INSERT INTO processor_notification
             (environment_id, id, processor_account_id, event_id, type, body, about, next_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, CASE WHEN cardinality($7::text[]) > 0 THEN now() END)
           ON CONFLICT (environment_id, processor_account_id, event_id) DO NOTHING`,
    values: [environmentId, id, processorAccountId, eventId, type, body, about],
  });
  return rowCount === 1;
}

/** Takes notifications whose time has come, each for the length of a lease; of some accounts, none. */
export async function claimDueNotifications(
  { pool }: Database,
  claim: { readonly limit: number; readonly leaseMs: number; readonly except: readonly string[] },
): Promise<ProcessorNotification[]> {
  const { rows } = await pool.query<Record<string, unknown>>({
    name: 'claim_due_notifications',
    text: `UPDATE processor_notification
           SET next_at = now() + make_interval(secs => $2::float8 / 1000), tries = least(tries + 1, 32767)
           WHERE (environment_id, id) IN (
             SELECT environment_id, id FROM processor_notification
             WHERE next_at <= now() AND processor_account_id <> ALL ($3::uuid[])
             ORDER BY next_at LIMIT $1 FOR UPDATE SKIP LOCKED
           )
           RETURNING ${allOf('ProcessorNotification')}`,
    values: [claim.limit, claim.leaseMs, claim.except],
    types: ROW_TYPES,
  });
  return rows.map((row) => fromRow<ProcessorNotification>(row));
}

type NotificationKey = Pick<ProcessorNotification, 'environmentId' | 'id'>;

/** A notification was looked into, or belongs to nothing here. */
export async function endNotification(
  { pool }: Database,
  { environmentId, id }: NotificationKey,
  isApplied: boolean,
): Promise<void> {
  await pool.query({
    name: 'end_notification',
    text: `UPDATE processor_notification SET next_at = NULL, applied_at = CASE WHEN $3 THEN now() END
           WHERE environment_id = $1 AND id = $2`,
    values: [environmentId, id, isApplied],
  });
}

/** Looks at a notification again after so many milliseconds. */
export async function postponeNotification(
  { pool }: Database,
  { environmentId, id }: NotificationKey,
  delayMs: number,
): Promise<void> {
  await pool.query({
    name: 'postpone_notification',
    text: `UPDATE processor_notification SET next_at = now() + make_interval(secs => $3::float8 / 1000)
           WHERE environment_id = $1 AND id = $2 AND next_at IS NOT NULL`,
    values: [environmentId, id, delayMs],
  });
}

/** Deletes what has been over for so long. @returns how many */
export async function deleteOldNotifications(
  { pool }: Database,
  { limit, keptMs }: { readonly limit: number; readonly keptMs: number },
): Promise<number> {
  const { rowCount } = await pool.query({
    name: 'delete_old_notifications',
    text: `DELETE FROM processor_notification WHERE (environment_id, id) IN (
             SELECT environment_id, id FROM processor_notification
             WHERE next_at IS NULL AND received_at < now() - make_interval(secs => $2::float8 / 1000)
             ORDER BY received_at LIMIT $1 FOR UPDATE SKIP LOCKED
           )`,
    values: [limit, keptMs],
  });
  return rowCount ?? 0;
}

/**
 * The operations that a notification may bring news of, charges first: those that made what it names, and those under way
 * on the same charges, because some processors have no id of their own for a capture or a void.
 */
export async function findOperationsAbout(
  { pool }: Database,
  { environmentId, processorAccountId, about }: ProcessorNotification,
): Promise<Operation[]> {
  const { rows } = await pool.query<Record<string, unknown>>({
    name: 'find_operations_about',
    text: `WITH named AS (
             SELECT id, attempt_id FROM operation
             WHERE environment_id = $1 AND processor_account_id = $2 AND processor_reference = ANY ($3)
           )
           SELECT ${allOf('Operation')}
           FROM operation WHERE environment_id = $1 AND status <> 'PLANNED' AND attempt_id IN (SELECT attempt_id FROM named)
             AND (status <> 'COMPLETED' OR id IN (SELECT id FROM named))
           ORDER BY kind <> 'CHARGE', id`,
    values: [environmentId, processorAccountId, about],
    types: ROW_TYPES,
  });
  return rows.map((row) => fromRow<Operation>(row));
}
