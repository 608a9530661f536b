import { cpuOfPostgres, cpuOfProcess } from './cpu.ts';
import type { Answered, Load, LoadCalls } from './load.ts';
import type { Child } from './subscriptions/process.ts';
import { percentile } from './subscriptions/table.ts';

/** What one server did in one window of time. */
export interface Sample {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** CPU of the server's own process and of PostgreSQL for each answer, in milliseconds. */
  readonly serverMs: number;
  readonly postgresMs: number;
}

/** Somebody who does the work under measurement for a while, and says what it came to. */
export type Contender = (seconds: number) => Promise<Sample>;

/** The windows of a contender, in the order in which they were measured. */
export type Windows = readonly Sample[];

export interface Turns {
  readonly turns: number;
  readonly seconds: number;
}

const WARM_UP_SECONDS = 2;

/** Lets each work in its turn, so that what else the machine does falls on all of them. */
export async function inTurn<Name extends string>(
  contenders: Readonly<Record<Name, Contender>>,
  { turns, seconds }: Turns,
): Promise<Record<Name, Windows>> {
  const names = Object.keys(contenders) as Name[];
  const windows = Object.fromEntries(names.map((name) => [name, [] as Sample[]])) as Record<Name, Sample[]>;
  for (const name of names) await contenders[name](WARM_UP_SECONDS);
  for (let turn = 0; turn < turns; turn++) {
    // Who comes first in one turn comes last in the next.
    for (const name of turn % 2 === 0 ? names : names.toReversed()) {
      windows[name].push(await contenders[name](seconds));
    }
  }
  return windows;
}

/** A server under a load, with the CPU that both it and its database took. */
export function serverContender(
  client: Child<LoadCalls>,
  { pid, postmaster, load }: { pid: number; postmaster: number; load: Omit<Load, 'seconds'> },
): (length: number | 'once') => Promise<Sample> {
  return async (seconds) => {
    const before = { server: cpuOfProcess(pid), postgres: cpuOfPostgres(postmaster) };
    const answered = await client.ask('load', { ...load, seconds });
    return sampleOf(answered, {
      server: cpuOfProcess(pid) - before.server,
      postgres: cpuOfPostgres(postmaster) - before.postgres,
    });
  };
}

export function sampleOf(answered: Answered, cpuSeconds: { server: number; postgres: number }): Sample {
  const { count, seconds, latencies } = answered;
  if (count === 0) throw new Error('nothing was answered in a window');
  const sorted = [...latencies].toSorted((one, other) => one - other);
  return {
    perSecond: latencies.length / seconds,
    p50Ms: percentile(sorted, 0.5),
    p99Ms: percentile(sorted, 0.99),
    serverMs: (cpuSeconds.server * 1_000) / count,
    postgresMs: (cpuSeconds.postgres * 1_000) / count,
  };
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((one, other) => one - other);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2;
}

/** The ratio of one to the other in each turn: their windows are next to each other in time. */
export function ratios(of: Windows, to: Windows, figure: 'perSecond' | 'p99Ms'): number[] {
  return of.map((sample, turn) => sample[figure] / (to[turn]?.[figure] ?? Number.NaN));
}
