import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { measureGrowth } from './growth.ts';
import type { Turns } from './measure.ts';
import { plotOf } from './plot.ts';
import { measureReads, READS } from './reads.ts';
import { openStage, type Seeded, type Stage } from './scene.ts';
import { measureStart } from './start.ts';
import { measureSubscriptions } from './subscribing.ts';
import { machine } from './subscriptions/table.ts';
import { tableOf, type Line } from './table.ts';
import { measureWrites, WRITES } from './writes.ts';

/**
 * The project beside its peers, in turns on one machine, as ratios.
 *
 *   npm run bench -- [R1 pages R2 R3 W1 refunds S1 growth start] [--payments 100000] [--turns 5] [--seconds 3] [--keep]
 */
const NAMES = [...READS, 'growth', ...WRITES, 'S1', 'start'] as const;
type Name = (typeof NAMES)[number];

const ROOT = join(import.meta.dirname, '..');
const RESULTS = join(ROOT, 'bench', 'results');

const PAYMENTS = 100_000;
/** What growth is about, when it is asked for alone: making so many takes longer than everything else. */
const PAYMENTS_GROWN = 1_000_000;
const PAYMENTS_FEW = 10_000;

interface Extent {
  readonly names: readonly Name[];
  readonly payments: number;
  readonly turns: Turns;
  /** Whether what comes of it is the result that the repository has. */
  readonly keep: boolean;
}

// Whoever ends this ends what it has started, too.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(130));

const extent = readExtent();
const stage = await openStage();
const lines: Line[] = [];
try {
  const about = machine(stage.version);
  say(about);
  try {
    await measure(stage);
  } finally {
    // Also what was measured before something went wrong.
    if (lines.length > 0) tell(about);
  }
} finally {
  await stage.end();
}

function tell(about: string): void {
  say(`\n${tableOf(lines)}\n`);
  say(
    'A ratio is of each turn, and the median of all; the spread is from the least to the most. CPU is of the server and',
  );
  say(
    'of PostgreSQL for each answer, of pgbench its own; the ratio is of their sums, and more than 1 where ours takes less.',
  );
  say(write(about));
}

function readExtent(): Extent {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      payments: { type: 'string' },
      turns: { type: 'string', default: '5' },
      seconds: { type: 'string', default: '3' },
      keep: { type: 'boolean', default: false },
    },
  });
  const unknown = positionals.find((name) => !NAMES.some((each) => each === name));
  if (unknown !== undefined) fail(`There is no workload ${unknown}. There are ${NAMES.join(', ')}.`);
  const names = NAMES.filter((name) => positionals.length === 0 || positionals.includes(name));
  const isGrowthAlone = names.length === 1 && names[0] === 'growth';
  return {
    names,
    payments: whole('payments', values.payments ?? String(isGrowthAlone ? PAYMENTS_GROWN : PAYMENTS)),
    turns: { turns: whole('turns', values.turns), seconds: whole('seconds', values.seconds) },
    keep: values.keep,
  };
}

function whole(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) fail(`--${name} takes a whole number from 1 on.`);
  return value;
}

async function measure(on: Stage): Promise<void> {
  const { names, payments, turns } = extent;
  const reads = READS.filter((name) => names.includes(name));
  const writes = WRITES.filter((name) => names.includes(name));
  const isOnPayments = names.some((name) => name !== 'S1' && name !== 'start');
  if (isOnPayments) {
    const seeded = await seed(on, 'bench', payments);
    if (reads.length > 0) add(await measureReads(reads, { stage: on, seeded, turns, say }));
    if (names.includes('growth')) {
      const few = await seed(on, 'bench_few', PAYMENTS_FEW);
      add(await measureGrowth({ stage: on, few, many: seeded, turns, say }));
    }
    if (writes.length > 0) for (const name of writes) add(await measureWrites(name, { stage: on, seeded, turns, say }));
  }
  if (names.includes('S1')) add(await measureSubscriptions(say));
  if (names.includes('start')) add(await measureStart(say));
}

/** Shows them at once: what goes wrong later takes nothing away. */
function add(more: readonly Line[]): void {
  lines.push(...more);
  say(tableOf(more));
}

async function seed(on: Stage, name: string, payments: number): Promise<Seeded> {
  say(`Seeding ${payments.toLocaleString('en')} payments`);
  return on.seed(name, payments);
}

/** @returns where it was written */
function write(about: string): string {
  const { payments, turns, keep } = extent;
  const at = new Date().toISOString();
  const file = join(RESULTS, keep ? 'reference.json' : `bench-${at.replaceAll(/[:.]/g, '-')}.json`);
  mkdirSync(RESULTS, { recursive: true });
  writeFileSync(file, `${JSON.stringify({ at, machine: about, payments, ...turns, lines }, null, 2)}\n`);
  if (keep) writeFileSync(join(ROOT, 'docs', 'performance.svg'), plotOf(lines, about));
  return file;
}

function say(text: string): void {
  console.log(text);
}

function fail(text: string): never {
  console.error(text);
  process.exit(1);
}
