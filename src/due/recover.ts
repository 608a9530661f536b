import type { Operation } from '../../generated/prisma/client.ts';
import { unreachable } from '../domain/result.ts';
import type { Answer } from '../payments/take-effect.ts';
import { dispatchPlanned, finish, requestOf } from '../payments/dispatch.ts';
import type { Gateway } from '../payments/gateway.ts';
import { askProcessor } from '../payments/operation.ts';
import { claimDueOperations } from '../store/due.ts';
import { handBack } from '../store/leases.ts';
import { isCallOver, readMovement } from '../store/operations.ts';
import { runLanes, type LaneWork } from './lanes.ts';
import type { Stop } from './rounds.ts';

/**
 * One round of recovery: asks the processors what became of operations whose answer is overdue or unknown, and begins
 * those that are certainly not under way.
 */
export async function recoverDue(gateway: Gateway, stop?: Stop): Promise<void> {
  const { database, settings } = gateway;
  const work: LaneWork<Operation> = {
    name: 'recovery',
    claim: (limit, except) => claimDueOperations(database, { limit, except, leaseMs: settings.leaseMs }),
    handBack: (operations) =>
      handBack(
        database,
        'operation',
        operations.map(({ recoverAt, ...key }) => ({ ...key, until: recoverAt })),
      ),
    laneOf: ({ processor, processorAccountId }) => processorAccountId ?? processor,
    run: (operation) => recover(gateway, operation),
  };
  await runLanes(gateway, work, stop);
}

async function recover(gateway: Gateway, operation: Operation): Promise<void> {
  if (operation.status === 'PLANNED') await dispatchPlanned(gateway, operation);
  else await inquire(gateway, operation);
}

/** Asks about one operation and lets the answer take effect. @returns whether the processor could be asked */
export async function inquire(gateway: Gateway, operation: Operation): Promise<boolean> {
  const { inFlightWindowMs } = gateway.processors.traits(operation.processor).limits;
  const lookUp = {
    merchant: operation.environmentId,
    key: operation.processorKey,
    reference: operation.processorReference,
    isLanded: await isCallOver(gateway.database, operation, inFlightWindowMs),
  };
  const askedAtMs = performance.now();
  const ask = async (): Promise<Answer> => {
    switch (operation.kind) {
      case 'CHARGE':
        return {
          of: 'CHARGE',
          askedAtMs,
          outcome: await askProcessor(gateway, operation, askedAtMs, (processor, signal) =>
            processor.lookUpCharge(lookUp, signal),
          ),
        };
      case 'CAPTURE':
      case 'VOID':
      case 'REFUND':
      case 'RETURN': {
        const movement = await readMovement(gateway.database, operation);
        return {
          of: 'MOVEMENT',
          askedAtMs,
          outcome: await askProcessor(gateway, operation, askedAtMs, (processor, signal) =>
            processor.lookUpMovement({ ...lookUp, ...requestOf(movement) }, signal),
          ),
        };
      }
      default:
        return unreachable(operation.kind);
    }
  };
  try {
    const answer = await ask();
    await finish(gateway, operation, answer);
    return answer.outcome.kind !== 'unknown';
  } catch (error) {
    gateway.report('what became of an operation could not be settled; it is tried again', {
      operationId: operation.id,
      kind: operation.kind,
      processor: operation.processor,
      error: error instanceof Error ? error.name : 'unknown',
    });
    throw error;
  }
}
