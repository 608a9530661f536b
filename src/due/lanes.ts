import type { Gateway } from '../payments/gateway.ts';
import type { Stop } from './rounds.ts';

/** Work of one kind that comes due, each piece in the lane of whoever it waits for: an account with a processor. */
export interface LaneWork<T> {
  /** What the operator calls it. */
  readonly name: string;
  /** Takes what is due, for the length of a lease: so many at most, and none of some lanes. */
  readonly claim: (limit: number, except: readonly string[]) => Promise<readonly T[]>;
  /** Ends the leases of pieces that were not done, where they still are as they were claimed. */
  readonly handBack: (pieces: readonly T[]) => Promise<unknown>;
  readonly laneOf: (piece: T) => string;
  readonly run: (piece: T) => Promise<unknown>;
}

/** Pieces of one round that are under way. */
const UNDER_WAY_MAX = 200;
/** A lane with so many under way is passed by: however slow its processor is, there is room for others. */
const ENOUGH_OF_ONE = 10;
/** It is given this part of the room that is left, so that many that hang leave some, too. */
const SHARE = 1 / 8;
/** How soon it is looked for what has come due while the slow ones go on. */
const LOOK_AGAIN_MS = 500;

/**
 * Does what is due until nothing is, and nothing is under way. It takes on more whenever there is room: a processor that
 * hangs keeps its own work waiting, and no other.
 * @param stop begins nothing more, and ends with what was begun; or hands that back, too, when the time is over
 * @throws in the end, if anything failed: it stays due
 */
export async function runLanes<T>(
  { report, telemetry, newId }: Pick<Gateway, 'report' | 'telemetry' | 'newId'>,
  { name, claim, handBack, laneOf, run }: LaneWork<T>,
  stop?: Stop,
): Promise<void> {
  const lanes = new Lanes<T>();
  let failures = 0;
  const attempt = async (piece: T): Promise<void> => {
    try {
      await run(piece);
    } catch (error) {
      failures++;
      report('what was due could not be done; it comes again', { name, error: nameOf(error) });
    }
  };
  // What is claimed is done for nobody's request: each piece is an errand of its own.
  const errand = (piece: T): Promise<void> =>
    telemetry.errand({ requestId: newId(), round: name }, name, () => attempt(piece));
  const isStopping = (): boolean => stop?.stopping.aborted === true;
  try {
    while (!isStopping()) {
      const room = UNDER_WAY_MAX - lanes.size;
      const enough = Math.max(1, Math.min(ENOUGH_OF_ONE, Math.floor(room * SHARE)));
      const claimed = room > 0 ? await claim(enough, lanes.withAtLeast(enough)) : [];
      if (isStopping()) {
        await handBack(claimed);
        break;
      }
      for (const piece of claimed) lanes.add(laneOf(piece), piece, errand(piece));
      if (claimed.length > 0) continue;
      if (lanes.size === 0) break;
      await firstOf(lanes.work());
    }
  } finally {
    await endOf(lanes.work(), stop?.givingUp);
    if (lanes.size > 0) await handBack(lanes.pieces());
  }
  if (failures > 0) throw new Error(`${failures} of what was due failed: ${name}`);
}

/** What is under way, by its lane. */
class Lanes<T> {
  readonly #lanes = new Map<string, Map<Promise<void>, T>>();

  get size(): number {
    return [...this.#lanes.values()].reduce((sum, { size }) => sum + size, 0);
  }

  add(key: string, piece: T, attempt: Promise<void>): void {
    const lane = this.#lanes.get(key) ?? new Map<Promise<void>, T>();
    this.#lanes.set(key, lane);
    const work = attempt.finally(() => {
      lane.delete(work);
      if (lane.size === 0) this.#lanes.delete(key);
    });
    lane.set(work, piece);
  }

  withAtLeast(enough: number): string[] {
    return [...this.#lanes].flatMap(([key, { size }]) => (size >= enough ? [key] : []));
  }

  work(): Promise<void>[] {
    return [...this.#lanes.values()].flatMap((lane) => [...lane.keys()]);
  }

  pieces(): T[] {
    return [...this.#lanes.values()].flatMap((lane) => [...lane.values()]);
  }
}

/** Waits until all have ended, or they are given up. */
async function endOf(work: readonly Promise<void>[], givingUp: AbortSignal | undefined): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const giveUp = (): void => resolve();
  if (givingUp?.aborted === true) giveUp();
  givingUp?.addEventListener('abort', giveUp, { once: true });
  await Promise.race([Promise.all(work), promise]);
  givingUp?.removeEventListener('abort', giveUp);
}

/** Waits until one of them has ended, or something else may have come due. */
async function firstOf(pieces: readonly Promise<void>[]): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, LOOK_AGAIN_MS);
  await Promise.race([...pieces, promise]);
  clearTimeout(timer);
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : 'unknown';
}
