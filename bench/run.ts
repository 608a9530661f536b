import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { measureReads, READS, type Read } from './reads.ts';
import { openStage } from './scene.ts';
import { machine } from './subscriptions/table.ts';
import { tableOf, type Line } from './table.ts';
import { measureWrites, WRITES, type Write } from './writes.ts';

/**
 * The project beside its peers, in turns on one machine, as ratios.
 *
 *   npm run bench -- [R1 R2 R3] [--payments 100000] [--turns 5] [--seconds 3]
 */
const RESULTS = join(import.meta.dirname, 'results');

// Whoever ends this ends what it has started, too.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(130));

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    payments: { type: 'string', default: '100000' },
    turns: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '3' },
  },
});
const payments = Number(values.payments);
const turns = { turns: Number(values.turns), seconds: Number(values.seconds) };
const wanted = (name: string): boolean => positionals.length === 0 || positionals.includes(name);

const stage = await openStage();
const lines: Line[] = [];
try {
  const about = machine(stage.version);
  say(about);
  const seeded = await stage.seed('bench', payments);
  const reads: Read[] = READS.filter(wanted);
  if (reads.length > 0) lines.push(...(await measureReads(reads, { stage, seeded, turns, say })));
  const writes: Write[] = WRITES.filter(wanted);
  if (writes.length > 0) lines.push(...(await measureWrites(writes, { stage, seeded, turns, say })));
  say(`\n${tableOf(lines)}\n`);
  mkdirSync(RESULTS, { recursive: true });
  const at = new Date().toISOString();
  const file = join(RESULTS, `bench-${at.replaceAll(/[:.]/g, '-')}.json`);
  writeFileSync(file, JSON.stringify({ at, machine: about, payments, ...turns, lines }, null, 2));
  say(file);
} finally {
  await stage.end();
}

function say(text: string): void {
  console.log(text);
}
