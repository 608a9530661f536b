import type { Reconciliation, ReconciliationDifference } from '../../generated/prisma/client.ts';
import { dayOf } from '../domain/day.ts';
import { encodeId } from '../domain/ids.ts';
import { addAuditEntry, type AuditedBy } from './audit.ts';
import type { Place } from './operations.ts';
import { columnOf, fromRow, ROW_TYPES } from './columns.ts';
import type { Database } from './database.ts';
import { allOf } from './rows.ts';
import { transact } from './transaction.ts';

/** Comparisons with processors' books: the rows are the queue. Times are the database's. */

export type NewRun = Place & Pick<Reconciliation, 'id' | 'fromAt' | 'untilAt' | 'daily' | 'createdBy'>;

export type DifferenceRow = Omit<ReconciliationDifference, 'environmentId' | 'reconciliationId' | 'position'>;

/** Narrows places down; undefined for all. */
export interface PlaceFilter {
  readonly environmentId?: string | undefined;
  /** Null for the sandbox. */
  readonly processorAccountId?: string | null | undefined;
}

/** Whether something was asked for in an account, of an environment, from $1 until $2. */
const wasAsked = (environment: string, account: string): string => `EXISTS (
  SELECT FROM operation WHERE operation.environment_id = ${environment} AND processor_account_id ${account}
    AND kind IN ('CHARGE', 'REFUND', 'RETURN') AND call_deadline >= $1 AND call_deadline < $2)`;

/**
 * The places that may have something in a stretch of time: accounts that are in use, or were, and environments with
 * charges in the sandbox.
 */
export async function readPlaces(
  { pool }: Database,
  { from, until }: { readonly from: Date; readonly until: Date },
  { environmentId, processorAccountId }: PlaceFilter = {},
): Promise<Place[]> {
  const { rows } = await pool.query<Record<string, unknown>>(
    `SELECT environment_id, processor, id AS processor_account_id FROM processor_account AS account
     WHERE created_at < $2 AND (enabled OR ${wasAsked('account.environment_id', '= account.id')})
       AND ($3::uuid IS NULL OR environment_id = $3) AND ($4::uuid IS NULL OR id = $4) AND NOT $5
     UNION ALL
     SELECT id, 'sandbox', NULL FROM environment
     WHERE mode = 'TEST' AND ${wasAsked('environment.id', 'IS NULL')}
       AND ($3::uuid IS NULL OR id = $3) AND $4::uuid IS NULL
     ORDER BY 1, 3`,
    [from, until, environmentId, processorAccountId, processorAccountId === null],
  );
  return rows.map((row) => fromRow<Place>(row));
}

/**
 * Puts runs down for whoever comes first; of one day and place, one that is made by itself.
 * @param reservedMs for so long they are left to whoever claims them by their ids
 */
export async function addRuns({ pool }: Database, runs: readonly NewRun[], reservedMs = 0): Promise<void> {
  await pool.query({ name: 'add_reconciliations', text: ADD_RUNS, values: [toJsonRows(runs), reservedMs] });
}

const ADD_RUNS = `
  INSERT INTO reconciliation
    (environment_id, id, processor, processor_account_id, from_at, until_at, daily, created_by, due_at)
  SELECT environment_id, id, processor, processor_account_id, from_at, until_at, daily, created_by,
    now() + make_interval(secs => $2::float8 / 1000)
  FROM json_populate_recordset(NULL::reconciliation, $1)
  ON CONFLICT (environment_id, processor_account_id, from_at) WHERE daily DO NOTHING`;

/** The same for one that somebody wants: it is written down who does. */
export async function addWantedRun(
  database: Database,
  run: NewRun,
  { requestId, reservedMs = 0 }: Pick<AuditedBy, 'requestId'> & { readonly reservedMs?: number } = {},
): Promise<void> {
  const { environmentId, id, createdBy: actor, processorAccountId: account } = run;
  await transact(database, async (transaction) => {
    await transaction.query(ADD_RUNS, [toJsonRows([run]), reservedMs]);
    const processorAccount = account === null ? null : encodeId('ProcessorAccount', account);
    await addAuditEntry(
      transaction,
      { environmentId, actor, requestId },
      {
        act: 'RECONCILIATION_WANTED',
        subject: encodeId('Reconciliation', id),
        after: { day: dayOf(run.fromAt), processorAccount },
      },
    );
    return { commit: true, value: undefined };
  });
}

/** A run of a place and a stretch that nobody has ended yet. */
export async function findOpenRun(
  { pool }: Database,
  { environmentId, processor, processorAccountId }: Place,
  { from, until }: { readonly from: Date; readonly until: Date },
): Promise<Reconciliation | undefined> {
  const { rows } = await pool.query<Record<string, unknown>>({
    name: 'find_open_reconciliation',
    text: `SELECT ${allOf('Reconciliation')}
           FROM reconciliation WHERE environment_id = $1 AND processor = $2 AND processor_account_id IS NOT DISTINCT FROM $3
             AND from_at = $4 AND until_at = $5 AND status IN ('WAITING', 'RUNNING') AND due_at IS NOT NULL
           ORDER BY id LIMIT 1`,
    values: [environmentId, processor, processorAccountId, from, until],
    types: ROW_TYPES,
  });
  return rows.map((row) => fromRow<Reconciliation>(row))[0];
}

/** Takes a run whose time has come, for the length of a lease; or this one, which was reserved. */
export async function claimDueRun(
  { pool }: Database,
  { leaseMs, id }: { readonly leaseMs: number; readonly id?: string },
): Promise<Reconciliation | undefined> {
  const { rows } = await pool.query<Record<string, unknown>>({
    name: 'claim_due_reconciliation',
    text: `UPDATE reconciliation
           SET status = 'RUNNING', tries = tries + 1, started_at = now(), finished_at = NULL,
             due_at = now() + make_interval(secs => $1::float8 / 1000)
           WHERE (environment_id, id) IN (
             SELECT environment_id, id FROM reconciliation
             WHERE CASE WHEN $2::uuid IS NULL THEN due_at <= now() ELSE id = $2 AND status = 'WAITING' END
             ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED
           )
           RETURNING ${allOf('Reconciliation')}`,
    values: [leaseMs, id],
    types: ROW_TYPES,
  });
  return rows.map((row) => fromRow<Reconciliation>(row))[0];
}

/** A run that somebody has begun: `tries` says whether they still have it. */
type Claimed = Pick<Reconciliation, 'environmentId' | 'id' | 'tries'>;

const CLAIMED = `environment_id = $1 AND id = $2 AND tries = $3 AND status = 'RUNNING'`;

/** Prolongs the lease of a run, or ends it at once. @returns false for a run that someone else has taken over */
export async function keepRun(
  { pool }: Database,
  { environmentId, id, tries }: Claimed,
  leaseMs: number,
): Promise<boolean> {
  const { rowCount } = await pool.query({
    name: 'keep_reconciliation',
    text: `UPDATE reconciliation SET due_at = now() + make_interval(secs => $4::float8 / 1000) WHERE ${CLAIMED}`,
    values: [environmentId, id, tries, leaseMs],
  });
  return rowCount === 1;
}

/** A run has come to its end: it and its differences are written by one statement. @returns the same */
export async function endRun(
  { pool }: Database,
  { environmentId, id, tries }: Claimed,
  counts: Pick<Reconciliation, 'agreeing' | 'differing' | 'underWay' | 'strangers'>,
  differences: readonly DifferenceRow[],
): Promise<boolean> {
  const { agreeing, differing, underWay, strangers } = counts;
  const rows = differences.map((row, index) => ({ ...row, position: index + 1 }));
  const { rows: ended } = await pool.query({
    name: 'end_reconciliation',
    text: `WITH ended AS (
             UPDATE reconciliation SET status = 'COMPLETED', due_at = NULL, finished_at = now(),
               agreeing = $4, differing = $5, under_way = $6, strangers = $7
             WHERE ${CLAIMED} RETURNING environment_id, id
           ), written AS (
             INSERT INTO reconciliation_difference (environment_id, reconciliation_id, position, kind, "of", payment_id,
               operation_id, processor_reference, our_amount, our_currency, our_state, their_amount, their_currency,
               their_state, occurred_at)
             SELECT ended.environment_id, ended.id, position, kind, "of", payment_id, operation_id, processor_reference,
               our_amount, our_currency, our_state, their_amount, their_currency, their_state, occurred_at
             FROM ended CROSS JOIN json_populate_recordset(NULL::reconciliation_difference, $8)
           )
           SELECT FROM ended`,
    values: [environmentId, id, tries, agreeing, differing, underWay, strangers, toJsonRows(rows)],
  });
  return ended.length === 1;
}

/** A run has broken off. @param againInMs when it is tried again; null for never */
export async function failRun(
  { pool }: Database,
  { environmentId, id, tries }: Claimed,
  againInMs: number | null,
): Promise<void> {
  await pool.query({
    name: 'fail_reconciliation',
    text: `UPDATE reconciliation SET status = 'FAILED', finished_at = now(),
             due_at = now() + make_interval(secs => $4::float8 / 1000)
           WHERE ${CLAIMED}`,
    values: [environmentId, id, tries, againInMs],
  });
}

/** Rows as json_populate_recordset reads them back. */
function toJsonRows(rows: readonly object[]): string {
  return JSON.stringify(
    rows.map((row) =>
      Object.fromEntries(
        Object.entries(row).map(([property, value]) => [
          columnOf(property),
          typeof value === 'bigint' ? String(value) : (value as unknown),
        ]),
      ),
    ),
  );
}

/** The differences of a run, in their order. */
export async function* readDifferences(
  { prisma }: Database,
  { environmentId, id }: Pick<Reconciliation, 'environmentId' | 'id'>,
): AsyncGenerator<ReconciliationDifference> {
  let page: ReconciliationDifference[];
  let after = 0;
  do {
    page = await prisma.reconciliationDifference.findMany({
      where: { environmentId, reconciliationId: id, position: { gt: after } },
      orderBy: { position: 'asc' },
      take: PAGE,
    });
    yield* page;
    after = page.at(-1)?.position ?? after;
  } while (page.length === PAGE);
}

const PAGE = 500;
