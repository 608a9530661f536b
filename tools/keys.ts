import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { ApiKey } from '../generated/prisma/client.ts';
import { readConfig } from '../src/config.ts';
import { decodeIdOf, encodeId, type IdType } from '../src/domain/ids.ts';
import { KEY_SCOPES, type KeyScope } from '../src/domain/key-scope.ts';
import type { Result } from '../src/domain/result.ts';
import { newId } from '../src/new-id.ts';
import { createApiKey, keyStatus, revokeApiKey, rollApiKey, type Keymaker } from '../src/payments/api-key.ts';
import type { Failure } from '../src/payments/failure.ts';
import { applyMigrations } from '../src/postgres/migrations.ts';
import { findEnvironmentOfKey, readEnvironments } from '../src/store/api-keys.ts';
import { findEnvironment } from '../src/store/access.ts';
import { openDatabase, type Database } from '../src/store/database.ts';

// npm run keys: makes, lists, rolls and revokes the secret keys of an account, on the database of DATABASE_URL. Whoever has
// the database at hand may do everything: it is the way back when no key with ADMIN is left.

const USAGE = `npm run keys -- create --environment env_… --name "What for" --scopes READ,WRITE [--expires 2027-01-31]
npm run keys -- list [--environment env_…]
npm run keys -- roll key_… [--overlap 86400] [--expires 2027-01-31]
npm run keys -- revoke key_…`;

const OVERLAP_DEFAULT_SECONDS = '86400';
const MOMENT = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d)?Z)?$/;

const say = (text: string): void => void process.stdout.write(`${text}\n`);

/** @throws with what is wrong and how it is used */
function refuse(what: string): never {
  throw new Error(`${what}\n${USAGE}`);
}

function uuidOf(type: IdType, id: string | undefined, what: string): string {
  const uuid = id === undefined ? undefined : decodeIdOf(type, id);
  return uuid ?? refuse(`Give ${what}.`);
}

function scopesOf(text: string | undefined): KeyScope[] {
  const names = (text ?? '').split(',').map((name) => name.trim().toUpperCase());
  return names.map(
    (name) => KEY_SCOPES.find((scope) => scope === name) ?? refuse(`Scopes are ${KEY_SCOPES.join(', ')}.`),
  );
}

/** A day, which begins at midnight of UTC, or a moment of UTC. */
function momentOf(text: string): Date {
  const moment = new Date(text);
  if (!MOMENT.test(text) || Number.isNaN(moment.getTime())) refuse('A moment is written like 2027-01-31T12:00Z.');
  return moment;
}

/** @throws with the message of a refusal */
function valueOf<T>(result: Result<T, Failure>): T {
  if (!result.ok) throw new Error(result.failure.message);
  return result.value;
}

function tellSecret(key: ApiKey, secret: string): void {
  say(`${encodeId('ApiKey', key.id)}  ${secret}`);
  say('Keep it: it cannot be shown again.');
}

async function keymakerIn(database: Database, environmentId: string): Promise<Keymaker> {
  const environment = await findEnvironment(database, environmentId);
  if (environment === undefined) throw new Error('There is no such environment.');
  return { environmentId, mode: environment.mode, actor: 'command', scopes: KEY_SCOPES };
}

async function keymakerOf(database: Database, keyId: string): Promise<Keymaker> {
  const environment = await findEnvironmentOfKey(database, keyId);
  if (environment === undefined) throw new Error('There is no such key.');
  return { environmentId: environment.id, mode: environment.mode, actor: 'command', scopes: KEY_SCOPES };
}

async function list(database: Database, environmentId: string | undefined): Promise<void> {
  const now = new Date();
  for (const { id, mode, account, apiKeys } of await readEnvironments(database, environmentId)) {
    say(`${encodeId('Environment', id)}  ${mode.toLowerCase()}  ${account.name}`);
    for (const key of apiKeys) {
      const until = key.expiresAt === null ? '' : `  until ${key.expiresAt.toISOString()}`;
      const used = key.lastUsedAt === null ? 'never used' : `used ${key.lastUsedAt.toISOString()}`;
      const status = keyStatus(key, now).toLowerCase();
      say(
        `  ${encodeId('ApiKey', key.id)}  …${key.hint}  ${status}  ${key.scopes.join(',')}  ${used}${until}  ${key.name}`,
      );
    }
  }
}

async function run(database: Database): Promise<void> {
  const text = { type: 'string' } as const;
  const options = { environment: text, name: text, scopes: text, expires: text, overlap: text };
  const { values, positionals } = parseArgs({ options, allowPositionals: true });
  const { environment, name, scopes, expires, overlap = OVERLAP_DEFAULT_SECONDS } = values;
  const [command, id] = positionals;
  const gateway = { database, newId, now: () => new Date() };
  const expiresAt = expires === undefined ? undefined : momentOf(expires);
  switch (command) {
    case 'create': {
      const by = await keymakerIn(database, uuidOf('Environment', environment, 'an --environment, as list tells it'));
      const fields = { name: name ?? '', scopes: scopesOf(scopes), expiresAt: expiresAt ?? null };
      const { key, secret } = valueOf(await createApiKey(gateway, by, fields));
      return tellSecret(key, secret);
    }
    case 'list':
      return list(database, environment && uuidOf('Environment', environment, 'an environment: env_…'));
    case 'roll': {
      const keyId = uuidOf('ApiKey', id, 'a key: key_…');
      const by = await keymakerOf(database, keyId);
      const fields = { keyId, overlapSeconds: Number(overlap), expiresAt };
      const { key, replaced, secret } = valueOf(await rollApiKey(gateway, by, fields));
      say(`${encodeId('ApiKey', replaced.id)} goes on until ${replaced.expiresAt?.toISOString()}`);
      return tellSecret(key, secret);
    }
    case 'revoke': {
      const keyId = uuidOf('ApiKey', id, 'a key: key_…');
      valueOf(await revokeApiKey(gateway, await keymakerOf(database, keyId), keyId));
      return say(`${id} is revoked`);
    }
    default:
      return refuse('Say what is to be done.');
  }
}

try {
  const { databaseUrl } = readConfig();
  if (databaseUrl === undefined) throw new Error('Set DATABASE_URL: the embedded database has its demo account.');
  await applyMigrations({ database: databaseUrl, directory: join(import.meta.dirname, '..', 'prisma', 'migrations') });
  const database = openDatabase(databaseUrl, { onError: () => undefined, poolSize: 1 });
  try {
    await run(database);
  } finally {
    await database.close();
  }
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exitCode = 1;
}
