import type { Attempt, Capture, Payment, Refund, RefundAllocation } from '../../generated/prisma/client.ts';
import { refundable } from '../domain/lifecycle.ts';
import { fail, ok, type Result } from '../domain/result.ts';
import { lockPaymentWith, readReversedCaptureIds } from '../store/ledger.ts';
import { begin, openPayment } from './begin.ts';
import { currentAttempt } from './current-attempt.ts';
import { amountFieldOf, checkAmountOf, checkText } from './details.ts';
import { dispatch } from './dispatch.ts';
import type { PaymentDraft } from './draft.ts';
import { invalid, type Failure } from './failure.ts';
import type { Caller, Gateway } from './gateway.ts';
import { illegalState, refusedAmount } from './illegal.ts';
import { planOperation } from './operation.ts';
import { lifecycleOf } from './stored-lifecycle.ts';

export interface RefundPaymentInput {
  readonly idempotencyKey: string;
  readonly paymentId: string;
  /** Minor units; all that is left if null. */
  readonly amount: bigint | { readonly decimal: string } | null;
  readonly reason: string | null;
}

export interface RefundResult {
  readonly payment: Payment;
  readonly refundId: string;
  /** Undefined where it has to be read. */
  readonly refund?: Refund | undefined;
  readonly replayed: boolean;
}

/** Refunds of one payment: far more than any order has lines. */
const REFUNDS_MAX = 500;

/** Gives a captured amount back, or a part of it, out of the oldest captures first. */
export async function refundPayment(
  gateway: Gateway,
  caller: Caller,
  input: RefundPaymentInput,
): Promise<Result<RefundResult, Failure>> {
  const { paymentId } = input;
  const checked = checkText(input.reason, ['reason']);
  if (!checked.ok) return checked;
  const { idempotencyKey, ...rest } = input;
  const request = { operation: 'refundPayment', key: idempotencyKey, input: () => rest };
  const refundId = gateway.newId();
  const operationId = gateway.newId();
  const resource = { resourceId: refundId, paymentId, operationId };
  const begun = await begin(gateway, caller, request, resource, {
    read: (transaction) =>
      lockPaymentWith(transaction, caller.environmentId, paymentId, ['attempt', 'refund', 'capture']),
    decide: async (transaction, { clock, origin }, { payment: locked, rows }) => {
      const opened = openPayment(gateway, caller, clock, locked);
      if (!opened.ok) return opened;
      const { draft, payment } = opened.value;
      const given = input.amount === null ? ok(refundable(lifecycleOf(payment))) : checkAmountOf(input.amount, payment);
      if (!given.ok) return given;
      const amount = given.value;
      const refused = draft.try({ type: 'REFUND_STARTED', amount });
      if (refused !== undefined) {
        const field = amountFieldOf(input.amount);
        const terms = { done: 'refunded', limit: 'REFUNDABLE', maximum: refundable, field } as const;
        return fail(refusedAmount(payment, refused, terms));
      }
      const attempt = currentAttempt(payment, rows.attempt);
      if (attempt?.processorTransactionId == null) return fail(illegalState(payment, 'refunded', 'paymentId'));
      if (rows.refund.length >= REFUNDS_MAX)
        return invalid(`A payment has at most ${REFUNDS_MAX} refunds.`, 'paymentId');
      const refund = newRefund(draft, attempt, refundId, amount, input.reason);
      draft.insert('refund', refund);
      const reversed = await readReversedCaptureIds(transaction, payment);
      const refundableCaptures = rows.capture.filter(({ id, status }) => status === 'SUCCEEDED' && !reversed.has(id));
      for (const allocation of allocate(refundableCaptures, refundId, amount)) {
        draft.insert('refundAllocation', allocation);
      }
      const operation = planOperation(gateway, draft, {
        id: operationId,
        kind: 'REFUND',
        attempt,
        refundId,
        origin,
        status: 'DISPATCHED',
      });
      draft.record('REFUND_PENDING', { attemptId: attempt.id, refundId });
      return ok({ draft, value: { payment, operation, attempt, refund } });
    },
  });
  if (!begun.ok) return begun;
  if (begun.value.replayed) {
    return ok({ payment: begun.value.payment, refundId: begun.value.resourceId, replayed: true });
  }
  const { payment, refund } = await dispatch(gateway, begun.value.value, begun.value.startedAtMs);
  return ok({ payment, refundId, refund, replayed: false });
}

/** Shares a refund out over the captures that still hold money, the oldest first. */
function allocate(captures: readonly Capture[], refundId: string, amount: bigint): RefundAllocation[] {
  const allocations: RefundAllocation[] = [];
  let left = amount;
  for (const capture of captures) {
    const held = capture.amount - capture.amountRefundHeld;
    const share = held < left ? held : left;
    if (share <= 0n) continue;
    allocations.push({ environmentId: capture.environmentId, refundId, captureId: capture.id, amount: share });
    left -= share;
  }
  if (left !== 0n) throw new Error('a refund that the payment allows does not fit its captures');
  return allocations;
}

function newRefund(draft: PaymentDraft, attempt: Attempt, id: string, amount: bigint, reason: string | null): Refund {
  const { payment, now, actor } = draft;
  return {
    environmentId: payment.environmentId,
    id,
    paymentId: payment.id,
    attemptId: attempt.id,
    amount,
    currency: payment.currency,
    status: 'PENDING',
    reason,
    processorReference: null,
    failureCode: null,
    failureMessage: null,
    createdAt: now,
    updatedAt: now,
    createdBy: actor,
    updatedBy: actor,
  };
}
