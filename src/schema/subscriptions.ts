import { GraphQLError } from 'graphql';
import { Repeater } from 'graphql-yoga';
import type { PaymentEvent as EventRow } from '../../generated/prisma/client.ts';
import { decodeIdOf } from '../domain/ids.ts';
import { isTaken } from '../payments/client-token.ts';
import { isOwnPayment } from '../payments/payer.ts';
import { builder } from './builder.ts';
import { renewLoaders, type Context } from './context.ts';
import { PaymentEventType, PaymentStatus } from './enums.ts';
import { PaymentEvent } from './payment-event.ts';
import { READERS_TOO } from './reach.ts';

type Push = Parameters<ConstructorParameters<typeof Repeater<EventRow>>[0]>[0];
type Stop = Parameters<ConstructorParameters<typeof Repeater<EventRow>>[0]>[1];

/**
 * Hands an event to a subscriber, who is ended if their token is not taken any more. One that does not keep up is ended,
 * and harms nobody else.
 */
function offer(context: Context, push: Push, stop: Stop, event: EventRow): void {
  try {
    push(whileTaken(context, event)).then(undefined, () => stop(tooSlow()));
  } catch {
    stop(tooSlow());
  }
}

/** A subscription may go on for longer than the token with which it began. */
async function whileTaken({ gateway, credential }: Context, event: EventRow): Promise<EventRow> {
  if (credential.kind === 'key' || (await isTaken(gateway, credential.token))) return event;
  throw new GraphQLError('This client token is over, or it was revoked.', { extensions: { code: 'UNAUTHENTICATED' } });
}

function tooSlow(): GraphQLError {
  return new GraphQLError('This subscriber was too slow, and events were lost to it: subscribe again.', {
    extensions: { code: 'SUBSCRIBER_TOO_SLOW' },
  });
}

/**
 * The events that fit, from now on. What a subscriber does not take is kept for it, up to the 1,024 that a
 * Repeater holds; one that falls further behind is ended with an error.
 */
function liveEvents(context: Context, fits: (event: EventRow) => boolean): Repeater<EventRow> {
  return new Repeater(async (push, stop) => {
    const stopListening = context.feed.listen((events) => {
      for (const event of events) {
        if (fits(event)) offer(context, push, stop, event);
      }
    });
    await stop;
    stopListening();
  });
}

/** The last event of a payment first, then every later one: none is left out at the seam, none comes twice. */
function paymentEvents(context: Context, environmentId: string, paymentId: string): Repeater<EventRow> {
  const { paymentEvent } = context.gateway.database.prisma;
  return new Repeater(async (push, stop) => {
    let sent = 0;
    const waiting: EventRow[] = [];
    let started = false;
    const send = (event: EventRow): void => {
      if (event.sequence <= sent) return;
      sent = event.sequence;
      offer(context, push, stop, event);
    };
    // Listening begins before the present state is read: what happens between the two waits.
    const stopListening = context.feed.listen((events) => {
      for (const event of events) {
        if (event.paymentId !== paymentId || event.environmentId !== environmentId) continue;
        if (started) send(event);
        else waiting.push(event);
      }
    });
    try {
      const last = await paymentEvent.findFirst({ where: { environmentId, paymentId }, orderBy: { sequence: 'desc' } });
      if (last !== null) send(last);
      started = true;
      waiting.forEach(send);
      await stop;
    } finally {
      stopListening();
    }
  });
}

const PaymentEventFilter = builder.inputType('PaymentEventFilter', {
  description: 'Which events: those that fit everything that is given.',
  fields: (t) => ({
    paymentId: t.id({ description: 'Of this payment.' }),
    customerId: t.id({ description: 'Of payments of this customer.' }),
    type: t.field({ type: [PaymentEventType], description: 'Of one of these kinds.' }),
    status: t.field({ type: [PaymentStatus], description: 'After which the payment is in one of these states.' }),
  }),
});

function fitsFilter(
  { environmentId, payer }: Context['caller'],
  filter: (typeof PaymentEventFilter)['$inferInput'] | null | undefined,
): (event: EventRow) => boolean {
  const paymentId = filter?.paymentId == null ? null : decodeIdOf('Payment', filter.paymentId);
  const customerId = filter?.customerId == null ? null : decodeIdOf('Customer', filter.customerId);
  return (event) =>
    event.environmentId === environmentId &&
    isOwnPayment(payer, { id: event.paymentId, customerId: event.customerId }) &&
    (paymentId === null || event.paymentId === paymentId) &&
    (customerId === null || event.customerId === customerId) &&
    (filter?.type?.includes(event.type) ?? true) &&
    (filter?.status?.includes(event.status) ?? true);
}

/** Every event is resolved with loaders of its own: what the last one read may have changed since. */
function freshly(event: EventRow, context: Context): EventRow {
  renewLoaders(context);
  return event;
}

builder.subscriptionType({
  description: 'What happens, as it happens: over WebSocket or server-sent events.',
  authScopes: { merchant: true },
});

builder.subscriptionFields((t) => ({
  paymentStatusChanged: t.field({
    ...READERS_TOO,
    type: PaymentEvent,
    description: 'A payment as it stands, told by its last event, and then every further event of it.',
    args: { id: t.arg.id({ required: true, description: 'pay_…' }) },
    subscribe: async (_, { id }, context) => {
      const uuid = decodeIdOf('Payment', id);
      const payment = uuid === undefined ? null : await context.loaders.payment.load(uuid);
      if (payment === null || !isOwnPayment(context.caller.payer, payment)) {
        throw new GraphQLError('There is no such payment.', { extensions: { code: 'NOT_FOUND' } });
      }
      return paymentEvents(context, payment.environmentId, payment.id);
    },
    resolve: (event: EventRow, _, context) => freshly(event, context),
  }),
  paymentEvents: t.field({
    ...READERS_TOO,
    type: PaymentEvent,
    description: 'The events of all payments, from now on, in the order in which they were committed.',
    args: { filter: t.arg({ type: PaymentEventFilter, description: 'Which of them.' }) },
    subscribe: (_, { filter }, context) => liveEvents(context, fitsFilter(context.caller, filter)),
    resolve: (event: EventRow, _, context) => freshly(event, context),
  }),
}));
