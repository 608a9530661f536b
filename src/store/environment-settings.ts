import { encodeId } from '../domain/ids.ts';
import { addAuditEntry, type AuditedBy } from './audit.ts';
import type { Database } from './database.ts';
import { transact } from './transaction.ts';

/** Client tokens that were made until a moment are refused from now on. @returns that moment, or a later one of before */
export async function refuseTokensUntil(database: Database, by: AuditedBy, moment: Date): Promise<Date> {
  const { environmentId } = by;
  return transact(database, async (transaction) => {
    const [row] = await transaction.query<{ before: Date | null; until: Date }>(
      `UPDATE environment SET tokens_valid_from = greatest(environment.tokens_valid_from, $2) FROM (
         SELECT id, tokens_valid_from FROM environment WHERE id = $1 FOR NO KEY UPDATE
       ) AS former
       WHERE environment.id = former.id
       RETURNING former.tokens_valid_from AS before, environment.tokens_valid_from AS until`,
      [environmentId, moment],
    );
    if (row === undefined) throw new Error('a caller without an environment');
    await addAuditEntry(transaction, by, {
      act: 'CLIENT_TOKENS_REVOKED',
      subject: encodeId('Environment', environmentId),
      before: { refusedUntil: row.before },
      after: { refusedUntil: row.until },
    });
    return { commit: true, value: row.until };
  });
}

/** Sets the schedule of automatic retries, in seconds. */
export async function setRetryDelays(database: Database, by: AuditedBy, delays: readonly number[]): Promise<void> {
  const { environmentId } = by;
  await transact(database, async (transaction) => {
    const [row] = await transaction.query<{ before: number[] }>(
      `UPDATE environment SET retry_delays = $2::int[] FROM (
         SELECT id, retry_delays FROM environment WHERE id = $1 FOR NO KEY UPDATE
       ) AS former
       WHERE environment.id = former.id RETURNING former.retry_delays AS before`,
      [environmentId, delays],
    );
    if (row === undefined) throw new Error('a caller without an environment');
    await addAuditEntry(transaction, by, {
      act: 'RETRY_SCHEDULE_SET',
      subject: encodeId('Environment', environmentId),
      before: { delaysSeconds: row.before },
      after: { delaysSeconds: delays },
    });
    return { commit: true, value: undefined };
  });
}
