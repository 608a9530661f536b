import { createHmac } from 'node:crypto';

/** The signature of the Standard Webhooks, version 1: HMAC-SHA256 over id, time and body. */

/** A message as it goes out once. */
export interface SignedParts {
  /** The same for every attempt: the receiver knows by it what it has had already. */
  readonly id: string;
  readonly timestampSeconds: number;
  readonly body: string;
}

/** The headers that prove who sends a message, with a signature for each secret that is valid. */
export function signedHeaders(
  { id, timestampSeconds, body }: SignedParts,
  secrets: readonly Buffer[],
): Readonly<Record<'webhook-id' | 'webhook-timestamp' | 'webhook-signature', string>> {
  const signed = `${id}.${timestampSeconds}.${body}`;
  const signatures = secrets.map((secret) => `v1,${createHmac('sha256', secret).update(signed).digest('base64')}`);
  return {
    'webhook-id': id,
    'webhook-timestamp': String(timestampSeconds),
    'webhook-signature': signatures.join(' '),
  };
}

/** A secret as its receiver is given it. */
export function secretText(secret: Buffer): string {
  return `whsec_${secret.toString('base64')}`;
}
