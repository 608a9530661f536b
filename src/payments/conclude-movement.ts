import type { Attempt, Capture, Operation, Refund } from '../../generated/prisma/client.ts';
import { unreachable } from '../domain/result.ts';
import { reverseCapture } from './approve.ts';
import { endingOf } from './conclude-charge.ts';
import type { MovementResult, OpenOperation } from './take-effect.ts';
import type { PaymentDraft } from './draft.ts';
import type { Gateway } from './gateway.ts';
import { awaitResult, completeOperation, raiseOperation } from './operation-course.ts';
import { settleCapture } from './settle.ts';

/** Why a movement failed, in the two columns that keep it. */
function failureOf({ code, message }: Extract<MovementResult, { kind: 'failed' }>): {
  failureCode: string;
  failureMessage: string;
} {
  return { failureCode: code, failureMessage: message };
}

/**
 * What the answer to a capture makes of it and of its payment. One that had succeeded is paid out later, and may be taken
 * back.
 * @param isReversed whether that has happened
 */
export function concludeCapture(
  gateway: Gateway,
  open: OpenOperation,
  capture: Capture,
  isReversed: boolean,
  answer: MovementResult,
): boolean {
  const { draft, operation, attempt, rows } = open;
  const subject = { attemptId: attempt.id, captureId: capture.id };
  const stamp = { updatedAt: draft.now, updatedBy: draft.actor };
  if (operation.status === 'COMPLETED') {
    reportContradiction(gateway, open, capture, answer);
    return capture.status === 'SUCCEEDED' && !isReversed && concludeLateCapture(draft, capture, answer);
  }
  const before = draft.payment.status;
  switch (answer.kind) {
    case 'succeeded':
      completeOperation(draft, operation, answer.reference);
      draft.update('capture', {
        ...capture,
        ...stamp,
        status: 'SUCCEEDED',
        processorReference: answer.reference,
        settledAt: answer.settledAt,
      });
      draft.apply({ type: 'CAPTURE_SUCCEEDED', amount: capture.amount, final: capture.final });
      draft.record('CAPTURE_SUCCEEDED', subject);
      if (draft.payment.status === 'SUCCEEDED') {
        draft.update('attempt', { ...attempt, ...stamp, status: 'SUCCEEDED' });
      }
      break;
    case 'pending':
      awaitResult(gateway, draft, operation, answer.reference);
      if (capture.processorReference !== null) return true;
      draft.update('capture', { ...capture, ...stamp, processorReference: answer.reference });
      draft.apply({ type: 'CAPTURE_ACCEPTED', final: capture.final });
      break;
    case 'failed':
      completeOperation(draft, operation, answer.reference);
      // It was accepted first, and nobody heard it: what has failed since has used the authorisation up all the same.
      if (answer.reference !== null && capture.processorReference === null) {
        draft.apply({ type: 'CAPTURE_ACCEPTED', final: capture.final });
        if (draft.payment.status !== before) draft.recordStatus(subject);
      }
      draft.update('capture', { ...capture, ...stamp, ...failureOf(answer), status: 'FAILED' });
      draft.apply({ type: 'CAPTURE_FAILED', amount: capture.amount });
      draft.record('CAPTURE_FAILED', subject);
      // How much is held still, the charge says.
      if (draft.payment.status === 'AUTHORIZED') {
        draft.update('operation', { ...chargeOf(attempt, rows.operation), recoverAt: draft.now });
      }
      if (draft.payment.status === 'FAILED') draft.update('attempt', { ...attempt, ...stamp, status: 'FAILED' });
      if (draft.payment.status === 'SUCCEEDED') draft.update('attempt', { ...attempt, ...stamp, status: 'SUCCEEDED' });
      break;
    default:
      return unreachable(answer);
  }
  if (draft.payment.status !== before) draft.recordStatus(subject);
  return true;
}

/** An answer to a capture that has succeeded and stands. False where it tells nothing new. */
function concludeLateCapture(draft: PaymentDraft, capture: Capture, answer: MovementResult): boolean {
  switch (answer.kind) {
    case 'succeeded':
      if (answer.settledAt === null || capture.settledAt !== null) return false;
      settleCapture(draft, capture, answer.settledAt);
      return true;
    case 'failed':
      reverseCapture(draft, capture, answer);
      return true;
    case 'pending':
      return false;
    default:
      return unreachable(answer);
  }
}

function chargeOf(attempt: Attempt, operations: readonly Operation[]): Operation {
  const charge = operations.find(({ kind, attemptId }) => kind === 'CHARGE' && attemptId === attempt.id);
  if (charge === undefined) throw new Error('an attempt that has no charge');
  return charge;
}

/** What had failed, as the processor or an operator said, has been done: somebody has to put that right. */
function reportContradiction(
  gateway: Gateway,
  { operation, askedAt }: OpenOperation,
  movement: Pick<Refund, 'id' | 'status' | 'updatedAt'>,
  answer: MovementResult,
): void {
  if (answer.kind !== 'succeeded' || movement.status !== 'FAILED' || askedAt <= movement.updatedAt) return;
  gateway.report('a capture or refund that had failed was done after all: put it right', {
    paymentId: operation.paymentId,
    operationId: operation.id,
    movementId: movement.id,
    processor: operation.processor,
    reference: answer.reference,
  });
}

/** What the answer to a void makes of the payment. "It has succeeded already" wins over the wish to end it. */
export function concludeVoid(gateway: Gateway, open: OpenOperation, answer: MovementResult): boolean {
  const { draft, operation, attempt, rows } = open;
  if (operation.status === 'COMPLETED') return false;
  const charge = chargeOf(attempt, rows.operation);
  switch (answer.kind) {
    case 'succeeded':
      completeOperation(draft, operation, answer.reference);
      // The charge itself may still have been waiting for its result: this is it.
      if (charge.status !== 'COMPLETED') completeOperation(draft, charge, null);
      // If it ended by itself while the void was under way, the charge says which of the two it was.
      else if (!draft.isEnding) draft.update('operation', { ...charge, recoverAt: draft.now });
      if (draft.isEnding) endVoided(open);
      return true;
    case 'failed':
      completeOperation(draft, operation, null);
      // There was nothing to void: why not, the charge itself says.
      draft.update('operation', { ...charge, recoverAt: draft.now });
      if (draft.payment.cancelRequestedAt !== null) {
        draft.apply({ type: 'CANCEL_REFUSED' });
        draft.record('PAYMENT_CANCEL_REFUSED', { attemptId: attempt.id });
      }
      if (draft.payment.expiryRequestedAt !== null) {
        draft.apply({ type: 'EXPIRY_REFUSED' });
        draft.set({ expiryPostponedTo: new Date(draft.now.getTime() + EXPIRY_AGAIN_MS) });
        draft.record('PAYMENT_EXPIRY_REFUSED', { attemptId: attempt.id });
      }
      return true;
    case 'pending':
      awaitResult(gateway, draft, operation, answer.reference);
      return true;
    default:
      return unreachable(answer);
  }
}

/** How long the processor is left alone that does not let go yet what should be over. */
const EXPIRY_AGAIN_MS = 3_600_000;

function endVoided({ draft, attempt }: OpenOperation): void {
  const ending = endingOf(draft.payment, 'voided');
  draft.apply({ type: ending });
  const status = draft.payment.status === 'SUCCEEDED' ? 'SUCCEEDED' : ending;
  draft.update('attempt', { ...attempt, status, updatedAt: draft.now, updatedBy: draft.actor });
  draft.set({ actionUrl: null, actionExpiresAt: null });
  draft.recordStatus({ attemptId: attempt.id });
}

/** What the answer to a refund makes of it and of its payment; a success may be taken back by the bank later. */
export function concludeRefund(gateway: Gateway, open: OpenOperation, refund: Refund, answer: MovementResult): boolean {
  const { draft, operation, attempt } = open;
  const subject = { attemptId: attempt.id, refundId: refund.id };
  const stamp = { updatedAt: draft.now, updatedBy: draft.actor };
  if (operation.status === 'COMPLETED') {
    reportContradiction(gateway, open, refund, answer);
    if (answer.kind !== 'failed' || refund.status !== 'SUCCEEDED') return false;
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
      awaitResult(gateway, draft, operation, answer.reference);
      draft.update('refund', { ...refund, ...stamp, processorReference: answer.reference });
      return true;
    case 'failed':
      completeOperation(draft, operation, null);
      draft.update('refund', { ...refund, ...stamp, ...failureOf(answer), status: 'FAILED' });
      draft.apply({ type: 'REFUND_FAILED', amount: refund.amount });
      draft.record('REFUND_FAILED', subject);
      return true;
    default:
      return unreachable(answer);
  }
}

/** What the answer makes of a charge that is being given back because it succeeded too late. */
export function concludeReturn(
  gateway: Gateway,
  { draft, operation, attempt }: OpenOperation,
  answer: MovementResult,
): boolean {
  const stamp = { updatedAt: draft.now, updatedBy: draft.actor };
  switch (answer.kind) {
    case 'succeeded':
      if (operation.status === 'COMPLETED') return false;
      completeOperation(draft, operation, answer.reference);
      draft.update('attempt', { ...attempt, ...stamp, flag: 'LATE_SUCCESS_RETURNED' });
      return true;
    case 'pending':
      if (operation.status === 'COMPLETED') return false;
      awaitResult(gateway, draft, operation, answer.reference);
      return true;
    case 'failed':
      // The payer's money is still here, or came back to us: someone has to see to it that they get it.
      draft.update('attempt', { ...attempt, ...stamp, flag: 'LATE_SUCCESS_RETURNING' });
      raiseOperation(gateway, draft, operation);
      return true;
    default:
      return unreachable(answer);
  }
}
