import { cpus, loadavg } from 'node:os';

/** What one peer came to under one load. */
export interface Figures {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  readonly cpuSeconds: number;
  readonly deliveries: number;
  /** Resident memory that one of the second half takes. */
  readonly kilobytes: number;
  /** The same of all of them, with what the first ones have the process take once. */
  readonly kilobytesWithFirst: number;
  readonly connectSeconds: number;
}

export interface Result {
  readonly load: string;
  readonly events: number;
  readonly gateway: Figures;
  readonly raw: Figures;
}

export function percentile(sorted: readonly number[], share: number): number {
  const at = Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1);
  return sorted[Math.max(0, at)] ?? Number.NaN;
}

export function machine(postgres: string): string {
  const [first] = cpus();
  const load = loadavg()[0]?.toFixed(1);
  return `${cpus().length} cores, ${first?.model ?? 'unknown'}, Node ${process.versions.node}, PostgreSQL ${postgres}, load ${load} before the run`;
}

/** The table as Markdown, with the gateway beside its peer. */
export function tableOf(results: readonly Result[]): string {
  const head = [
    '',
    'events',
    'p50 ms',
    'p99 ms',
    'max ms',
    'CPU s',
    'CPU µs each',
    'KB each',
    'KB with the first',
    'connecting s',
  ];
  const rows = results.flatMap(({ load, events, gateway, raw }) => [
    [load, String(events), ...cells(gateway)],
    ['raw sockets', String(events), ...cells(raw)],
    ['ratio', '', ...numbers(gateway).map((value, index) => (value / (numbers(raw)[index] ?? 0)).toFixed(1))],
  ]);
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    `| ${row.map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0))).join(' | ')} |`;
  const rule = widths.map((width, column) => (column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`));
  return [line(head), line(rule), ...rows.map(line)].join('\n');
}

function numbers(figures: Figures): number[] {
  const { p50Ms, p99Ms, maxMs, cpuSeconds, deliveries, kilobytes, kilobytesWithFirst, connectSeconds } = figures;
  const cpuMicrosecondsEach = (cpuSeconds * 1e6) / deliveries;
  return [p50Ms, p99Ms, maxMs, cpuSeconds, cpuMicrosecondsEach, kilobytes, kilobytesWithFirst, connectSeconds];
}

function cells(figures: Figures): string[] {
  return numbers(figures).map((value) => (value < 100 ? value.toFixed(1) : value.toFixed(0)));
}
