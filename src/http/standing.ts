import { unreachable } from '../domain/result.ts';
import { ATTEMPTS_MAX } from '../payments/conclude-charge.ts';
import { PAYER_FAILURES_MAX } from '../payments/payer.ts';
import type { HostedPayment } from '../store/hosted-payment.ts';

/** How a payment stands for whoever is to pay it. */
export type Standing = 'payable' | 'waiting' | 'action' | 'paid' | 'canceled' | 'expired' | 'exhausted';

/**
 * A payer may pay wherever a new attempt may start, also before the date or the retry that the gateway waits for: the
 * two come to the same, and whoever opens the page wants to pay now.
 */
export function standingOf(
  { payment, failedAttempts }: Pick<HostedPayment, 'payment' | 'failedAttempts'>,
  now: Date,
): Standing {
  switch (payment.status) {
    case 'CREATED':
    case 'SCHEDULED':
    case 'RETRY_SCHEDULED':
    case 'FAILED':
      if (payment.expiresAt !== null && payment.expiresAt <= now) return 'expired';
      if (failedAttempts >= PAYER_FAILURES_MAX.ofPayment || payment.attemptCount >= ATTEMPTS_MAX) return 'exhausted';
      return 'payable';
    case 'PROCESSING':
      return 'waiting';
    case 'REQUIRES_ACTION':
      // One that is to end is not worth confirming any more.
      return payment.cancelRequestedAt === null && payment.expiryRequestedAt === null ? 'action' : 'waiting';
    case 'AUTHORIZED':
    case 'CAPTURED':
    case 'SUCCEEDED':
      return 'paid';
    case 'CANCELED':
      return 'canceled';
    case 'EXPIRED':
      return 'expired';
    default:
      return unreachable(payment.status);
  }
}
