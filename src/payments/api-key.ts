import type { ApiKey } from '../../generated/prisma/client.ts';
import { encodeId } from '../domain/ids.ts';
import { missingScope, scopeSet, type KeyScope } from '../domain/key-scope.ts';
import { fail, ok, unreachable, type Result } from '../domain/result.ts';
import { createKey, findApiKey, revokeKey, rollKey, type KeyWithReplacement } from '../store/api-keys.ts';
import type { AuditedBy } from '../store/audit.ts';
import { checkText } from './details.ts';
import { invalid, notFound, type Failure } from './failure.ts';
import type { Caller, Gateway } from './gateway.ts';

/** Of those that are good. Each service, and each person at it, has one of its own in most places. */
const KEYS_MAX = 100;
const NAME_LENGTH_MAX = 100;
/** What is rolled may have been leaked: it is not to be taken for longer. */
const OVERLAP_MAX_SECONDS = 7 * 24 * 3_600;
const LIFETIME_MAX_MS = 3_650 * 24 * 3_600_000;

/** Who makes keys: a key with ADMIN, or whoever has the database at hand. */
export type Keymaker = AuditedBy & Pick<Caller, 'mode'> & { readonly scopes: readonly KeyScope[] };

type Locksmith = Pick<Gateway, 'database' | 'newId' | 'now'>;

/** A key, and the secret that is told now and not again. */
export interface KeyWithSecret {
  readonly key: ApiKey;
  readonly secret: string;
}

/**
 * Makes a key, with scopes that its maker has. It moves no money, so it takes no idempotency key: one whose secret was lost
 * with the answer is revoked.
 */
export async function createApiKey(
  gateway: Locksmith,
  by: Keymaker,
  input: { readonly name: string; readonly scopes: readonly KeyScope[]; readonly expiresAt: Date | null },
): Promise<Result<KeyWithSecret, Failure>> {
  const { name, expiresAt } = input;
  const { environmentId, mode } = by;
  if (name.trim() === '') return invalid(`A name has 1 to ${NAME_LENGTH_MAX} characters.`, 'name');
  const named = checkText(name, ['name'], NAME_LENGTH_MAX);
  if (!named.ok) return named;
  if (input.scopes.length === 0) return invalid('A key without a scope opens nothing.', 'scopes');
  const ends = checkEnd(gateway, expiresAt);
  if (!ends.ok) return ends;
  const scopes = scopeSet(input.scopes);
  const missing = missingScope(by.scopes, scopes);
  if (missing !== undefined) return exceeded(missing, 'scopes');
  const id = gateway.newId();
  const environment = { id: environmentId, mode };
  const row = { environment, id, name, scopes, expiresAt, replacesId: null, createdBy: by.actor };
  const secret = await createKey(gateway.database, by, row, KEYS_MAX);
  return secret === undefined ? tooMany() : ok({ key: await read(gateway, by, id), secret });
}

/**
 * Makes a key in the place of another, with its name and scopes; the other one goes on for an overlap. It is replaced once:
 * whoever has lost the answer rolls the replacement.
 * @param input.expiresAt null for one that does not end; left out, it lasts as long as the other was made for
 */
export async function rollApiKey(
  gateway: Locksmith,
  by: Keymaker,
  input: { readonly keyId: string; readonly overlapSeconds: number; readonly expiresAt?: Date | null | undefined },
): Promise<Result<KeyWithSecret & { readonly replaced: ApiKey }, Failure>> {
  const { keyId, overlapSeconds } = input;
  const { environmentId, mode } = by;
  if (!Number.isInteger(overlapSeconds) || overlapSeconds < 0 || overlapSeconds > OVERLAP_MAX_SECONDS) {
    return invalid(`An overlap is 0 to ${OVERLAP_MAX_SECONDS} seconds.`, 'overlapSeconds');
  }
  const old = await findApiKey(gateway.database, environmentId, keyId);
  if (old === undefined) return notFound('key', 'keyId');
  const missing = missingScope(by.scopes, old.scopes);
  if (missing !== undefined) return exceeded(missing, 'keyId');
  if (old.replacement !== null) return replaced(old.replacement);
  if (keyStatus(old, gateway.now()) !== 'ACTIVE') return over();
  const expiresAt = input.expiresAt === undefined ? sameLifetime(gateway, old) : input.expiresAt;
  const ends = checkEnd(gateway, expiresAt);
  if (!ends.ok) return ends;
  const { name, scopes } = old;
  const id = gateway.newId();
  const environment = { id: environmentId, mode };
  const row = { environment, id, name, scopes, expiresAt, replacesId: keyId, createdBy: by.actor };
  const rolled = await rollKey(gateway.database, by, row, { overlapSeconds, limit: KEYS_MAX });
  if (typeof rolled === 'object') {
    const [key, before] = await Promise.all([read(gateway, by, id), read(gateway, by, keyId)]);
    return ok({ key, replaced: before, secret: rolled.secret });
  }
  switch (rolled) {
    case 'over':
      return over();
    case 'too_many':
      return tooMany();
    case 'replaced':
      return replaced((await read(gateway, by, keyId)).replacement);
    default:
      return unreachable(rolled);
  }
}

/** Ends a key at once, for good. One that was revoked before stays as it was. */
export async function revokeApiKey(
  gateway: Pick<Gateway, 'database'>,
  by: AuditedBy,
  keyId: string,
): Promise<Result<ApiKey, Failure>> {
  await revokeKey(gateway.database, by, keyId);
  const key = await findApiKey(gateway.database, by.environmentId, keyId);
  return key === undefined ? notFound('key', 'keyId') : ok(key);
}

/** Whether a key is taken; a key that was revoked and would be over by now was revoked. */
export function keyStatus(
  { revokedAt, expiresAt }: Pick<ApiKey, 'revokedAt' | 'expiresAt'>,
  now: Date,
): 'ACTIVE' | 'EXPIRED' | 'REVOKED' {
  if (revokedAt !== null) return 'REVOKED';
  return expiresAt !== null && expiresAt <= now ? 'EXPIRED' : 'ACTIVE';
}

async function read(
  { database }: Pick<Gateway, 'database'>,
  { environmentId }: AuditedBy,
  id: string,
): Promise<KeyWithReplacement> {
  const key = await findApiKey(database, environmentId, id);
  if (key === undefined) throw new Error('a key that was just written is gone');
  return key;
}

function sameLifetime({ now }: Locksmith, { createdAt, expiresAt }: ApiKey): Date | null {
  return expiresAt === null ? null : new Date(now().getTime() + expiresAt.getTime() - createdAt.getTime());
}

function checkEnd({ now }: Locksmith, expiresAt: Date | null): Result<true, Failure> {
  if (expiresAt === null) return ok(true);
  const lifetimeMs = expiresAt.getTime() - now().getTime();
  if (lifetimeMs <= 0) return invalid('This moment is over.', 'expiresAt');
  return lifetimeMs > LIFETIME_MAX_MS ? invalid('A key ends within ten years, or not at all.', 'expiresAt') : ok(true);
}

function exceeded(requiredScope: KeyScope, field: string): { ok: false; failure: Failure } {
  const message = `No key makes one that may do more than itself: this needs the scope ${requiredScope}.`;
  return fail({ code: 'FORBIDDEN', message, path: ['input', field], requiredScope });
}

function replaced(replacement: Pick<ApiKey, 'id'> | null): { ok: false; failure: Failure } {
  if (replacement === null) throw new Error('a key was replaced by none');
  return invalid(`This key was rolled already: ${encodeId('ApiKey', replacement.id)} is in its place.`, 'keyId');
}

function over(): { ok: false; failure: Failure } {
  return invalid('This key is over: make another one.', 'keyId');
}

function tooMany(): { ok: false; failure: Failure } {
  return invalid(`There are ${KEYS_MAX} keys already, which is as many as there can be.`);
}
