import { GraphQLError } from 'graphql';
import type { PaymentEvent as EventRow } from '../../generated/prisma/client.ts';
import { isAfter, LOG_START, positionOf, type EventPosition } from '../domain/event-cursor.ts';
import type { EventPage } from '../store/event-log.ts';
import { contextApart, type Context } from './context.ts';
import { endWithCredential } from './credential-end.ts';
import { isStillAllowed, noLongerAllowed } from './still-allowed.ts';
import { WaitingEvents } from './waiting-events.ts';

/** An event for a subscriber, and the cursor after it; the first message of a feed has a cursor only. */
export interface EventMessage {
  readonly cursor: string;
  readonly event: EventRow | null;
}

export interface StreamOptions {
  /** Whose events alone they are, if they are one payment's: what happens to others is not even looked at. */
  readonly paymentId?: string;
  /** Whether the events' payments will be asked for. */
  readonly payments?: boolean;
  /** Of what happens from now on: whether it is for this subscriber, as far as the event itself tells. */
  readonly fits: (event: EventRow) => boolean;
  /** The same for what takes a look at the database. */
  readonly fitsToo?: (event: EventRow, context: Context) => Promise<boolean>;
  /** What the subscriber gets first. It is asked for once listening has begun, so that nothing falls between. */
  readonly opening: () => Promise<{ readonly after: EventPosition; readonly first: EventMessage | null }>;
  /** What there is already after a position, where that is not nothing. */
  readonly backlog: ((after: EventPosition) => Promise<EventPage>) | null;
}

/**
 * What had happened when the credential was looked at is told for so long: waiting for the database at each event, a feed of
 * more than some fifty in a second falls behind until it is cut off.
 */
export const LOOK_HOLDS_MS = 100;

/** How a message becomes what the subscriber gets. */
interface Teller<A> {
  /** Finds out what it comes to, while the credential is still looked at: what comes of it may never be told. */
  readonly answer: (message: EventMessage) => A;
  /** Takes that: the next one is not told before it has. Nothing is to be waited for where it has at once. */
  readonly take: (answer: A) => Promise<void> | undefined;
}

/**
 * One subscriber: what there is already, page by page as it takes it, then what happens, at the seam nothing left out and
 * nothing twice. What waits for it is bounded: one that falls too far behind is cut off with the cursor to resume from.
 *
 * Thousands wait at once: between two messages nothing is under way for one, and nothing that it was told is kept.
 */
export class EventStream implements AsyncIterable<EventMessage> {
  readonly context: Context;
  readonly #options: StreamOptions;
  readonly #waiting = new WaitingEvents();
  #last = LOG_START;
  /** The last look at the credential, and what had happened by then. */
  #look = { atMs: -Infinity, upTo: LOG_START };
  #stopListening: (() => void) | undefined;
  #stopWatching: (() => void) | undefined;
  #forgetDismissal: (() => void) | undefined;
  #isDismissed = false;

  constructor(context: Context, options: StreamOptions) {
    this.context = contextApart(context);
    this.#options = options;
  }

  /**
   * Tells everything, until the subscriber leaves.
   * @throws why it is over where that was not the subscriber's wish
   */
  async tell<A>(teller: Teller<A>): Promise<void> {
    try {
      this.#last = await this.#open(teller);
      await this.#waiting.forEach((event) => this.#happened(event, teller));
      if (!this.#waiting.left) throw this.#reason();
    } finally {
      this.end();
    }
  }

  /** The subscriber leaves. */
  end(): void {
    this.#waiting.leave();
    this.#stopWatching?.();
    this.#stopListening?.();
    this.#forgetDismissal?.();
  }

  /** The same for who asks for each message. */
  [Symbol.asyncIterator](): AsyncIterableIterator<EventMessage, undefined> {
    return new Asked(this);
  }

  /** Why it is over. */
  #reason(): GraphQLError {
    if (this.#isDismissed) return serverStopping(this.context.told);
    return this.#waiting.overflowed ? tooSlow(this.context.told) : noLongerAllowed(this.context, this.context.told);
  }

  /** What waits is not told any more: the next subscription is told it, after the same cursor. */
  #dismiss(): void {
    this.#isDismissed = true;
    this.#waiting.clear();
    this.#waiting.end();
  }

  /** Listens, and tells what there is already. @returns up to where */
  async #open<A>(teller: Teller<A>): Promise<EventPosition> {
    const { paymentId, payments, fits, opening, backlog } = this.#options;
    const waiting = this.#waiting;
    const { credential, feed } = this.context;
    const key = credential.kind === 'key' ? credential.key : undefined;
    const interest = { paymentId, key, payments };
    this.#stopListening = feed.listen((events) => waiting.add(events.filter(fits)), interest);
    this.#forgetDismissal = this.context.feed.whenDismissed(() => this.#dismiss());
    this.#stopWatching = endWithCredential(this.context, () => waiting.end());
    const { first, ...opened } = await opening();
    let { after } = opened;
    if (first?.event === null) {
      // It comes right after the credential was looked at.
      this.context.told = first.cursor;
      if (!waiting.left) await teller.take(teller.answer(first));
    } else if (first !== null) await this.#tellOf(first.event, first.event, teller);
    if (backlog === null) return positionOf(after);
    for (;;) {
      // What overflows until the end of the log is reached is read from there.
      waiting.clear();
      const page = await backlog(after);
      for (const event of page.events) {
        if (waiting.ended) return positionOf(after);
        await this.#tellOf(event, page.end, teller);
      }
      after = page.end;
      if (!page.hasMore && !waiting.overflowed) return positionOf(after);
    }
  }

  #happened<A>(event: EventRow, teller: Teller<A>): Promise<void> | undefined {
    if (!isAfter(event, this.#last)) return undefined;
    this.#last = positionOf(event);
    const { fitsToo } = this.#options;
    const tell = (): Promise<void> => this.#tellOf(event, this.#waiting.last ?? event, teller);
    return fitsToo === undefined ? tell() : fitsToo(event, this.context).then((fits) => (fits ? tell() : undefined));
  }

  /** Whether the feed that tells an event has looked at the key after it. */
  #isSeenAllowed(): boolean {
    const { credential, feed } = this.context;
    return credential.kind === 'key' && feed.readAlong?.goodKeys.has(credential.key.id) === true;
  }

  /**
   * The credential is looked at when the subscriber has asked for the event, however long that waited before.
   * @param known up to where it is known already what has happened: a look that begins now is after all of it
   */
  async #tellOf<A>(event: EventRow, known: EventPosition, { answer, take }: Teller<A>): Promise<void> {
    const message = { cursor: this.context.feed.log.cursorOf(event), event };
    // A clock that was put back makes no look hold longer.
    const atMs = this.context.gateway.now().getTime();
    const isUnknown = isAfter(event, this.#look.upTo) || Math.abs(atMs - this.#look.atMs) > LOOK_HOLDS_MS;
    const answered = answer(message);
    if (isUnknown) {
      if (!this.#isSeenAllowed() && !(await isStillAllowed(this.context)))
        throw noLongerAllowed(this.context, this.context.told);
      this.#look = { atMs, upTo: positionOf(known) };
    }
    if (this.#waiting.left) return;
    this.context.told = message.cursor;
    const taking = take(answered);
    if (taking !== undefined) await taking;
  }
}

/** Who asks for each message, and has taken one when it asks for the next. */
class Asked implements AsyncIterableIterator<EventMessage, undefined> {
  readonly #stream: EventStream;
  #asked: PromiseWithResolvers<IteratorResult<EventMessage, undefined>> | undefined;
  /** What has the next message told; undefined before the first is asked for. */
  #goOn: (() => void) | undefined;
  #isOver = false;

  constructor(stream: EventStream) {
    this.#stream = stream;
  }

  next(): Promise<IteratorResult<EventMessage, undefined>> {
    if (this.#isOver) return Promise.resolve(DONE);
    const asked = Promise.withResolvers<IteratorResult<EventMessage, undefined>>();
    this.#asked = asked;
    if (this.#goOn === undefined) void this.#tell();
    else this.#goOn();
    return asked.promise;
  }

  return(): Promise<IteratorReturnResult<undefined>> {
    this.#isOver = true;
    this.#stream.end();
    this.#goOn?.();
    return Promise.resolve(DONE);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async #tell(): Promise<void> {
    this.#goOn = () => undefined;
    try {
      await this.#stream.tell({ answer: (message) => message, take: (message) => this.#give(message) });
      this.#asked?.resolve(DONE);
    } catch (error) {
      this.#asked?.reject(error);
    }
    this.#isOver = true;
  }

  #give(message: EventMessage): Promise<void> {
    // What was told is not kept until the next one.
    this.#asked?.resolve({ done: false, value: message });
    this.#asked = undefined;
    return new Promise((resolve) => (this.#goOn = resolve));
  }
}

const DONE = { done: true, value: undefined } as const;

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
