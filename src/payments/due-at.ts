import type { Payment } from '../../generated/prisma/client.ts';
import { unreachable } from '../domain/result.ts';

/**
 * When the gateway has to do something about a payment by itself; null for never. It follows from the payment's state:
 * nothing is put down for later anywhere else.
 */
export function dueAtOf(payment: Payment): Date | null {
  const isEnding = payment.cancelRequestedAt !== null || payment.expiryRequestedAt !== null;
  switch (payment.status) {
    case 'CREATED':
    case 'FAILED':
      return payment.expiresAt;
    case 'SCHEDULED':
      return payment.active ? payment.paymentDate : payment.expiresAt;
    case 'RETRY_SCHEDULED':
      return payment.retryAt;
    case 'REQUIRES_ACTION':
      return isEnding ? null : postponed(payment, payment.actionExpiresAt);
    case 'AUTHORIZED':
      // A capture under way comes first: what it leaves may expire after it.
      return isEnding || payment.amountCapturing > 0n ? null : postponed(payment, payment.authorizationExpiresAt);
    case 'PROCESSING':
    case 'CAPTURED':
    case 'SUCCEEDED':
    case 'CANCELED':
    case 'EXPIRED':
      return null;
    default:
      return unreachable(payment.status);
  }
}

/** A time of the processor's, or the later one at which it is asked again that refused to let go then. */
function postponed({ expiryPostponedTo }: Payment, time: Date | null): Date | null {
  return time !== null && expiryPostponedTo !== null && expiryPostponedTo > time ? expiryPostponedTo : time;
}
