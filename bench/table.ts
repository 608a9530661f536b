import { median, type Windows } from './measure.ts';

/** What is asked for of a ratio or a figure. */
export type Goal = { readonly atLeast: number } | { readonly atMost: number };

/** One line of the result. */
export interface Line {
  readonly workload: string;
  readonly against: string;
  readonly figure: 'per second' | 'p99 ms' | 'p50 ms' | 's' | 'KB each' | 'MB';
  readonly ours: number;
  /** Undefined where the goal is a figure of the project's own. */
  readonly peers: number | undefined;
  /** What the goal is about, once for each turn: ratios, or figures where there is no peer. */
  readonly values: readonly number[];
  readonly goal: Goal;
  /** CPU for each answer in milliseconds, of the server and of PostgreSQL. */
  readonly cpu?: { readonly ours: Cpu; readonly peers: Cpu };
}

export interface Cpu {
  readonly server: number;
  readonly postgres: number;
}

export function isMet({ values, goal }: Line): boolean {
  return 'atLeast' in goal ? median(values) >= goal.atLeast : median(values) <= goal.atMost;
}

export function cpuOf(windows: Windows): Cpu {
  return {
    server: median(windows.map(({ serverMs }) => serverMs)),
    postgres: median(windows.map(({ postgresMs }) => postgresMs)),
  };
}

/** The table as Markdown. */
export function tableOf(lines: readonly Line[]): string {
  const head = [
    'workload',
    'against',
    'figure',
    'ours',
    "peer's",
    'ratio',
    'spread',
    'goal',
    'met',
    'CPU ms ours',
    "CPU ms peer's",
    'CPU ratio',
  ];
  const rows = lines.map((line) => [
    line.workload,
    line.against,
    line.figure,
    figure(line.ours),
    line.peers === undefined ? '' : figure(line.peers),
    figure(median(line.values)),
    `${figure(Math.min(...line.values))}–${figure(Math.max(...line.values))}`,
    'atLeast' in line.goal ? `≥ ${line.goal.atLeast}` : `≤ ${line.goal.atMost}`,
    isMet(line) ? 'yes' : 'no',
    cpuCell(line.cpu?.ours),
    cpuCell(line.cpu?.peers),
    line.cpu === undefined ? '' : figure(total(line.cpu.peers) / total(line.cpu.ours)),
  ]);
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const text = (row: readonly string[]): string =>
    `| ${row.map((cell, column) => (column < 3 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0))).join(' | ')} |`;
  const rule = widths.map((width, column) => (column < 3 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`));
  return [text(head), `| ${rule.join(' | ')} |`, ...rows.map(text)].join('\n');
}

function figure(value: number): string {
  if (value >= 100) return value.toFixed(0);
  return value.toFixed(value >= 10 ? 1 : 2);
}

function total({ server, postgres }: Cpu): number {
  return server + postgres;
}

function cpuCell(cpu: Cpu | undefined): string {
  return cpu === undefined ? '' : `${cpu.server.toFixed(2)} + ${cpu.postgres.toFixed(2)}`;
}
