import type { Attempt, Capture } from '../../generated/prisma/client.ts';
import { unreachable } from '../domain/result.ts';
import { approveCharge, reverseCapture, type Approval, type Reversal } from './approve.ts';
import { endingOf } from './conclude-charge.ts';
import type { ChargeAnswer, OpenOperation } from './take-effect.ts';
import type { Gateway } from './gateway.ts';
import { forgetLook, lookLater } from './operation-course.ts';
import { ownOrigin, planOperation } from './operation.ts';
import { settleCapture } from './settle.ts';

/** What an answer may still tell of a charge that has come to its end. */
type News =
  | { readonly kind: 'SUCCEEDED_LATE'; readonly approval: Approval }
  | { readonly kind: 'TAKEN_BACK'; readonly capture: Capture; readonly reversal: Reversal }
  | { readonly kind: 'PAID_OUT'; readonly capture: Capture; readonly settledAt: Date }
  | { readonly kind: 'RELEASED'; readonly how: 'voided' | 'expired' };

/** What else is to be known of the payment. */
interface Known {
  /** Those that were not taken back yet. */
  readonly captures: readonly Capture[];
  /** Of a charge that succeeded late: whether its payer has paid for the same with another payment since. */
  readonly isPaidOtherwise: boolean;
}

/**
 * An answer to a charge that has come to its end already. Most say nothing new. Some do: that a charge which was given
 * up has succeeded after all, that what was captured was paid out or taken back, or that what was held was
 * released.
 */
export function concludeLateCharge(
  gateway: Gateway,
  open: OpenOperation,
  answer: ChargeAnswer,
  { captures, isPaidOtherwise }: Known,
): boolean {
  const { draft, operation } = open;
  const news = newsOf(open.attempt, answer, captures);
  if (answer.kind === 'reversed' && open.attempt.flag === 'LATE_SUCCESS_RETURNED') {
    gateway.report("a charge was given back, and taken back by the payer's bank as well: the money is out twice", {
      paymentId: operation.paymentId,
      attemptId: operation.attemptId,
      processor: operation.processor,
      reference: answer.reference,
    });
  }
  if (news === undefined) {
    // Made late, and its result is still to come: it is not lost sight of.
    const isComing = answer.kind === 'pending' || answer.kind === 'action_required';
    if (answer.kind !== 'unknown' && !(isComing && operation.recoverAt !== null)) return forgetLook(open);
    lookLater(gateway, draft, operation);
    return true;
  }
  // Asked before the end, the answer may be overtaken by what brought the end; and a capture under way comes first.
  const isStale = operation.completedAt !== null && open.askedAt <= operation.completedAt;
  if (isStale || (news.kind === 'RELEASED' && draft.payment.amountCapturing > 0n)) {
    lookLater(gateway, draft, operation);
    return true;
  }
  forgetLook(open);
  tell(gateway, open, news, isPaidOtherwise);
  return true;
}

/**
 * Whether an answer to a charge that has come to its end says that it has succeeded for the first time. An attempt that
 * was authorised before has had its success, whatever became of it.
 */
export function isLateSuccess(attempt: Attempt, { kind }: Pick<ChargeAnswer, 'kind'>): boolean {
  return kind === 'approved' && attempt.amountAuthorized === 0n && attempt.flag === null;
}

function newsOf(attempt: Attempt, answer: ChargeAnswer, captures: readonly Capture[]): News | undefined {
  switch (answer.kind) {
    case 'approved':
      return isLateSuccess(attempt, answer)
        ? { kind: 'SUCCEEDED_LATE', approval: answer }
        : paidOut(attempt, captures, answer);
    case 'reversed':
      return takenBack(attempt, captures, answer);
    case 'voided':
      // Some processors void what was captured, as long as it was not settled.
      if (attempt.status === 'SUCCEEDED') return takenBack(attempt, captures, VOIDED);
      return attempt.status === 'AUTHORIZED' ? { kind: 'RELEASED', how: 'voided' } : undefined;
    case 'expired':
      return attempt.status === 'AUTHORIZED' ? { kind: 'RELEASED', how: 'expired' } : undefined;
    case 'declined':
    case 'misconfigured':
    case 'not_executed':
    case 'not_sent':
    case 'action_required':
    case 'pending':
    case 'unknown':
      return undefined;
    default:
      return unreachable(answer);
  }
}

const VOIDED: Reversal = { code: 'voided', message: 'The charge was voided after it had been captured.' };

function takenBack(attempt: Attempt, captures: readonly Capture[], reversal: Reversal): News | undefined {
  const capture = captureOf(attempt, captures);
  return capture && { kind: 'TAKEN_BACK', capture, reversal };
}

function paidOut(
  attempt: Attempt,
  captures: readonly Capture[],
  { settledAt }: Pick<Approval, 'settledAt'>,
): News | undefined {
  const capture = captureOf(attempt, captures);
  if (settledAt === null || capture === undefined || capture.settledAt !== null) return undefined;
  return { kind: 'PAID_OUT', capture, settledAt };
}

/** The one capture that took all of a charge, unless it was taken back before. */
function captureOf(attempt: Attempt, captures: readonly Capture[]): Capture | undefined {
  return captures.find(
    ({ attemptId, status, amount }) =>
      attemptId === attempt.id && status === 'SUCCEEDED' && amount === attempt.amountAuthorized,
  );
}

function tell(gateway: Gateway, open: OpenOperation, news: News, isPaidOtherwise: boolean): void {
  const { draft } = open;
  const attempt: Attempt = { ...open.attempt, updatedAt: draft.now, updatedBy: draft.actor };
  switch (news.kind) {
    case 'SUCCEEDED_LATE':
      succeedLate(gateway, open, attempt, { ...news, isPaidOtherwise });
      return;
    case 'TAKEN_BACK':
      reverseCapture(draft, news.capture, news.reversal);
      return;
    case 'PAID_OUT':
      settleCapture(draft, news.capture, news.settledAt);
      return;
    case 'RELEASED': {
      const ending = endingOf(draft.payment, news.how);
      draft.apply({ type: ending });
      draft.update('attempt', { ...attempt, status: draft.payment.status === 'SUCCEEDED' ? 'SUCCEEDED' : ending });
      draft.recordStatus({ attemptId: attempt.id });
      return;
    }
    default:
      unreachable(news);
  }
}

/**
 * A charge has succeeded that was given up. If the payment is open and nothing else of it is under way or holds money,
 * it is taken on, and any retry is called off. Otherwise, and where its payer has paid for the same since, that attempt
 * alone is given back: a double charge never stands.
 */
function succeedLate(
  gateway: Gateway,
  { draft, operation }: OpenOperation,
  attempt: Attempt,
  { approval, isPaidOtherwise }: { readonly approval: Approval; readonly isPaidOtherwise: boolean },
): void {
  const { status } = draft.payment;
  gateway.report('a charge succeeded after it was given up', {
    paymentId: operation.paymentId,
    attemptId: attempt.id,
    processor: operation.processor,
    reference: approval.reference,
    paymentStatus: status,
  });
  if (!isPaidOtherwise && (status === 'FAILED' || status === 'RETRY_SCHEDULED')) {
    approveCharge(gateway, draft, { ...attempt, flag: 'LATE_SUCCESS_ADOPTED' }, approval);
    return;
  }
  const returning: Attempt = {
    ...attempt,
    flag: 'LATE_SUCCESS_RETURNING',
    processorTransactionId: approval.reference,
    networkTransactionId: approval.networkTransactionId,
  };
  draft.update('attempt', returning);
  planOperation(gateway, draft, {
    id: gateway.newId(),
    kind: 'RETURN',
    attempt: returning,
    origin: ownOrigin('return', attempt.id),
    status: 'PLANNED',
  });
}
