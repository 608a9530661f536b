import type { Stripe } from 'stripe';
import { decline } from '../../domain/decline.ts';
import type { ChargeOutcome } from '../port.ts';
import { declineOf } from './declines.ts';

/**
 * How long a payer has for 3-D Secure. Stripe sets no end. A challenge that is open ends after ten minutes (EMV 3-D
 * Secure), so an hour is enough to come back to the page once; then the gateway cancels the intent.
 */
const ACTION_MS = 3_600_000;

/** Metadata of our own, of an intent or a refund. */
export const METADATA = {
  /** The payment's id, for people who look at Stripe's dashboard. */
  payment: 'tender_payment',
  /** The idempotency key under which it was asked for: a refund is found by it. */
  key: 'tender_key',
  /** The idempotency key of the capture, of which an intent has one at most. */
  capture: 'tender_capture',
  /** "none" where a payer cannot be sent to 3-D Secure. */
  returnUrl: 'tender_return_url',
  /** "yes" of an intent that is canceled because it was never confirmed. */
  givenUp: 'tender_given_up',
} as const;

/** What we cancel for which nobody has wished it. */
export const ABANDONED = 'abandoned';

/** What an intent's state says of the charge. */
export type IntentState =
  | ChargeOutcome
  /** Nobody has confirmed it: no money can have moved, and none will unless somebody does. */
  | { readonly kind: 'not_confirmed' }
  /** It waits for 3-D Secure, to which nobody can be sent. */
  | { readonly kind: 'no_way_to_payer' };

/** What is told with an intent that was asked to do something. */
export const WITH_CHARGE = ['latest_charge'];

/** What is told with an intent that is looked at: also what came of its money. It asks for one more permission. */
export const WITH_MONEY = ['latest_charge.balance_transaction'];

/** The state of an intent, in the port's terms. */
export function stateOf(intent: Stripe.PaymentIntent): IntentState {
  const reference = intent.id;
  switch (intent.status) {
    case 'succeeded':
    case 'requires_capture':
      return approved(intent);
    case 'processing':
      return { kind: 'pending', reference };
    case 'requires_action':
      return waitingForPayer(intent);
    case 'requires_payment_method':
      if (intent.last_payment_error === null) return { kind: 'not_confirmed' };
      return { kind: 'declined', reference, decline: declineOf(intent.last_payment_error) };
    case 'requires_confirmation':
      return { kind: 'not_confirmed' };
    case 'canceled':
      return canceled(intent);
    default:
      // A state that Stripe has added since: it says nothing that could be relied upon.
      return { kind: 'unknown' };
  }
}

/** The charge that an intent was last tried with, where it was asked to be told with it. */
export function chargeOf({ latest_charge: charge }: Stripe.PaymentIntent): Stripe.Charge | null {
  return typeof charge === 'string' ? null : charge;
}

/** When what a charge took could be paid out: once its money is in the merchant's balance at Stripe. */
export function settledAt(intent: Stripe.PaymentIntent): Date | null {
  const transaction = chargeOf(intent)?.balance_transaction;
  if (transaction == null || typeof transaction === 'string' || transaction.status !== 'available') return null;
  return new Date(transaction.available_on * 1_000);
}

export function networkTransactionIdOf(intent: Stripe.PaymentIntent): string | null {
  return chargeOf(intent)?.payment_method_details?.card?.network_transaction_id ?? null;
}

function approved(intent: Stripe.PaymentIntent): IntentState {
  // Captured in part, it was authorised by this charge, and taken by a capture.
  const captured = intent.status === 'succeeded' && intent.amount_received === intent.amount;
  const captureBefore = chargeOf(intent)?.payment_method_details?.card?.capture_before;
  const isHeld = intent.status === 'requires_capture' && captureBefore !== undefined;
  return {
    kind: 'approved',
    reference: intent.id,
    networkTransactionId: networkTransactionIdOf(intent),
    captured,
    expiresAt: isHeld ? new Date(captureBefore * 1_000) : null,
    settledAt: captured ? settledAt(intent) : null,
  };
}

function waitingForPayer(intent: Stripe.PaymentIntent): IntentState {
  const url = intent.next_action?.redirect_to_url?.url;
  // Stripe sends payers by a redirect only where it was told of a way back.
  if (url == null) return { kind: 'no_way_to_payer' };
  const expiresAt = new Date(intent.created * 1_000 + ACTION_MS);
  return { kind: 'action_required', reference: intent.id, url, expiresAt };
}

function canceled(intent: Stripe.PaymentIntent): IntentState {
  const { id: reference, cancellation_reason: reason, metadata } = intent;
  // One that was declined while it was given up has held nothing either.
  const wasHeld = intent.latest_charge !== null && chargeOf(intent)?.paid !== false;
  if (metadata[METADATA.givenUp] !== undefined && !wasHeld) return { kind: 'not_sent' };
  const isWithoutWay = intent.latest_charge === null && metadata[METADATA.returnUrl] === 'none';
  if (reason === ABANDONED && isWithoutWay) return returnUrlMissing(reference);
  // By Stripe itself: nobody captured it in time.
  return { kind: reason === 'automatic' || reason === 'expired' ? 'expired' : 'voided', reference };
}

/** The payer would have had to pass 3-D Secure, and there was no way to send them there. */
export function returnUrlMissing(reference: string): ChargeOutcome {
  return { kind: 'declined', reference, decline: decline('return_url_missing') };
}
