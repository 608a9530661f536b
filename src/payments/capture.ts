import type { Capture, Payment } from '../../generated/prisma/client.ts';
import { capturable } from '../domain/lifecycle.ts';
import { fail, ok, type Result } from '../domain/result.ts';
import { readOfPayment } from '../store/ledger.ts';
import { begin, openPayment } from './begin.ts';
import { conclude } from './conclude.ts';
import { checkAmount } from './details.ts';
import { lifecycleOf, type PaymentDraft } from './draft.ts';
import { invalid, type Failure } from './failure.ts';
import type { Caller, Gateway } from './gateway.ts';
import { illegalState, refusedAmount } from './illegal.ts';
import { currentAttempt } from './current-attempt.ts';
import { callProcessor, movementRequest, planOperation } from './operation.ts';

export interface CapturePaymentInput {
  readonly idempotencyKey: string;
  readonly paymentId: string;
  /** Minor units; all that is left if null. */
  readonly amount: bigint | null;
  /** What this capture leaves is released. */
  readonly final: boolean;
}

export interface CaptureResult {
  readonly payment: Payment;
  readonly captureId: string;
  readonly replayed: boolean;
}

/** Captures of one payment: every line of an order that ships by itself. */
const CAPTURES_MAX = 100;

/** Takes an authorised amount, or a part of it. */
export async function capturePayment(
  gateway: Gateway,
  caller: Caller,
  input: CapturePaymentInput,
): Promise<Result<CaptureResult, Failure>> {
  const { paymentId } = input;
  if (input.amount !== null) {
    const checked = checkAmount(input.amount, 'amount');
    if (!checked.ok) return checked;
  }
  const { idempotencyKey, ...rest } = input;
  const request = { operation: 'capturePayment', key: idempotencyKey, input: rest };
  const captureId = gateway.newId();
  const operationId = gateway.newId();
  const resource = { resourceId: captureId, paymentId, operationId };
  const begun = await begin(gateway, caller, request, resource, async (transaction, clock) => {
    const opened = await openPayment(gateway, caller, { transaction, clock, paymentId });
    if (!opened.ok) return opened;
    const { draft, payment } = opened.value;
    const amount = input.amount ?? capturable(lifecycleOf(payment));
    const refused = draft.try({ type: 'CAPTURE_STARTED', amount });
    if (refused !== undefined) {
      const terms = { done: 'captured', limit: 'CAPTURABLE', maximum: capturable } as const;
      return fail(refusedAmount(payment, refused, terms));
    }
    const attempt = currentAttempt(payment, await readOfPayment(transaction, 'attempt', payment));
    if (attempt?.processorTransactionId == null) return fail(illegalState(payment, 'captured', 'paymentId'));
    const earlier = await readOfPayment(transaction, 'capture', payment);
    if (earlier.length >= CAPTURES_MAX) return invalid(`A payment has at most ${CAPTURES_MAX} captures.`, 'paymentId');
    draft.insert('capture', newCapture(draft, attempt.id, captureId, amount, input.final));
    const processor = gateway.processors.named(attempt.processor);
    const plan = { id: operationId, kind: 'CAPTURE', attemptId: attempt.id, captureId, processor } as const;
    const operation = planOperation(gateway, draft, { ...plan, caller, request, attemptNumber: attempt.number });
    draft.record('CAPTURE_PENDING', { attemptId: attempt.id, captureId });
    const call = movementRequest(payment, operation, attempt.processorTransactionId, amount);
    return ok({ draft, value: { operation, processor, call: { ...call, final: input.final } } });
  });
  if (!begun.ok) return begun;
  if (begun.value.replayed) {
    return ok({ payment: begun.value.payment, captureId: begun.value.resourceId, replayed: true });
  }
  const { startedAtMs } = begun.value;
  const { operation, processor, call } = begun.value.value;
  const outcome = await callProcessor(gateway, operation, processor, startedAtMs, (signal) =>
    processor.capture(call, signal),
  );
  const payment = await conclude(gateway, operation, { of: 'MOVEMENT', outcome, askedAtMs: startedAtMs });
  return ok({ payment, captureId, replayed: false });
}

function newCapture(draft: PaymentDraft, attemptId: string, id: string, amount: bigint, final: boolean): Capture {
  const { payment, now, actor } = draft;
  return {
    environmentId: payment.environmentId,
    id,
    paymentId: payment.id,
    attemptId,
    amount,
    currency: payment.currency,
    status: 'PENDING',
    final,
    amountRefundHeld: 0n,
    processorReference: null,
    failureCode: null,
    failureMessage: null,
    createdAt: now,
    updatedAt: now,
    createdBy: actor,
    updatedBy: actor,
  };
}
