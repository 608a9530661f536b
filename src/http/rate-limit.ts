import { giveBack, take, type Rate, type Taken } from '../domain/rate.ts';

/**
 * How often something may happen, by a key. It is kept in memory: a restart forgets it, and each process counts for
 * itself. It is there to slow machines down; what must hold is counted in the database (payments/payer.ts).
 */
export class RateLimit {
  readonly rate: Rate;
  readonly #keysMax: number;
  /** When the bucket of a key is full again, in the order in which they were last taken from. */
  readonly #buckets = new Map<string, number>();

  /** @param keysMax of more keys than this, the one that was seen longest ago is forgotten */
  constructor(rate: Rate, keysMax: number) {
    this.rate = rate;
    this.#keysMax = keysMax;
  }

  /** Counts one. */
  take(key: string, nowMs: number): Taken {
    const taken = take(this.rate, this.#buckets.get(key), Math.trunc(nowMs * 1_000));
    if (taken.waitMs === 0) this.#keep(key, taken.fullAtUs);
    return taken;
  }

  /** What `take` would say, and counts nothing. */
  look(key: string, nowMs: number): Taken {
    return take(this.rate, this.#buckets.get(key), Math.trunc(nowMs * 1_000));
  }

  /** What was taken did not count. */
  giveBack(key: string): void {
    const fullAtUs = this.#buckets.get(key);
    if (fullAtUs !== undefined) this.#buckets.set(key, giveBack(this.rate, fullAtUs));
  }

  #keep(key: string, fullAtUs: number): void {
    this.#buckets.delete(key);
    this.#buckets.set(key, fullAtUs);
    const [first] = this.#buckets.keys();
    if (first !== undefined && this.#buckets.size > this.#keysMax) this.#buckets.delete(first);
  }
}
