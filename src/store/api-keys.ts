import type { ApiKey, Environment } from '../../generated/prisma/client.ts';
import { encodeId } from '../domain/ids.ts';
import { insertKey, IS_GOOD, type NewKey } from './access.ts';
import { addAuditEntry, type AuditedBy } from './audit.ts';
import type { Database } from './database.ts';
import { lockEnvironment } from './environment-settings.ts';
import { transact, type Transaction } from './transaction.ts';

/** A key with the one that has taken its place, if one has. */
export type KeyWithReplacement = ApiKey & { readonly replacement: Pick<ApiKey, 'id'> | null };

/** A key by its id, one that is over too. */
export async function findApiKey(
  { prisma }: Database,
  environmentId: string,
  id: string,
): Promise<KeyWithReplacement | undefined> {
  const where = { environmentId_id: { environmentId, id } };
  const include = { replacement: { select: { id: true } } } as const;
  return (await prisma.apiKey.findUnique({ where, include })) ?? undefined;
}

/** Whether an environment has room for one more key. Requests at once are counted one after the other. */
async function hasRoom(transaction: Transaction, environmentId: string, limit: number): Promise<boolean> {
  const [there] = await transaction.query<{ count: number }>(
    `SELECT count(*)::int AS count FROM api_key WHERE environment_id = $1 AND ${IS_GOOD}`,
    [environmentId],
  );
  return there !== undefined && there.count < limit;
}

/** Adds a key, unless the environment has so many that are good. @returns its secret */
export async function createKey(
  database: Database,
  by: AuditedBy,
  key: NewKey,
  limit: number,
): Promise<string | undefined> {
  const { id, scopes, expiresAt, environment } = key;
  return transact(database, async (transaction) => {
    await lockEnvironment(transaction, environment.id);
    if (!(await hasRoom(transaction, environment.id, limit))) return { commit: false, value: undefined };
    const secret = await insertKey(transaction, key);
    const subject = encodeId('ApiKey', id);
    await addAuditEntry(transaction, by, { act: 'API_KEY_CREATED', subject, after: { scopes, expiresAt } });
    return { commit: true, value: secret };
  });
}

type Rolled = { readonly secret: string } | 'over' | 'replaced' | 'too_many';

/**
 * Puts a new key in the place of another, which goes on for an overlap, or until it would have ended anyway.
 * @param key.replacesId the other one
 * @returns the new secret; "over" if the other one is, "replaced" if it has been, "too_many" where there is no room
 */
export async function rollKey(
  database: Database,
  by: AuditedBy,
  key: NewKey & { readonly replacesId: string },
  { overlapSeconds, limit }: { readonly overlapSeconds: number; readonly limit: number },
): Promise<Rolled> {
  const { replacesId, environment, scopes, expiresAt } = key;
  return transact<Rolled>(database, async (transaction) => {
    await lockEnvironment(transaction, environment.id);
    const of = [environment.id, replacesId];
    const [before] = await transaction.query<Pick<ApiKey, 'expiresAt'>>(
      `SELECT expires_at FROM api_key WHERE environment_id = $1 AND id = $2 AND ${IS_GOOD} FOR NO KEY UPDATE`,
      of,
    );
    if (before === undefined) return { commit: false, value: 'over' };
    // Cut off to what the column holds: rounded up, a key without an overlap would outlive this moment.
    const [after] = await transaction.query<Pick<ApiKey, 'expiresAt'>>(
      `UPDATE api_key
       SET expires_at = least(expires_at, date_trunc('milliseconds', now()) + make_interval(secs => $3))
       WHERE environment_id = $1 AND id = $2 RETURNING expires_at`,
      [...of, overlapSeconds],
    );
    if (!(await hasRoom(transaction, environment.id, limit))) return { commit: false, value: 'too_many' };
    const secret = await insertKey(transaction, key);
    if (secret === undefined) return { commit: false, value: 'replaced' };
    await addAuditEntry(transaction, by, {
      act: 'API_KEY_ROLLED',
      subject: encodeId('ApiKey', replacesId),
      before,
      after: { ...after, replacement: { id: encodeId('ApiKey', key.id), scopes, expiresAt } },
    });
    return { commit: true, value: { secret } };
  });
}

/** Ends a key at once, if it was not revoked before. */
export async function revokeKey(database: Database, by: AuditedBy, id: string): Promise<void> {
  await transact(database, async (transaction) => {
    const [revoked] = await transaction.query<{ revokedAt: Date }>(
      `UPDATE api_key SET revoked_at = now() WHERE environment_id = $1 AND id = $2 AND revoked_at IS NULL
       RETURNING revoked_at`,
      [by.environmentId, id],
    );
    if (revoked === undefined) return { commit: false, value: undefined };
    const subject = encodeId('ApiKey', id);
    await addAuditEntry(transaction, by, { act: 'API_KEY_REVOKED', subject, after: revoked });
    return { commit: true, value: undefined };
  });
}

/** One environment or all, each with its keys, the oldest first. */
export async function readEnvironments({ prisma }: Database, id: string | undefined) {
  return prisma.environment.findMany({
    where: id === undefined ? {} : { id },
    include: { account: true, apiKeys: { orderBy: [{ createdAt: 'asc' }, { id: 'asc' }] } },
    orderBy: [{ createdAt: 'asc' }, { id: 'asc' }],
  });
}

/** Where a key of this id is; undefined where none is. Ids are made so that no two environments have the same. */
export async function findEnvironmentOfKey(
  { prisma }: Database,
  id: string,
): Promise<Pick<Environment, 'id' | 'mode'> | undefined> {
  const found = await prisma.apiKey.findFirst({ where: { id }, select: { environment: true } });
  return found?.environment;
}
