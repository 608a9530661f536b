import type { Environment } from '../../generated/prisma/client.ts';
import { encodeId } from '../domain/ids.ts';
import { addAuditEntry, type AuditedBy } from './audit.ts';
import type { Database } from './database.ts';
import { transact, type Transaction } from './transaction.ts';

/** Client tokens that were made until a moment are refused from now on. @returns that moment, or a later one of before */
export async function refuseTokensUntil(database: Database, by: AuditedBy, moment: Date): Promise<Date> {
  const { environmentId } = by;
  return transact(database, async (transaction) => {
    const before = await lockEnvironment(transaction, environmentId);
    const until = before.tokensValidFrom !== null && before.tokensValidFrom > moment ? before.tokensValidFrom : moment;
    await transaction.query('UPDATE environment SET tokens_valid_from = $2 WHERE id = $1', [environmentId, until]);
    await addAuditEntry(transaction, by, {
      act: 'CLIENT_TOKENS_REVOKED',
      subject: encodeId('Environment', environmentId),
      before: { refusedUntil: before.tokensValidFrom },
      after: { refusedUntil: until },
    });
    return { commit: true, value: until };
  });
}

/** Sets the schedule of automatic retries, in seconds. */
export async function setRetryDelays(database: Database, by: AuditedBy, delays: readonly number[]): Promise<void> {
  const { environmentId } = by;
  await transact(database, async (transaction) => {
    const { retryDelays } = await lockEnvironment(transaction, environmentId);
    await transaction.query('UPDATE environment SET retry_delays = $2 WHERE id = $1', [environmentId, delays]);
    await addAuditEntry(transaction, by, {
      act: 'RETRY_SCHEDULE_SET',
      subject: encodeId('Environment', environmentId),
      before: { delaysSeconds: retryDelays },
      after: { delaysSeconds: delays },
    });
    return { commit: true, value: undefined };
  });
}

type EnvironmentSettings = Pick<Environment, 'retryDelays' | 'tokensValidFrom'>;

/** Locks an environment in a way that payments do not mind. @returns it as it is until the lock is released */
export async function lockEnvironment(transaction: Transaction, id: string): Promise<EnvironmentSettings> {
  const [environment] = await transaction.query<EnvironmentSettings>(
    'SELECT retry_delays, tokens_valid_from FROM environment WHERE id = $1 FOR NO KEY UPDATE',
    [id],
  );
  if (environment === undefined) throw new Error('a caller without an environment');
  return environment;
}
