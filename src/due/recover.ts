import type { Operation } from '../../generated/prisma/client.ts';
import { unreachable } from '../domain/result.ts';
import { conclude, type Answer } from '../payments/conclude.ts';
import type { Gateway } from '../payments/gateway.ts';
import { callProcessor } from '../payments/operation.ts';
import { claimDueOperations } from '../store/due.ts';
import type { NotFound } from '../processors/port.ts';

/** Operations that one round of recovery takes on. */
const BATCH = 20;

/** A process that dies in the middle of a round delays its operations by no more than this. */
const LEASE_MS = 60_000;

/**
 * One round of recovery: asks the processors what became of operations whose answer is overdue or unknown.
 * @returns how many were asked about; as many as a batch has means that there may be more
 */
export async function recoverDue(gateway: Gateway): Promise<number> {
  const due = await claimDueOperations(gateway.database, { limit: BATCH, leaseMs: LEASE_MS });
  await Promise.all(due.map((operation) => inquire(gateway, operation)));
  return due.length;
}

/** Asks about one operation and lets the answer take effect. */
export async function inquire(gateway: Gateway, operation: Operation): Promise<void> {
  const processor = gateway.processors.named(operation.processor);
  const lookUp = {
    merchant: operation.environmentId,
    key: operation.processorKey,
    reference: operation.processorReference,
  };
  const { inFlightWindowMs } = processor.limits;
  // Until then "not found" may mean "not yet": the request could still be on its way.
  const settledAtMs = operation.callDeadline.getTime() + inFlightWindowMs;
  const settle = <T extends { readonly kind: string }>(answer: T | NotFound) =>
    isNotFound(answer)
      ? ({ kind: gateway.now().getTime() > settledAtMs ? 'not_executed' : 'unknown' } as const)
      : answer;
  const answer = async (): Promise<Answer> => {
    switch (operation.kind) {
      case 'CHARGE': {
        const found = await callProcessor(gateway, operation, processor, (signal) =>
          processor.lookUpCharge(lookUp, signal),
        );
        return { of: 'CHARGE', outcome: settle(found) };
      }
      case 'CAPTURE':
      case 'VOID':
      case 'REFUND': {
        const found = await callProcessor(gateway, operation, processor, (signal) =>
          processor.lookUpMovement(lookUp, signal),
        );
        return { of: 'MOVEMENT', outcome: settle(found) };
      }
      default:
        return unreachable(operation.kind);
    }
  };
  await conclude(gateway, operation, await answer());
}

function isNotFound(answer: { readonly kind: string }): answer is NotFound {
  return answer.kind === 'not_found';
}
