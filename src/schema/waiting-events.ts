import type { PaymentEvent as EventRow } from '../../generated/prisma/client.ts';

/** Events that wait for a subscriber that does not take them: some megabytes, and with a busy feed some seconds. */
const WAITING_MAX = 1_000;

/** What happened and a subscriber has not taken yet. */
export class WaitingEvents {
  #events: EventRow[] = [];
  #each: ((event: EventRow) => Promise<void> | undefined) | undefined;
  #over: Pick<PromiseWithResolvers<void>, 'resolve' | 'reject'> | undefined;
  #isUnderWay = false;
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
    void this.#goOn();
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
    void this.#goOn();
  }

  leave(): void {
    this.left = true;
    this.clear();
    this.end();
  }

  /** Takes what waits and what comes, one after the other, until it is over. */
  forEach(take: (event: EventRow) => Promise<void> | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#each = take;
      this.#over = { resolve, reject };
      void this.#goOn();
    });
  }

  async #goOn(): Promise<void> {
    if (this.#isUnderWay || this.#each === undefined) return;
    this.#isUnderWay = true;
    try {
      for (let event = this.#events.shift(); event !== undefined; event = this.#events.shift()) {
        const taking = this.#each(event);
        if (taking !== undefined) await taking;
      }
      if (this.ended || this.overflowed) this.#over?.resolve();
    } catch (error) {
      // What comes behind the one that could not be told is not told either.
      this.#each = undefined;
      this.#over?.reject(error);
    } finally {
      this.#isUnderWay = false;
    }
  }
}
