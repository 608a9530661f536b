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
import type { Database } from './database.ts';
import type { SetBased, Transaction } from './transaction.ts';
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

type KeyOfRow = Pick<IdempotencyKey, 'environmentId' | 'principal' | 'operation' | 'key'>;

/**
 * Claims an idempotency key, and says whether it is now ours; one that another transaction is claiming is waited for.
 * It also reads the transaction's clock.
 */
export async function claimKey(
  transaction: Transaction,
  row: IdempotencyKey,
): Promise<{ clock: TransactionClock; claimed: boolean }> {
  const claim = await transaction.together(claimKeys, row);
  if (claim.claimed) transaction.onRefusal(() => transaction.together(releaseKeys, row));
  return claim;
}

const claimKeys: SetBased<IdempotencyKey, { clock: TransactionClock; claimed: boolean }> = async (queries, keys) => {
  const rows = await queries.query<{ now: Date; xid: string; ours: string[] | null }>(
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
  const clock = { now: row.now, xid: BigInt(row.xid) };
  return keys.map((key) => ({ clock, claimed: ours.has(key.resourceId) }));
};

const releaseKeys: SetBased<KeyOfRow, void> = async (queries, keys) => {
  await queries.query(
    `DELETE FROM idempotency_key USING json_populate_recordset(NULL::idempotency_key, $1::json) AS given
     WHERE idempotency_key.environment_id = given.environment_id AND idempotency_key.principal = given.principal
       AND idempotency_key.operation = given.operation AND idempotency_key.key = given.key`,
    [
      toJsonRows(
        keys.map(({ environmentId, principal, operation, key }) => ({ environmentId, principal, operation, key })),
      ),
    ],
  );
  return keys.map(() => undefined);
};

/** Says which operation a claimed key is to wait for: another than was planned, or null where none was needed. */
export async function keepOperation(
  transaction: Transaction,
  key: KeyOfRow,
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
  return transaction.together(readClocks, 'now');
}

const readClocks: SetBased<'now', TransactionClock> = async (queries, keys) => {
  const [row] = await queries.query<{ now: Date; xid: string }>(
    'SELECT now() AS now, pg_current_xact_id()::text AS xid',
    [],
  );
  if (row === undefined) throw new Error('readClock answered no row');
  const clock = { now: row.now, xid: BigInt(row.xid) };
  return keys.map(() => clock);
};

/** A key that someone claimed before; undefined if it was given up since. */
export async function readKey(
  { together }: Pick<Transaction, 'together'>,
  key: KeyOfRow,
): Promise<IdempotencyKey | undefined> {
  return together(readKeys, key);
}

/** The same in no transaction. */
export async function findClaimedKey({ ask }: Database, key: KeyOfRow): Promise<IdempotencyKey | undefined> {
  return ask(readKeys, key);
}

const readKeys: SetBased<KeyOfRow, IdempotencyKey | undefined> = async (queries, keys) => {
  const rows = await queries.query<IdempotencyKey>(
    `SELECT key.* FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[]) AS asked (environment_id, principal, operation, key)
     JOIN idempotency_key AS key USING (environment_id, principal, operation, key)`,
    [
      keys.map(({ environmentId }) => environmentId),
      keys.map(({ principal }) => principal),
      keys.map(({ operation }) => operation),
      keys.map(({ key }) => key),
    ],
  );
  const found = new Map(rows.map((row) => [nameOf(row), row]));
  return keys.map((key) => found.get(nameOf(key)));
};

function nameOf({ environmentId, principal, operation, key }: KeyOfRow): string {
  return JSON.stringify([environmentId, principal, operation, key]);
}

/** One row of one environment. */
type Id = Pick<Payment, 'environmentId' | 'id'>;

/** Joins a table with the rows that are asked for: their environments in $1, their ids in $2. */
const ASKED = 'unnest($1::uuid[], $2::uuid[]) AS asked (environment_id, id)';

function askFor(ids: readonly Id[]): [string[], string[]] {
  return [ids.map(({ environmentId }) => environmentId), ids.map(({ id }) => id)];
}

/** The rows that were asked for, in the order of the ids. */
function inOrder<T extends Id>(ids: readonly Id[], rows: readonly T[]): (T | undefined)[] {
  const found = new Map(rows.map((row) => [`${row.environmentId} ${row.id}`, row]));
  return ids.map(({ environmentId, id }) => found.get(`${environmentId} ${id}`));
}

/** A payment as it stands, locked until the transaction ends. Undefined if this environment has none such. */
export async function lockPayment(
  transaction: Transaction,
  environmentId: string,
  id: string,
): Promise<Payment | undefined> {
  return transaction.together(lockPayments, { environmentId, id });
}

/** In one order everywhere, so that no two transactions wait for each other. */
const lockPayments: SetBased<Id, Payment | undefined> = async (queries, ids) => {
  const rows = await queries.query<Payment>(
    `SELECT payment.* FROM ${ASKED} JOIN payment USING (environment_id, id)
     ORDER BY payment.environment_id, payment.id FOR UPDATE OF payment`,
    askFor(ids),
  );
  return inOrder(ids, rows);
};

/** The tables whose rows belong to one payment: read after its lock, they are as they stand. */
type PaymentChild = 'attempt' | 'capture' | 'refund' | 'operation';

/**
 * Rows of one payment, oldest first. To be called after lockPayment: a statement that began before the lock
 * was had would see them as they were.
 */
export async function readOfPayment<T extends PaymentChild>(
  transaction: Transaction,
  table: T,
  { environmentId, id }: Id,
): Promise<LedgerRows[T][]> {
  return transaction.together<Id, LedgerRows[T][]>(READ_OF_PAYMENT[table], { environmentId, id });
}

const READ_OF_PAYMENT: { readonly [T in PaymentChild]: SetBased<Id, LedgerRows[T][]> } = {
  attempt: readOfPayments('attempt'),
  capture: readOfPayments('capture'),
  refund: readOfPayments('refund'),
  operation: readOfPayments('operation'),
};

function readOfPayments<T extends PaymentChild>(table: T): SetBased<Id, LedgerRows[T][]> {
  return async (queries, payments) => {
    const rows = await queries.query<LedgerRows[T]>(
      `SELECT ${table}.* FROM ${ASKED}
       JOIN ${table} ON ${table}.environment_id = asked.environment_id AND ${table}.payment_id = asked.id
       ORDER BY ${table}.created_at, ${table}.id`,
      askFor(payments),
    );
    const groups = Map.groupBy(rows, ({ environmentId, paymentId }) => `${environmentId} ${paymentId}`);
    return payments.map(({ environmentId, id }) => groups.get(`${environmentId} ${id}`) ?? []);
  };
}

/** One row of one environment by its id. */
export async function readById<T extends 'paymentMethod' | 'operation'>(
  transaction: Transaction,
  table: T,
  environmentId: string,
  id: string,
): Promise<LedgerRows[T] | undefined> {
  return transaction.together<Id, LedgerRows[T] | undefined>(READ_BY_ID[table], { environmentId, id });
}

const READ_BY_ID: { readonly [T in 'paymentMethod' | 'operation']: SetBased<Id, LedgerRows[T] | undefined> } = {
  paymentMethod: readByIds('paymentMethod'),
  operation: readByIds('operation'),
};

function readByIds<T extends 'paymentMethod' | 'operation'>(table: T): SetBased<Id, LedgerRows[T] | undefined> {
  const name = columnOf(table);
  return async (queries, ids) => {
    const rows = await queries.query<LedgerRows[T]>(
      `SELECT ${name}.* FROM ${ASKED} JOIN ${name} USING (environment_id, id)`,
      askFor(ids),
    );
    return inOrder<LedgerRows[T]>(ids, rows);
  };
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
  return transaction.together(customersExist, { environmentId, id });
}

const customersExist: SetBased<Id, boolean> = async (queries, ids) => {
  const rows = await queries.query<Id>(
    `SELECT customer.environment_id, customer.id FROM ${ASKED} JOIN customer USING (environment_id, id)
     WHERE erased_at IS NULL ORDER BY customer.environment_id, customer.id FOR KEY SHARE OF customer`,
    askFor(ids),
  );
  return inOrder(ids, rows).map((row) => row !== undefined);
};

/**
 * The oldest customer of an environment with an e-mail address. Until the transaction ends, no other one looks for the
 * same address, so that two requests at once do not make two customers of it.
 */
export async function findCustomerByEmail(
  transaction: Transaction,
  environmentId: string,
  email: string,
): Promise<string | undefined> {
  transaction.alone();
  await transaction.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [`${environmentId} ${email}`]);
  const [row] = await transaction.query<{ id: string }>(
    'SELECT id FROM customer WHERE environment_id = $1 AND email = $2 ORDER BY created_at, id LIMIT 1 FOR KEY SHARE',
    [environmentId, email],
  );
  return row?.id;
}

/** Writes everything a command decided, in one statement. Foreign keys are checked at its end. */
export async function write(transaction: Transaction, writes: Writes): Promise<void> {
  return transaction.together(writeAll, writes);
}

const writeAll: SetBased<Writes, void> = async (queries, all) => {
  const parts: string[] = [];
  const counts: string[] = [];
  const parameters: string[] = [];
  let updates = 0;
  for (const verb of ['insert', 'update'] as const) {
    for (const [table, rows] of rowsByTable(all.map((writes) => writes[verb]))) {
      const [first] = rows;
      if (first === undefined) continue;
      parameters.push(toJsonRows(rows));
      const name = `${verb}_${columnOf(table)}`;
      const columns = Object.keys(first).map(columnOf);
      if (rows.some((row) => Object.keys(row).length !== columns.length)) throw new Error(`rows of ${table} differ`);
      parts.push(`${name} AS (${statementFor(verb, columnOf(table), columns, parameters.length)})`);
      if (table === 'paymentEvent') parts.push(`insert_webhook_delivery AS (${deliveriesOf(name)})`);
      if (verb === 'update') {
        updates += rows.length;
        counts.push(`(SELECT count(*) FROM ${name})`);
      }
    }
  }
  if (parts.length > 0) {
    const [row] = await queries.query<{ updated: bigint }>(
      `WITH ${parts.join(',\n')}\nSELECT (${['0', ...counts].join(' + ')})::bigint AS updated`,
      parameters,
    );
    if (row?.updated !== BigInt(updates)) throw new Error(`wrote ${row?.updated} of ${updates} rows`);
  }
  return all.map(() => undefined);
};

/** In the order of the tables, whichever was written first: the same rows are the same statement. */
function rowsByTable(all: readonly Writes['insert'][]): [LedgerTable, readonly object[]][] {
  return TABLES.map((table) => [table, all.flatMap<object>((rows) => rows[table] ?? [])]);
}

const TABLES: readonly LedgerTable[] = [
  'customer',
  'paymentMethod',
  'payment',
  'paymentDestination',
  'attempt',
  'capture',
  'captureReversal',
  'refund',
  'refundAllocation',
  'operation',
  'operationResolution',
  'paymentEvent',
];

function statementFor(verb: 'insert' | 'update', table: string, columns: readonly string[], parameter: number): string {
  const rows = `json_populate_recordset(NULL::${table}, $${parameter}::json)`;
  if (verb === 'insert') {
    return `INSERT INTO ${table} (${columns.join(', ')}) SELECT ${columns.join(', ')} FROM ${rows} RETURNING *`;
  }
  const assigned = columns.filter((column) => column !== 'environment_id' && column !== 'id');
  return `UPDATE ${table} SET ${assigned.map((column) => `${column} = new.${column}`).join(', ')}
    FROM ${rows} AS new WHERE ${table}.environment_id = new.environment_id AND ${table}.id = new.id RETURNING 1`;
}
