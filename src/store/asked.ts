import type { Attempt, Operation, Payment, Refund } from '../../generated/prisma/client.ts';
import { fromRow, ROW_TYPES } from './columns.ts';
import type { Database } from './database.ts';
import { allOf } from './rows.ts';
import { statementName } from './statement-name.ts';
import type { Place } from './operations.ts';

/** A charge, refund or return that a processor was asked for, with what became of it here. */
export interface AskedRow
  extends
    Pick<Operation, 'id' | 'kind' | 'paymentId' | 'processorKey' | 'processorReference' | 'callDeadline'>,
    Pick<Attempt, 'currency' | 'flag'>,
    Pick<Payment, 'captureMethod'> {
  readonly operationStatus: Operation['status'];
  readonly attemptStatus: Attempt['status'];
  readonly attemptAmount: bigint;
  readonly refundStatus: Refund['status'] | null;
  readonly refundAmount: bigint | null;
  /** Of a charge: what its captures took, and how much of that was taken back. */
  readonly captured: bigint;
  readonly reversed: bigint;
  readonly changedAt: Date;
}

/** The operations of a place that a statement may have lines of. The index operation_asked has the same condition. */
const asked = ({ processorAccountId }: Place): string =>
  `environment_id = $1 AND kind IN ('CHARGE', 'REFUND', 'RETURN')
   AND processor_account_id ${processorAccountId === null ? 'IS NULL AND $2::uuid IS NULL' : '= $2'}`;

/** The operations are found first, by one index, and then what belongs to each of them. */
const rowsWhere = (place: Place, condition: string): string => `
  SELECT operation.id, operation.kind, operation.payment_id, operation.processor_key,
    operation.processor_reference, operation.call_deadline,
    operation.status AS operation_status, attempt.status AS attempt_status, attempt.flag, attempt.currency,
    attempt.amount AS attempt_amount, capture_method, refund.status AS refund_status, refund.amount AS refund_amount,
    taken.captured, taken.reversed, greatest(payment.updated_at, attempt.updated_at) AS changed_at
  FROM (SELECT ${allOf('Operation')} FROM operation WHERE ${asked(place)} AND ${condition}) AS operation
  JOIN attempt ON attempt.environment_id = operation.environment_id AND attempt.id = operation.attempt_id
  JOIN payment ON payment.environment_id = operation.environment_id AND payment.id = operation.payment_id
  LEFT JOIN refund ON refund.environment_id = operation.environment_id AND refund.id = operation.refund_id
  CROSS JOIN LATERAL (
    SELECT coalesce(sum(capture.amount), 0)::bigint AS captured, coalesce(sum(reversal.amount), 0)::bigint AS reversed
    FROM capture
    LEFT JOIN capture_reversal AS reversal
      ON reversal.environment_id = capture.environment_id AND reversal.capture_id = capture.id
    WHERE capture.environment_id = operation.environment_id AND capture.attempt_id = operation.attempt_id
      AND capture.status = 'SUCCEEDED'
  ) AS taken
  ORDER BY operation.call_deadline, operation.id`;

async function read(database: Database, text: string, values: readonly unknown[]): Promise<AskedRow[]> {
  const name = statementName(text);
  const { rows } = await database.pool.query<Record<string, unknown>>({
    name,
    text,
    values: [...values],
    types: ROW_TYPES,
  });
  return rows.map((row) => fromRow<AskedRow>(row));
}

/** By the end of their calls: half open. */
export interface Deadlines {
  readonly from: Date;
  readonly until: Date;
}

/** Where a page ended. */
export type AskedCursor = Pick<AskedRow, 'callDeadline' | 'id'>;

const NO_ID = '00000000-0000-0000-0000-000000000000';

/** A page of what was asked for in a stretch of time, in the order of time. */
export function readAsked(
  database: Database,
  place: Place,
  { from, until }: Deadlines,
  { after, limit }: { readonly after: AskedCursor | undefined; readonly limit: number },
): Promise<AskedRow[]> {
  const { callDeadline, id } = after ?? { callDeadline: from, id: NO_ID };
  // The first column is bounded once more by itself, which is what the planner reckons with.
  const page = `call_deadline >= $3 AND (call_deadline, id) > ($3, $4::uuid) AND call_deadline < $5
    ORDER BY call_deadline, id LIMIT $6`;
  const { environmentId, processorAccountId } = place;
  return read(database, rowsWhere(place, page), [environmentId, processorAccountId, callDeadline, id, until, limit]);
}

/** What was asked for under these keys, at whatever time, or is known under these references. */
export async function findAsked(
  database: Database,
  place: Place,
  { keys, references }: { readonly keys: readonly string[]; readonly references: readonly string[] },
): Promise<AskedRow[]> {
  const { environmentId, processor, processorAccountId } = place;
  const byKey = rowsWhere(place, 'processor = $3 AND processor_key = ANY ($4)');
  const found = await read(database, byKey, [environmentId, processorAccountId, processor, keys]);
  // The sandbox is told a key with everything, and pays for no index of references.
  if (processorAccountId === null) return found;
  const byReference = rowsWhere(place, 'processor_reference = ANY ($3)');
  return [...found, ...(await read(database, byReference, [environmentId, processorAccountId, references]))];
}

/** How many operations were asked for in a stretch of time. */
export async function countAsked({ pool }: Database, place: Place, { from, until }: Deadlines): Promise<number> {
  const { rows } = await pool.query<{ count: number }>(
    `SELECT count(*)::int AS count FROM operation WHERE ${asked(place)} AND call_deadline >= $3 AND call_deadline < $4`,
    [place.environmentId, place.processorAccountId, from, until],
  );
  return rows[0]?.count ?? 0;
}

/** The end of the call after the first so many of a stretch; undefined where it has no more. */
export async function deadlineAfter(
  { pool }: Database,
  place: Place,
  { from, until }: Deadlines,
  count: number,
): Promise<Date | undefined> {
  const { rows } = await pool.query<{ at: Date }>(
    `SELECT call_deadline AS at FROM operation WHERE ${asked(place)} AND call_deadline >= $3 AND call_deadline < $4
     ORDER BY call_deadline, id OFFSET $5 LIMIT 1`,
    [place.environmentId, place.processorAccountId, from, until, count],
  );
  return rows[0]?.at;
}
