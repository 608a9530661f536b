import type { Stripe } from 'stripe';
import type { MovementOutcome } from '../port.ts';

/** A refund of Stripe's in the port's terms. Source: docs.stripe.com/refunds */
export function refundOutcome({ id: reference, status, failure_reason: reason }: Stripe.Refund): MovementOutcome {
  switch (status) {
    case 'succeeded':
      return { kind: 'succeeded', reference, settledAt: null };
    case 'pending':
    // Of other ways to pay than cards: the payer is asked where to send it.
    case 'requires_action':
      return { kind: 'pending', reference };
    case 'failed':
      return {
        kind: 'failed',
        reference,
        code: reason ?? 'unknown',
        message: 'The money could not be delivered and came back.',
      };
    case 'canceled':
      return { kind: 'failed', reference, code: 'canceled', message: 'The refund was canceled.' };
    default:
      // None, or one that Stripe has added since.
      return { kind: 'unknown' };
  }
}
