import type { Payment } from '../../generated/prisma/client.ts';
import type { Lifecycle, PaymentStatus } from '../domain/lifecycle.ts';

/** How a payment's lifecycle stands in its row: with the times at which it came there. */

/** The part of a stored payment that its lifecycle turns on. */
export function lifecycleOf(payment: Payment): Lifecycle {
  return {
    status: payment.status,
    refundStatus: payment.refundStatus,
    amount: payment.amount,
    amountAuthorized: payment.amountAuthorized,
    amountCapturing: payment.amountCapturing,
    amountCaptured: payment.amountCaptured,
    amountReleased: payment.amountReleased,
    amountRefunding: payment.amountRefunding,
    amountRefunded: payment.amountRefunded,
    amountReversed: payment.amountReversed,
    cancelRequested: payment.cancelRequestedAt !== null,
    expiryRequested: payment.expiryRequestedAt !== null,
  };
}

/** The payment after a change of its lifecycle: what it has come to, and when. */
export function withLifecycle(before: Payment, next: Lifecycle, now: Date): Payment {
  const { cancelRequested, expiryRequested, ...decided } = next;
  const entered = (status: PaymentStatus): boolean => next.status === status && before.status !== status;
  const refunded = next.refundStatus === 'REFUNDED';
  return {
    ...before,
    ...decided,
    cancelRequestedAt: cancelRequested ? (before.cancelRequestedAt ?? now) : null,
    expiryRequestedAt: expiryRequested ? (before.expiryRequestedAt ?? now) : null,
    expiryPostponedTo: next.status === before.status ? before.expiryPostponedTo : null,
    retryAt: next.status === 'RETRY_SCHEDULED' ? before.retryAt : null,
    chargedAt: before.chargedAt ?? (next.amountAuthorized > 0n ? now : null),
    succeededAt: entered('SUCCEEDED') ? now : before.succeededAt,
    failedAt: entered('FAILED') ? now : before.failedAt,
    canceledAt: entered('CANCELED') ? now : before.canceledAt,
    expiredAt: entered('EXPIRED') ? now : before.expiredAt,
    refundedAt: refunded ? (before.refundedAt ?? now) : null,
  };
}
