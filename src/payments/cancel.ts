import { ok, fail, type Result } from '../domain/result.ts';
import { readOfPayment } from '../store/ledger.ts';
import { begin, openPayment } from './begin.ts';
import { conclude } from './conclude.ts';
import type { PaymentResult } from './create.ts';
import { currentAttempt } from './current-attempt.ts';
import type { Failure } from './failure.ts';
import type { Caller, Gateway } from './gateway.ts';
import { illegalState } from './illegal.ts';
import { callProcessor, movementRequest, planOperation } from './operation.ts';

export interface CancelPaymentInput {
  readonly idempotencyKey: string;
  readonly paymentId: string;
}

/**
 * Cancels a payment. Where a processor holds something for it, this is a wish until the processor has answered,
 * and a payment that succeeded in the meantime stays so. What was captured before is kept; the rest is released.
 */
export async function cancelPayment(
  gateway: Gateway,
  caller: Caller,
  input: CancelPaymentInput,
): Promise<Result<PaymentResult, Failure>> {
  const { paymentId } = input;
  const request = { operation: 'cancelPayment', key: input.idempotencyKey, input: { paymentId } };
  const operationId = gateway.newId();
  const resource = { resourceId: paymentId, paymentId, operationId };
  const begun = await begin(gateway, caller, request, resource, async (transaction, clock) => {
    const opened = await openPayment(gateway, caller, { transaction, clock, paymentId });
    if (!opened.ok) return opened;
    const { draft, payment } = opened.value;
    if (!draft.allows('CANCEL_REQUESTED')) {
      // Nothing is under way at a processor: it ends here.
      if (draft.try({ type: 'CANCELED' }) !== undefined) return fail(illegalState(payment, 'canceled', 'paymentId'));
      draft.recordStatus();
      return ok({ draft, value: null });
    }
    const attempt = currentAttempt(payment, await readOfPayment(transaction, 'attempt', payment));
    // Without the processor's reference there is nothing to void yet: the charge is still on its way.
    const chargeReference = attempt?.processorTransactionId ?? null;
    const refused = draft.try({ type: 'CANCEL_REQUESTED' });
    if (attempt === undefined || chargeReference === null || refused !== undefined) {
      return fail({
        ...illegalState(payment, 'canceled', 'paymentId'),
        message: 'The payment cannot be canceled while the processor has not answered: ask again in a moment.',
      });
    }
    const processor = gateway.processors.named(attempt.processor);
    const plan = { id: operationId, kind: 'VOID', attemptId: attempt.id, processor } as const;
    const operation = planOperation(gateway, draft, { ...plan, caller, request, attemptNumber: attempt.number });
    draft.record('PAYMENT_CANCEL_REQUESTED', { attemptId: attempt.id });
    const open = payment.amountAuthorized - payment.amountCaptured - payment.amountReleased;
    return ok({
      draft,
      value: { operation, processor, call: movementRequest(payment, operation, chargeReference, open) },
    });
  });
  if (!begun.ok) return begun;
  const { payment, replayed } = begun.value;
  if (begun.value.replayed || begun.value.value === null) return ok({ payment, replayed });
  const { startedAtMs } = begun.value;
  const { operation, processor, call } = begun.value.value;
  const outcome = await callProcessor(gateway, operation, processor, startedAtMs, (signal) =>
    processor.void(call, signal),
  );
  return ok({
    payment: await conclude(gateway, operation, { of: 'MOVEMENT', outcome, askedAtMs: startedAtMs }),
    replayed: false,
  });
}
