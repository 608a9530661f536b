import { randomInt } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Books, Discrepancy } from './books.ts';
import { unnoticed } from './compare.ts';
import { runFaults, type FaultRunOptions, type FaultRunResult } from './fault-run.ts';
import { tableOf } from './table.ts';

/**
 * The fault run: two gateways on one database, whose processes, processor and database fail at random while merchants
 * work, and in the end everybody's books have to agree.
 *
 *   node test/faults/run.ts [--seed N] [--seconds N] [--kills N] [--restarts N] [--plant double-charge]
 *   node test/faults/run.ts --self-test     a short run with a planted double charge, which it has to find
 */

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    seconds: { type: 'string', default: '50' },
    kills: { type: 'string', default: '60' },
    restarts: { type: 'string', default: '2' },
    // It ends as soon as nothing is open. A process that was killed leaves leases of a minute behind, and what could not
    // be found out again and again is asked about every five minutes.
    settle: { type: 'string', default: '330' },
    plant: { type: 'string' },
    'self-test': { type: 'boolean', default: false },
  },
});

const SHOWN_MAX = 40;
const KEPT_MAX = 20;
const MERCHANTS = 20;

/** What a double charge leaves behind, whatever else it upsets. */
const MARK_OF_A_DOUBLE_CHARGE = 'every charge has its operation';

const say = (line: string): void => void process.stdout.write(`${line}\n`);

// What was started ends with this process: see the listeners to its exit.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(130));

const seed = values.seed === undefined ? randomInt(2 ** 32) : Number(values.seed);
const succeeded = values['self-test'] ? await selfTest() : await faultRun();
process.exitCode = succeeded ? 0 : 1;

async function faultRun(): Promise<boolean> {
  if (values.plant !== undefined && values.plant !== 'double-charge') throw new Error(`no such plant: ${values.plant}`);
  const { result, kept } = await inDirectory({
    seconds: Number(values.seconds),
    kills: Number(values.kills),
    databaseRestarts: Number(values.restarts),
    settleMs: Number(values.settle) * 1_000,
    plant: values.plant,
  });
  const { discrepancies, kills, overruns } = result;
  for (const { rule, paymentId, text } of discrepancies.slice(0, SHOWN_MAX)) {
    say(`${rule}: ${paymentId === null ? '' : `payment ${paymentId}: `}${text}`);
  }
  if (discrepancies.length > SHOWN_MAX) say(`… and ${discrepancies.length - SHOWN_MAX} more`);
  if (overruns > 0) {
    say(
      `${overruns} calls took effect after the in-flight window: this machine was too busy for what the gateway may rely on`,
    );
  }
  if (kept !== undefined) say(`the logs, and the rows of these payments: ${kept}`);
  // A run that has found nothing must be one that would have.
  const blind = discrepancies.length === 0 ? unnoticed(result.memory, result.books) : [];
  for (const name of blind) say(`nobody would notice: ${name}`);
  const isGood = discrepancies.length === 0 && blind.length === 0;
  say(`fault run: seed ${seed}: ${kills} kills, ${discrepancies.length} discrepancies${isGood ? '' : ': FAILED'}`);
  return isGood;
}

/** Plants a double charge, and has to find it. */
async function selfTest(): Promise<boolean> {
  const { result, kept } = await inDirectory({
    seconds: 12,
    kills: 4,
    databaseRestarts: 0,
    settleMs: 5_000,
    plant: 'double-charge',
  });
  if (kept !== undefined) rmSync(kept, { recursive: true, force: true });
  const found = result.discrepancies.filter(({ rule }) => rule === MARK_OF_A_DOUBLE_CHARGE).length;
  const verdict = found > 0 ? `found ${found} times` : 'not found: FAILED';
  say(`fault run, self-test: seed ${seed}: the planted double charge was ${verdict}`);
  return found > 0;
}

type Extent = Omit<FaultRunOptions, 'seed' | 'merchants' | 'directory' | 'say'>;

/** Runs with a directory for the logs, which is kept only where something was found. */
async function inDirectory(extent: Extent): Promise<{ result: FaultRunResult; kept: string | undefined }> {
  say(`fault run: seed ${seed}`);
  const directory = mkdtempSync(join(tmpdir(), 'tender-faults-'));
  // A process that was killed just now may still be writing.
  const remove = (): void => rmSync(directory, { recursive: true, force: true, maxRetries: 10 });
  process.on('exit', remove);
  const options = { ...extent, seed, merchants: MERCHANTS, directory, say };
  const result = await runFaults(options).catch((error: unknown) => {
    process.off('exit', remove);
    say(`the run broke off; the logs: ${directory}`);
    throw error;
  });
  say(`\n${tableOf(options, result)}\n`);
  if (result.discrepancies.length === 0) return { result, kept: undefined };
  process.off('exit', remove);
  keepRows(directory, result.books, result.discrepancies);
  return { result, kept: directory };
}

/** Writes down everything about the payments that something is wrong with: the database is gone afterwards. */
function keepRows(directory: string, books: Books, discrepancies: readonly Discrepancy[]): void {
  const ids = [...new Set(discrepancies.map(({ paymentId }) => paymentId))].slice(0, KEPT_MAX);
  for (const file of books.payments.filter(({ payment }) => ids.includes(payment.id))) {
    const keys = new Set(file.operations.map(({ processorKey }) => processorKey));
    const sandbox = [...books.charges, ...books.movements].filter(({ key }) => keys.has(key));
    const text = JSON.stringify(
      { ...file, sandbox },
      (_, each: unknown) => (typeof each === 'bigint' ? `${each}` : each),
      2,
    );
    writeFileSync(join(directory, `payment-${file.payment.id}.json`), text);
  }
}
