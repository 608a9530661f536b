import { Stripe } from 'stripe';
import type { Decline } from '../../domain/decline.ts';
import { declineOf, isDecline } from './declines.ts';

/** Why Stripe gave no result, and what is known of the request. */
export type Fault =
  /** No connection was ever made, or Stripe was too busy to look at it. */
  | { readonly kind: 'not_sent' }
  /** The answer was lost, or says nothing: it may have been done. */
  | { readonly kind: 'unknown' }
  /** The first request under the key, or another one for the same object, is under way. */
  | { readonly kind: 'in_use' }
  | { readonly kind: 'declined'; readonly decline: Decline }
  /** Stripe has no such object. */
  | { readonly kind: 'missing'; readonly code: string; readonly message: string }
  /** The object is in a state, of which the request knew nothing: look at it. */
  | { readonly kind: 'unexpected_state'; readonly code: string; readonly message: string }
  /** Refused for good, with nothing done: for an operator. */
  | { readonly kind: 'refused'; readonly code: string; readonly message: string }
  /** The key was used with another request before: a bug of ours. */
  | { readonly kind: 'key_reused' };

/** No connection was made: nobody was there, or no address was found. */
const UNCONNECTED: ReadonlySet<string> = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN']);

/** What Stripe says of an object that is not, or no more, in the state that the request is for. */
const STATE_CODES: ReadonlySet<string> = new Set([
  'capture_charge_authorization_expired',
  'charge_already_captured',
  'charge_already_refunded',
  'charge_expired_for_capture',
  'intent_invalid_state',
  'payment_intent_unexpected_state',
]);

const IN_USE_CODES: ReadonlySet<string> = new Set(['lock_timeout', 'idempotency_key_in_use']);

const UNKNOWN: Fault = { kind: 'unknown' };

/**
 * What an error of the SDK says of the request. What it does not say is unknown.
 * @param wasClosed the connection was closed on the request before, and the SDK has sent it once more by itself. That
 *   nothing was done is then only said of the second.
 */
export function faultOf(error: unknown, wasClosed = false): Fault {
  const fault = faultOfLast(error);
  return wasClosed && (fault.kind === 'not_sent' || isOfCaller(error)) ? UNKNOWN : fault;
}

/** Whether Stripe has looked at the key only, and so not at what it had answered to the first of two. */
function isOfCaller(error: unknown): boolean {
  const { StripeAuthenticationError, StripePermissionError } = Stripe.errors;
  return error instanceof StripeAuthenticationError || error instanceof StripePermissionError;
}

function faultOfLast(error: unknown): Fault {
  const { errors } = Stripe;
  if (!(error instanceof errors.StripeError)) return UNKNOWN;
  const code = error.code ?? '';
  if (error instanceof errors.StripeConnectionError) {
    return UNCONNECTED.has(connectionCode(error)) ? { kind: 'not_sent' } : UNKNOWN;
  }
  // Stripe documents lock_timeout with 429, and was seen to send it with 409.
  if (IN_USE_CODES.has(code)) return { kind: 'in_use' };
  if (error instanceof errors.StripeRateLimitError) return { kind: 'not_sent' };
  if (error instanceof errors.StripeIdempotencyError) return { kind: 'key_reused' };
  if (error instanceof errors.StripeCardError) return { kind: 'declined', decline: declineOf(error) };
  if (STATE_CODES.has(code)) return { kind: 'unexpected_state', ...told(error) };
  // Some declines come as invalid requests: 3-D Secure that failed, for one.
  if (error instanceof errors.StripeInvalidRequestError && isDecline(code)) {
    return { kind: 'declined', decline: declineOf(error) };
  }
  if (error instanceof errors.StripeInvalidRequestError) {
    return code === 'resource_missing' ? { kind: 'missing', ...told(error) } : { kind: 'refused', ...told(error) };
  }
  if (error instanceof errors.StripeAuthenticationError || error instanceof errors.StripePermissionError) {
    return { kind: 'refused', ...told(error) };
  }
  return UNKNOWN;
}

/** The system's code of a broken connection: the SDK keeps the error that it was told of. */
function connectionCode({ detail }: Stripe.errors.StripeError): string {
  return typeof detail === 'object' && 'code' in detail && typeof detail.code === 'string' ? detail.code : '';
}

/**
 * Why Stripe refused a request, in words of our own: Stripe's may repeat what was sent, a part of the key included. Its
 * dashboard tells the rest by the request's id.
 */
function told(error: Stripe.errors.StripeError): { readonly code: string; readonly message: string } {
  const code = error.code ?? DEFAULT_CODES[error.statusCode ?? 0] ?? 'invalid_request';
  const about = error.param === undefined ? '' : ` (${error.param})`;
  const request = error.requestId === undefined ? '' : `, in request ${error.requestId}`;
  return { code, message: `Stripe refused it: ${code}${about}${request}.` };
}

const DEFAULT_CODES: Readonly<Record<number, string>> = { 401: 'invalid_api_key', 403: 'permission_missing' };

/** An idempotency key came to Stripe with another request than before: a bug of ours, and no reason for another key. */
export class KeyReusedError extends Error {
  override readonly name = 'KeyReusedError';

  constructor() {
    super('an idempotency key came to Stripe with another request than before');
  }
}
