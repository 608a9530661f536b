import type { ProcessorNotification } from '../../generated/prisma/client.ts';
import type { Gateway } from '../payments/gateway.ts';
import {
  claimDueNotifications,
  deleteOldNotifications,
  endNotification,
  findOperationsAbout,
  postponeNotification,
} from '../store/processor-notifications.ts';
import { inquire } from './recover.ts';
import { settleAll } from './settle-all.ts';

/** Notifications that one round takes on. */
const BATCH = 20;
/**
 * How often a notification is looked at that names nothing known here: after 1, 2, 4, … seconds, over 17 minutes. A
 * payment's own transaction ends much sooner; what comes of a merchant's other business never will be known.
 */
const TRIES_MAX = 11;
const FIRST_DELAY_MS = 1_000;
/** How long a notification is kept after it was looked into. */
const KEPT_MS = 30 * 24 * 3_600_000;
const DELETED_AT_ONCE = 1_000;

/**
 * Looks into what processors have said. It is not believed but looked up, so that it may come twice, late or out of order.
 */
export async function applyNotifications(gateway: Gateway): Promise<void> {
  let due: ProcessorNotification[];
  do {
    due = await claimDueNotifications(gateway.database, { limit: BATCH, leaseMs: gateway.settings.leaseMs });
    await settleAll(due.map((notification) => apply(gateway, notification)));
  } while (due.length === BATCH);
}

async function apply(gateway: Gateway, notification: ProcessorNotification): Promise<void> {
  const { database } = gateway;
  const operations = await findOperationsAbout(database, notification);
  for (const operation of operations) await inquire(gateway, operation);
  if (operations.length > 0) await endNotification(database, notification, true);
  else if (notification.tries >= TRIES_MAX) await endNotification(database, notification, false);
  else await postponeNotification(database, notification, FIRST_DELAY_MS * 2 ** (notification.tries - 1));
}

/** Deletes the notifications whose time is over. */
export async function forgetNotifications({ database }: Gateway): Promise<void> {
  while ((await deleteOldNotifications(database, { limit: DELETED_AT_ONCE, keptMs: KEPT_MS })) === DELETED_AT_ONCE);
}
