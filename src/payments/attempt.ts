import type { Attempt, Operation, Payment, PaymentMethod } from '../../generated/prisma/client.ts';
import { fail, ok, type Result } from '../domain/result.ts';
import { conclude } from './conclude.ts';
import type { PaymentDraft } from './draft.ts';
import { invalid, type Failure } from './failure.ts';
import type { Caller, Gateway } from './gateway.ts';
import { illegalState } from './illegal.ts';
import { callProcessor, planOperation } from './operation.ts';

/** A charge that was written down and is to be made. */
export interface StartedCharge {
  readonly payment: Payment;
  readonly attempt: Attempt;
  readonly operation: Operation;
  readonly paymentMethod: PaymentMethod;
}

/** Attempts of one payment: more than any honest payer needs, few enough to make card testing slow. */
const ATTEMPTS_MAX = 50;

export interface AttemptPlan {
  readonly caller: Caller;
  readonly request: { readonly operation: string; readonly key: string };
  readonly operationId: string;
  readonly paymentMethod: PaymentMethod;
}

/** Begins a new attempt in a draft: the payment is PROCESSING, the charge counts as made. */
export function startAttempt(gateway: Gateway, draft: PaymentDraft, plan: AttemptPlan): Result<StartedCharge, Failure> {
  const { caller, request, paymentMethod } = plan;
  const before = draft.payment;
  if (before.attemptCount >= ATTEMPTS_MAX) {
    return invalid(`A payment has at most ${ATTEMPTS_MAX} attempts: create another.`, 'paymentId');
  }
  const refused = draft.try({ type: 'ATTEMPT_STARTED' });
  if (refused !== undefined) return fail(illegalState(before, 'processed', 'paymentId'));
  const number = before.attemptCount + 1;
  const attempt: Attempt = {
    environmentId: before.environmentId,
    id: gateway.newId(),
    paymentId: before.id,
    number,
    kind: number === 1 ? 'INITIAL' : 'RESUBMISSION',
    status: 'DISPATCHED',
    paymentMethodId: paymentMethod.id,
    processor: paymentMethod.processor,
    amount: before.amount,
    currency: before.currency,
    amountAuthorized: 0n,
    declineCode: null,
    declineMessage: null,
    declineRetryable: null,
    processorTransactionId: null,
    networkTransactionId: null,
    latencyMs: null,
    flag: null,
    createdAt: draft.now,
    updatedAt: draft.now,
    createdBy: draft.actor,
    updatedBy: draft.actor,
  };
  draft.insert('attempt', attempt);
  draft.set({
    attemptCount: number,
    currentAttemptId: attempt.id,
    paymentMethodId: paymentMethod.id,
    customerId: before.customerId ?? paymentMethod.customerId,
    declineCode: null,
    declineMessage: null,
    declineRetryable: null,
    failedAt: null,
  });
  const processor = gateway.processors.named(paymentMethod.processor);
  const operation = planOperation(gateway, draft, {
    id: plan.operationId,
    kind: 'CHARGE',
    attemptId: attempt.id,
    processor,
    caller,
    request,
    attemptNumber: number,
  });
  draft.recordStatus({ attemptId: attempt.id });
  return ok({ payment: draft.payment, attempt, operation, paymentMethod });
}

/** The second and third phase of a charge: the call, outside any transaction, and what its answer makes of it. */
export async function runCharge(gateway: Gateway, charge: StartedCharge, startedAtMs: number): Promise<Payment> {
  const { payment, attempt, operation, paymentMethod } = charge;
  const processor = gateway.processors.named(operation.processor);
  const outcome = await callProcessor(gateway, operation, processor, startedAtMs, (signal) =>
    processor.charge(
      {
        merchant: payment.environmentId,
        key: operation.processorKey,
        token: paymentMethod.processorToken,
        amount: attempt.amount,
        currency: attempt.currency,
        captureNow: payment.captureMethod === 'AUTOMATIC',
        offSession: payment.offSession,
        initiator: payment.initiator,
        statementDescriptor: payment.statementDescriptor,
      },
      signal,
    ),
  );
  return conclude(gateway, operation, { of: 'CHARGE', outcome, askedAtMs: startedAtMs });
}
