import { runInNewContext } from 'node:vm';
import { setFlagsFromString } from 'node:v8';
import { beforeEach, expect, test } from 'vitest';
import { decodeIdOf } from '../../src/domain/ids.ts';
import { newId } from '../../src/new-id.ts';
import { reconcileDay } from '../../src/payments/reconcile-day.ts';
import { RUN_LEASE_MS, runReconciliation, type Progress, type RunOptions } from '../../src/payments/reconcile.ts';
import type { Processor, StatementLine } from '../../src/processors/port.ts';
import { claimDueRun, endRun } from '../../src/store/reconciliation.ts';
import { only, useGateway } from '../harness/gateway.ts';
import { Interposed } from '../harness/interposed.ts';
import { LedgerDay } from '../harness/ledger-day.ts';
import { NOW } from '../harness/present.ts';

/** How comparisons are begun, broken off, taken over and tried again, and how much of a day they hold in memory. */

const processor = new Interposed();
const gateway = useGateway({ sandbox: { interpose: processor } });

beforeEach(() => {
  processor.tellsStatements = true;
});

async function dayOfPayments(count: number) {
  const day = await LedgerDay.open(gateway());
  for (let made = 0; made < count; made++) await day.till.pay();
  await day.settle();
  await day.pass();
  return day;
}

/** The first hours of the day after. */
const after = (day: LedgerDay, hours: number): Date => new Date(Date.parse(day.day) + (24 + hours) * 3_600_000);

test('a day is compared by itself, once, whoever comes first and how often', async () => {
  const day = await dayOfPayments(2);
  await day.keepBooks(after(day, 0.9));
  expect(await day.runs()).toEqual([]);
  await Promise.all([1.1, 1.2, 1.3, 9].map((hours) => day.keepBooks(after(day, hours))));
  await day.keepBooks(after(day, 23));
  expect(await day.runs()).toMatchObject([
    { day: day.day, daily: true, status: 'COMPLETED', tries: 1, agreeing: 2, createdBy: 'gateway' },
  ]);
});

test('environments without business in the sandbox, and the time after, have none', async () => {
  const day = await LedgerDay.open(gateway());
  await day.keepBooks(after(day, 2));
  expect(await day.runs()).toEqual([]);
});

test('a statement that breaks off fails the run, and it is tried again', async () => {
  const day = await dayOfPayments(2);
  await day.plant(`UPDATE sandbox_charge SET amount_captured = 1 WHERE merchant = $1`);
  processor.tellsStatements = false;
  const failed = await day.compared();
  expect(failed).toMatchObject({ status: 'FAILED', tries: 1, agreeing: 0, differing: 0, differences: [] });
  const inMinutes = (Date.parse(failed.nextAttemptAt ?? '') - Date.parse(failed.finishedAt ?? '')) / 60_000;
  expect(inMinutes).toBeCloseTo(5, 1);
  processor.tellsStatements = true;
  await day.keepBooks();
  expect(await day.runs()).toMatchObject([{ status: 'FAILED', tries: 1 }]);
  await letFallDue(day);
  await day.keepBooks();
  expect(await day.runs()).toMatchObject([{ id: failed.id, status: 'COMPLETED', tries: 2, differing: 2, count: 2 }]);
  expect(gateway().logged).toContainEqual(
    expect.objectContaining({ msg: 'the books of a processor could not be compared', tries: 1, error: 'Error' }),
  );
});

const letFallDue = (day: LedgerDay): Promise<number> =>
  day.plant(`UPDATE reconciliation SET due_at = ${NOW} WHERE environment_id::text = $1 AND due_at IS NOT NULL`);

test('after eight tries it is given up', async () => {
  const day = await dayOfPayments(1);
  processor.tellsStatements = false;
  await day.compared();
  await day.plant(`UPDATE reconciliation SET tries = 7 WHERE environment_id::text = $1`);
  await letFallDue(day);
  await day.keepBooks();
  expect(await day.runs()).toMatchObject([{ status: 'FAILED', tries: 8, nextAttemptAt: null }]);
});

/** A run that this test has begun, as a process would. */
async function begun(day: LedgerDay) {
  const id = decodeIdOf('Reconciliation', await day.putDown(RUN_LEASE_MS));
  if (id === undefined) throw new Error('a run without an id');
  const run = await claimDueRun(gateway().app.gateway.database, { leaseMs: RUN_LEASE_MS, id });
  if (run === undefined) throw new Error('somebody else has begun it');
  return run;
}

const forEver: RunOptions = { stopping: new AbortController().signal };

test('what a dead process had begun is taken over when its lease is over, and not before', async () => {
  const day = await dayOfPayments(1);
  const run = await begun(day);
  await day.keepBooks();
  expect(await day.runs()).toMatchObject([{ status: 'RUNNING', tries: 1 }]);
  await letFallDue(day);
  await day.keepBooks();
  expect(await day.runs()).toMatchObject([{ status: 'COMPLETED', tries: 2, agreeing: 1 }]);
  // It was not dead: what it brings is of no use any more, whether it comes to its end or not.
  const counts = { agreeing: 99, differing: 0, underWay: 0, strangers: 0 };
  const { database } = gateway().app.gateway;
  expect(await endRun(database, run, counts, [])).toBe(false);
  expect(await runReconciliation(gateway().app.gateway, run, forEver)).toBe('LOST');
  expect(await day.runs()).toMatchObject([{ status: 'COMPLETED', tries: 2, agreeing: 1 }]);
});

test('a process that stops leaves its run to whoever runs then', async () => {
  const day = await dayOfPayments(1);
  const run = await begun(day);
  expect(await runReconciliation(gateway().app.gateway, run, { stopping: AbortSignal.abort() })).toBe('LOST');
  await day.keepBooks();
  expect(await day.runs()).toMatchObject([{ status: 'COMPLETED', tries: 2 }]);
});

test('a process that stops does not wait for a statement that never comes', async () => {
  const day = await dayOfPayments(1);
  const run = await begun(day);
  const stopping = new AbortController();
  const hanging = reconcilerWith(() => ({
    [Symbol.asyncIterator]: () => ({
      next: () => {
        stopping.abort();
        return new Promise(() => {});
      },
    }),
  }));
  expect(await runReconciliation(hanging, run, { stopping: stopping.signal })).toBe('LOST');
  await day.keepBooks();
  expect(await day.runs()).toMatchObject([{ status: 'COMPLETED', tries: 2 }]);
});

test('what was asked for before midnight and booked after it is no difference of either day', async () => {
  const day = await LedgerDay.open(gateway());
  const { id } = await day.till.pay();
  await day.settle();
  await day.pass(-1_000);
  await day.plant(`UPDATE sandbox_charge SET created_at = created_at + interval '3 seconds' WHERE merchant = $1`);
  expect(await day.compared()).toMatchObject({ agreeing: 1, differing: 0 });
  const dayBefore = new Date(Date.parse(day.day) - 1).toISOString().slice(0, 10);
  only(await day.reconcile({ day: dayBefore }), 'ReconcileDayPayload');
  await day.keepBooks();
  expect((await day.runs())[0]).toMatchObject({ day: dayBefore, status: 'COMPLETED', agreeing: 0, differing: 0 });
  await day.plant(`DELETE FROM sandbox_charge WHERE merchant = $1`);
  only(await day.reconcile({ day: dayBefore }), 'ReconcileDayPayload');
  await day.keepBooks();
  expect((await day.runs())[0]).toMatchObject({ differences: [{ kind: 'MISSING_THERE', payment: { id } }] });
});

test('in live mode the sandbox has no books', async () => {
  const { environmentId } = await LedgerDay.open(gateway());
  const caller = { environmentId, mode: 'LIVE', principal: '', actor: '', payer: null, schedules: true } as const;
  const refused = await reconcileDay(gateway().app.gateway, caller, { day: '2026-01-01', processorAccountId: null });
  expect(refused).toMatchObject({ ok: false, failure: { code: 'INVALID_INPUT' } });
});

/** The sandbox, and what is asked of its statements. */
function reconcilerWith(statement: Processor['statement']) {
  const { app } = gateway();
  const sandbox = app.gateway.processors.sandbox;
  const changed: Processor = { ...processor.processor(sandbox), statement };
  return {
    ...app.gateway,
    processors: { at: () => Promise.resolve(changed) } as unknown as typeof app.gateway.processors,
  };
}

test('a day with more than fits is compared in parts, with the same result', async () => {
  const day = await dayOfPayments(9);
  // Ten minutes between two payments, and the last one is not there.
  for (const table of ['operation', 'sandbox_charge']) {
    const [own, at] = table === 'operation' ? ['environment_id::text', 'call_deadline'] : ['merchant', 'created_at'];
    await day.plant(
      `UPDATE ${table} SET ${at} = ${at} + place * interval '10 minutes' FROM (
         SELECT id, row_number() OVER (ORDER BY ${at}) AS place FROM ${table} WHERE ${own} = $1
       ) AS placed WHERE ${own} = $1 AND ${table}.id = placed.id`,
    );
  }
  await day.plant(
    `DELETE FROM sandbox_charge WHERE id = (
       SELECT id FROM sandbox_charge WHERE merchant = $1 ORDER BY created_at DESC LIMIT 1)`,
  );
  const sandbox = gateway().app.gateway.processors.sandbox;
  const asked: (readonly [Date, Date])[] = [];
  const reconciler = reconcilerWith((...stretch) => {
    asked.push([stretch[0], stretch[1]]);
    return sandbox.statement(...stretch);
  });
  const told: Progress[] = [];
  const run = await begun(day);
  const options = { ...forEver, operationsAtOnce: 2, onProgress: (progress: Progress) => told.push(progress) };
  expect(await runReconciliation(reconciler, run, options)).toBe('COMPLETED');
  expect(await day.runs()).toMatchObject([{ agreeing: 8, differing: 1, differences: [{ kind: 'MISSING_THERE' }] }]);
  expect(asked).toHaveLength(5);
  // Each begins where the one before it ended, but for the margins.
  for (const [index, [from]] of asked.slice(1).entries()) {
    expect((asked[index]?.[1].getTime() ?? 0) - from.getTime()).toBe(600_000);
  }
  const done = told.map((progress) => progress.done);
  expect(done).toEqual(done.toSorted((a, b) => a - b));
  expect([done.at(0), done.at(-1)]).toEqual([2, 9]);
  expect(new Set(told.map(({ total }) => total))).toEqual(new Set([9]));
});

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

test('however long a statement is, only a page of it is in memory', async () => {
  const LINES = 150_000;
  const day = await dayOfPayments(1);
  const heap: number[] = [];
  const createdAt = after(day, -12);
  async function* endless(): AsyncGenerator<StatementLine> {
    for (let line = 0; line < LINES; line++) {
      if (line % 50_000 === 20_000) {
        collect();
        heap.push(process.memoryUsage().heapUsed);
      }
      const own = { amount: 1n, currency: 'EUR', state: 'SUCCEEDED', createdAt } as const;
      yield await Promise.resolve({
        kind: 'CHARGE',
        reference: `of another shop ${newId()}`,
        key: null,
        ...own,
      } as const);
    }
  }
  expect(await runReconciliation(reconcilerWith(endless), await begun(day), forEver)).toBe('COMPLETED');
  expect(await day.runs()).toMatchObject([{ strangers: LINES, differing: 1, agreeing: 0 }]);
  expect(heap).toHaveLength(3);
  // The 100,000 lines between the first and the last would take tens of megabytes.
  expect((heap.at(-1) ?? 0) - (heap[0] ?? 0)).toBeLessThan(8_000_000);
});

test('of more differences than anybody reads the first are kept, and all are counted', async () => {
  const LINES = 12_000;
  const day = await dayOfPayments(1);
  const createdAt = after(day, -12);
  async function* strange(): AsyncGenerator<StatementLine> {
    for (let line = 0; line < LINES; line++) {
      const own = { amount: 1n, currency: 'EUR', state: 'SUCCEEDED', createdAt } as const;
      yield await Promise.resolve({ kind: 'CHARGE', reference: `ch ${line}`, key: `key ${line}`, ...own } as const);
    }
  }
  expect(await runReconciliation(reconcilerWith(strange), await begun(day), forEver)).toBe('COMPLETED');
  expect(await day.runs({ differences: 1 })).toMatchObject([{ differing: LINES + 1, count: 10_000 }]);
});
