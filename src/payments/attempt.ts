import type { Attempt, Operation, Payment, PaymentMethod } from '../../generated/prisma/client.ts';
import { encodeId } from '../domain/ids.ts';
import { fail, ok, type Result } from '../domain/result.ts';
import type { ChargeOutcome } from '../processors/port.ts';
import { keepReference } from '../store/operations.ts';
import { ATTEMPTS_MAX } from './conclude-charge.ts';
import type { Metadata } from './details.ts';
import { finish } from './dispatch.ts';
import type { PaymentDraft } from './draft.ts';
import { invalid, type Failure } from './failure.ts';
import type { Gateway } from './gateway.ts';
import { illegalState } from './illegal.ts';
import { HOSTED_PAGE, pageUrl, returnUrlOf } from './page-link.ts';
import type { Routing } from './route.ts';
import { callProcessor, planOperation, type Origin } from './operation.ts';

/** A charge that was written down and is to be made. */
export interface StartedCharge {
  readonly payment: Payment;
  readonly attempt: Attempt;
  readonly operation: Operation;
  readonly paymentMethod: PaymentMethod;
  /** Nobody is there who could pass 3-D Secure. */
  readonly offSession: boolean;
}

export interface AttemptPlan {
  readonly origin: Origin;
  readonly operationId: string;
  readonly paymentMethod: PaymentMethod;
  readonly metadata: Metadata;
  /** Why it is charged where its payment method is kept. */
  readonly routing: Routing;
  /** Who makes it: the gateway by itself does at a payment's date, and again after a decline. */
  readonly by: 'MERCHANT' | 'PAYER' | 'SCHEDULE' | 'RETRY';
  /** It follows on one that could do nothing, in the same request. */
  readonly isFailover?: boolean;
}

/** Begins a new attempt in a draft: the payment is PROCESSING, the charge counts as made. */
export function startAttempt(gateway: Gateway, draft: PaymentDraft, plan: AttemptPlan): Result<StartedCharge, Failure> {
  const { origin, paymentMethod, by } = plan;
  const before = draft.payment;
  if (before.attemptCount >= ATTEMPTS_MAX) {
    return invalid(`A payment has at most ${ATTEMPTS_MAX} attempts: create another.`, 'paymentId');
  }
  const refused = draft.try({ type: 'ATTEMPT_STARTED' });
  if (refused !== undefined) return fail(illegalState(before, 'processed', 'paymentId'));
  if (before.expiresAt !== null && before.expiresAt <= draft.now) {
    return invalid('The payment has expired.', 'paymentId');
  }
  const traits = gateway.processors.traits(paymentMethod.processor);
  const refusedAmount = traits.refusesAmount(before.amount, before.currency);
  if (refusedAmount !== undefined) return invalid(refusedAmount, 'amount');
  const number = before.attemptCount + 1;
  const attempt: Attempt = {
    environmentId: before.environmentId,
    id: gateway.newId(),
    paymentId: before.id,
    number,
    kind: kindOf(plan, number),
    ...plan.routing,
    status: 'DISPATCHED',
    paymentMethodId: paymentMethod.id,
    processor: paymentMethod.processor,
    processorAccountId: paymentMethod.processorAccountId,
    amount: before.amount,
    currency: before.currency,
    amountAuthorized: 0n,
    declineCode: null,
    declineMessage: null,
    declineRetryable: null,
    processorTransactionId: null,
    networkTransactionId: null,
    latencyMs: null,
    metadata: plan.metadata,
    flag: null,
    createdAt: draft.now,
    updatedAt: draft.now,
    createdBy: draft.actor,
    updatedBy: draft.actor,
  };
  draft.insert('attempt', attempt);
  draft.set({
    attemptCount: number,
    retryCount: by === 'RETRY' ? before.retryCount + 1 : 0,
    currentAttemptId: attempt.id,
    paymentMethodId: paymentMethod.id,
    customerId: before.customerId ?? paymentMethod.customerId,
    declineCode: null,
    declineMessage: null,
    declineRetryable: null,
    failedAt: null,
    retryAt: null,
  });
  const operation = planOperation(gateway, draft, {
    id: plan.operationId,
    kind: 'CHARGE',
    attempt,
    origin,
    status: 'DISPATCHED',
  });
  draft.recordStatus({ attemptId: attempt.id });
  const offSession = by === 'MERCHANT' ? before.offSession : by !== 'PAYER';
  return ok({ payment: draft.payment, attempt, operation, paymentMethod, offSession });
}

function kindOf({ by, isFailover = false }: AttemptPlan, number: number): Attempt['kind'] {
  if (isFailover) return 'FAILOVER';
  if (by === 'RETRY') return 'SCHEDULED_RETRY';
  return number === 1 ? 'INITIAL' : 'RESUBMISSION';
}

/**
 * Where 3-D Secure leads the payer back to: who pays on the hosted page, there; anyone else to the merchant, with the
 * payment's id added to the address.
 */
function wayBack(gateway: Gateway, payment: Payment, attempt: Attempt): string | null {
  if (attempt.createdBy === HOSTED_PAGE) return pageUrl(gateway, 'pay', payment);
  return payment.returnUrl === null ? null : returnUrlOf(payment.returnUrl, payment.id);
}

/** The second and third phase of a charge: the call, outside any transaction, and what its answer makes of it. */
export async function runCharge(gateway: Gateway, charge: StartedCharge, startedAtMs: number): Promise<Payment> {
  const outcome = await askForCharge(gateway, charge, startedAtMs);
  const { payment } = await finish(gateway, charge.operation, { of: 'CHARGE', outcome, askedAtMs: startedAtMs });
  return payment;
}

/** The second phase alone. */
export async function askForCharge(
  gateway: Gateway,
  charge: StartedCharge,
  startedAtMs: number,
): Promise<ChargeOutcome> {
  const { payment, attempt, operation, paymentMethod } = charge;
  if (!gateway.circuits.admits(operation)) return { kind: 'not_sent' };
  return callProcessor(gateway, operation, startedAtMs, (processor, signal) =>
    processor.charge(
      {
        merchant: payment.environmentId,
        key: operation.processorKey,
        paymentId: encodeId('Payment', payment.id),
        token: paymentMethod.processorToken,
        amount: attempt.amount,
        currency: attempt.currency,
        captureNow: payment.captureMethod === 'AUTOMATIC',
        offSession: charge.offSession,
        initiator: payment.initiator,
        statementDescriptor: payment.statementDescriptor,
        returnUrl: wayBack(gateway, payment, attempt),
        keepReference: (reference) => keepReference(gateway.database, operation, reference),
      },
      signal,
    ),
  );
}
