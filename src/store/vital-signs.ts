import type { Pool, PoolClient } from 'pg';
import type { Operation } from '../../generated/prisma/client.ts';
import type { EventPosition } from '../domain/event-cursor.ts';

/** What waits for something: how many, and for how long the one that has waited longest. */
export interface Backlog {
  readonly count: number;
  readonly oldestSeconds: number;
}

/** How the gateway stands, as the database tells it: for all environments and processes. */
export interface VitalSigns {
  /** Operations that have not ended, by what they are. */
  readonly open: readonly (Pick<Operation, 'kind' | 'status' | 'processor'> & { readonly count: number })[];
  /** Operations whose outcome is not known, those of which an operator was told included. */
  readonly unknown: Backlog;
  readonly due: Readonly<Record<DueWork, Backlog>>;
  /** How long the oldest event has been in the log that this process has not told its subscribers. */
  readonly eventLagSeconds: number;
  /** Transactions between the oldest that is open and the newest: events of those behind it are not told yet. */
  readonly horizonTransactions: number;
  /** How long the oldest transaction with an id has been open, of those that this role may see. */
  readonly horizonSeconds: number;
}

const DUE_WORK = ['operations', 'payments', 'webhooks', 'notifications', 'reconciliations'] as const;
type DueWork = (typeof DUE_WORK)[number];

/** Nothing is counted beyond this: whether it is 100,000 or a million, somebody has to look. */
const COUNTED_MAX = 100_000;
/** A scrape that takes longer says nothing, and holds nothing up. */
const STATEMENT_MS = 2_000;

/** For each kind of work, since when it has been due: read from the index of that, oldest first. */
const DUE_SINCE: Readonly<Record<DueWork, string>> = {
  operations: 'SELECT recover_at AS since FROM operation WHERE recover_at <= now() ORDER BY recover_at',
  payments: 'SELECT due_at AS since FROM payment WHERE due_at <= now() ORDER BY due_at',
  // Endpoint by endpoint, as the index has them: what waits for its next attempt is not read.
  webhooks: `SELECT delivery.since FROM webhook_endpoint AS endpoint CROSS JOIN LATERAL (
      SELECT next_attempt_at AS since FROM webhook_delivery
      WHERE environment_id = endpoint.environment_id AND endpoint_id = endpoint.id AND next_attempt_at <= now()
      ORDER BY next_attempt_at) AS delivery
    WHERE endpoint.status = 'ENABLED'`,
  notifications: 'SELECT next_at AS since FROM processor_notification WHERE next_at <= now() ORDER BY next_at',
  reconciliations: 'SELECT due_at AS since FROM reconciliation WHERE due_at <= now() ORDER BY due_at',
};

const OPEN = `SELECT kind, status, processor, count(*)::int AS count
  FROM (SELECT kind, status, processor FROM operation WHERE status <> 'COMPLETED' LIMIT ${COUNTED_MAX}) AS open
  GROUP BY kind, status, processor`;

/** A call that is simply under way is none of them. */
const UNKNOWN = `SELECT count(*)::int AS count, ${secondsSince('min(created_at)')} AS "oldestSeconds"
  FROM (SELECT created_at FROM operation
        WHERE status <> 'COMPLETED'
          AND (status IN ('UNKNOWN', 'RAISED') OR (status = 'DISPATCHED' AND call_deadline < now()))
        LIMIT ${COUNTED_MAX}) AS unknown`;

const DUE = DUE_WORK.map(
  (work) => `SELECT '${work}' AS work, count(*)::int AS count, ${secondsSince('min(since)')} AS "oldestSeconds"
    FROM (${DUE_SINCE[work]} LIMIT ${COUNTED_MAX}) AS due`,
).join(' UNION ALL ');

const EVENT_LAG = `SELECT ${secondsSince(`(SELECT created_at FROM payment_event
    WHERE (epoch, order_xid, position) > ($1, $2, $3) ORDER BY epoch, order_xid, position LIMIT 1)`)} AS seconds`;

const HORIZON = `SELECT
    (pg_snapshot_xmax(snapshot)::text::bigint - pg_snapshot_xmin(snapshot)::text::bigint)::int AS transactions,
    ${secondsSince(`(SELECT min(xact_start) FROM pg_stat_activity WHERE backend_xid IS NOT NULL)`)} AS seconds
  FROM (SELECT pg_current_snapshot() AS snapshot) AS now`;

/** What a scrape asks, by the names of its statements. */
export const VITAL_STATEMENTS = {
  vital_signs_open: OPEN,
  vital_signs_unknown: UNKNOWN,
  vital_signs_due: DUE,
  vital_signs_event_lag: EVENT_LAG,
  vital_signs_horizon: HORIZON,
} as const;

function secondsSince(moment: string): string {
  return `coalesce(greatest(extract(epoch FROM clock_timestamp() - ${moment}), 0), 0)::float8`;
}

/**
 * Reads how the gateway stands, at a cost that does not grow with its payments: everything counted is in a partial index of
 * what is open or due, and is counted up to a bound. A sequential scan is never chosen, whatever the planner takes a table for.
 * @param told up to where this process has told events; undefined before it began
 * @throws what PostgreSQL throws, also where it does not answer in time
 */
export async function readVitalSigns(pool: Pool, told: EventPosition | undefined): Promise<VitalSigns> {
  const client = await pool.connect();
  let broken: Error | undefined;
  try {
    await client.query('BEGIN READ ONLY');
    await client.query(`SET LOCAL enable_seqscan = off; SET LOCAL statement_timeout = ${STATEMENT_MS}`);
    const signs = await read(client, told);
    await client.query('COMMIT');
    return signs;
  } catch (error) {
    await client.query('ROLLBACK').catch((rollbackError: Error) => (broken = rollbackError));
    throw error;
  } finally {
    client.release(broken);
  }
}

async function read(client: PoolClient, told: EventPosition | undefined): Promise<VitalSigns> {
  const open = await ask<VitalSigns['open'][number]>(client, 'vital_signs_open');
  const [unknown] = await ask<Backlog>(client, 'vital_signs_unknown');
  const due = await ask<Backlog & { work: DueWork }>(client, 'vital_signs_due');
  const place = told && [told.epoch, told.orderXid, told.position];
  const [lag] = place === undefined ? [] : await ask<{ seconds: number }>(client, 'vital_signs_event_lag', place);
  const [horizon] = await ask<{ transactions: number; seconds: number }>(client, 'vital_signs_horizon');
  if (unknown === undefined || horizon === undefined) throw new Error('the vital signs are answered no row');
  return {
    open,
    unknown,
    due: Object.fromEntries(due.map(({ work, ...backlog }) => [work, backlog])) as VitalSigns['due'],
    eventLagSeconds: lag?.seconds ?? 0,
    horizonTransactions: horizon.transactions,
    horizonSeconds: horizon.seconds,
  };
}

async function ask<T extends object>(
  client: PoolClient,
  name: keyof typeof VITAL_STATEMENTS,
  values: unknown[] = [],
): Promise<T[]> {
  return (await client.query<T>({ name, text: VITAL_STATEMENTS[name], values })).rows;
}
