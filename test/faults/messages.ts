import type { PaymentEvent } from '../../generated/prisma/client.ts';
import type { Books, Discrepancy } from './books.ts';
import { TOLD, type Message } from './inbox.ts';

/**
 * Compares the webhooks that have arrived with the events: each that was asked for has been taken at least once, each
 * message is signed and tells of an event as it was, and an event comes under one id, however often.
 */
export function* checkMessages({ payments, messages }: Books): Generator<Discrepancy> {
  const events = new Map(payments.flatMap((file) => file.events).map((event) => [event.id, event]));
  const taken = new Set(messages.filter(({ isTaken }) => isTaken).map(({ eventId }) => eventId));
  const ids = new Map<string, string>();
  for (const message of messages) {
    const { id, eventId, paymentId } = message;
    const wrong = (rule: string, text: string): Discrepancy => ({ rule, paymentId, text: `${id}: ${text}` });
    if (!message.isSigned) yield wrong('a message is signed', 'its signature is wrong');
    const first = ids.get(eventId) ?? id;
    ids.set(eventId, first);
    if (first !== id) yield wrong('an event is told under one id', `event ${eventId} was told as ${first}`);
    for (const text of differences(message, events.get(eventId))) yield wrong('a message tells of what happened', text);
  }
  for (const { id, type, paymentId } of events.values()) {
    if (!TOLD.includes(type) || taken.has(id)) continue;
    yield { rule: 'every event that was asked for arrives', paymentId, text: `event ${id} (${type}) did not` };
  }
}

function* differences(message: Message, event: PaymentEvent | undefined): Generator<string> {
  if (event === undefined) {
    yield `there is no event ${message.eventId}`;
    return;
  }
  if (!TOLD.includes(event.type)) yield `nobody asked for ${event.type}`;
  const told = { ...message.data, type: message.type, paymentId: message.paymentId };
  const happened = {
    type: event.type.toLowerCase().replace('_', '.'),
    paymentId: event.paymentId,
    sequence: event.sequence,
    status: event.status,
    refundStatus: event.refundStatus,
    currency: event.currency,
    amount: Number(event.amount),
    amountAuthorized: Number(event.amountAuthorized),
    amountCaptured: Number(event.amountCaptured),
    amountRefunded: Number(event.amountRefunded),
    amountRefundPending: Number(event.amountRefunding),
    amountReversed: Number(event.amountReversed),
  };
  for (const [name, value] of Object.entries(happened)) {
    const given: unknown = told[name as keyof typeof told];
    if (given !== value) yield `it says ${name} ${String(given)}, and the event ${value}`;
  }
}
