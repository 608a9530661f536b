import type { Taken } from './load.ts';

/** The resident memory of each replica at a moment since the begin. */
export interface Sample {
  readonly atMs: number;
  readonly megabytes: readonly number[];
}

const MINUTE_MS = 60_000;
/** What is compiled and cached for the first time takes memory once: the first third does not count. */
const SETTLED = 1 / 3;

/** What each minute took. */
export function tableOf(taken: readonly Taken[], samples: readonly Sample[]): string {
  const minutes = Map.groupBy(taken, ({ atMs }) => Math.floor(atMs / MINUTE_MS));
  const rows = [...minutes]
    .toSorted(([one], [other]) => one - other)
    .map(([minute, rounds]) => {
      const sorted = rounds.map(({ ms }) => ms).toSorted((one, other) => one - other);
      const last = samples.findLast(({ atMs }) => atMs < (minute + 1) * MINUTE_MS);
      const memory = last?.megabytes.map((each) => each.toFixed(0)).join(' ') ?? '';
      return [
        String(minute + 1),
        String(rounds.length),
        percentile(sorted, 0.5).toFixed(1),
        percentile(sorted, 0.99).toFixed(1),
        memory,
      ];
    });
  const head = ['minute', 'rounds', 'p50 ms', 'p99 ms', 'MB of each replica'];
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)));
  return [head, ...rows].map((row) => row.map((cell, at) => cell.padStart(widths[at] ?? 0)).join('  ')).join('\n');
}

function percentile(sorted: readonly number[], part: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
}

/** By which part of itself a replica's memory grows in a minute: the line of least squares. */
export function slopePerMinute(samples: readonly Sample[], replica: number): number {
  const settled = samples.slice(Math.floor(samples.length * SETTLED));
  const points = settled.map(({ atMs, megabytes }) => [atMs / MINUTE_MS, megabytes[replica] ?? 0] as const);
  if (points.length < 2) return 0;
  const mean = (axis: 0 | 1): number => points.reduce((sum, point) => sum + point[axis], 0) / points.length;
  const [x, y] = [mean(0), mean(1)];
  const above = points.reduce((sum, [at, size]) => sum + (at - x) * (size - y), 0);
  const below = points.reduce((sum, [at]) => sum + (at - x) ** 2, 0);
  return above / below / y;
}
