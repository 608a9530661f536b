import { GraphQLError } from 'graphql';
import { Repeater } from 'graphql-yoga';
import type { PaymentEvent as EventRow } from '../../generated/prisma/client.ts';
import { isAfter, type EventPosition } from '../domain/event-cursor.ts';
import type { EventPage } from '../store/event-log.ts';
import type { Context } from './context.ts';
import { isStillAllowed, noLongerAllowed } from './still-allowed.ts';

/** An event for a subscriber, and the cursor after it; the first message of a feed has a cursor only. */
export interface EventMessage {
  readonly cursor: string;
  readonly event: EventRow | null;
}

export interface StreamOptions {
  /** Of what happens from now on: whether it is for this subscriber, as far as the event itself tells. */
  readonly fits: (event: EventRow) => boolean;
  /** The same for what takes a look at the database. */
  readonly fitsToo?: (event: EventRow) => Promise<boolean>;
  /** What the subscriber gets first. It is asked for once listening has begun, so that nothing falls between. */
  readonly opening: () => Promise<{ readonly after: EventPosition; readonly first: EventMessage | null }>;
  /** What there is already after a position, where that is not nothing. */
  readonly backlog: ((after: EventPosition) => Promise<EventPage>) | null;
}

/** Events that wait for a subscriber that does not take them: some megabytes, and with a busy feed some seconds. */
const WAITING_MAX = 1_000;

/**
 * One subscriber: what there is already, page by page as it takes it, then what happens, at the seam nothing left out and
 * nothing twice. What waits for it is bounded: one that falls too far behind is cut off with the cursor to resume from.
 */
export function eventStream(context: Context, options: StreamOptions): Repeater<EventMessage> {
  return new Repeater<EventMessage>(async (push, stop) => {
    const waiting = new Waiting();
    let left = false;
    void stop.then(() => {
      left = true;
      waiting.end();
    });
    const stopListening = context.feed.listen((events) => waiting.add(events.filter(options.fits)));
    const endOfToken = endWithToken(context, () => waiting.end());
    let told: string | null = null;
    const tell = async (message: EventMessage): Promise<void> => {
      // The first message comes right after the credential was looked at.
      if (message.event !== null && !(await isStillAllowed(context, message.event))) {
        throw noLongerAllowed(context, told);
      }
      told = message.cursor;
      // Goes on when the subscriber asks for the next one, or leaves.
      await push(message);
    };
    try {
      const { after, first } = await options.opening();
      if (first !== null) await tell(first);
      let last = await catchUp(context, options, { after, waiting, tell });
      for (;;) {
        const event = await waiting.take();
        if (event === undefined) break;
        if (!isAfter(event, last)) continue;
        last = event;
        if (options.fitsToo !== undefined && !(await options.fitsToo(event))) continue;
        await tell({ cursor: context.feed.log.cursorOf(event), event });
      }
      if (left) return;
      throw waiting.overflowed ? tooSlow(told) : noLongerAllowed(context, told);
    } finally {
      clearTimeout(endOfToken);
      stopListening();
    }
  });
}

/** Tells what there is already. @returns up to where */
async function catchUp(
  { feed }: Context,
  { backlog }: StreamOptions,
  to: {
    readonly after: EventPosition;
    readonly waiting: Waiting;
    readonly tell: (message: EventMessage) => Promise<void>;
  },
): Promise<EventPosition> {
  if (backlog === null) return to.after;
  let { after } = to;
  for (;;) {
    // What overflows until the end of the log is reached is read from there.
    to.waiting.clear();
    const page = await backlog(after);
    for (const event of page.events) {
      if (to.waiting.ended) return after;
      await to.tell({ cursor: feed.log.cursorOf(event), event });
    }
    after = page.end;
    if (!page.hasMore && !to.waiting.overflowed) return after;
  }
}

/** Ends a subscription at the very end of its client token, not only at the next event. */
function endWithToken({ gateway, credential }: Context, end: () => void): NodeJS.Timeout | undefined {
  if (credential.kind !== 'token') return undefined;
  return setTimeout(end, credential.token.expiresAt.getTime() - gateway.now().getTime()).unref();
}

function tooSlow(cursor: string | null): GraphQLError {
  return new GraphQLError('This subscriber was too slow and was cut off: subscribe again after the last cursor.', {
    extensions: { code: 'SUBSCRIBER_TOO_SLOW', cursor },
  });
}

/** What happened and was not taken yet. */
class Waiting {
  #events: EventRow[] = [];
  #wake: (() => void) | undefined;
  /** There was more than is kept. */
  overflowed = false;
  ended = false;

  add(events: readonly EventRow[]): void {
    if (this.ended || this.overflowed) return;
    this.#events.push(...events);
    if (this.#events.length > WAITING_MAX) {
      this.#events = [];
      this.overflowed = true;
    }
    this.#wake?.();
  }

  clear(): void {
    this.#events = [];
    this.overflowed = false;
  }

  end(): void {
    this.ended = true;
    this.#wake?.();
  }

  /** The next event, once there is one; undefined when it is over. */
  async take(): Promise<EventRow | undefined> {
    while (this.#events.length === 0) {
      if (this.ended || this.overflowed) return undefined;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    return this.#events.shift();
  }
}
