import type { Capture, Refund } from '../../generated/prisma/client.ts';
import { unreachable } from '../domain/result.ts';
import type { MovementAnswer, OpenOperation } from './conclude.ts';
import type { Gateway } from './gateway.ts';
import { awaitOperation, completeOperation } from './operation-course.ts';

/** Why a movement failed, in the two columns that keep it. */
function failureOf(answer: Extract<MovementAnswer, { kind: 'failed' | 'not_executed' }>): {
  failureCode: string;
  failureMessage: string;
} {
  return answer.kind === 'failed'
    ? { failureCode: answer.code, failureMessage: answer.message }
    : { failureCode: 'not_executed', failureMessage: 'The processor never executed the request.' };
}

/** What the answer to a capture makes of it and of its payment. */
export function concludeCapture(
  gateway: Gateway,
  { draft, operation, attempt }: OpenOperation,
  capture: Capture,
  answer: MovementAnswer,
): boolean {
  const subject = { attemptId: attempt.id, captureId: capture.id };
  const stamp = { updatedAt: draft.now, updatedBy: draft.actor };
  const before = draft.payment.status;
  switch (answer.kind) {
    case 'succeeded':
      completeOperation(draft, operation, answer.reference);
      draft.update('capture', { ...capture, ...stamp, status: 'SUCCEEDED', processorReference: answer.reference });
      draft.apply({ type: 'CAPTURE_SUCCEEDED', amount: capture.amount, final: capture.final });
      draft.record('CAPTURE_SUCCEEDED', subject);
      if (draft.payment.status === 'SUCCEEDED') {
        draft.update('attempt', { ...attempt, ...stamp, status: 'SUCCEEDED' });
      }
      break;
    case 'pending':
      awaitOperation(gateway, draft, operation, 'PENDING', answer.reference);
      if (capture.processorReference !== null) return true;
      draft.update('capture', { ...capture, ...stamp, processorReference: answer.reference });
      draft.apply({ type: 'CAPTURE_ACCEPTED', final: capture.final });
      break;
    case 'failed':
    case 'not_executed':
      completeOperation(draft, operation, null);
      draft.update('capture', { ...capture, ...stamp, ...failureOf(answer), status: 'FAILED' });
      draft.apply({ type: 'CAPTURE_FAILED', amount: capture.amount });
      draft.record('CAPTURE_FAILED', subject);
      if (draft.payment.status === 'FAILED') draft.update('attempt', { ...attempt, ...stamp, status: 'FAILED' });
      break;
    case 'unknown':
      if (operation.status === 'PENDING') return false;
      awaitOperation(gateway, draft, operation, 'UNKNOWN', null);
      return true;
    default:
      return unreachable(answer);
  }
  if (draft.payment.status !== before) draft.recordStatus(subject);
  return true;
}

/** What the answer to a void makes of the payment. "It has succeeded already" wins over the wish to cancel. */
export function concludeVoid(
  gateway: Gateway,
  { draft, operation, attempt, operations }: OpenOperation,
  answer: MovementAnswer,
): boolean {
  switch (answer.kind) {
    case 'succeeded': {
      completeOperation(draft, operation, answer.reference);
      // The charge itself may still have been waiting for its result: this is it.
      for (const other of operations) {
        const isOpenCharge = other.kind === 'CHARGE' && other.attemptId === attempt.id && other.status !== 'COMPLETED';
        if (isOpenCharge) completeOperation(draft, other, null);
      }
      // The charge may have failed while the void was under way: then there is nothing left to cancel.
      if (!draft.allows('CANCELED')) return true;
      draft.apply({ type: 'CANCELED' });
      const status = draft.payment.status === 'SUCCEEDED' ? 'SUCCEEDED' : 'CANCELED';
      draft.update('attempt', { ...attempt, status, updatedAt: draft.now, updatedBy: draft.actor });
      draft.set({ actionUrl: null, actionExpiresAt: null });
      draft.recordStatus({ attemptId: attempt.id });
      return true;
    }
    case 'failed':
    case 'not_executed':
      completeOperation(draft, operation, null);
      if (!draft.allows('CANCEL_REFUSED')) return true;
      draft.apply({ type: 'CANCEL_REFUSED' });
      draft.record('PAYMENT_CANCEL_REFUSED', { attemptId: attempt.id });
      return true;
    case 'pending':
      awaitOperation(gateway, draft, operation, 'PENDING', answer.reference);
      return true;
    case 'unknown':
      if (operation.status === 'PENDING') return false;
      awaitOperation(gateway, draft, operation, 'UNKNOWN', null);
      return true;
    default:
      return unreachable(answer);
  }
}

/** What the answer to a refund makes of it and of its payment; a success may be taken back by the bank later. */
export function concludeRefund(
  gateway: Gateway,
  { draft, operation, attempt }: OpenOperation,
  refund: Refund,
  answer: MovementAnswer,
): boolean {
  const subject = { attemptId: attempt.id, refundId: refund.id };
  const stamp = { updatedAt: draft.now, updatedBy: draft.actor };
  if (operation.status === 'COMPLETED') {
    const returned = answer.kind === 'failed' && refund.status === 'SUCCEEDED';
    if (!returned) return false;
    draft.update('refund', { ...refund, ...stamp, ...failureOf(answer), status: 'FAILED' });
    draft.apply({ type: 'REFUND_RETURNED', amount: refund.amount });
    draft.record('REFUND_FAILED', subject);
    return true;
  }
  switch (answer.kind) {
    case 'succeeded':
      completeOperation(draft, operation, answer.reference);
      draft.update('refund', { ...refund, ...stamp, status: 'SUCCEEDED', processorReference: answer.reference });
      draft.apply({ type: 'REFUND_SUCCEEDED', amount: refund.amount });
      draft.record('REFUND_SUCCEEDED', subject);
      return true;
    case 'pending':
      awaitOperation(gateway, draft, operation, 'PENDING', answer.reference);
      draft.update('refund', { ...refund, ...stamp, processorReference: answer.reference });
      return true;
    case 'failed':
    case 'not_executed':
      completeOperation(draft, operation, null);
      draft.update('refund', { ...refund, ...stamp, ...failureOf(answer), status: 'FAILED' });
      draft.apply({ type: 'REFUND_FAILED', amount: refund.amount });
      draft.record('REFUND_FAILED', subject);
      return true;
    case 'unknown':
      if (operation.status === 'PENDING') return false;
      awaitOperation(gateway, draft, operation, 'UNKNOWN', null);
      return true;
    default:
      return unreachable(answer);
  }
}
