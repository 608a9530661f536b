import type { Operation } from '../../generated/prisma/client.ts';
import type { OpenOperation } from './take-effect.ts';
import type { PaymentDraft } from './draft.ts';
import type { Gateway } from './gateway.ts';
import { planned } from './operation.ts';

/** How an operation's row goes on: to its end, to the next look at the processor, or to an operator. */

/** The first wait between two looks at the processor doubles each time, up to this. */
const INQUIRY_INTERVAL_MAX_MS = 5 * 60_000;

/** What an operator was told of is still asked about, in case the processor finds its answer: hourly. */
const RAISED_INTERVAL_MS = 3_600_000;

/**
 * The operation has come to its end.
 * @param options.lookAgainInMs asks the processor once more after so long, for an end that was an inference of ours
 */
export function completeOperation(
  draft: PaymentDraft,
  operation: Operation,
  reference: string | null,
  { lookAgainInMs }: { readonly lookAgainInMs?: number } = {},
): void {
  draft.update('operation', {
    ...operation,
    status: 'COMPLETED',
    processorReference: reference ?? operation.processorReference,
    recoverAt: lookAgainInMs === undefined ? null : new Date(draft.now.getTime() + lookAgainInMs),
    completedAt: draft.now,
  });
}

/** The processor has accepted it and will bring a result: recovery looks again, ever more seldom. */
export function awaitResult(gateway: Gateway, draft: PaymentDraft, operation: Operation, reference: string): void {
  draft.update('operation', {
    ...operation,
    status: 'PENDING',
    processorReference: reference,
    recoverAt: nextLook(gateway, draft, operation),
  });
}

/**
 * Nobody knows what became of it: recovery looks again, ever more seldom, and after a set time an operator is told.
 * @returns false where there is nothing to change: the processor had accepted it already
 */
export function awaitKnowledge(gateway: Gateway, draft: PaymentDraft, operation: Operation): boolean {
  // What the processor had accepted it can tell, for as long as it knows the key.
  if (operation.status === 'PENDING' && !isForgotten(gateway, draft, operation)) return false;
  if (isOverdue(gateway, draft, operation)) {
    raiseOperation(gateway, draft, operation);
    return true;
  }
  draft.update('operation', {
    ...operation,
    status: 'UNKNOWN',
    recoverAt: nextLook(gateway, draft, operation),
  });
  return true;
}

/**
 * Something was said to have changed about an operation that has ended, and the processor could not be asked what: it is
 * asked again, ever more seldom.
 */
export function lookLater(gateway: Gateway, draft: PaymentDraft, operation: Operation): void {
  draft.update('operation', { ...operation, recoverAt: nextLook(gateway, draft, operation) });
}

/**
 * The look that was put down for an operation that has ended was made: unless it was put down after the processor had
 * been asked for this answer, because what it is for may have happened since.
 * @returns whether there was one
 */
export function forgetLook({ draft, operation, lookAt }: OpenOperation): boolean {
  if (operation.recoverAt === null || operation.recoverAt.getTime() !== lookAt?.getTime()) return false;
  draft.update('operation', { ...operation, recoverAt: null });
  return true;
}

/** The processor never executed it: it is asked again under the same key, for as long as that is safe. */
export function planAgain(gateway: Gateway, draft: PaymentDraft, operation: Operation): void {
  if (isOverdue(gateway, draft, operation)) raiseOperation(gateway, draft, operation);
  else draft.update('operation', { ...operation, ...planned(draft.now), inquiries: 0 });
}

/** The processor could not be reached: it is asked later, and ever more seldom. */
export function planLater(gateway: Gateway, draft: PaymentDraft, operation: Operation): void {
  if (isOverdue(gateway, draft, operation)) raiseOperation(gateway, draft, operation);
  else {
    const recoverAt = nextLook(gateway, draft, operation);
    draft.update('operation', { ...operation, ...planned(draft.now), recoverAt });
  }
}

/** An operator has to find out, and say so with resolveOperation. */
export function raiseOperation(gateway: Gateway, draft: PaymentDraft, operation: Operation): void {
  if (operation.status !== 'RAISED') {
    gateway.report('an operation could not be settled: find out at the processor, and resolve it', {
      operationId: operation.id,
      kind: operation.kind,
      paymentId: operation.paymentId,
      processor: operation.processor,
      processorKey: operation.processorKey,
    });
  }
  const recoverAt = new Date(draft.now.getTime() + RAISED_INTERVAL_MS);
  draft.update('operation', { ...operation, status: 'RAISED', recoverAt });
}

/** Looked for long enough, or too long for the processor to know the key. */
function isOverdue(gateway: Gateway, draft: PaymentDraft, operation: Operation): boolean {
  const isLate = ageMs(draft, operation) > gateway.settings.raiseAfterMs;
  return operation.status === 'RAISED' || isLate || isForgotten(gateway, draft, operation);
}

function isForgotten(gateway: Gateway, draft: PaymentDraft, operation: Operation): boolean {
  return ageMs(draft, operation) > gateway.processors.traits(operation.processor).limits.keyRetentionMs;
}

function ageMs(draft: PaymentDraft, operation: Operation): number {
  return draft.now.getTime() - operation.createdAt.getTime();
}

/** When the processor is asked the next time. */
function nextLook(gateway: Gateway, draft: PaymentDraft, { inquiries }: Operation): Date {
  const delayMs = gateway.settings.recoveryDelayMs * 2 ** Math.min(inquiries, 20);
  return new Date(draft.now.getTime() + Math.min(delayMs, INQUIRY_INTERVAL_MAX_MS));
}
