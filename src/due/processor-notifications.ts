import type { ProcessorNotification } from '../../generated/prisma/client.ts';
import type { Gateway } from '../payments/gateway.ts';
import {
  claimDueNotifications,
  deleteOldNotifications,
  endNotification,
  findOperationsAbout,
  postponeNotification,
} from '../store/processor-notifications.ts';
import { handBack } from '../store/leases.ts';
import { inquire } from './recover.ts';
import { runLanes, type LaneWork } from './lanes.ts';
import type { Stop } from './rounds.ts';

/**
 * How often a notification is looked at that names nothing known here, or whose look-ups brought no answer: after 1, 2,
 * 4, … seconds, over 17 minutes. A payment's own transaction ends much sooner; what comes of a merchant's other business
 * never will be known.
 */
const TRIES_MAX = 11;
const FIRST_DELAY_MS = 1_000;
/** How long a notification is kept after it was looked into. */
const KEPT_MS = 30 * 24 * 3_600_000;
const DELETED_AT_ONCE = 1_000;

/**
 * Looks into what processors have said. It is not believed but looked up, so that it may come twice, late or out of order.
 */
export async function applyNotifications(gateway: Gateway, stop?: Stop): Promise<void> {
  const { database, settings } = gateway;
  const work: LaneWork<ProcessorNotification> = {
    name: 'processor notifications',
    claim: (limit, except) => claimDueNotifications(database, { limit, except, leaseMs: settings.leaseMs }),
    handBack: (left) =>
      handBack(
        database,
        'processor_notification',
        left.map(({ nextAt, ...key }) => ({ ...key, until: nextAt })),
      ),
    laneOf: ({ processorAccountId }) => processorAccountId,
    run: (notification) => take(gateway, notification),
  };
  await runLanes(gateway, work, stop);
}

/** One try. What breaks each time is given up as well: what became of an operation, recovery finds out without it. */
async function take(gateway: Gateway, notification: ProcessorNotification): Promise<void> {
  const { database } = gateway;
  const isLast = notification.tries >= TRIES_MAX;
  let isApplied = false;
  try {
    isApplied = await apply(gateway, notification);
  } finally {
    if (isApplied || isLast) await endNotification(database, notification, isApplied);
    else await postponeNotification(database, notification, FIRST_DELAY_MS * 2 ** (notification.tries - 1));
  }
}

/** Looks up what a notification is about. @returns whether anything here is, and the processor could be asked about all of it */
async function apply(gateway: Gateway, notification: ProcessorNotification): Promise<boolean> {
  const operations = await findOperationsAbout(gateway.database, notification);
  let isHeard = operations.length > 0;
  for (const operation of operations) isHeard = (await inquire(gateway, operation)) && isHeard;
  return isHeard;
}

/** Deletes the notifications whose time is over. */
export async function forgetNotifications({ database }: Gateway): Promise<void> {
  while ((await deleteOldNotifications(database, { limit: DELETED_AT_ONCE, keptMs: KEPT_MS })) === DELETED_AT_ONCE);
}
