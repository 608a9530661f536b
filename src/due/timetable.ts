import type { Gateway } from '../payments/gateway.ts';
import type { Notification } from '../processors/port.ts';
import type { SandboxBooks } from '../processors/sandbox/books.ts';
import { deliverNotifications } from '../processors/sandbox/notifications.ts';
import { expireKeys } from './keys.ts';
import { runDuePayments } from './payments.ts';
import { applyNotifications, forgetNotifications } from './processor-notifications.ts';
import { Bookkeeper } from './reconciliation.ts';
import { recoverDue } from './recover.ts';
import type { Round } from './rounds.ts';
import { forgetDeliveries, type WebhookCourier } from './webhooks.ts';

interface Parts {
  readonly books: SandboxBooks;
  readonly courier: WebhookCourier;
  /** Takes what the sandbox tells. */
  readonly receive: (notification: Notification) => Promise<void>;
}

/** Every round of a replica that does what is due, and how often it comes. */
export function timetable(gateway: Gateway, { books, courier, receive }: Parts): Round[] {
  const bookkeeper = new Bookkeeper(gateway);
  return [
    { name: 'reconciliation', everyMs: 2_000, run: ({ stopping }) => bookkeeper.run(stopping) },
    { name: 'recovery', everyMs: 1_000, run: (stop) => recoverDue(gateway, stop) },
    { name: 'due payments', everyMs: 1_000, run: (stop) => runDuePayments(gateway, stop) },
    { name: 'expiry of keys', everyMs: 60_000, run: () => expireKeys(gateway) },
    { name: 'processor notifications', everyMs: 500, run: (stop) => applyNotifications(gateway, stop) },
    { name: 'retention of notifications', everyMs: 60_000, run: () => forgetNotifications(gateway) },
    { name: 'retention of webhooks', everyMs: 60_000, run: () => forgetDeliveries(gateway) },
    { name: 'sandbox', everyMs: 250, run: () => deliverNotifications(books, receive) },
    { name: 'webhooks', everyMs: 1_000, run: () => courier.run() },
  ];
}
