import { setTimeout as delay } from 'node:timers/promises';

/** A fast shutdown first, then one without a checkpoint (the next start recovers), then force. */
const STEPS = [
  { signal: 'SIGINT', waitMs: 10_000 },
  { signal: 'SIGQUIT', waitMs: 10_000 },
  { signal: 'SIGKILL', waitMs: 10_000 },
] as const;

const POLL_MS = 10;

/**
 * Ends a postgres by its process id, gently first.
 *
 * @param isGone tells whether it has ended. It is asked before each signal, so that a number that
 *   has been given to another process meanwhile is never signalled.
 */
export async function shutDown(pid: number, isGone: () => boolean): Promise<void> {
  for (const { signal, waitMs } of STEPS) {
    if (isGone()) return;
    try {
      process.kill(pid, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
    const deadline = performance.now() + waitMs;
    while (!isGone() && performance.now() < deadline) await delay(POLL_MS);
  }
}
