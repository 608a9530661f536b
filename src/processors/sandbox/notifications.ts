import type { Notification } from '../port.ts';
import type { SandboxBooks } from './books.ts';
import { SANDBOX } from './sandbox.ts';

/** How many notifications one round delivers at most. */
const BATCH = 100;

/**
 * One round of what a processor does by itself: what is due gets its result, and every change
 * is told until it is acknowledged. A notification that was not taken comes again in the next round.
 */
export async function deliverNotifications(
  books: SandboxBooks,
  receive: (notification: Notification) => Promise<void>,
): Promise<void> {
  await books.advance();
  const waiting = await books.unacknowledged(BATCH);
  const taken = await Promise.allSettled(
    waiting.map(({ merchant, key }) => receive({ processor: SANDBOX, merchant, key })),
  );
  const heard = waiting.filter((_, index) => taken[index]?.status === 'fulfilled');
  if (heard.length > 0) await books.acknowledge(heard);
  const refused = taken.find((result) => result.status === 'rejected');
  if (refused !== undefined) throw refused.reason;
}
