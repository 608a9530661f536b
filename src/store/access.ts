import { createHash, randomBytes } from 'node:crypto';
import type { ApiKey, Environment } from '../../generated/prisma/client.ts';
import type { Database } from './database.ts';
import type { SetBased } from './transaction.ts';

export type KeyOwner = Pick<ApiKey, 'id' | 'environmentId' | 'name' | 'hint'> & Pick<Environment, 'mode' | 'accountId'>;

/** A secret key is known by its SHA-256: with 192 random bits in it, no slower hash would make it safer. */
function hashOf(secret: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(createHash('sha256').update(secret).digest());
}

/** Whose key this is; undefined for one that nobody has or that was revoked. */
export async function findKey({ ask }: Database, secret: string): Promise<KeyOwner | undefined> {
  return ask(findOwners, createHash('sha256').update(secret).digest('hex'));
}

const findOwners: SetBased<string, KeyOwner | undefined> = async (queries, hashes) => {
  const rows = await queries.query<KeyOwner & { hash: string }>(
    `SELECT key.id, key.environment_id, key.name, key.hint, environment.mode::text, environment.account_id,
       encode(key.hash, 'hex') AS hash
     FROM api_key AS key JOIN environment ON environment.id = key.environment_id
     WHERE key.hash = ANY(SELECT decode(asked, 'hex') FROM unnest($1::text[]) AS asked) AND key.revoked_at IS NULL`,
    [[...new Set(hashes)]],
  );
  const found = new Map(rows.map(({ hash, ...owner }) => [hash, owner]));
  return hashes.map((hash) => found.get(hash));
};

/** A new secret key. It is told once, here: the database keeps its hash. */
export async function addKey(
  database: Database,
  key: { readonly id: string; readonly environment: Pick<Environment, 'id' | 'mode'>; readonly name: string },
): Promise<string> {
  const secret = `sk_${key.environment.mode.toLowerCase()}_${randomBytes(24).toString('base64url')}`;
  await database.prisma.apiKey.create({
    data: {
      environmentId: key.environment.id,
      id: key.id,
      name: key.name,
      hash: hashOf(secret),
      hint: secret.slice(-4),
    },
  });
  return secret;
}

/** A new account with its two environments. */
export async function addAccount(
  database: Database,
  account: { readonly name: string; readonly newId: () => string },
): Promise<{ test: Pick<Environment, 'id' | 'mode'>; live: Pick<Environment, 'id' | 'mode'> }> {
  const test = { id: account.newId(), mode: 'TEST' } as const;
  const live = { id: account.newId(), mode: 'LIVE' } as const;
  await database.prisma.account.create({
    data: { id: account.newId(), name: account.name, environments: { create: [test, live] } },
  });
  return { test, live };
}

/** An environment, and from when on its client tokens are taken; undefined where there is none. */
export async function findEnvironment(
  database: Database,
  id: string,
): Promise<Pick<Environment, 'mode' | 'accountId' | 'tokensValidFrom'> | undefined> {
  const select = { mode: true, accountId: true, tokensValidFrom: true } as const;
  return (await database.prisma.environment.findUnique({ where: { id }, select })) ?? undefined;
}

/** Client tokens that were made until a moment are refused from now on. @returns that moment, or a later one of before */
export async function refuseTokensUntil(database: Database, environmentId: string, moment: Date): Promise<Date> {
  const [row] = await database.prisma.$queryRaw<{ until: Date }[]>`
    UPDATE environment SET tokens_valid_from = greatest(tokens_valid_from, ${moment}) WHERE id = ${environmentId}::uuid
    RETURNING tokens_valid_from AS until`;
  if (row === undefined) throw new Error('a caller without an environment');
  return row.until;
}

/** Whether a key that was found before is still good. */
export async function isKeyValid(database: Database, { environmentId, id }: KeyOwner): Promise<boolean> {
  const { rows } = await database.pool.query({
    name: 'key_is_valid',
    text: 'SELECT FROM api_key WHERE environment_id = $1 AND id = $2 AND revoked_at IS NULL',
    values: [environmentId, id],
  });
  return rows.length === 1;
}
