import type { Attempt, Operation } from '../../generated/prisma/client.ts';
import { unreachable } from '../domain/result.ts';
import type { ChargeOutcome, MovementOutcome, NotFound } from '../processors/port.ts';
import {
  readOfPayment,
  readRetryDelays,
  readReversedCaptureIds,
  type LockedPayment,
  type PaymentChild,
} from '../store/ledger.ts';
import type { Transaction } from '../store/transaction.ts';
import { concludeLateCharge, isLateSuccess } from './conclude-late-charge.ts';
import { concludeCharge, mayBeRetried } from './conclude-charge.ts';
import { concludeCapture, concludeRefund, concludeReturn, concludeVoid } from './conclude-movement.ts';
import type { PaymentDraft } from './draft.ts';
import type { Gateway } from './gateway.ts';
import { awaitKnowledge, forgetLook, lookLater, planAgain, planLater } from './operation-course.ts';
import { isPaidOtherwise } from './payer.ts';
import { settleIfPaidOut } from './settle.ts';

/** What a processor said of an operation, or what it comes to when it has no trace of it: it never reached it. */
export type ChargeAnswer = ChargeOutcome | { readonly kind: 'not_executed' };
export type MovementAnswer = MovementOutcome | { readonly kind: 'not_executed' };
/** An answer that says what the processor made of a movement. */
export type MovementResult = Exclude<MovementAnswer, { readonly kind: 'unknown' | 'not_executed' | 'not_sent' }>;

/** `askedAtMs` is the monotonic time at which the processor was asked. */
export type Answer =
  | { readonly of: 'CHARGE'; readonly outcome: ChargeAnswer | NotFound; readonly askedAtMs: number }
  | { readonly of: 'MOVEMENT'; readonly outcome: MovementOutcome | NotFound; readonly askedAtMs: number };

/** An operation as it stood before its processor was asked. */
export type Asked = Pick<Operation, 'id' | 'callDeadline' | 'recoverAt'>;

/** The tables that `tablesOf` tells of: always the first two, and what that kind of operation is about. */
type RowsOfOperation = LockedPayment<'attempt' | 'operation'>['rows'] &
  Partial<LockedPayment<'capture' | 'refund'>['rows']>;

/** An operation with what it is about, read under the payment's lock. */
export interface OpenOperation {
  readonly draft: PaymentDraft;
  readonly operation: Operation;
  readonly attempt: Attempt;
  readonly rows: RowsOfOperation;
  /** When the processor was asked, on the database's clock. */
  readonly askedAt: Date;
  /** When the operation was to be looked at next, as it stood before the processor was asked. */
  readonly lookAt: Date | null;
}

/** The rows of a payment that an answer is weighed by. */
export function tablesOf({ kind }: Pick<Operation, 'kind'>): readonly PaymentChild[] {
  switch (kind) {
    case 'CHARGE':
    case 'VOID':
    case 'RETURN':
      return ['attempt', 'operation'];
    case 'CAPTURE':
      return ['attempt', 'operation', 'capture'];
    case 'REFUND':
      return ['attempt', 'operation', 'refund'];
    default:
      return unreachable(kind);
  }
}

/** Lets an answer take effect on the draft of its payment; false where there is nothing to change. */
export async function takeEffect(
  gateway: Gateway,
  transaction: Transaction,
  { draft, rows }: Pick<OpenOperation, 'draft' | 'rows'>,
  asked: Asked,
  given: Answer,
): Promise<boolean> {
  const operation = find(rows.operation, asked.id);
  const answer = ofThatCall(asked, operation, given);
  const open: OpenOperation = {
    draft,
    operation,
    rows,
    attempt: find(rows.attempt, operation.attemptId),
    lookAt: asked.recoverAt,
    // What counts is when the question was asked, not when its answer came.
    askedAt: new Date(draft.now.getTime() - (performance.now() - answer.askedAtMs)),
  };
  const isChanged = await takeOwnEffect(gateway, transaction, open, answer);
  // What goes back has no say in it.
  const isOfMoneyIn = operation.kind !== 'REFUND' && operation.kind !== 'RETURN';
  if (isChanged && isOfMoneyIn) await settleIfPaidOut(transaction, draft);
  return isChanged;
}

/**
 * That a call was not sent says nothing of one that was begun since, when that answer was long on its way: it may be under
 * way now.
 */
function ofThatCall(asked: Asked, operation: Operation, answer: Answer): Answer {
  const isThatCall = asked.callDeadline.getTime() === operation.callDeadline.getTime();
  if (isThatCall || answer.outcome.kind !== 'not_sent' || operation.status === 'COMPLETED') return answer;
  return { ...answer, outcome: { kind: 'unknown' } };
}

/** What an answer makes of its operation and of what that is about. */
async function takeOwnEffect(
  gateway: Gateway,
  transaction: Transaction,
  open: OpenOperation,
  answer: Answer,
): Promise<boolean> {
  const { draft, operation } = open;
  if (operation.kind !== 'CHARGE') {
    if (answer.of !== 'MOVEMENT') throw new Error('a movement got the answer of a charge');
    return takeMovementEffect(gateway, transaction, open, weigh(gateway, open, answer.outcome));
  }
  if (answer.of !== 'CHARGE') throw new Error('a charge got the answer of a movement');
  const outcome = weigh(gateway, open, answer.outcome);
  if (operation.status === 'COMPLETED') {
    const captures = await readOfPayment(transaction, 'capture', draft.payment);
    const reversed = await readReversedCaptureIds(transaction, draft.payment);
    return concludeLateCharge(gateway, open, outcome, {
      captures: captures.filter(({ id }) => !reversed.has(id)),
      isPaidOtherwise: isLateSuccess(open.attempt, outcome) && (await isPaidOtherwise(transaction, draft.payment)),
    });
  }
  // What it took an operator to find out is not tried again by itself.
  const mayRetry = operation.status !== 'RAISED' && mayBeRetried(outcome);
  const retryDelays = mayRetry ? await readRetryDelays(transaction, draft.payment.environmentId) : [];
  return concludeCharge(gateway, open, outcome, retryDelays);
}

async function takeMovementEffect(
  gateway: Gateway,
  transaction: Transaction,
  open: OpenOperation,
  answer: MovementAnswer,
): Promise<boolean> {
  const { draft, operation } = open;
  if (operation.status === 'COMPLETED') {
    if (answer.kind === 'unknown') {
      lookLater(gateway, draft, operation);
      return true;
    }
    const wasLookedFor = forgetLook(open);
    if (answer.kind === 'not_executed' || answer.kind === 'not_sent') return wasLookedFor;
    return (await takeMovementResult(gateway, transaction, open, answer)) || wasLookedFor;
  }
  // It is wanted again: an older answer that brings no result says nothing about that.
  const isPlanned = operation.status === 'PLANNED';
  switch (answer.kind) {
    case 'unknown':
      return !isPlanned && awaitKnowledge(gateway, draft, operation);
    case 'not_executed':
      if (!isPlanned) planAgain(gateway, draft, operation);
      return !isPlanned;
    case 'not_sent':
      if (!isPlanned) planLater(gateway, draft, operation);
      return !isPlanned;
    default:
      return takeMovementResult(gateway, transaction, open, answer);
  }
}

async function takeMovementResult(
  gateway: Gateway,
  transaction: Transaction,
  open: OpenOperation,
  answer: MovementResult,
): Promise<boolean> {
  const { draft, operation } = open;
  switch (operation.kind) {
    case 'CAPTURE': {
      const capture = find(open.rows.capture, operation.captureId);
      const reversed = await readReversedCaptureIds(transaction, draft.payment);
      return concludeCapture(gateway, open, capture, reversed.has(capture.id), answer);
    }
    case 'VOID':
      return concludeVoid(gateway, open, answer);
    case 'REFUND':
      return concludeRefund(gateway, open, find(open.rows.refund, operation.refundId), answer);
    case 'RETURN':
      return concludeReturn(gateway, open, answer);
    case 'CHARGE':
      throw new Error('a charge is no movement');
    default:
      return unreachable(operation.kind);
  }
}

/**
 * "Not found" means "never executed" only when the request cannot be on its way any more, and while the processor still
 * knows its keys: after the call's deadline and the processor's in-flight window, and before its key retention ends, on
 * the database's clock. Otherwise it says nothing, least of all about what the processor has accepted already.
 */
function weigh<T extends { readonly kind: string }>(
  gateway: Gateway,
  { operation, askedAt }: OpenOperation,
  outcome: T | NotFound,
): T | { readonly kind: 'not_executed' } | { readonly kind: 'unknown' } {
  if (!isNotFound(outcome)) return outcome;
  // Of what has ended it brings no news: the processor may simply have forgotten it.
  if (operation.status === 'COMPLETED') return { kind: 'not_executed' };
  const { inFlightWindowMs, keyRetentionMs } = gateway.processors.traits(operation.processor).limits;
  const isLanded = askedAt.getTime() > operation.callDeadline.getTime() + inFlightWindowMs;
  const isKnown = askedAt.getTime() < operation.createdAt.getTime() + keyRetentionMs;
  const isAccepted = operation.processorReference !== null;
  return { kind: isLanded && isKnown && !isAccepted ? 'not_executed' : 'unknown' };
}

function isNotFound(outcome: { readonly kind: string }): outcome is NotFound {
  return outcome.kind === 'not_found';
}

/** @throws if it is not there: that is a broken invariant */
export function find<T extends { readonly id: string }>(rows: readonly T[] | undefined, id: string | null): T {
  const row = rows?.find((each) => each.id === id);
  if (row === undefined) throw new Error('an operation lost the row it is about');
  return row;
}
