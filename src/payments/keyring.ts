import { createHmac, createSecretKey, hkdfSync, type KeyObject } from 'node:crypto';

/**
 * The version of what goes into an input's fingerprint. Raise it when that changes: a request that is sent again over an
 * upgrade is then told the first result, and never that its key was used otherwise. 2: dates and `active` of a payment.
 * 3: what else createPayment takes (tax, billing address, a described customer, …), and metadata of processPayment.
 */
export const FINGERPRINT_VERSION = 3;

/** Keyed hashes for several purposes, each with a key of its own, derived from one secret. */
export interface Keys {
  /** Names the secret without telling it: stored beside fingerprints, so that a changed secret is noticed. */
  readonly id: string;
  /** The same card gives the same text; without the secret the text tells nothing about the card. */
  fingerprintCard(number: string): string;
  fingerprintInput(canonicalInput: string): Buffer;
  /** The idempotency key for a processor: the same for a request that is sent again. */
  processorKey(parts: readonly (string | number)[]): string;
  /** Seals the credentials of processor accounts. */
  readonly credentialsKey: Uint8Array;
  /** Signs client tokens. */
  readonly tokenKey: Uint8Array;
  /** What proves that the gateway made the address of a page. */
  signPage(kind: string, bytes: Uint8Array): Buffer;
  /** The secret of a version with which an endpoint's messages are signed. */
  webhookSecret(endpointId: string, version: number): Buffer;
}

/** The keys with which an installation makes what is new; and all those whose work it still knows again. */
export interface Keyring extends Keys {
  /** Of its secret first, then of the others that it takes: those that it had before, or the one that it is to have. */
  readonly all: readonly [Keys, ...Keys[]];
}

/** The secrets have at least 32 characters each; variables.ts and demo.ts see to it. */
export function createKeyring(secret: string, otherSecrets: readonly string[] = []): Keyring {
  const keys = deriveKeys(secret);
  return { ...keys, all: [keys, ...otherSecrets.map(deriveKeys)] };
}

/** HKDF, RFC 5869. */
function deriveKeys(secret: string): Keys {
  const derive = (purpose: string): Buffer => Buffer.from(hkdfSync('sha256', secret, 'tender', purpose, 32));
  // Of a key that is bytes, createHmac makes such an object each time, which takes five times as long as the rest.
  const deriveHmac = (purpose: string): KeyObject => createSecretKey(derive(purpose));
  const cardKey = deriveHmac('card fingerprint');
  const inputKey = deriveHmac('input fingerprint');
  const processorKey = deriveHmac('processor idempotency key');
  const pageKey = deriveHmac('page address');
  const webhookKey = deriveHmac('webhook secret');
  return {
    id: derive('key id').subarray(0, 6).toString('hex'),
    fingerprintCard: (number) => createHmac('sha256', cardKey).update(number).digest('base64url').slice(0, 22),
    fingerprintInput: (canonicalInput) => createHmac('sha256', inputKey).update(canonicalInput).digest(),
    credentialsKey: derive('processor credentials'),
    tokenKey: derive('client token'),
    processorKey: (parts) => createHmac('sha256', processorKey).update(JSON.stringify(parts)).digest('base64url'),
    webhookSecret: (endpointId, version) =>
      createHmac('sha256', webhookKey)
        .update(JSON.stringify([endpointId, version]))
        .digest(),
    signPage: (kind, bytes) => createHmac('sha256', pageKey).update(`${kind}\0`).update(bytes).digest(),
  };
}
