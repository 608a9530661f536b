import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { ApiKey, Environment } from '../../generated/prisma/client.ts';
import { encodeId } from '../domain/ids.ts';
import { KEY_SCOPES } from '../domain/key-scope.ts';
import { addAuditEntry } from './audit.ts';
import type { Database } from './database.ts';
import { transact, type SetBased, type Transaction } from './transaction.ts';

export type KeyOwner = Pick<ApiKey, 'id' | 'environmentId' | 'name' | 'hint' | 'scopes' | 'expiresAt'> &
  Pick<Environment, 'mode' | 'accountId'>;

/** A secret key is known by its SHA-256: with 192 random bits in it, no slower hash would make it safer. */
function hashOf(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}

const isGoodAt = (time: string): string => `revoked_at IS NULL AND (expires_at IS NULL OR expires_at > ${time})`;

/** Of a key: it is taken now. On the database's clock, so that all processes agree on when one is over. */
export const IS_GOOD = isGoodAt('now()');
/** The same after whatever else its statement sees: `now()` is when that arrived, and it may have waited for a lock. */
export const IS_GOOD_STILL = isGoodAt('clock_timestamp()');

/**
 * Whose key this is; undefined for one that nobody has, that is over or that was revoked.
 *
 * The index compares hashes, and how long that takes tells of the hash of what was sent: not of the secret, because nobody
 * can choose a text by what its SHA-256 begins with for more than a few bytes, and knowing a hash whole leads back to no
 * secret. So the look-up need not be constant in time. What it found is compared once more, in constant time, so that no
 * fault of an index or a statement lets a key in that hashes to anything else.
 */
export async function findKey({ askWhose }: Database, secret: string): Promise<KeyOwner | undefined> {
  return askWhose(findOwners, hashOf(secret).toString('hex'));
}

const findOwners: SetBased<string, KeyOwner | undefined> = async (queries, hashes) => {
  const rows = await queries.query<KeyOwner & { hash: Buffer }>(
    `SELECT key.id, key.environment_id, key.name, key.hint, key.hash, key.scopes::text[] AS scopes, key.expires_at,
       environment.mode::text, environment.account_id
     FROM api_key AS key JOIN environment ON environment.id = key.environment_id
     WHERE key.hash = ANY(SELECT decode(asked, 'hex') FROM unnest($1::text[]) AS asked) AND ${IS_GOOD}`,
    [[...new Set(hashes)]],
  );
  const found = new Map(rows.map((row) => [row.hash.toString('hex'), row]));
  return hashes.map((asked) => {
    const row = found.get(asked);
    if (row === undefined || !timingSafeEqual(row.hash, Buffer.from(asked, 'hex'))) return undefined;
    const { hash: _, ...owner } = row;
    return owner;
  });
};

/** Until when a key that was found before is good, null for as long as nobody revokes it; undefined where it is over. */
export async function readKeyEnd(
  { pool }: Database,
  { environmentId, id }: Pick<KeyOwner, 'environmentId' | 'id'>,
): Promise<Date | null | undefined> {
  const { rows } = await pool.query<{ end: Date | null }>({
    name: 'read_key_end',
    text: `SELECT expires_at AS end FROM api_key WHERE environment_id = $1 AND id = $2 AND ${IS_GOOD}`,
    values: [environmentId, id],
  });
  return rows[0]?.end;
}

export type NewKey = Pick<ApiKey, 'id' | 'name' | 'scopes'> & {
  readonly environment: Pick<Environment, 'id' | 'mode'>;
  readonly createdBy: string;
  readonly expiresAt: Date | null;
  readonly replacesId: string | null;
};

/**
 * Writes a new secret key. It is told once, here: the database keeps its hash.
 * @returns undefined where another one is in the place of the same key already
 */
export async function insertKey(transaction: Transaction, key: NewKey): Promise<string | undefined> {
  const { environment, id, name, scopes, expiresAt, replacesId, createdBy } = key;
  const secret = `sk_${environment.mode.toLowerCase()}_${randomBytes(24).toString('base64url')}`;
  const added = await transaction.query(
    `INSERT INTO api_key (environment_id, id, name, hash, hint, scopes, expires_at, replaces_id, created_by)
     VALUES ($1, $2, $3, $4, $5, $6::key_scope[], $7, $8, $9)
     ON CONFLICT (environment_id, replaces_id) DO NOTHING RETURNING 1`,
    [environment.id, id, name, hashOf(secret), secret.slice(-4), scopes, expiresAt, replacesId, createdBy],
  );
  return added.length === 1 ? secret : undefined;
}

/** A new secret key that may do everything, for who has the database at hand. It is told once, here. */
export async function addKey(
  database: Database,
  { createdBy = 'command', ...key }: Pick<NewKey, 'id' | 'environment' | 'name'> & { readonly createdBy?: string },
): Promise<string> {
  const scopes = [...KEY_SCOPES];
  return transact(database, async (transaction) => {
    const secret = await insertKey(transaction, { ...key, scopes, createdBy, expiresAt: null, replacesId: null });
    if (secret === undefined) throw new Error('a key that replaces none was taken for another');
    const by = { environmentId: key.environment.id, actor: createdBy };
    const subject = encodeId('ApiKey', key.id);
    await addAuditEntry(transaction, by, { act: 'API_KEY_CREATED', subject, after: { scopes, expiresAt: null } });
    return { commit: true, value: secret };
  });
}

/** A new account with its two environments. */
export async function addAccount(
  database: Database,
  {
    name,
    newId,
    createdBy = 'command',
  }: { readonly name: string; readonly newId: () => string; readonly createdBy?: string },
): Promise<{ test: Pick<Environment, 'id' | 'mode'>; live: Pick<Environment, 'id' | 'mode'> }> {
  const accountId = newId();
  const test = { id: newId(), mode: 'TEST' } as const;
  const live = { id: newId(), mode: 'LIVE' } as const;
  return transact(database, async (transaction) => {
    await transaction.query('INSERT INTO account (id, name) VALUES ($1, $2)', [accountId, name]);
    for (const { id, mode } of [test, live]) {
      const sql = 'INSERT INTO environment (id, account_id, mode) VALUES ($1, $2, $3::mode)';
      await transaction.query(sql, [id, accountId, mode]);
      const by = { environmentId: id, actor: createdBy };
      await addAuditEntry(transaction, by, {
        act: 'ACCOUNT_OPENED',
        subject: encodeId('Environment', id),
        after: { mode },
      });
    }
    return { commit: true, value: { test, live } };
  });
}

/** An environment, and from when on its client tokens are taken; undefined where there is none. */
export async function findEnvironment(
  database: Database,
  id: string,
): Promise<Pick<Environment, 'mode' | 'accountId' | 'tokensValidFrom'> | undefined> {
  const select = { mode: true, accountId: true, tokensValidFrom: true } as const;
  return (await database.prisma.environment.findUnique({ where: { id }, select })) ?? undefined;
}
