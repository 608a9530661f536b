import type { Attempt, Payment } from '../../generated/prisma/client.ts';
import { decline, type Decline } from '../domain/decline.ts';
import { unreachable } from '../domain/result.ts';
import { approveCharge, reverseCapture } from './approve.ts';
import type { ChargeAnswer, OpenOperation } from './take-effect.ts';
import type { PaymentDraft } from './draft.ts';
import { voidIfEnding } from './ending.ts';
import type { Gateway } from './gateway.ts';
import { awaitKnowledge, awaitResult, completeOperation } from './operation-course.ts';

/** Attempts of one payment: more than any honest payer needs, few enough to make card testing slow. */
export const ATTEMPTS_MAX = 50;

/** Whether an answer may lead to another try by itself, if the retry schedule has one. */
export function mayBeRetried(answer: ChargeAnswer): boolean {
  const wasNotMade = answer.kind === 'not_executed' || answer.kind === 'not_sent';
  return wasNotMade || (answer.kind === 'declined' && answer.decline.retryable);
}

/**
 * What the answer to a charge makes of its attempt and its payment. False where it changes nothing.
 * @param retryDelays seconds before each automatic retry; read only where the answer may be retried
 */
export function concludeCharge(
  gateway: Gateway,
  open: OpenOperation,
  answer: ChargeAnswer,
  retryDelays: readonly number[],
): boolean {
  const { draft, operation, rows } = open;
  const attempt = answered(open, answer);
  switch (answer.kind) {
    case 'approved':
      completeOperation(draft, operation, answer.reference);
      approveCharge(gateway, draft, attempt, answer);
      voidIfEnding(gateway, draft, attempt, rows.operation);
      return true;
    case 'reversed':
      completeOperation(draft, operation, answer.reference);
      reverseCapture(
        draft,
        approveCharge(gateway, draft, attempt, { ...answer, captured: true, expiresAt: null, settledAt: null }),
        answer,
      );
      return true;
    case 'declined':
      completeOperation(draft, operation, answer.reference);
      failAttempt(draft, attempt, answer.decline, retryDelays);
      return true;
    case 'misconfigured':
      gateway.report('a processor refused a charge: look at its configuration', {
        operationId: operation.id,
        processor: operation.processor,
        reason: answer.message,
      });
      completeOperation(draft, operation, null);
      failAttempt(draft, attempt, decline('processor_configuration'), retryDelays);
      return true;
    case 'not_executed':
      completeOperation(draft, operation, null, { lookAgainInMs: gateway.settings.lateSuccessLookMs });
      failAttempt(draft, attempt, decline('not_executed'), retryDelays);
      return true;
    case 'not_sent':
      completeOperation(draft, operation, null);
      failAttempt(draft, attempt, decline('processor_unavailable'), retryDelays);
      return true;
    case 'voided':
    case 'expired':
      completeOperation(draft, operation, answer.reference);
      endAttempt(draft, attempt, answer.kind);
      return true;
    case 'action_required':
      if (isOvertaken(open)) return false;
      awaitResult(gateway, draft, operation, answer.reference);
      if (draft.allows('ACTION_REQUIRED')) requireAction(draft, attempt, answer);
      voidIfEnding(gateway, draft, attempt, rows.operation);
      return true;
    case 'pending':
      if (isOvertaken(open)) return false;
      awaitResult(gateway, draft, operation, answer.reference);
      if (attempt.status !== 'PENDING') awaitDecision(draft, attempt);
      voidIfEnding(gateway, draft, attempt, rows.operation);
      return true;
    case 'unknown':
      // Never declined, never tried elsewhere: the payment stays PROCESSING until the processor is heard.
      if (!awaitKnowledge(gateway, draft, operation)) return false;
      if (attempt.status === 'DISPATCHED') draft.update('attempt', { ...attempt, status: 'UNKNOWN' });
      return true;
    default:
      return unreachable(answer);
  }
}

/** Asked before the last answer took effect, an answer that is none yet may be older than that one. */
function isOvertaken({ operation, attempt, askedAt }: OpenOperation): boolean {
  return operation.status === 'PENDING' && askedAt <= attempt.updatedAt;
}

/** The attempt with what an answer says of it beside its status. */
function answered({ draft, operation, attempt }: OpenOperation, answer: ChargeAnswer): Attempt {
  const reference = 'reference' in answer ? answer.reference : null;
  // An answer that recovery had to find says nothing of how quick the processor was.
  const isFirst = operation.status === 'DISPATCHED' && answer.kind !== 'unknown' && answer.kind !== 'not_executed';
  const latencyMs = isFirst ? Math.max(0, draft.now.getTime() - operation.createdAt.getTime()) : null;
  return {
    ...attempt,
    processorTransactionId: reference ?? attempt.processorTransactionId,
    latencyMs: attempt.latencyMs ?? latencyMs,
    updatedAt: draft.now,
    updatedBy: draft.actor,
  };
}

function requireAction(
  draft: PaymentDraft,
  attempt: Attempt,
  { url, expiresAt }: Extract<ChargeAnswer, { kind: 'action_required' }>,
): void {
  draft.update('attempt', { ...attempt, status: 'REQUIRES_ACTION' });
  draft.apply({ type: 'ACTION_REQUIRED' });
  draft.set({ actionUrl: url, actionExpiresAt: expiresAt });
  draft.recordStatus({ attemptId: attempt.id });
}

/** The processor has accepted the charge, or the payer has done what was asked: the result comes later. */
function awaitDecision(draft: PaymentDraft, attempt: Attempt): void {
  draft.update('attempt', { ...attempt, status: 'PENDING' });
  if (!draft.allows('ACTION_COMPLETED')) return;
  draft.apply({ type: 'ACTION_COMPLETED' });
  draft.set({ actionUrl: null, actionExpiresAt: null });
  draft.recordStatus({ attemptId: attempt.id });
}

/** The charge ended before any money was held. */
function endAttempt(draft: PaymentDraft, attempt: Attempt, kind: 'voided' | 'expired'): void {
  draft.update('attempt', { ...attempt, status: kind === 'voided' ? 'CANCELED' : 'EXPIRED' });
  draft.set({ actionUrl: null, actionExpiresAt: null });
  draft.apply({ type: endingOf(draft.payment, kind) });
  draft.recordStatus({ attemptId: attempt.id });
}

/** How a payment ends whose charge was released: as someone wished, or else as the processor says. */
export function endingOf(payment: Payment, kind: 'voided' | 'expired'): 'CANCELED' | 'EXPIRED' {
  if (payment.cancelRequestedAt !== null) return 'CANCELED';
  if (payment.expiryRequestedAt !== null) return 'EXPIRED';
  return kind === 'voided' ? 'CANCELED' : 'EXPIRED';
}

function failAttempt(draft: PaymentDraft, attempt: Attempt, why: Decline, retryDelays: readonly number[]): void {
  const declined = { declineCode: why.code, declineMessage: why.message, declineRetryable: why.retryable };
  draft.update('attempt', { ...attempt, ...declined, status: 'FAILED' });
  draft.set({ ...declined, actionUrl: null, actionExpiresAt: null });
  const retryAt = retryTimeOf(draft, why, retryDelays);
  draft.apply({ type: 'ATTEMPT_FAILED', retry: retryAt !== undefined });
  if (draft.payment.status === 'RETRY_SCHEDULED' && retryAt !== undefined) draft.set({ retryAt });
  draft.recordStatus({ attemptId: attempt.id });
}

/** When it is tried again by itself; undefined where it is not. A hard decline is never tried again. */
function retryTimeOf({ payment, now }: PaymentDraft, why: Decline, delays: readonly number[]): Date | undefined {
  const delay = delays[payment.retryCount];
  if (delay === undefined || !why.retryable || !payment.active || payment.attemptCount >= ATTEMPTS_MAX)
    return undefined;
  const retryAt = new Date(now.getTime() + delay * 1_000);
  return payment.expiresAt !== null && retryAt >= payment.expiresAt ? undefined : retryAt;
}
