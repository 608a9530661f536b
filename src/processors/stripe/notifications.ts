import { Stripe } from 'stripe';
import type { NotificationReading } from '../account-port.ts';

/** Stripe's own advice: what is older was perhaps recorded by someone, and is sent again. */
const TOLERANCE_SECONDS = 300;

/** Takes any age. */
const ANY_AGE = 0;

/**
 * Reads an event that Stripe sent. It is believed only as far as that something may have changed: what did is looked up.
 * @param secrets of the endpoint; more than one while one takes the place of another
 */
export function readNotification(
  webhooks: Stripe['webhooks'],
  secrets: readonly string[],
  body: Buffer,
  signature: string | undefined,
  now: Date,
): NotificationReading {
  if (signature === undefined) return { kind: 'bad_signature' };
  const verify = (secret: string, tolerance: number): boolean =>
    isVerified(() => webhooks.constructEvent(body, signature, secret, tolerance, undefined, now.getTime()));
  const secret = secrets.find((each) => verify(each, ANY_AGE));
  if (secret === undefined) return { kind: 'bad_signature' };
  if (!verify(secret, TOLERANCE_SECONDS)) return { kind: 'too_old' };
  return readEvent(body);
}

/** Whether the SDK has no objection to a signature; what it cannot read of the event is another matter. */
function isVerified(construct: () => unknown): boolean {
  try {
    construct();
    return true;
  } catch (error) {
    return !(error instanceof Stripe.errors.StripeSignatureVerificationError);
  }
}

function readEvent(body: Buffer): NotificationReading {
  const event = parse(body);
  const { id, type, data } = isRecord(event) ? event : {};
  if (typeof id !== 'string' || typeof type !== 'string' || !isRecord(data)) return { kind: 'unreadable' };
  return { kind: 'event', id, type, references: isRecord(data['object']) ? referencesOf(data['object']) : [] };
}

/** The ids of the intents and refunds that an object is about, which are what the gateway knows of Stripe. */
function referencesOf(object: Readonly<Record<string, unknown>>): string[] {
  switch (object['object']) {
    case 'payment_intent':
      return ids(object['id']);
    case 'refund':
      return ids(object['id'], object['payment_intent']);
    case 'charge':
    case 'dispute':
      return ids(object['payment_intent']);
    default:
      return [];
  }
}

function ids(...values: readonly unknown[]): string[] {
  return values.filter((value) => typeof value === 'string');
}

function parse(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8')) as unknown;
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
