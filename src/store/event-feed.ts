import { AsyncLocalStorage } from 'node:async_hooks';
import { randomUUID } from 'node:crypto';
import type { Pool } from 'pg';
import { isAfter, positionOf, type EventPosition } from '../domain/event-cursor.ts';
import type { PresentEpoch } from './epoch.ts';
import { EventListeners, type Interest, type Listener } from './event-listeners.ts';
import { EventLog } from './event-log.ts';
import { EVENTS_MAX, readEvents, type EventsRead, type ReadAlong } from './event-reading.ts';
import { Listening } from './listening.ts';

interface FeedOptions {
  readonly pool: Pool;
  readonly epoch: PresentEpoch;
  readonly onError: (error: Error) => void;
  /** A slow look at the log covers a lost wake-up. */
  readonly pollMs?: number;
  readonly heartbeatMs?: number;
}

/** On which gateways wake each other. */
export const CHANNEL = 'tender_events';
const DEFAULT_POLL_MS = 1_000;
/** While a transaction that is still open hides events behind it, the log is looked at again so soon. */
const HORIZON_POLL_MS = 20;
/** What takes longer is on a connection that says nothing any more: the next time it is on another. */
const ANSWER_MS = 10_000;

/**
 * The one reader of the event log in a process. It takes events whose transaction is older than every open one,
 * in the order (orderXid, position), so that an event that commits late is never skipped, and hands them to
 * everyone who listens. NOTIFY only wakes it. While nobody listens, nothing is read but where the log ends, now and then.
 */
export class EventFeed {
  /** The log that it follows. */
  readonly log: EventLog;
  readonly #options: FeedOptions;
  /** By which it knows its own NOTIFY: it has looked already. */
  readonly #name = randomUUID();
  readonly #listeners: EventListeners;
  readonly #subscribers = new Set<() => void>();
  /** Whoever appended what is read: it is read, and told, for nobody's request. */
  readonly #forNobody = AsyncLocalStorage.snapshot();
  #isDismissing = false;
  #cursor: EventPosition | undefined;
  #timer: NodeJS.Timeout | undefined;
  #readAlong: ReadAlong | undefined;
  #reading: Promise<void> | undefined;
  #readAgain = false;
  #hasAppended = false;
  #notifying = false;
  #notifyAgain = false;
  #stopped = false;
  readonly #listening: Listening;

  constructor(options: FeedOptions) {
    this.#options = options;
    this.#listeners = new EventListeners(options.onError);
    this.#listening = new Listening({ ...options, channel: CHANNEL, onWake: (from) => this.#hear(from) });
    this.log = new EventLog(options.pool, options.epoch);
  }

  /** Begins at the end of the log as it is now. */
  async start(): Promise<void> {
    this.#cursor = await this.log.end();
    await this.#listening.start();
    this.#schedule(this.#options.pollMs ?? DEFAULT_POLL_MS);
  }

  /** Up to where it has told events, or passed them while nobody listened; undefined before it began. */
  get position(): EventPosition | undefined {
    return this.#cursor;
  }

  /** What was read along with the events that are being told, while they are. */
  get readAlong(): ReadAlong | undefined {
    return this.#readAlong;
  }

  /** How many listen. */
  get listeners(): number {
    return this.#listeners.count;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#listening.stop();
    await this.#reading;
  }

  /**
   * Calls the listener with every event from now on, in order; the first who listens after a while may hear events from
   * shortly before.
   * @returns what ends it
   */
  listen(listener: Listener, interest: Interest = {}): () => void {
    const isFirst = this.listeners === 0;
    const stop = this.#listeners.add(listener, interest);
    // What was appended while nobody listened has woken nobody.
    if (isFirst) void this.#wake();
    return stop;
  }

  /**
   * Calls back when this process stops and subscribers are to go on elsewhere; at once where it stops already.
   * @returns what ends it
   */
  whenDismissed(leave: () => void): () => void {
    if (this.#isDismissing) leave();
    this.#subscribers.add(leave);
    return () => this.#subscribers.delete(leave);
  }

  /** Sends all subscribers elsewhere, and those who come from now on. */
  dismiss(): void {
    this.#isDismissing = true;
    for (const leave of this.#subscribers) leave();
  }

  /**
   * To be called after a commit that appended events: wakes the readers of all processes, this one at once. Those who
   * shared the commit all call, and are one.
   */
  appended(): void {
    if (this.#hasAppended) return;
    this.#hasAppended = true;
    this.#forNobody(() =>
      setImmediate(() => {
        this.#hasAppended = false;
        this.#wakeIfHeard();
        void this.#notify();
      }),
    );
  }

  /** One NOTIFY for whatever was appended while the last one was under way: it is never inside a payment's transaction. */
  async #notify(): Promise<void> {
    if (this.#stopped) return;
    if (this.#notifying) {
      this.#notifyAgain = true;
      return;
    }
    this.#notifying = true;
    try {
      do {
        this.#notifyAgain = false;
        const notification = { text: `NOTIFY ${CHANNEL}, '${this.#name}'`, query_timeout: ANSWER_MS };
        await this.#options.pool.query(notification);
      } while (this.#notifyAgain);
    } catch (error) {
      // The slow look covers it.
      if (!this.#stopped) this.#options.onError(error as Error);
    } finally {
      this.#notifying = false;
    }
  }

  /** @param from which process was the one that appended events; undefined if there may have been several */
  #hear(from: string | undefined): void {
    if (from !== this.#name) this.#wakeIfHeard();
  }

  #wakeIfHeard(): void {
    if (this.listeners > 0) void this.#wake();
  }

  #schedule(inMs: number): void {
    clearTimeout(this.#timer);
    if (!this.#stopped) this.#timer = setTimeout(() => void this.#wake(), inMs).unref();
  }

  async #wake(): Promise<void> {
    this.#readAgain = true;
    if (this.#stopped || this.#reading !== undefined) return;
    this.#reading = this.#forNobody(() => this.#readAll());
    await this.#reading;
  }

  async #readAll(): Promise<void> {
    let nextMs = this.#options.pollMs ?? DEFAULT_POLL_MS;
    try {
      while (this.#readAgain && !this.#stopped) {
        this.#readAgain = false;
        if (this.listeners === 0) {
          await this.#pass();
          continue;
        }
        const read = await this.#read();
        if (read.events.length > 0) this.#tell(read);
        if (read.events.length === EVENTS_MAX) this.#readAgain = true;
        if (read.hidden) nextMs = HORIZON_POLL_MS;
      }
    } catch (error) {
      if (!this.#stopped) this.#options.onError(error as Error);
    } finally {
      this.#reading = undefined;
      this.#schedule(nextMs);
    }
  }

  /** Goes on to the end of the log, unless somebody has come meanwhile: who has is to hear what was appended since. */
  async #pass(): Promise<void> {
    const end = await this.log.end(ANSWER_MS);
    if (this.listeners === 0 && this.#cursor !== undefined && isAfter(end, this.#cursor)) this.#cursor = end;
  }

  /** The next events, and what is read along with them. */
  async #read(): Promise<EventsRead> {
    const after = this.#cursor;
    if (after === undefined) throw new Error('the feed was read before it was started');
    const { pool } = this.#options;
    // An epoch that has begun since this was asked counts as the present one.
    const read = await readEvents(pool, after, this.log.epoch, this.#listeners.wanted, ANSWER_MS);
    const last = read.events.at(-1);
    if (last !== undefined) this.#cursor = positionOf(last);
    return read;
  }

  #tell(read: EventsRead): void {
    this.#readAlong = read;
    try {
      this.#listeners.tell(read.events);
    } finally {
      this.#readAlong = undefined;
    }
  }
}
