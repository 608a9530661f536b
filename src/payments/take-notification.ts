import { findProcessorAccount } from '../store/processor-accounts.ts';
import { addNotification } from '../store/processor-notifications.ts';
import type { Gateway } from './gateway.ts';
import type { NotificationReading } from '../processors/account-port.ts';

/** What became of a notification: it is kept (once, however often it is sent), or why it is not taken. */
export type Taken = 'kept' | 'unknown_account' | 'sealed' | Exclude<NotificationReading['kind'], 'event'>;

/** What an event can be about at most: a processor names one or two things. */
const ABOUT_MAX = 10;
/** What processors call things. Nothing else is looked for, nor fits an index. */
const NAME = /^[\x21-\x7e]{1,255}$/;

/**
 * Takes a notification that came for a processor account. It is verified and kept; what it is about is looked up later,
 * because its sender waits, and because its payment's own transaction may not have ended yet.
 * @param header answers a header of the request by its name
 */
export async function takeNotification(
  gateway: Gateway,
  of: {
    readonly environmentId: string;
    readonly accountId: string;
    readonly body: Buffer;
    readonly header: (name: string) => string | undefined;
  },
): Promise<Taken> {
  const { environmentId, accountId, body, header } = of;
  const { processors, database } = gateway;
  const account = await findProcessorAccount(database, environmentId, accountId);
  if (account === undefined) return 'unknown_account';
  const { signatureHeader } = processors.connector(account.processor);
  const connection = await processors.to(account);
  if (connection === undefined) return 'sealed';
  const reading = connection.readNotification(body, header(signatureHeader), gateway.now());
  if (reading.kind !== 'event') return reading.kind;
  if (![reading.id, reading.type, ...reading.references].every((name) => NAME.test(name))) return 'unreadable';
  await addNotification(database, {
    environmentId,
    id: gateway.newId(),
    processorAccountId: accountId,
    eventId: reading.id,
    type: reading.type,
    body,
    about: reading.references.slice(0, ABOUT_MAX),
  });
  return 'kept';
}
