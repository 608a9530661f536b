import type { Attempt, Capture, Operation, Payment, Refund } from '../../generated/prisma/client.ts';
import { unreachable } from '../domain/result.ts';
import type { ChargeOutcome, MovementOutcome, NotFound } from '../processors/port.ts';
import { lockPayment, readById, readClock, readOfPayment, write } from '../store/ledger.ts';
import { transact, type Transaction } from '../store/transaction.ts';
import { concludeCharge } from './conclude-charge.ts';
import { concludeCapture, concludeRefund, concludeVoid } from './conclude-movement.ts';
import { PaymentDraft } from './draft.ts';
import type { Gateway } from './gateway.ts';

/** What a processor said of an operation, or what it comes to when it has no trace of it: it never reached it. */
export type ChargeAnswer = ChargeOutcome | { readonly kind: 'not_executed' };
export type MovementAnswer = MovementOutcome | { readonly kind: 'not_executed' };

/** `askedAtMs` is the monotonic time at which the processor was asked. */
export type Answer =
  | { readonly of: 'CHARGE'; readonly outcome: ChargeOutcome | NotFound; readonly askedAtMs: number }
  | { readonly of: 'MOVEMENT'; readonly outcome: MovementOutcome | NotFound; readonly askedAtMs: number };

/** An operation with what it is about, read under the payment's lock. */
export interface OpenOperation {
  readonly draft: PaymentDraft;
  readonly operation: Operation;
  readonly attempt: Attempt;
  readonly operations: readonly Operation[];
}

/** Who is written down for what a processor's answer changed. */
const ACTOR = 'processor';

/**
 * The third phase of every operation: one transaction writes the answer, what it makes of the payment, and the
 * events. An answer to an operation that has come to its end is dropped, so that the call's own return, a
 * notification and recovery can all bring the same answer, in any order and more than once.
 * @returns the payment as it then stands
 */
export async function conclude(
  gateway: Gateway,
  of: Pick<Operation, 'environmentId' | 'id' | 'paymentId'>,
  answer: Answer,
): Promise<Payment> {
  const { payment, changed } = await transact(gateway.database, async (transaction) => {
    const locked = await lockPayment(transaction, of.environmentId, of.paymentId);
    const operation = await readById(transaction, 'operation', of.environmentId, of.id);
    if (locked === undefined || operation === undefined) throw new Error('an operation lost its payment');
    const clock = await readClock(transaction);
    const draft = new PaymentDraft(gateway, { payment: locked, isNew: false, clock, actor: ACTOR });
    if (!(await settle(gateway, transaction, draft, operation, answer))) {
      return { commit: false, value: { payment: locked, changed: false } };
    }
    await write(transaction, draft.writes());
    return { commit: true, value: { payment: draft.payment, changed: draft.hasEvents } };
  });
  if (changed) gateway.eventsAppended();
  return payment;
}

/** Lets the answer take effect on the draft; false where there is nothing to change. */
async function settle(
  gateway: Gateway,
  transaction: Transaction,
  draft: PaymentDraft,
  operation: Operation,
  answer: Answer,
): Promise<boolean> {
  const attempts = await readOfPayment(transaction, 'attempt', draft.payment);
  const operations = await readOfPayment(transaction, 'operation', draft.payment);
  const open: OpenOperation = { draft, operation, operations, attempt: find(attempts, operation.attemptId) };
  if (operation.kind === 'CHARGE') {
    if (answer.of !== 'CHARGE') throw new Error('a charge got the answer of a movement');
    if (operation.status === 'COMPLETED') return flagContradiction(gateway, open, answer.outcome);
    return concludeCharge(gateway, open, weigh(gateway, open, answer));
  }
  if (answer.of !== 'MOVEMENT') throw new Error('a movement got the answer of a charge');
  const outcome = weigh(gateway, open, answer);
  switch (operation.kind) {
    case 'CAPTURE': {
      if (operation.status === 'COMPLETED') return false;
      const captures: Capture[] = await readOfPayment(transaction, 'capture', draft.payment);
      return concludeCapture(gateway, open, find(captures, operation.captureId), outcome);
    }
    case 'VOID':
      return operation.status !== 'COMPLETED' && concludeVoid(gateway, open, outcome);
    case 'REFUND': {
      const refunds: Refund[] = await readOfPayment(transaction, 'refund', draft.payment);
      return concludeRefund(gateway, open, find(refunds, operation.refundId), outcome);
    }
    default:
      return unreachable(operation.kind);
  }
}

/**
 * "Not found" means "never executed" only when the request cannot be on its way any more: after the call's deadline
 * and the processor's in-flight window, on the database's clock. Until then it says nothing.
 */
function weigh<T extends { readonly kind: string }>(
  gateway: Gateway,
  { draft, operation }: OpenOperation,
  { outcome, askedAtMs }: { readonly outcome: T | NotFound; readonly askedAtMs: number },
): T | { readonly kind: 'not_executed' } | { readonly kind: 'unknown' } {
  if (!isNotFound(outcome)) return outcome;
  const { inFlightWindowMs } = gateway.processors.named(operation.processor).limits;
  // What counts is when the question was asked, not when its answer came.
  const askedAt = draft.now.getTime() - (performance.now() - askedAtMs);
  const isOver = askedAt > operation.callDeadline.getTime() + inFlightWindowMs;
  return { kind: isOver ? 'not_executed' : 'unknown' };
}

/**
 * An answer to a charge that has ended is dropped, unless it says that money was taken for an attempt that was
 * given up: an operator has to know of that.
 */
function flagContradiction(
  gateway: Gateway,
  { draft, operation, attempt }: OpenOperation,
  outcome: ChargeOutcome | NotFound,
): boolean {
  const holdsMoney = attempt.status === 'AUTHORIZED' || attempt.status === 'SUCCEEDED';
  if (outcome.kind !== 'approved' || holdsMoney || attempt.flag !== null) return false;
  gateway.report('a charge succeeded after it was given up: give it back at the processor', {
    paymentId: operation.paymentId,
    attemptId: attempt.id,
    processor: operation.processor,
    reference: outcome.reference,
  });
  draft.update('attempt', {
    ...attempt,
    flag: 'LATE_SUCCESS',
    processorTransactionId: outcome.reference,
    updatedAt: draft.now,
    updatedBy: draft.actor,
  });
  return true;
}

function isNotFound(outcome: { readonly kind: string }): outcome is NotFound {
  return outcome.kind === 'not_found';
}

function find<T extends { readonly id: string }>(rows: readonly T[], id: string | null): T {
  const row = rows.find((each) => each.id === id);
  if (row === undefined) throw new Error('an operation lost the row it is about');
  return row;
}
