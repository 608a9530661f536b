import type { Taken } from './load.ts';

/** The memory of each replica at a moment since the begin, in megabytes. */
export interface Sample {
  readonly atMs: number;
  readonly resident: readonly number[];
  /** What of its heap was in use. */
  readonly heap: readonly number[];
}

const MINUTE_MS = 60_000;
/** What is compiled and cached for the first time takes memory once: the first third does not count. */
const SETTLED = 1 / 3;

/** What each minute took. */
export function tableOf(taken: readonly Taken[], samples: readonly Sample[]): string {
  const minutes = byMinute(taken);
  const rows = [...minutes]
    .toSorted(([one], [other]) => one - other)
    .map(([minute, rounds]) => {
      const sorted = sortedMs(rounds);
      const last = samples.findLast(({ atMs }) => atMs < (minute + 1) * MINUTE_MS);
      return [
        String(minute + 1),
        String(rounds.length),
        percentile(sorted, 0.5).toFixed(1),
        percentile(sorted, 0.99).toFixed(1),
        inMegabytes(last?.resident),
        inMegabytes(last?.heap),
      ];
    });
  const head = ['minute', 'rounds', 'p50 ms', 'p99 ms', 'MB of each replica', 'in use of its heap'];
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)));
  return [head, ...rows].map((row) => row.map((cell, at) => cell.padStart(widths[at] ?? 0)).join('  ')).join('\n');
}

function inMegabytes(sizes: readonly number[] = []): string {
  return sizes.map((each) => each.toFixed(0)).join(' ');
}

/** The 99th percentile of each minute, in milliseconds. */
export function percentiles(taken: readonly Taken[]): number[] {
  return [...byMinute(taken).values()].map((rounds) => percentile(sortedMs(rounds), 0.99));
}

function byMinute(taken: readonly Taken[]): Map<number, Taken[]> {
  return Map.groupBy(taken, ({ atMs }) => Math.floor(atMs / MINUTE_MS));
}

function sortedMs(rounds: readonly Taken[]): number[] {
  return rounds.map(({ ms }) => ms).toSorted((one, other) => one - other);
}

function percentile(sorted: readonly number[], part: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
}

/**
 * By which part of itself what is in use of a replica's heap grows in a minute: the line of least squares. What is resident
 * says less: it is what the collector takes, and goes up and down by a quarter.
 */
export function slopePerMinute(samples: readonly Sample[], replica: number): number {
  const settled = samples.slice(Math.floor(samples.length * SETTLED));
  const points = settled.map(({ atMs, heap }) => [atMs / MINUTE_MS, heap[replica] ?? 0] as const);
  if (points.length < 2) return 0;
  const mean = (axis: 0 | 1): number => points.reduce((sum, point) => sum + point[axis], 0) / points.length;
  const [x, y] = [mean(0), mean(1)];
  const above = points.reduce((sum, [at, size]) => sum + (at - x) * (size - y), 0);
  const below = points.reduce((sum, [at]) => sum + (at - x) ** 2, 0);
  return above / below / y;
}
