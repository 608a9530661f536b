import { GraphQLError } from 'graphql';
import type { PaymentEvent as EventRow } from '../../generated/prisma/client.ts';
import { isAfter, LOG_START, positionOf, type EventPosition } from '../domain/event-cursor.ts';
import type { EventPage } from '../store/event-log.ts';
import { renewLoaders, type Context } from './context.ts';
import { endWithCredential } from './credential-end.ts';
import { isStillAllowed, noLongerAllowed } from './still-allowed.ts';

/** An event for a subscriber, and the cursor after it; the first message of a feed has a cursor only. */
export interface EventMessage {
  readonly cursor: string;
  readonly event: EventRow | null;
}

export interface StreamOptions {
  /** Whose events alone they are, if they are one payment's: what happens to others is not even looked at. */
  readonly paymentId?: string;
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
 * What had happened when the credential was looked at is told for so long: waiting for the database at each event, a feed of
 * more than some fifty in a second falls behind until it is cut off.
 */
export const LOOK_HOLDS_MS = 100;

/**
 * One subscriber: what there is already, page by page as it takes it, then what happens, at the seam nothing left out and
 * nothing twice. What waits for it is bounded: one that falls too far behind is cut off with the cursor to resume from.
 *
 * No generator: one would hold what it told last, rows and all, until it tells the next, and thousands wait at once.
 */
export class EventStream implements AsyncIterableIterator<EventMessage> {
  readonly #context: Context;
  readonly #options: StreamOptions;
  readonly #waiting = new Waiting();
  /** What comes before what happens from now on; undefined once it was told. */
  #beginning: AsyncGenerator<EventMessage, EventPosition> | undefined = this.#begin();
  #last = LOG_START;
  /** The last look at the credential, and what had happened by then. */
  #look = { atMs: -Infinity, upTo: LOG_START };
  #stopListening: (() => void) | undefined;
  #stopWatching: (() => void) | undefined;
  #forgetDismissal: (() => void) | undefined;
  #isDismissed = false;

  constructor(context: Context, options: StreamOptions) {
    this.#context = context;
    this.#options = options;
  }

  /** Is asked for again when the message was taken. */
  async next(): Promise<IteratorResult<EventMessage, undefined>> {
    try {
      const value = this.#waiting.left ? undefined : await this.#next();
      if (this.#waiting.left) return { done: true, value: undefined };
      if (value !== undefined) return { done: false, value };
      throw this.#reason();
    } catch (error) {
      this.#end();
      throw error;
    }
  }

  return(): Promise<IteratorResult<EventMessage, undefined>> {
    this.#end();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #end(): void {
    this.#waiting.leave();
    this.#stopWatching?.();
    this.#stopListening?.();
    this.#forgetDismissal?.();
  }

  /** Why it is over. */
  #reason(): GraphQLError {
    if (this.#isDismissed) return serverStopping(this.#context.told);
    return this.#waiting.overflowed ? tooSlow(this.#context.told) : noLongerAllowed(this.#context, this.#context.told);
  }

  /** What waits is not told any more: the next subscription is told it, after the same cursor. */
  #dismiss(): void {
    this.#isDismissed = true;
    this.#waiting.clear();
    this.#waiting.end();
  }

  async #next(): Promise<EventMessage | undefined> {
    if (this.#beginning !== undefined) {
      const { done, value } = await this.#beginning.next();
      if (done !== true) return value;
      this.#beginning = undefined;
      this.#last = value;
    }
    const { fitsToo } = this.#options;
    for (;;) {
      const event = await this.#waiting.take();
      if (event === undefined) return undefined;
      if (!isAfter(event, this.#last)) continue;
      this.#last = positionOf(event);
      if (fitsToo === undefined || (await fitsToo(event))) return this.#message(event, this.#waiting.last ?? event);
    }
  }

  /** Listens, and tells what there is already. @returns up to where */
  async *#begin(): AsyncGenerator<EventMessage, EventPosition> {
    const { paymentId, fits, opening, backlog } = this.#options;
    const waiting = this.#waiting;
    this.#stopListening = this.#context.feed.listen((events) => waiting.add(events.filter(fits)), paymentId);
    this.#forgetDismissal = this.#context.feed.whenDismissed(() => this.#dismiss());
    this.#stopWatching = endWithCredential(this.#context, () => waiting.end());
    // What the subscription was looked up with is not kept while it waits.
    renewLoaders(this.#context);
    const { first, ...opened } = await opening();
    let { after } = opened;
    if (first !== null) yield first.event === null ? this.#start(first) : this.#message(first.event, first.event);
    if (backlog === null) return positionOf(after);
    for (;;) {
      // What overflows until the end of the log is reached is read from there.
      waiting.clear();
      const page = await backlog(after);
      for (const event of page.events) {
        if (waiting.ended) return positionOf(after);
        yield this.#message(event, page.end);
      }
      after = page.end;
      if (!page.hasMore && !waiting.overflowed) return positionOf(after);
    }
  }

  /** The first message of a feed: it comes right after the credential was looked at. */
  #start(message: EventMessage): EventMessage {
    this.#context.told = message.cursor;
    return message;
  }

  /**
   * The credential is looked at when the subscriber has asked for the event, however long that waited before.
   * @param known up to where it is known already what has happened: a look that begins now is after all of it
   */
  async #message(event: EventRow, known: EventPosition): Promise<EventMessage> {
    // A clock that was put back makes no look hold longer.
    const atMs = this.#context.gateway.now().getTime();
    if (isAfter(event, this.#look.upTo) || Math.abs(atMs - this.#look.atMs) > LOOK_HOLDS_MS) {
      if (!(await isStillAllowed(this.#context))) throw noLongerAllowed(this.#context, this.#context.told);
      this.#look = { atMs, upTo: positionOf(known) };
    }
    this.#context.told = this.#context.feed.log.cursorOf(event);
    return { cursor: this.#context.told, event };
  }
}

/** A subscriber that took too little for too long. @param cursor of the last message that it has */
export function tooSlow(cursor: string | null): GraphQLError {
  return new GraphQLError('This subscriber was too slow and was cut off: subscribe again after the last cursor.', {
    extensions: { code: 'SUBSCRIBER_TOO_SLOW', cursor },
  });
}

function serverStopping(cursor: string | null): GraphQLError {
  return new GraphQLError('This server stops: subscribe again after the last cursor, and reach another one.', {
    extensions: { code: 'SERVER_STOPPING', cursor },
  });
}

/** What happened and was not taken yet. */
class Waiting {
  #events: EventRow[] = [];
  #wake: (() => void) | undefined;
  /** There was more than is kept. */
  overflowed = false;
  ended = false;
  /** It was the subscriber who ended it. */
  left = false;

  add(events: readonly EventRow[]): void {
    // Woken for nothing, every subscriber would take its turn at every event of the others.
    if (events.length === 0 || this.ended || this.overflowed) return;
    this.#events.push(...events);
    if (this.#events.length > WAITING_MAX) {
      this.#events = [];
      this.overflowed = true;
    }
    this.#wake?.();
  }

  /** The last that waits. */
  get last(): EventRow | undefined {
    return this.#events.at(-1);
  }

  clear(): void {
    this.#events = [];
    this.overflowed = false;
  }

  end(): void {
    this.ended = true;
    this.#wake?.();
  }

  leave(): void {
    this.left = true;
    this.clear();
    this.end();
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
