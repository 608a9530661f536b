import { ok, fail, type Result } from '../domain/result.ts';
import { lockPaymentWith } from '../store/ledger.ts';
import { begin, openPayment } from './begin.ts';
import type { PaymentResult } from './create.ts';
import { currentAttempt } from './current-attempt.ts';
import { dispatch } from './dispatch.ts';
import { canBeVoided } from './ending.ts';
import type { Failure } from './failure.ts';
import type { Caller, Gateway } from './gateway.ts';
import { illegalState } from './illegal.ts';
import { planOperation } from './operation.ts';

export interface CancelPaymentInput {
  readonly idempotencyKey: string;
  readonly paymentId: string;
}

/**
 * Cancels a payment. Where a processor may hold something for it, this is a wish until the processor has answered, and
 * a payment that succeeded in the meantime stays so. A charge whose answer is outstanding is voided as soon as there is
 * something to void. What was captured before is kept; the rest is released.
 */
export async function cancelPayment(
  gateway: Gateway,
  caller: Caller,
  input: CancelPaymentInput,
): Promise<Result<PaymentResult, Failure>> {
  const { paymentId } = input;
  const request = { operation: 'cancelPayment', key: input.idempotencyKey, input: () => ({ paymentId }) };
  const operationId = gateway.newId();
  const resource = { resourceId: paymentId, paymentId, operationId };
  const begun = await begin(gateway, caller, request, resource, {
    read: (transaction) => lockPaymentWith(transaction, caller.environmentId, paymentId, ['attempt', 'operation']),
    decide: (_, { clock, origin }, { payment: locked, rows }) => {
      const opened = openPayment(gateway, caller, clock, locked);
      if (!opened.ok) return opened;
      const { draft, payment } = opened.value;
      if (!draft.allows('CANCEL_REQUESTED')) {
        // Nothing is under way at a processor: it ends here.
        if (draft.try({ type: 'CANCELED' }) !== undefined) return fail(illegalState(payment, 'canceled', 'paymentId'));
        draft.recordStatus();
        return ok({ draft, value: null });
      }
      if (draft.try({ type: 'CANCEL_REQUESTED' }) !== undefined) {
        const message = 'The payment cannot be canceled while a capture or another cancellation of it is under way.';
        return fail({ ...illegalState(payment, 'canceled', 'paymentId'), message });
      }
      const attempt = currentAttempt(payment, rows.attempt);
      if (attempt === undefined) throw new Error(`a payment in ${payment.status} has no attempt`);
      draft.record('PAYMENT_CANCEL_REQUESTED', { attemptId: attempt.id });
      if (!canBeVoided(attempt, rows.operation)) return ok({ draft, value: null });
      const operation = planOperation(gateway, draft, {
        id: operationId,
        kind: 'VOID',
        attempt,
        origin,
        status: 'DISPATCHED',
      });
      return ok({ draft, value: { payment, operation, attempt } });
    },
  });
  if (!begun.ok) return begun;
  const { payment, replayed } = begun.value;
  if (begun.value.replayed || begun.value.value === null) return ok({ payment, replayed });
  const concluded = await dispatch(gateway, begun.value.value, begun.value.startedAtMs);
  return ok({ payment: concluded.payment, replayed: false });
}
