import type { Gateway } from '../payments/gateway.ts';
import { fallDue } from '../payments/fall-due.ts';
import { claimDuePayments, type DuePayment } from '../store/due.ts';
import { handBack } from '../store/leases.ts';
import { runLanes, type LaneWork } from './lanes.ts';
import type { Stop } from './rounds.ts';

/**
 * One round of what the gateway does by itself: charges payments whose date has come, tries declined ones again, and
 * lets expire what is over.
 */
export async function runDuePayments(gateway: Gateway, stop?: Stop): Promise<void> {
  const { database, settings } = gateway;
  const work: LaneWork<DuePayment> = {
    name: 'due payments',
    claim: (limit, except) => claimDuePayments(database, { limit, except, leaseMs: settings.leaseMs }),
    handBack: (payments) =>
      handBack(
        database,
        'payment',
        payments.map(({ dueAt, ...key }) => ({ ...key, until: dueAt })),
      ),
    laneOf: ({ lane }) => lane,
    run: (payment) => fallDue(gateway, payment),
  };
  await runLanes(gateway, work, stop);
}
