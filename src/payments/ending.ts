import type { Attempt, Operation } from '../../generated/prisma/client.ts';
import type { PaymentDraft } from './draft.ts';
import type { Gateway } from './gateway.ts';
import { ownOrigin, planOperation } from './operation.ts';

/**
 * Whether there is something at a processor that a void would end, and no void is under way that will. Before the
 * processor has told its reference there is nothing that a void could name: the wish waits for it.
 */
export function canBeVoided(attempt: Attempt, operations: readonly Operation[]): boolean {
  const isUnderWay = operations.some(
    ({ kind, attemptId, status }) => kind === 'VOID' && attemptId === attempt.id && status !== 'COMPLETED',
  );
  return attempt.processorTransactionId !== null && !isUnderWay;
}

/** Plans the void of a payment that is to end, if that can be done now. The payment's status allows an end. */
export function voidIfEnding(
  gateway: Gateway,
  draft: PaymentDraft,
  attempt: Attempt,
  operations: readonly Operation[],
): void {
  if (!draft.isEnding || !canBeVoided(attempt, operations)) return;
  const { payment } = draft;
  const reason = payment.cancelRequestedAt === null ? 'expire' : 'cancel';
  planOperation(gateway, draft, {
    id: gateway.newId(),
    kind: 'VOID',
    attempt,
    // Each end of a payment that is asked for is an occasion of its own: the processor may have refused one before.
    origin: ownOrigin(reason, `${payment.id} ${payment.sequence}`),
    status: 'PLANNED',
  });
}
