import type { Attempt, Capture } from '../../generated/prisma/client.ts';
import type { ChargeOutcome } from '../processors/port.ts';
import type { PaymentDraft } from './draft.ts';
import type { Gateway } from './gateway.ts';

type Approved = Extract<ChargeOutcome, { kind: 'approved' }>;

/** What the processor says of a charge that holds or took money. */
export type Approval = Pick<Approved, 'reference' | 'networkTransactionId' | 'captured' | 'expiresAt' | 'settledAt'>;

/** What a payer's bank, or an operator, says of a capture that was taken back. */
export interface Reversal {
  readonly code: string;
  readonly message: string;
}

/**
 * The charge of an attempt was approved: the payment is AUTHORIZED, or has succeeded with one capture of it all.
 * @returns the capture; undefined for an authorisation
 */
export function approveCharge(
  gateway: Gateway,
  draft: PaymentDraft,
  attempt: Attempt,
  approval: Approval,
): Capture | undefined {
  const approved: Attempt = {
    ...attempt,
    amountAuthorized: attempt.amount,
    processorTransactionId: approval.reference,
    networkTransactionId: approval.networkTransactionId,
    declineCode: null,
    declineMessage: null,
    declineRetryable: null,
  };
  const { cancelRequestedAt, expiryRequestedAt } = draft.payment;
  draft.set({
    currentAttemptId: attempt.id,
    actionUrl: null,
    actionExpiresAt: null,
    declineCode: null,
    declineMessage: null,
    declineRetryable: null,
    failedAt: null,
  });
  if (!approval.captured) {
    draft.update('attempt', { ...approved, status: 'AUTHORIZED' });
    draft.apply({ type: 'AUTHORIZED', amount: attempt.amount });
    draft.set({ authorizationExpiresAt: approval.expiresAt });
    draft.recordStatus({ attemptId: attempt.id });
    return undefined;
  }
  const capture = wholeCapture(gateway, draft, attempt, approval);
  draft.insert('capture', capture);
  draft.update('attempt', { ...approved, status: 'SUCCEEDED' });
  draft.apply({ type: 'CHARGED', amount: capture.amount, confirmed: true });
  draft.recordStatus({ attemptId: attempt.id, captureId: capture.id });
  // It has succeeded already: that wins over any wish to end it, and whoever wished is told.
  if (cancelRequestedAt !== null) draft.record('PAYMENT_CANCEL_REFUSED', { attemptId: attempt.id });
  if (expiryRequestedAt !== null) draft.record('PAYMENT_EXPIRY_REFUSED', { attemptId: attempt.id });
  return capture;
}

/** A capture that had succeeded was taken back. The payment has succeeded all the same; there is less to refund. */
export function reverseCapture(draft: PaymentDraft, capture: Capture | undefined, { code, message }: Reversal): void {
  if (capture?.status !== 'SUCCEEDED') throw new Error('only a capture that had succeeded can be taken back');
  draft.insert('captureReversal', {
    environmentId: capture.environmentId,
    captureId: capture.id,
    amount: capture.amount,
    failureCode: code,
    failureMessage: message,
    createdAt: draft.now,
    createdBy: draft.actor,
  });
  draft.apply({ type: 'CAPTURE_REVERSED', amount: capture.amount });
  draft.record('CAPTURE_REVERSED', { attemptId: capture.attemptId, captureId: capture.id });
}

function wholeCapture(
  gateway: Gateway,
  draft: PaymentDraft,
  attempt: Attempt,
  { reference, settledAt }: Approval,
): Capture {
  return {
    environmentId: attempt.environmentId,
    id: gateway.newId(),
    paymentId: attempt.paymentId,
    attemptId: attempt.id,
    amount: attempt.amount,
    currency: attempt.currency,
    status: 'SUCCEEDED',
    final: true,
    amountRefundHeld: 0n,
    processorReference: reference,
    failureCode: null,
    failureMessage: null,
    settledAt,
    createdAt: draft.now,
    updatedAt: draft.now,
    createdBy: draft.actor,
    updatedBy: draft.actor,
  };
}
