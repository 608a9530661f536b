/** A piece of periodic work and how often it is looked at. */
export interface Round {
  readonly name: string;
  readonly everyMs: number;
  /** @param stopping is given when nothing more is to be begun */
  readonly run: (stopping: AbortSignal) => Promise<unknown>;
}

/**
 * Runs each round again and again, one at a time of each kind, until stopped. An error is told and the round
 * comes again: what was due stays due.
 * @returns what stops it; it settles when the rounds under way have ended
 */
export function startRounds(
  rounds: readonly Round[],
  onError: (round: string, error: Error) => void,
): () => Promise<void> {
  const stopping = new AbortController();
  const loops = rounds.map((round) => loop(round, stopping.signal, onError));
  return async () => {
    stopping.abort();
    await Promise.all(loops);
  };
}

async function loop(round: Round, signal: AbortSignal, onError: (round: string, error: Error) => void): Promise<void> {
  while (!signal.aborted) {
    try {
      await round.run(signal);
    } catch (error) {
      onError(round.name, error as Error);
    }
    await pause(round.everyMs, signal);
  }
}

/** Waits, unless there is nothing to wait for any more. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  if (signal.aborted) return Promise.resolve();
  const timer = setTimeout(resolve, ms);
  signal.addEventListener(
    'abort',
    () => {
      clearTimeout(timer);
      resolve();
    },
    { once: true },
  );
  return promise;
}
