/** How a round is told to end. */
export interface Stop {
  /** Nothing more is to be begun. */
  readonly stopping: AbortSignal;
  /** The time is over: what is still under way is handed back to whoever runs then. */
  readonly givingUp: AbortSignal;
}

/** A piece of periodic work and how often it is looked at. */
export interface Round {
  readonly name: string;
  readonly everyMs: number;
  readonly run: (stop: Stop) => Promise<unknown>;
}

/** Rounds that run until they are stopped. */
export interface Rounds {
  /** Begins nothing more. @returns when the rounds under way have ended */
  stop(): Promise<void>;
  /** Has those under way hand back what they have claimed, after stop(). */
  giveUp(): void;
  /** The names of those under way. */
  underWay(): string[];
}

/**
 * Runs each round again and again, one at a time of each kind, until stopped. An error is told and the round
 * comes again: what was due stays due.
 */
export function startRounds(rounds: readonly Round[], onError: (round: string, error: Error) => void): Rounds {
  const [stopping, givingUp] = [new AbortController(), new AbortController()];
  const stop: Stop = { stopping: stopping.signal, givingUp: givingUp.signal };
  const underWay = new Set<string>();
  const loops = rounds.map((round) => loop(round, { stop, underWay, onError }));
  return {
    async stop() {
      stopping.abort();
      await Promise.all(loops);
    },
    giveUp: () => givingUp.abort(),
    underWay: () => [...underWay],
  };
}

interface LoopOptions {
  readonly stop: Stop;
  readonly underWay: Set<string>;
  readonly onError: (round: string, error: Error) => void;
}

async function loop(round: Round, { stop, underWay, onError }: LoopOptions): Promise<void> {
  while (!stop.stopping.aborted) {
    underWay.add(round.name);
    try {
      await round.run(stop);
    } catch (error) {
      onError(round.name, error as Error);
    } finally {
      underWay.delete(round.name);
    }
    await pause(round.everyMs, stop.stopping);
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
