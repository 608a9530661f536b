import { AsyncLocalStorage } from 'node:async_hooks';
import { ROUND_TRIPS_AT_ONCE } from './ask.ts';
import { cancelledBy, ownSignal } from './cancellation.ts';

/** Of one read: beyond that, a larger one is no cheaper for each. */
const BATCH_MAX = 64;

/** Answers in the order of the keys. */
type Read<K, V> = (keys: readonly K[]) => Promise<readonly V[]>;

/**
 * Reads that are asked for at the same time, by whatever requests, are made in one: a DataLoader across requests. A read
 * begins after all whom it answers have asked, so that nobody is told anything older than if they were alone. Only so many
 * run at once: the busier the process is, the more are answered by one. Nobody waits for longer than their own operation
 * may take, and a read for which nobody waits any more is cancelled. One that fails, fails for all who asked.
 */
export class GatheredReads<K, V> {
  readonly #read: Read<K, V>;
  readonly #onIdle: () => void;
  readonly #waiting: Batch<K, V>[] = [];
  #running = 0;

  /** @param onIdle told when nothing is asked for any more */
  constructor(read: Read<K, V>, onIdle: () => void = () => {}) {
    this.#read = read;
    this.#onIdle = onIdle;
  }

  /** @throws what the read throws; the reason of the caller's own signal, if that is given first */
  async load(key: K): Promise<V> {
    const signal = ownSignal();
    signal?.throwIfAborted();
    let batch = this.#waiting.at(-1);
    if (batch === undefined || batch.isFull) {
      this.#waiting.push((batch = new Batch(this.#read)));
      if (this.#running < ROUND_TRIPS_AT_ONCE) {
        this.#running++;
        // After everything that has arrived already was read.
        setImmediate(() => void this.#work());
      }
    }
    return batch.join(key, signal);
  }

  async #work(): Promise<void> {
    for (let batch = this.#waiting.shift(); batch !== undefined; batch = this.#waiting.shift()) await batch.run();
    this.#running--;
    if (this.#running === 0) this.#onIdle();
  }
}

interface Asked<K, V> {
  readonly key: K;
  readonly answer: PromiseWithResolvers<V>;
}

/** What is made in one read. */
class Batch<K, V> {
  readonly #asked = new Set<Asked<K, V>>();
  readonly #nobodyWaits = new AbortController();
  readonly #read: Read<K, V>;
  #hasBegun = false;

  constructor(read: Read<K, V>) {
    // It is told of as the first one's who asked, and not as that of whoever has ended before it.
    this.#read = AsyncLocalStorage.bind((keys) => cancelledBy(this.#nobodyWaits.signal, () => read(keys)));
  }

  get isFull(): boolean {
    return this.#asked.size === BATCH_MAX;
  }

  async join(key: K, signal: AbortSignal | undefined): Promise<V> {
    const asked: Asked<K, V> = { key, answer: Promise.withResolvers() };
    this.#asked.add(asked);
    const leave = (): void => {
      this.#asked.delete(asked);
      asked.answer.reject(signal?.reason as Error);
      if (this.#hasBegun && this.#asked.size === 0) this.#nobodyWaits.abort(signal?.reason);
    };
    signal?.addEventListener('abort', leave, { once: true });
    try {
      return await asked.answer.promise;
    } finally {
      signal?.removeEventListener('abort', leave);
    }
  }

  async run(): Promise<void> {
    this.#hasBegun = true;
    const all = [...this.#asked];
    if (all.length === 0) return;
    try {
      const keys = all.map(({ key }) => key);
      const values = await this.#read(keys);
      if (values.length !== keys.length) throw new Error(`${values.length} answers for ${keys.length} keys`);
      for (const [index, { answer }] of all.entries()) answer.resolve(values[index] as V);
    } catch (error) {
      for (const { answer } of all) answer.reject(error);
    }
  }
}
