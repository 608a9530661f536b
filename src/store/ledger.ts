import type {
  Attempt,
  Capture,
  CaptureReversal,
  Customer,
  IdempotencyKey,
  Operation,
  OperationResolution,
  Payment,
  PaymentDestination,
  PaymentEvent,
  PaymentMethod,
  Refund,
  RefundAllocation,
} from '../../generated/prisma/client.ts';
import { columnOf, toJsonRows } from './columns.ts';
import type { Transaction } from './transaction.ts';
import { deliveriesOf } from './webhook-queue.ts';

/**
 * The statements of the money path. All are set-based (arrays in, rows out), so that one payment is a batch
 * of one. Every command begins with `claimKeys` or `lockPayment` and ends with one `write`.
 */

/** The moment and the commit order of a transaction, as the database has them. */
export interface TransactionClock {
  readonly now: Date;
  /** pg_current_xact_id() as a number. */
  readonly xid: bigint;
}

/** Rows by table, in the order in which their foreign keys point. */
export interface LedgerRows {
  customer: Customer;
  paymentMethod: PaymentMethod;
  payment: Payment;
  paymentDestination: PaymentDestination;
  attempt: Attempt;
  capture: Capture;
  captureReversal: CaptureReversal;
  refund: Refund;
  refundAllocation: RefundAllocation;
  operation: Operation;
  operationResolution: OperationResolution;
  paymentEvent: Omit<PaymentEvent, 'position'>;
}

export type LedgerTable = keyof LedgerRows;

/** What one transaction writes: whole rows, to insert or to put in the place of those with their ids. */
export interface Writes {
  readonly insert: { readonly [T in LedgerTable]?: readonly LedgerRows[T][] };
  readonly update: { readonly [T in LedgerTable]?: readonly LedgerRows[T][] };
}

/**
 * Claims idempotency keys. The result says of each, in the order given, whether it is now ours; a key that
 * another transaction is claiming is waited for. It also reads the transaction's clock.
 */
export async function claimKeys(
  transaction: Transaction,
  keys: readonly IdempotencyKey[],
): Promise<{ clock: TransactionClock; claimed: boolean[] }> {
  const rows = await transaction.query<{ now: Date; xid: string; ours: string[] | null }>(
    `WITH ours AS (
       INSERT INTO idempotency_key
       SELECT * FROM json_populate_recordset(NULL::idempotency_key, $1::json)
       ORDER BY environment_id, principal, operation, key
       ON CONFLICT DO NOTHING
       RETURNING resource_id
     )
     SELECT now() AS now, pg_current_xact_id()::text AS xid, (SELECT array_agg(resource_id::text) FROM ours) AS ours`,
    [toJsonRows(keys)],
  );
  const row = rows[0];
  if (row === undefined) throw new Error('claimKeys answered no row');
  const ours = new Set(row.ours);
  return { clock: { now: row.now, xid: BigInt(row.xid) }, claimed: keys.map((key) => ours.has(key.resourceId)) };
}

/** Says which operation a claimed key is to wait for: another than was planned, or null where none was needed. */
export async function keepOperation(
  transaction: Transaction,
  key: Pick<IdempotencyKey, 'environmentId' | 'principal' | 'operation' | 'key'>,
  operationId: string | null,
): Promise<void> {
  await transaction.query(
    `UPDATE idempotency_key SET operation_id = $5
     WHERE environment_id = $1 AND principal = $2 AND operation = $3 AND key = $4`,
    [key.environmentId, key.principal, key.operation, key.key, operationId],
  );
}

/** The transaction's clock, for commands that claim no key. */
export async function readClock(transaction: Transaction): Promise<TransactionClock> {
  const [row] = await transaction.query<{ now: Date; xid: string }>(
    'SELECT now() AS now, pg_current_xact_id()::text AS xid',
    [],
  );
  if (row === undefined) throw new Error('readClock answered no row');
  return { now: row.now, xid: BigInt(row.xid) };
}

/** A key that someone claimed before; undefined if it was given up since. */
export async function readKey(
  transaction: Transaction,
  key: Pick<IdempotencyKey, 'environmentId' | 'principal' | 'operation' | 'key'>,
): Promise<IdempotencyKey | undefined> {
  const [row] = await transaction.query<IdempotencyKey>(
    'SELECT * FROM idempotency_key WHERE environment_id = $1 AND principal = $2 AND operation = $3 AND key = $4',
    [key.environmentId, key.principal, key.operation, key.key],
  );
  return row;
}

/** A payment as it stands, locked until the transaction ends. Undefined if this environment has none such. */
export async function lockPayment(
  transaction: Transaction,
  environmentId: string,
  paymentId: string,
): Promise<Payment | undefined> {
  const [row] = await transaction.query<Payment>(
    'SELECT * FROM payment WHERE environment_id = $1 AND id = $2 FOR UPDATE',
    [environmentId, paymentId],
  );
  return row;
}

/** The tables whose rows belong to one payment: read after its lock, they are as they stand. */
type PaymentChild = 'attempt' | 'capture' | 'refund' | 'operation';

/**
 * Rows of one payment, oldest first. To be called after lockPayment: a statement that began before the lock
 * was had would see them as they were.
 */
export async function readOfPayment<T extends PaymentChild>(
  transaction: Transaction,
  table: T,
  payment: Pick<Payment, 'environmentId' | 'id'>,
): Promise<LedgerRows[T][]> {
  return transaction.query<LedgerRows[T]>(
    `SELECT * FROM ${table} WHERE environment_id = $1 AND payment_id = $2 ORDER BY created_at, id`,
    [payment.environmentId, payment.id],
  );
}

/** One row of one environment by its id. */
export async function readById<T extends 'paymentMethod' | 'operation'>(
  transaction: Transaction,
  table: T,
  environmentId: string,
  id: string,
): Promise<LedgerRows[T] | undefined> {
  const [row] = await transaction.query<LedgerRows[T]>(
    `SELECT * FROM ${columnOf(table)} WHERE environment_id = $1 AND id = $2`,
    [environmentId, id],
  );
  return row;
}

/** Which of a payment's captures were taken back. To be called after lockPayment. */
export async function readReversedCaptureIds(
  transaction: Transaction,
  payment: Pick<Payment, 'environmentId' | 'id' | 'amountReversed'>,
): Promise<ReadonlySet<string>> {
  if (payment.amountReversed === 0n) return new Set();
  const rows = await transaction.query<{ captureId: string }>(
    `SELECT capture_id FROM capture_reversal JOIN capture
       ON capture.environment_id = capture_reversal.environment_id AND capture.id = capture_reversal.capture_id
     WHERE capture.environment_id = $1 AND capture.payment_id = $2`,
    [payment.environmentId, payment.id],
  );
  return new Set(rows.map(({ captureId }) => captureId));
}

/** How long to wait before each automatic retry, in seconds, as the environment has it now. */
export async function readRetryDelays(transaction: Transaction, environmentId: string): Promise<readonly number[]> {
  const [row] = await transaction.query<{ retryDelays: number[] }>(
    'SELECT retry_delays FROM environment WHERE id = $1',
    [environmentId],
  );
  return row?.retryDelays ?? [];
}

/** Whether a customer of this environment exists and was not erased; it is kept from going away until the transaction ends. */
export async function customerExists(transaction: Transaction, environmentId: string, id: string): Promise<boolean> {
  const rows = await transaction.query(
    'SELECT 1 FROM customer WHERE environment_id = $1 AND id = $2 AND erased_at IS NULL FOR KEY SHARE',
    [environmentId, id],
  );
  return rows.length === 1;
}

/**
 * The oldest customer of an environment with an e-mail address. Until the transaction ends, no other one looks for the
 * same address, so that two requests at once do not make two customers of it.
 */
export async function findCustomerByEmail(
  transaction: Transaction,
  environmentId: string,
  email: string,
): Promise<string | undefined> {
  await transaction.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [`${environmentId} ${email}`]);
  const [row] = await transaction.query<{ id: string }>(
    'SELECT id FROM customer WHERE environment_id = $1 AND email = $2 ORDER BY created_at, id LIMIT 1 FOR KEY SHARE',
    [environmentId, email],
  );
  return row?.id;
}

/** Writes everything a command decided, in one statement. Foreign keys are checked at its end. */
export async function write(transaction: Transaction, writes: Writes): Promise<void> {
  const parts: string[] = [];
  const counts: string[] = [];
  const parameters: string[] = [];
  let updates = 0;
  for (const [verb, tables] of [
    ['insert', writes.insert],
    ['update', writes.update],
  ] as const) {
    for (const [table, rows] of Object.entries(tables) as [LedgerTable, readonly object[]][]) {
      const [first] = rows;
      if (first === undefined) continue;
      parameters.push(toJsonRows(rows));
      const name = `${verb}_${columnOf(table)}`;
      const columns = Object.keys(first).map(columnOf);
      parts.push(`${name} AS (${statementFor(verb, columnOf(table), columns, parameters.length)})`);
      if (table === 'paymentEvent') parts.push(`insert_webhook_delivery AS (${deliveriesOf(name)})`);
      if (verb === 'update') {
        updates += rows.length;
        counts.push(`(SELECT count(*) FROM ${name})`);
      }
    }
  }
  if (parts.length === 0) return;
  const [row] = await transaction.query<{ updated: bigint }>(
    `WITH ${parts.join(',\n')}\nSELECT (${['0', ...counts].join(' + ')})::bigint AS updated`,
    parameters,
  );
  if (row?.updated !== BigInt(updates)) throw new Error(`wrote ${row?.updated} of ${updates} rows`);
}

function statementFor(verb: 'insert' | 'update', table: string, columns: readonly string[], parameter: number): string {
  const rows = `json_populate_recordset(NULL::${table}, $${parameter}::json)`;
  if (verb === 'insert') {
    return `INSERT INTO ${table} (${columns.join(', ')}) SELECT ${columns.join(', ')} FROM ${rows} RETURNING *`;
  }
  const assigned = columns.filter((column) => column !== 'environment_id' && column !== 'id');
  return `UPDATE ${table} SET ${assigned.map((column) => `${column} = new.${column}`).join(', ')}
    FROM ${rows} AS new WHERE ${table}.environment_id = new.environment_id AND ${table}.id = new.id RETURNING 1`;
}
