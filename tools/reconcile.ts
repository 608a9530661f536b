import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Reconciliation, ReconciliationDifference } from '../generated/prisma/client.ts';
import { readConfig } from '../src/config.ts';
import { parseCurrency } from '../src/domain/currency.ts';
import { dayBefore, dayOf, stretchOf } from '../src/domain/day.ts';
import { decodeIdOf, encodeId, type IdType } from '../src/domain/ids.ts';
import { toDecimal } from '../src/domain/money.ts';
import { createReconciler } from '../src/gateway.ts';
import { placesOf, runOf } from '../src/payments/reconcile-day.ts';
import { RUN_LEASE_MS, runReconciliation, type Progress, type Reconciler } from '../src/payments/reconcile.ts';
import { applyMigrations } from '../src/postgres/migrations.ts';
import { stripeConnector } from '../src/processors/stripe/connector.ts';
import type { Place } from '../src/store/operations.ts';
import { openDatabase } from '../src/store/database.ts';
import { addWantedRun, claimDueRun, readDifferences, type PlaceFilter } from '../src/store/reconciliation.ts';
import { createLogger } from '../src/telemetry.ts';
import { overwrite, progressBar } from './progress-bar.ts';

// npm run reconcile -- --day 2026-11-20: compares a day with processors' books, and prints what differs. It ends with 0
// where nothing does, with 1 where something does, and with 2 where it could not be found out.

const USAGE = `npm run reconcile -- [--day 2026-11-20] [--account pra_…|sandbox] [--environment env_…]`;
const say = (text: string): void => void process.stdout.write(`${text}\n`);

type Stretch = NonNullable<ReturnType<typeof stretchOf>>;

function readArguments(): { readonly stretch: Stretch; readonly filter: PlaceFilter } {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({ options: { day: text, account: text, environment: text } });
  const { day = dayBefore(dayOf(new Date())), account, environment } = values;
  const stretch = stretchOf(day);
  if (stretch === undefined) throw new Error(`${day} is no day: ${USAGE}`);
  const uuid = (type: IdType, id: string): string => {
    const found = decodeIdOf(type, id);
    if (found === undefined) throw new Error(`${id} is none: ${USAGE}`);
    return found;
  };
  return {
    stretch,
    filter: {
      environmentId: environment === undefined ? undefined : uuid('Environment', environment),
      processorAccountId: account === 'sandbox' ? null : account && uuid('ProcessorAccount', account),
    },
  };
}

const onProgress = (progress: Progress): void => overwrite(process.stdout, progressBar(progress));

/** @returns the run as it is when it is over */
async function compare(reconciler: Reconciler, place: Place, stretch: Stretch): Promise<Reconciliation> {
  const { database } = reconciler;
  const run = runOf(reconciler, place, stretch, { daily: false, createdBy: 'command' });
  // A gateway that runs beside this leaves it alone.
  await addWantedRun(database, run, { reservedMs: RUN_LEASE_MS });
  const claimed = await claimDueRun(database, { leaseMs: RUN_LEASE_MS, id: run.id });
  if (claimed === undefined) throw new Error('a run that was just put down is gone');
  await runReconciliation(reconciler, claimed, { stopping: new AbortController().signal, onProgress });
  overwrite(process.stdout, '');
  const { environmentId, id } = run;
  return database.prisma.reconciliation.findUniqueOrThrow({ where: { environmentId_id: { environmentId, id } } });
}

function moneyOf(amount: bigint | null, code: string | null, state: string | null): string {
  const currency = parseCurrency(code ?? '');
  if (amount === null || state === null) return '-';
  return currency === undefined
    ? `${amount} ${code} ${state}`
    : `${toDecimal({ amount, currency })} ${currency} ${state}`;
}

function cellsOf(difference: ReconciliationDifference): readonly string[] {
  const { kind, of, paymentId, processorReference, occurredAt } = difference;
  return [
    kind,
    of,
    paymentId === null ? '-' : encodeId('Payment', paymentId),
    processorReference ?? '-',
    moneyOf(difference.ourAmount, difference.ourCurrency, difference.ourState),
    moneyOf(difference.theirAmount, difference.theirCurrency, difference.theirState),
    occurredAt.toISOString(),
  ];
}

function printTable(rows: readonly (readonly string[])[]): void {
  const whole = [['difference', 'of', 'payment', 'reference', 'here', 'there', 'at'], ...rows];
  const widths = whole[0]?.map((_, column) => Math.max(...whole.map((cells) => cells[column]?.length ?? 0))) ?? [];
  for (const cells of whole)
    say(`  ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')}`.trimEnd());
}

/** @returns the exit code */
async function report(reconciler: Reconciler, run: Reconciliation): Promise<0 | 1 | 2> {
  const { agreeing, differing, underWay, strangers, environmentId, processorAccountId: account } = run;
  const place = account === null ? run.processor : encodeId('ProcessorAccount', account);
  say(`${encodeId('Environment', environmentId)}  ${place}  ${dayOf(run.fromAt)}`);
  if (run.status !== 'COMPLETED') {
    say('  The books were not all to be had. A gateway tries it again.');
    return 2;
  }
  say(`  ${agreeing} agree, ${differing} differ, ${underWay} are under way, ${strangers} are none of ours`);
  if (differing === 0) return 0;
  const rows: (readonly string[])[] = [];
  for await (const difference of readDifferences(reconciler.database, run)) rows.push(cellsOf(difference));
  printTable(rows);
  return 1;
}

async function reconcile(): Promise<void> {
  const { databaseUrl, secret, otherSecrets, stripeApiUrl, logLevel } = readConfig();
  if (databaseUrl === undefined || secret === undefined) throw new Error('Set DATABASE_URL and TENDER_SECRET.');
  const { stretch, filter } = readArguments();
  await applyMigrations({ database: databaseUrl, directory: join(import.meta.dirname, '..', 'prisma', 'migrations') });
  const log = createLogger(logLevel);
  const database = openDatabase(databaseUrl, { onError: ({ name }) => log.warn({ name }, 'a connection broke') });
  try {
    const connectors = [stripeConnector(stripeApiUrl === undefined ? {} : { apiUrl: stripeApiUrl })];
    const reconciler = createReconciler(database, { secret, otherSecrets, connectors, log });
    const places = await placesOf(reconciler, stretch, filter);
    if (places.length === 0) say('There is nothing to compare.');
    for (const place of places) {
      const code = await report(reconciler, await compare(reconciler, place, stretch));
      process.exitCode = Math.max(Number(process.exitCode ?? 0), code);
    }
  } finally {
    await database.close();
  }
}

try {
  await reconcile();
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exitCode = 2;
}
