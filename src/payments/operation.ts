import type { Operation, Payment } from '../../generated/prisma/client.ts';
import type { Processor } from '../processors/port.ts';
import type { PaymentDraft } from './draft.ts';
import type { Caller, Gateway } from './gateway.ts';

/** What an operation is about, and the client's request that asked for it. */
export interface OperationPlan {
  readonly id: string;
  readonly kind: Operation['kind'];
  readonly attemptId: string;
  readonly captureId?: string;
  readonly refundId?: string;
  readonly processor: Processor;
  readonly caller: Caller;
  /** The mutation and the client's key. */
  readonly request: { readonly operation: string; readonly key: string };
  readonly attemptNumber: number;
}

/**
 * Puts an operation into a draft: from the moment this is committed the call counts as made, because after a
 * crash nobody can tell whether it was. The processor's key is drawn from the client's: a request that is sent
 * again, even to a standby that lost the first one, asks the processor under the same key.
 */
export function planOperation(gateway: Gateway, draft: PaymentDraft, plan: OperationPlan): Operation {
  const { caller, request, processor } = plan;
  const { payment, now, actor } = draft;
  const callDeadline = new Date(now.getTime() + processor.limits.callTimeoutMs);
  const operation: Operation = {
    environmentId: payment.environmentId,
    id: plan.id,
    kind: plan.kind,
    status: 'DISPATCHED',
    paymentId: payment.id,
    attemptId: plan.attemptId,
    captureId: plan.captureId ?? null,
    refundId: plan.refundId ?? null,
    processor: processor.name,
    processorKey: gateway.keyring.processorKey([
      caller.environmentId,
      caller.principal,
      request.operation,
      request.key,
      plan.kind,
      plan.attemptNumber,
    ]),
    processorReference: null,
    callDeadline,
    recoverAt: new Date(callDeadline.getTime() + gateway.settings.recoveryDelayMs),
    inquiries: 0,
    createdAt: now,
    completedAt: null,
    createdBy: actor,
  };
  draft.insert('operation', operation);
  return operation;
}

/**
 * Runs a call to a processor within its deadline. What breaks on the way, whatever it is, leaves the outcome
 * unknown: it may have been done.
 * @param startedAtMs the monotonic time from which the call's deadline counts: for an operation, before its first
 * phase began. A call whose time ran out before it could start (behind a lock, in a commit) is never made: recovery
 * may have taken it for not executed already.
 */
export async function callProcessor<T>(
  gateway: Gateway,
  operation: { readonly id: string; readonly kind: Operation['kind'] | 'TOKENIZE' },
  processor: Processor,
  startedAtMs: number,
  call: (signal: AbortSignal) => Promise<T>,
): Promise<T | { readonly kind: 'unknown' }> {
  const leftMs = Math.floor(startedAtMs + processor.limits.callTimeoutMs - performance.now());
  if (leftMs <= 0) return { kind: 'unknown' };
  const signal = AbortSignal.timeout(leftMs);
  try {
    return await Promise.race([call(signal), aborted(signal)]);
  } catch (error) {
    gateway.report('a call to a processor ended with no answer', {
      operationId: operation.id,
      kind: operation.kind,
      processor: processor.name,
      // The class only: a message could carry what was sent.
      error: error instanceof Error ? error.name : 'unknown',
    });
    return { kind: 'unknown' };
  }
}

/** A connector that does not heed its signal is left behind all the same. */
function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
}

/** What a capture, void or refund asks of the processor. */
export function movementRequest(
  payment: Payment,
  operation: Operation,
  chargeReference: string,
  amount: bigint,
): {
  merchant: string;
  key: string;
  chargeReference: string;
  amount: bigint;
  currency: string;
} {
  return {
    merchant: payment.environmentId,
    key: operation.processorKey,
    chargeReference,
    amount,
    currency: payment.currency,
  };
}
