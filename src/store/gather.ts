import { AsyncLocalStorage } from 'node:async_hooks';
import DataLoader from 'dataloader';
import { notCancelled } from './cancellation.ts';

/** One statement for as many: beyond that, a larger one is no cheaper for each. */
const BATCH_MAX = 64;
/** What takes longer keeps those who come after it waiting no more: it may wait for a lock that they do not need. */
const SLOW_MS = 100;

/** How many of one kind run. */
export interface Lanes {
  readonly atOnce: number;
  readonly besideSlow?: number;
}

/**
 * What is asked for at the same time is done in one go, and only so many of these run at once: what arrives meanwhile is
 * gathered for the next. Under little load everything begins at once and alone; the more there is to do, the more is done
 * in one go.
 * @param atOnce how many may run
 * @param besideSlow how many more may, beside as many that are slow
 * @param run answers in the order of the keys; an Error is for that key alone. Where it fails whole it is run again for
 * each key, so that one that is bad harms no other: it has to bear that
 */
export function gather<K, V>(
  { atOnce, besideSlow = 0 }: Lanes,
  run: (keys: readonly K[]) => Promise<readonly (V | Error)[]>,
): (key: K) => Promise<V> {
  let running = 0;
  let slow = 0;
  const waiting: (() => void)[] = [];
  const mayBegin = (): boolean => running < atOnce + Math.min(slow, besideSlow);
  const begin = (dispatch: () => void): void => {
    // It runs for the first who asked, and not for whoever has ended before it.
    if (!mayBegin()) {
      waiting.push(AsyncLocalStorage.bind(dispatch));
      return;
    }
    running++;
    // After everything that has arrived already was read.
    setImmediate(dispatch);
  };
  const goOn = (): void => {
    const next = mayBegin() ? waiting.shift() : undefined;
    if (next === undefined) return;
    running++;
    next();
  };
  const loader = new DataLoader<K, V>(
    async (keys) => {
      let isSlow = false;
      const timer = setTimeout(() => {
        isSlow = true;
        slow++;
        goOn();
      }, SLOW_MS);
      try {
        return await run(keys).catch((error: unknown) => {
          if (keys.length === 1) throw error;
          return Promise.all(keys.map(async (key) => onlyOne(await run([key]).catch(asError))));
        });
      } finally {
        clearTimeout(timer);
        running--;
        if (isSlow) slow--;
        goOn();
      }
    },
    { cache: false, maxBatchSize: BATCH_MAX, batchScheduleFn: begin },
  );
  // The time of an operation that asks with others may be over: it does not end what they wait for.
  return (key) => notCancelled(() => loader.load(key));
}

function onlyOne<V>(results: readonly (V | Error)[] | Error): V | Error {
  if (results instanceof Error) return results;
  if (results.length !== 1) return new Error(`${results.length} answers for one key`);
  return results[0] as V | Error;
}

export function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error('it failed with no error', { cause: reason });
}
