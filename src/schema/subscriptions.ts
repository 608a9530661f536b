import { GraphQLError, Kind, type GraphQLResolveInfo, type SelectionSetNode } from 'graphql';
import type { Payment as PaymentRow, PaymentEvent as EventRow } from '../../generated/prisma/client.ts';
import type { EventPosition } from '../domain/event-cursor.ts';
import { decodeIdOf } from '../domain/ids.ts';
import { isOwnPayment } from '../payments/payer.ts';
import { builder } from './builder.ts';
import type { Context } from './context.ts';
import { eventFilterOf, fits, PaymentEventFilter } from './event-filter.ts';
import { shareLoaders } from './event-loaders.ts';
import { EventStream, type EventMessage } from './event-stream.ts';
import { resumeAfter } from './events.ts';
import { PaymentEvent } from './payment-event.ts';
import { CLOSED, READERS_TOO } from './reach.ts';

/** How many events of a backlog are read at once. */
const PAGE_SIZE = 200;

/** The last event of a payment first, or what came after a cursor; then every further one. */
function eventsOfPayment(
  context: Context,
  { id, environmentId }: PaymentRow,
  after: EventPosition | null,
  payments: boolean,
) {
  const { log } = context.feed;
  // Not the row: it is old soon, and thousands wait with it.
  const payment = { id, environmentId };
  return new EventStream(context, {
    paymentId: id,
    payments,
    fits: (event) => event.paymentId === id && event.environmentId === environmentId,
    opening: async () => {
      if (after !== null) return { after, first: null };
      const last = await log.lastOfPayment(payment);
      return { after: last, first: { cursor: log.cursorOf(last), event: last } };
    },
    backlog: (from) => log.readPayment(payment, from, PAGE_SIZE),
  });
}

/** The present cursor first, or what came after one that was kept; then what happens. */
function eventsOfAll(
  context: Context,
  given: Parameters<typeof eventFilterOf>[1],
  after: EventPosition | null,
  payments: boolean,
) {
  const { log } = context.feed;
  const { environmentId } = context.caller;
  const filter = eventFilterOf(context, given);
  const { destination } = filter;
  return new EventStream(context, {
    payments,
    fits: (event) => fits(environmentId, filter, event),
    ...(destination !== undefined && {
      fitsToo: async (event: EventRow, own: Context) => {
        shareLoaders(own, event);
        const paidFor = await own.loaders.destinationsOfPayment.load(event.paymentId);
        return paidFor.some(({ type, destinationId }) => type === destination.type && destinationId === destination.id);
      },
    }),
    opening: async () => {
      if (after !== null) return { after, first: null };
      const end = await log.end();
      return { after: end, first: { cursor: log.cursorOf(end), event: null } };
    },
    backlog: after === null ? null : (from) => log.read(environmentId, from, filter, PAGE_SIZE),
  });
}

/** Whether there is a field `payment` in what is asked for: then it is read along with the events. */
function asksForPayment({ fieldNodes, fragments }: GraphQLResolveInfo): boolean {
  // Each fragment once: one that spreads another twice, and that another, would take twice the time at each level.
  const spread = new Set<string>();
  const asks = (set: SelectionSetNode | undefined): boolean =>
    set?.selections.some((each) => {
      if (each.kind !== Kind.FRAGMENT_SPREAD) {
        return (each.kind === Kind.FIELD && each.name.value === 'payment') || asks(each.selectionSet);
      }
      const { value: name } = each.name;
      if (spread.has(name)) return false;
      spread.add(name);
      return asks(fragments[name]?.selectionSet);
    }) ?? false;
  return fieldNodes.some(({ selectionSet }) => asks(selectionSet));
}

const PaymentEventMessage = builder.objectRef<EventMessage>('PaymentEventMessage').implement({
  description: 'A message of the feed of events.',
  fields: (t) => ({
    cursor: t.exposeString('cursor', { description: 'To resume after this message: keep the last one.' }),
    event: t.expose('event', {
      type: PaymentEvent,
      nullable: true,
      description: 'What happened; null in the first message, which tells where the feed begins.',
    }),
  }),
});

const AFTER = 'A cursor that was kept: everything since, then what happens, nothing left out and nothing twice.';

builder.subscriptionType({
  description: 'What happens, as it happens: over WebSocket or server-sent events.',
  ...CLOSED,
});

builder.subscriptionFields((t) => ({
  paymentStatusChanged: t.field({
    ...READERS_TOO,
    type: PaymentEvent,
    description: 'A payment as it stands, told by its last event, and then every further event of it.',
    args: {
      id: t.arg.id({ required: true, description: 'pay_…' }),
      after: t.arg.string({ description: AFTER }),
    },
    subscribe: async (_, { id, after }, context, info) => {
      const uuid = decodeIdOf('Payment', id);
      const payment = uuid === undefined ? null : await context.loaders.payment.load(uuid);
      if (payment === null || !isOwnPayment(context.caller.payer, payment)) {
        throw new GraphQLError('There is no such payment.', { extensions: { code: 'NOT_FOUND' } });
      }
      const from = await resumeAfter(context, after, null);
      return eventsOfPayment(context, payment, from, asksForPayment(info));
    },
    resolve: ({ event }: EventMessage, _, context) => {
      if (event === null) throw new Error('a message of a payment without an event');
      shareLoaders(context, event);
      return event;
    },
  }),
  paymentEvents: t.field({
    ...READERS_TOO,
    type: PaymentEventMessage,
    description:
      'The events of all payments in the order in which they were committed: first a message with the present cursor, then what happens.',
    args: {
      filter: t.arg({ type: PaymentEventFilter, description: 'Which of them.' }),
      after: t.arg.string({ description: AFTER }),
    },
    subscribe: async (_, { filter, after }, context, info) =>
      eventsOfAll(context, filter, await resumeAfter(context, after, 'kept'), asksForPayment(info)),
    resolve: (message: EventMessage, _, context) => {
      if (message.event !== null) shareLoaders(context, message.event);
      return message;
    },
  }),
}));
