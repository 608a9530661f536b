import type { Gateway } from '../payments/gateway.ts';
import type { Notification } from '../processors/port.ts';
import { findOperation } from '../store/operations.ts';
import { inquire } from './recover.ts';

/**
 * A processor says that something has changed. What it says is not believed but looked up, so that a
 * notification may come twice, late or out of order. One that no operation answers to yet is not taken: it
 * comes again. Nor is one whose look-up brought no answer: an answer that was on its way already may be older than the
 * news, and nobody would ask after it.
 * @throws if it is not taken
 */
export async function receiveNotification(gateway: Gateway, notification: Notification): Promise<void> {
  const operation = await findOperation(gateway.database, notification);
  if (operation === undefined) throw new Error('a notification about an operation that is not known yet');
  if (!(await inquire(gateway, operation))) throw new Error('a notification about what could not be looked up');
}
