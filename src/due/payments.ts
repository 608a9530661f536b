import type { Gateway } from '../payments/gateway.ts';
import { fallDue } from '../payments/fall-due.ts';
import { claimDuePayments, type DuePayment } from '../store/due.ts';
import { runLanes, type LaneWork } from './lanes.ts';

/**
 * One round of what the gateway does by itself: charges payments whose date has come, tries declined ones again, and
 * lets expire what is over.
 */
export async function runDuePayments(gateway: Gateway, stopping?: AbortSignal): Promise<void> {
  const { database, settings } = gateway;
  const work: LaneWork<DuePayment> = {
    name: 'due payments',
    claim: (limit, except) => claimDuePayments(database, { limit, except, leaseMs: settings.leaseMs }),
    laneOf: ({ lane }) => lane,
    run: (payment) => fallDue(gateway, payment),
  };
  await runLanes(gateway, work, stopping);
}
