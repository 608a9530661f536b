import type { IdempotencyKey } from '../../generated/prisma/client.ts';
import { fail, ok, type Result } from '../domain/result.ts';
import { readKey } from '../store/idempotency-keys.ts';
import { readById } from '../store/ledger.ts';
import type { Transaction } from '../store/transaction.ts';
import { checkText } from './details.ts';
import { invalid, type Failure } from './failure.ts';
import type { Caller, Gateway } from './gateway.ts';
import { FINGERPRINT_VERSION, type Keys } from './keyring.ts';

const KEY_LENGTH_MAX = 255;

/** One request under a key: the mutation's name, the client's key and the input that must be the same again. */
export interface KeyedRequest {
  readonly operation: string;
  readonly key: string;
  /** The coerced input, with the card's fingerprint under some keys in place of its number and without the CVC. */
  readonly input: (keys: Keys) => unknown;
}

/** What the key's row is to say about what the request makes. All ids are drawn before anything is written. */
export interface KeyedResource {
  readonly resourceId: string;
  readonly paymentId: string;
  readonly operationId: string | null;
}

/** A key is 1 to 255 characters; anything else is refused before it is claimed. */
export function checkKey(key: string): Result<true, Failure> {
  if (key === '') return invalid(`An idempotency key has 1 to ${KEY_LENGTH_MAX} characters.`, 'idempotencyKey');
  const checked = checkText(key, ['idempotencyKey'], KEY_LENGTH_MAX);
  return checked.ok ? ok(true) : checked;
}

/** A key that is claimed: the row that claims it. */
export interface KeyClaim {
  readonly row: IdempotencyKey;
  /** The input's fingerprint under the secret of an id; undefined for a secret that is not known any more. */
  readonly fingerprintUnder: (keyId: string) => Uint8Array | undefined;
}

export function keyClaim(
  gateway: Gateway,
  caller: Caller,
  request: KeyedRequest,
  { resourceId, paymentId, operationId }: KeyedResource,
): KeyClaim {
  const now = gateway.now();
  const fingerprint = (keys: Keys) => new Uint8Array(keys.fingerprintInput(canonical(request.input(keys))));
  const { keyring } = gateway;
  const row = {
    environmentId: caller.environmentId,
    principal: caller.principal,
    operation: request.operation,
    key: request.key,
    fingerprint: fingerprint(keyring),
    fingerprintVersion: FINGERPRINT_VERSION,
    fingerprintKeyId: keyring.id,
    resourceId,
    paymentId,
    operationId,
    createdAt: now,
    expiresAt: new Date(now.getTime() + gateway.settings.idempotencyRetentionMs),
  };
  return {
    row,
    fingerprintUnder: (keyId) => {
      if (keyId === row.fingerprintKeyId) return row.fingerprint;
      const keys = keyring.all.find(({ id }) => id === keyId);
      return keys && fingerprint(keys);
    },
  };
}

/**
 * What a request gets whose key was claimed before: the resource that the first one made, if the input is the
 * same and the first call has come to an end.
 */
export async function replay(
  transaction: Transaction,
  { row, fingerprintUnder }: KeyClaim,
  now: Date,
): Promise<Result<{ resourceId: string; paymentId: string }, Failure>> {
  const first = await readKey(transaction, row);
  // The first request was undone between our claim and this look: the caller may simply ask again.
  if (first === undefined) return inProgress(0);
  // Made with a secret that is not known any more, the two cannot be compared: the first result is the safe answer.
  const fingerprint =
    first.fingerprintVersion === row.fingerprintVersion ? fingerprintUnder(first.fingerprintKeyId) : undefined;
  if (fingerprint !== undefined && !Buffer.from(first.fingerprint).equals(fingerprint)) {
    return fail({
      code: 'IDEMPOTENCY_KEY_REUSED',
      message: 'This idempotency key was used with another input. A new request needs a new key.',
      path: ['input', 'idempotencyKey'],
    });
  }
  if (first.operationId !== null) {
    const operation = await readById(transaction, 'operation', first.environmentId, first.operationId);
    const remainingMs = operation?.status === 'DISPATCHED' ? operation.callDeadline.getTime() - now.getTime() : 0;
    if (remainingMs > 0) return inProgress(Math.min(remainingMs, RETRY_AFTER_MAX_MS));
  }
  return ok({ resourceId: first.resourceId, paymentId: first.paymentId });
}

/** A call usually ends long before its deadline: asking again after half a second is not too often. */
const RETRY_AFTER_MAX_MS = 500;

function inProgress(retryAfterMs: number): { ok: false; failure: Failure } {
  return fail({
    code: 'IDEMPOTENCY_IN_PROGRESS',
    message: 'The first request with this idempotency key is still running. Ask again with the same key.',
    path: ['input', 'idempotencyKey'],
    retryAfterMs,
  });
}

/** JSON with the properties in the order of the alphabet, so that their order in the request does not count. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, each: unknown) => {
    if (typeof each === 'bigint') return each.toString();
    if (each instanceof Date) return each.toISOString();
    if (each === null || typeof each !== 'object' || Array.isArray(each)) return each;
    return Object.fromEntries(Object.entries(each).toSorted(([a], [b]) => (a < b ? -1 : 1)));
  });
}
