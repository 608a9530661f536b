import { Gauge, type Registry } from 'prom-client';
import type { Circuit } from '../domain/circuit.ts';
import { encodeId } from '../domain/ids.ts';
import type { Gateway } from '../payments/gateway.ts';
import type { EventFeed } from '../store/event-feed.ts';
import { readVitalSigns, type VitalSigns } from '../store/vital-signs.ts';

const CIRCUIT_STATES = ['CLOSED', 'HALF_OPEN', 'OPEN'] as const satisfies readonly Circuit['state'][];

/** However many ask, and however often, the database is asked once in this time. */
const KEPT_MS = 15_000;

/** What the gauges look at. */
export interface Watched extends Pick<Gateway, 'circuits' | 'database' | 'commit' | 'report'> {
  readonly feed: Pick<EventFeed, 'position' | 'listeners'>;
}

type Show<T extends string> = (value: number, labels?: Partial<Record<T, string>>) => void;

/** Adds what is looked at when somebody asks: what others count by the way is in metrics.ts. */
export function addGauges(registry: Registry, watched: Watched): void {
  addProcessGauges(registry, watched);
  addDatabaseGauges(registry, watched);
}

/** A gauge that is empty before each look, so that what is not there any more is not told. */
function gauge<T extends string>(
  registry: Registry,
  name: string,
  help: string,
  labelNames: readonly T[],
  look: (show: Show<T>) => Promise<void> | void,
): void {
  const made: Gauge<T> = new Gauge({
    name,
    help,
    labelNames,
    registers: [registry],
    async collect() {
      made.reset();
      await look((value, labels) => (labels === undefined ? made.set(value) : made.set(labels, value)));
    },
  });
}

function addProcessGauges(registry: Registry, { circuits, database, feed, commit }: Watched): void {
  gauge(
    registry,
    'tender_processor_circuit',
    '1 for the state in which the circuit of a processor account is, 0 for the others. Accounts are there once they were asked.',
    ['account', 'state'],
    (show) => {
      for (const [id, { state }] of circuits.all()) {
        const account = encodeId('ProcessorAccount', id);
        for (const each of CIRCUIT_STATES) show(each === state ? 1 : 0, { account, state: each });
      }
    },
  );
  const { pool } = database;
  gauge(registry, 'tender_pool_connections', 'Connections to the database.', ['state'], (show) => {
    show(pool.idleCount, { state: 'idle' });
    show(pool.totalCount - pool.idleCount, { state: 'used' });
  });
  gauge(registry, 'tender_pool_waiting', 'Statements that wait for a connection to the database.', [], (show) => {
    show(pool.waitingCount);
  });
  gauge(registry, 'tender_event_subscribers', 'Subscriptions that this process tells events.', [], (show) => {
    show(feed.listeners);
  });
  gauge(registry, 'tender_build_info', 'Which build this is: always 1.', ['commit', 'node'], (show) => {
    show(1, { commit, node: process.version });
  });
}

function addDatabaseGauges(registry: Registry, watched: Watched): void {
  const look = keptVitalSigns(watched);
  const add = <T extends string>(
    name: string,
    help: string,
    labelNames: readonly T[],
    tell: (signs: VitalSigns, show: Show<T>) => void,
  ): void =>
    gauge(registry, name, help, labelNames, async (show) => {
      const signs = await look();
      if (signs !== undefined) tell(signs, show);
    });
  gauge(
    registry,
    'tender_vital_signs_up',
    '1 if the database told what follows, 0 if it did not.',
    [],
    async (show) => {
      show((await look()) === undefined ? 0 : 1);
    },
  );
  add(
    'tender_operations_open',
    'Operations that have not ended. RAISED ones wait for an operator.',
    ['kind', 'status', 'processor'],
    ({ open }, show) => open.forEach(({ count, ...labels }) => show(count, labels)),
  );
  add('tender_unknown_outcomes', 'Operations whose outcome is not known.', [], ({ unknown }, show) =>
    show(unknown.count),
  );
  add(
    'tender_unknown_outcome_oldest_seconds',
    'How long the oldest of them has been under way.',
    [],
    ({ unknown }, show) => show(unknown.oldestSeconds),
  );
  add('tender_due', 'What is due and was not taken on yet.', ['work'], ({ due }, show) =>
    Object.entries(due).forEach(([work, { count }]) => show(count, { work })),
  );
  add('tender_due_oldest_seconds', 'For how long the oldest of it has been due.', ['work'], ({ due }, show) =>
    Object.entries(due).forEach(([work, { oldestSeconds }]) => show(oldestSeconds, { work })),
  );
  add(
    'tender_event_lag_seconds',
    'How long ago the oldest event was written that this process has not told its subscribers.',
    [],
    ({ eventLagSeconds }, show) => show(eventLagSeconds),
  );
  add(
    'tender_event_horizon_transactions',
    'Transactions that have begun since the oldest that is open: events of them are not told before it ends.',
    [],
    ({ horizonTransactions }, show) => show(horizonTransactions),
  );
  add(
    'tender_event_horizon_seconds',
    'How long the oldest writing transaction has been open, of those that the database shows this role.',
    [],
    ({ horizonSeconds }, show) => show(horizonSeconds),
  );
}

/** @returns what the database tells, which is kept for a while; undefined where it does not answer */
function keptVitalSigns({ database, feed, report }: Watched): () => Promise<VitalSigns | undefined> {
  let kept: { readonly atMs: number; readonly signs: Promise<VitalSigns | undefined> } | undefined;
  const read = async (): Promise<VitalSigns | undefined> => {
    try {
      return await readVitalSigns(database.pool, feed.position);
    } catch (error) {
      report('the database did not tell how the gateway stands', {
        name: error instanceof Error ? error.name : 'unknown',
      });
      return undefined;
    }
  };
  return () => {
    const nowMs = performance.now();
    if (kept === undefined || nowMs - kept.atMs >= KEPT_MS) kept = { atMs: nowMs, signs: read() };
    return kept.signs;
  };
}
