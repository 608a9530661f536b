import type { Attempt, Operation } from '../../generated/prisma/client.ts';
import type { Processor } from '../processors/port.ts';
import type { Place } from '../store/operations.ts';
import type { PaymentDraft } from './draft.ts';
import type { Gateway } from './gateway.ts';
import { inTime, reportSilence } from './in-time.ts';
import { observeCall, type ProcessorCall } from './observer.ts';

/**
 * Whose wish an operation fulfils: a client's request, or something that the gateway has to do by itself. The same
 * wish asks the processor under the same key, however often it is sent again.
 */
export interface Origin {
  readonly principal: string;
  /** The mutation, or what the gateway does. */
  readonly operation: string;
  /** The client's key, or what names this one occasion. */
  readonly key: string;
  /**
   * How many requests of before had the same key, which has expired since: a processor must not take this one for one of
   * those. 0 nearly always.
   */
  readonly generation: number;
}

/** A wish of the gateway's own. No client has this principal. */
export function ownOrigin(
  operation: 'schedule' | 'retry' | 'failover' | 'cancel' | 'expire' | 'return',
  occasion: string,
): Origin {
  return { principal: 'gateway', operation, key: occasion, generation: 0 };
}

/** What an operation is about, and whose wish it is. */
export interface OperationPlan {
  readonly id: string;
  readonly kind: Operation['kind'];
  readonly attempt: Pick<Attempt, 'id' | 'number' | 'processor' | 'processorAccountId'>;
  readonly captureId?: string;
  readonly refundId?: string;
  readonly origin: Origin;
  /** DISPATCHED where the call follows at once; PLANNED where it is left to dispatch.ts. */
  readonly status: 'DISPATCHED' | 'PLANNED';
}

/**
 * Puts an operation into a draft. Once it is committed as DISPATCHED the call counts as made, because after a crash
 * nobody can tell whether it was.
 */
export function planOperation(gateway: Gateway, draft: PaymentDraft, plan: OperationPlan): Operation {
  const { origin, attempt } = plan;
  const { payment, now, actor } = draft;
  const operation: Operation = {
    environmentId: payment.environmentId,
    id: plan.id,
    kind: plan.kind,
    paymentId: payment.id,
    attemptId: attempt.id,
    captureId: plan.captureId ?? null,
    refundId: plan.refundId ?? null,
    processor: attempt.processor,
    processorAccountId: attempt.processorAccountId,
    processorKey: gateway.keyring.processorKey([
      payment.environmentId,
      origin.principal,
      origin.operation,
      origin.key,
      plan.kind,
      attempt.number,
      ...(origin.generation === 0 ? [] : [origin.generation]),
    ]),
    processorReference: null,
    inquiries: 0,
    createdAt: now,
    completedAt: null,
    createdBy: actor,
    ...(plan.status === 'PLANNED' ? planned(now) : dispatched(gateway, attempt.processor, now)),
  };
  draft.insert('operation', operation);
  return operation;
}

type Course = Pick<Operation, 'status' | 'callDeadline' | 'recoverAt'>;

/** An operation that may be called from now until its deadline, and is asked about some time after it. */
export function dispatched(gateway: Gateway, processor: string, now: Date): Course {
  const { callTimeoutMs } = gateway.processors.traits(processor).limits;
  const callDeadline = new Date(now.getTime() + callTimeoutMs);
  const recoverAt = new Date(callDeadline.getTime() + gateway.settings.recoveryDelayMs);
  return { status: 'DISPATCHED', callDeadline, recoverAt };
}

/** An operation that is certainly not under way, and that recovery may begin at once. */
export function planned(now: Date): Course {
  return { status: 'PLANNED', callDeadline: now, recoverAt: now };
}

/**
 * Runs a call to a processor within its deadline. What breaks on the way, whatever it is, leaves the outcome
 * unknown: it may have been done. Where there is no way to the processor, it was certainly not sent.
 * @param startedAtMs the monotonic time from which the call's deadline counts: for an operation, before its first
 * phase began. A call whose time ran out before it could start (behind a lock, in a commit) is never made: recovery
 * may have taken it for not executed already.
 */
export async function callProcessor<T extends { readonly kind: string }>(
  gateway: Gateway,
  operation: Called,
  startedAtMs: number,
  call: (processor: Processor, signal: AbortSignal) => Promise<T>,
): Promise<T | { readonly kind: 'unknown' } | { readonly kind: 'not_sent' }> {
  gateway.circuits.begun(operation);
  const outcome = await observeCall(
    gateway,
    operation,
    'CALL',
    async () => (await reach(gateway, operation, startedAtMs, call)) ?? ({ kind: 'not_sent' } as const),
  );
  gateway.circuits.ended(operation, outcome);
  return outcome;
}

/** The same for a question about an earlier call: one that was not sent says nothing of that, and nor does one that broke. */
export async function askProcessor<T extends { readonly kind: string }>(
  gateway: Gateway,
  operation: Called,
  startedAtMs: number,
  ask: (processor: Processor, signal: AbortSignal) => Promise<T>,
): Promise<T | { readonly kind: 'unknown' }> {
  return observeCall(
    gateway,
    operation,
    'QUESTION',
    async () => (await reach(gateway, operation, startedAtMs, ask)) ?? ({ kind: 'unknown' } as const),
  );
}

type Called = Place & ProcessorCall;

/** @returns undefined where there is no way to the processor: the credentials of its account cannot be opened */
async function reach<T>(
  gateway: Gateway,
  operation: Called,
  startedAtMs: number,
  call: (processor: Processor, signal: AbortSignal) => Promise<T>,
): Promise<T | { readonly kind: 'unknown' } | undefined> {
  const { id: operationId, kind, processor: name } = operation;
  const { callTimeoutMs } = gateway.processors.traits(name).limits;
  const leftMs = Math.floor(startedAtMs + callTimeoutMs - performance.now());
  if (leftMs <= 0) return { kind: 'unknown' };
  try {
    return await inTime(leftMs, async (signal) => {
      const processor = await gateway.processors.at(operation);
      signal.throwIfAborted();
      if (processor !== undefined) return call(processor, signal);
      const accountId = operation.processorAccountId;
      gateway.report(SEALED, { operationId, kind, processor: name, processorAccountId: accountId });
      return undefined;
    });
  } catch (error) {
    reportSilence(gateway, name, error, { operationId, kind });
    return { kind: 'unknown' };
  }
}

/** What an operator is told who has changed the secret without a thought for what is sealed with it. */
export const SEALED = 'the credentials of a processor account cannot be opened: they were sealed with another secret';
