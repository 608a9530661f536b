import { GraphQLError } from 'graphql';
import type { EventPosition } from '../domain/event-cursor.ts';
import { unreachable } from '../domain/result.ts';
import type { EventPage, Kept, Resumption } from '../store/event-log.ts';
import { badInput } from './bad-input.ts';
import { builder } from './builder.ts';
import type { Context } from './context.ts';
import { eventFilterOf, PaymentEventFilter } from './event-filter.ts';
import { PaymentEvent } from './payment-event.ts';
import { READERS_TOO } from './reach.ts';

/**
 * The position after which a client goes on; null where it gave no cursor.
 * @param bounds a feed is told as far back as it is kept, a single payment's events for ever
 * @throws a GraphQL error that says from where it can be resumed
 */
export async function resumeAfter(
  { feed, gateway, caller }: Context,
  cursor: string | null | undefined,
  bounds: 'kept' | null,
): Promise<EventPosition | null> {
  if (cursor == null) return null;
  const resumption = await feed.log.resume(caller.environmentId, cursor, bounds && keptFor(gateway));
  if (resumption.ok) return resumption.after;
  const { code, resumeFrom } = resumption;
  throw new GraphQLError(reasonOf(code), { extensions: { code, resumeFrom } });
}

function keptFor({ now, settings }: Context['gateway']): Kept {
  const since = now().getTime() - settings.eventRetentionMs;
  return { since: new Date(since), takenSince: new Date(since - settings.eventRetentionMs / 100) };
}

function reasonOf(code: Extract<Resumption, { ok: false }>['code']): string {
  switch (code) {
    case 'CURSOR_UNKNOWN':
      return 'This is no cursor of this gateway. resumeFrom is the present end of the events.';
    case 'CURSOR_OF_ANOTHER_EPOCH':
      return 'The database was restored or has failed over since: events that you have seen may be gone. resumeFrom goes on at the same place.';
    case 'CURSOR_TOO_OLD':
      return 'Events after this cursor are not kept any more. resumeFrom is the oldest place from which all are.';
    default:
      return unreachable(code);
  }
}

const PAGE_SIZE_MAX = 100;

const PaymentEventPage = builder.objectRef<EventPage>('PaymentEventPage').implement({
  description: 'A stretch of the events, for those who ask from time to time.',
  fields: (t) => ({
    events: t.field({
      type: [PaymentEvent],
      description: 'In the order in which they were committed.',
      resolve: ({ events }) => [...events],
    }),
    cursor: t.string({
      description: 'Ask after this the next time, also where there were no events.',
      resolve: ({ end }, _, { feed }) => feed.log.cursorOf(end),
    }),
    hasMore: t.exposeBoolean('hasMore', { description: 'There are more already: ask again at once.' }),
  }),
});

builder.queryField('events', (t) =>
  t.field({
    ...READERS_TOO,
    type: PaymentEventPage,
    description: 'The events of all payments after a cursor, or from the oldest that are kept.',
    args: {
      after: t.arg.string({ description: 'The cursor of the last page, event or message that was seen.' }),
      first: t.arg.int({ required: true, defaultValue: 50, description: 'How many at most: 1 to 100.' }),
      filter: t.arg({ type: PaymentEventFilter, description: 'Which of them.' }),
    },
    resolve: async (_, { after, first, filter }, context) => {
      if (first < 1 || first > PAGE_SIZE_MAX) throw badInput(`A page has 1 to ${PAGE_SIZE_MAX} events.`);
      const { log } = context.feed;
      const { environmentId } = context.caller;
      const from =
        (await resumeAfter(context, after, 'kept')) ?? (await log.start(environmentId, keptFor(context.gateway)));
      return log.read(environmentId, from, eventFilterOf(context, filter), first);
    },
  }),
);
