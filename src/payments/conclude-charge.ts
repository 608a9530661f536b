import type { Attempt, Capture } from '../../generated/prisma/client.ts';
import { decline, type Decline } from '../domain/decline.ts';
import { unreachable } from '../domain/result.ts';
import type { ChargeAnswer, OpenOperation } from './conclude.ts';
import type { PaymentDraft } from './draft.ts';
import type { Gateway } from './gateway.ts';
import { awaitOperation, completeOperation } from './operation-course.ts';

/** What the answer to a charge makes of its attempt and its payment. False where it changes nothing. */
export function concludeCharge(gateway: Gateway, open: OpenOperation, answer: ChargeAnswer): boolean {
  const { draft, operation, attempt } = open;
  const reference = 'reference' in answer ? answer.reference : null;
  // An answer that recovery had to find says nothing of how quick the processor was.
  const isFirst = operation.status === 'DISPATCHED' && answer.kind !== 'unknown' && answer.kind !== 'not_executed';
  const latencyMs = isFirst ? Math.max(0, draft.now.getTime() - operation.createdAt.getTime()) : null;
  const answered: Attempt = {
    ...attempt,
    processorTransactionId: reference ?? attempt.processorTransactionId,
    latencyMs: attempt.latencyMs ?? latencyMs,
    updatedAt: draft.now,
    updatedBy: draft.actor,
  };
  switch (answer.kind) {
    case 'approved':
      completeOperation(draft, operation, reference);
      approve(gateway, draft, answered, answer);
      return true;
    case 'declined':
      completeOperation(draft, operation, reference);
      failAttempt(draft, answered, answer.decline);
      return true;
    case 'misconfigured':
      gateway.report('a processor refused a charge: look at its configuration', {
        operationId: operation.id,
        processor: operation.processor,
        reason: answer.message,
      });
      completeOperation(draft, operation, null);
      failAttempt(draft, answered, decline('processor_configuration'));
      return true;
    case 'not_executed':
      completeOperation(draft, operation, null);
      failAttempt(draft, answered, decline('not_executed'));
      return true;
    case 'voided':
      completeOperation(draft, operation, reference);
      draft.update('attempt', { ...answered, status: 'CANCELED' });
      draft.apply({ type: 'CANCELED' });
      draft.recordStatus({ attemptId: attempt.id });
      return true;
    case 'action_required':
      awaitOperation(gateway, draft, operation, 'PENDING', reference);
      if (attempt.status === 'REQUIRES_ACTION') return true;
      draft.update('attempt', { ...answered, status: 'REQUIRES_ACTION' });
      draft.apply({ type: 'ACTION_REQUIRED' });
      draft.set({ actionUrl: answer.url, actionExpiresAt: answer.expiresAt });
      draft.recordStatus({ attemptId: attempt.id });
      return true;
    case 'pending':
      awaitOperation(gateway, draft, operation, 'PENDING', reference);
      if (attempt.status !== 'PENDING') draft.update('attempt', { ...answered, status: 'PENDING' });
      return true;
    case 'unknown':
      // Never declined, never tried elsewhere: the payment stays PROCESSING until the processor is heard.
      if (operation.status === 'PENDING') return false;
      awaitOperation(gateway, draft, operation, 'UNKNOWN', null);
      if (attempt.status !== 'UNKNOWN') draft.update('attempt', { ...answered, status: 'UNKNOWN' });
      return true;
    default:
      return unreachable(answer);
  }
}

function approve(
  gateway: Gateway,
  draft: PaymentDraft,
  attempt: Attempt,
  answer: Extract<ChargeAnswer, { kind: 'approved' }>,
): void {
  const { payment } = draft;
  draft.set({
    actionUrl: null,
    actionExpiresAt: null,
    declineCode: null,
    declineMessage: null,
    declineRetryable: null,
  });
  const approved: Attempt = {
    ...attempt,
    amountAuthorized: attempt.amount,
    networkTransactionId: answer.networkTransactionId,
  };
  if (!answer.captured) {
    draft.apply({ type: 'AUTHORIZED', amount: attempt.amount });
    draft.update('attempt', { ...approved, status: 'AUTHORIZED' });
    draft.recordStatus({ attemptId: attempt.id });
    return;
  }
  const capture: Capture = {
    environmentId: payment.environmentId,
    id: gateway.newId(),
    paymentId: payment.id,
    attemptId: attempt.id,
    amount: attempt.amount,
    currency: payment.currency,
    status: 'SUCCEEDED',
    final: true,
    amountRefundHeld: 0n,
    processorReference: answer.reference,
    failureCode: null,
    failureMessage: null,
    createdAt: draft.now,
    updatedAt: draft.now,
    createdBy: draft.actor,
    updatedBy: draft.actor,
  };
  draft.insert('capture', capture);
  draft.update('attempt', { ...approved, status: 'SUCCEEDED' });
  draft.apply({ type: 'CHARGED', amount: capture.amount, confirmed: true });
  draft.recordStatus({ attemptId: attempt.id, captureId: capture.id });
}

function failAttempt(draft: PaymentDraft, attempt: Attempt, { code, message, retryable }: Decline): void {
  const declined = { declineCode: code, declineMessage: message, declineRetryable: retryable };
  draft.update('attempt', { ...attempt, ...declined, status: 'FAILED' });
  draft.set({ ...declined, actionUrl: null, actionExpiresAt: null });
  draft.apply({ type: 'ATTEMPT_FAILED' });
  draft.recordStatus({ attemptId: attempt.id });
}
