import type { Gateway } from '../payments/gateway.ts';

/** Work of one kind that comes due, each piece in the lane of whoever it waits for: an account with a processor. */
export interface LaneWork<T> {
  /** What the operator calls it. */
  readonly name: string;
  /** Takes what is due, for the length of a lease: so many at most, and none of some lanes. */
  readonly claim: (limit: number, except: readonly string[]) => Promise<readonly T[]>;
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
 * @param stopping begins nothing more, and ends with what was begun
 * @throws in the end, if anything failed: it stays due
 */
export async function runLanes<T>(
  { report, telemetry, newId }: Pick<Gateway, 'report' | 'telemetry' | 'newId'>,
  { name, claim, laneOf, run }: LaneWork<T>,
  stopping?: AbortSignal,
): Promise<void> {
  const lanes = new Map<string, Set<Promise<void>>>();
  const underWay = (): Promise<void>[] => [...lanes.values()].flatMap((lane) => [...lane]);
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
  const begin = (piece: T): void => {
    const key = laneOf(piece);
    const lane = lanes.get(key) ?? new Set();
    lanes.set(key, lane);
    const work = errand(piece).finally(() => {
      lane.delete(work);
      if (lane.size === 0) lanes.delete(key);
    });
    lane.add(work);
  };
  try {
    for (;;) {
      if (stopping?.aborted === true) break;
      const room = UNDER_WAY_MAX - underWay().length;
      const enough = Math.max(1, Math.min(ENOUGH_OF_ONE, Math.floor(room * SHARE)));
      const busy = [...lanes].flatMap(([key, { size }]) => (size >= enough ? [key] : []));
      const claimed = room > 0 ? await claim(enough, busy) : [];
      for (const piece of claimed) begin(piece);
      if (claimed.length > 0) continue;
      if (lanes.size === 0) break;
      await firstOf(underWay());
    }
  } finally {
    await Promise.all(underWay());
  }
  if (failures > 0) throw new Error(`${failures} of what was due failed: ${name}`);
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
