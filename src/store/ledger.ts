import type { Payment } from '../../generated/prisma/client.ts';
import { columnOf } from './columns.ts';
import { allOf, modelOf } from './rows.ts';
import type { SetBased, Transaction } from './transaction.ts';
import type { LedgerRows } from './write.ts';

/**
 * The statements of the money path. All are set-based (arrays in, rows out), so that one payment is a batch
 * of one. Every command begins with `claimKey` (idempotency-keys.ts) or `lockPayment`, and ends with one statement that
 * writes it all (write.ts).
 */

/** The moment and the commit order of a transaction, as the database has them. */
export interface TransactionClock {
  readonly now: Date;
  /** pg_current_xact_id() as a number. */
  readonly xid: bigint;
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
    `SELECT ${allOf('Payment')} FROM ${ASKED} JOIN payment USING (environment_id, id)
     ORDER BY payment.environment_id, payment.id FOR UPDATE OF payment`,
    askFor(ids),
  );
  return inOrder(ids, rows);
};

/** The tables whose rows belong to one payment: read after its lock, they are as they stand. */
export type PaymentChild = 'attempt' | 'capture' | 'refund' | 'operation';

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
  const columns = allOf(modelOf(table));
  return async (queries, payments) => {
    const rows = await queries.query<LedgerRows[T]>(
      `SELECT ${columns} FROM ${ASKED}
       JOIN ${table} ON ${table}.environment_id = asked.environment_id AND ${table}.payment_id = asked.id
       ORDER BY ${table}.created_at, ${table}.id`,
      askFor(payments),
    );
    const groups = Map.groupBy(rows, ({ environmentId, paymentId }) => `${environmentId} ${paymentId}`);
    return payments.map(({ environmentId, id }) => groups.get(`${environmentId} ${id}`) ?? []);
  };
}

/** A payment with rows that belong to it, as they all stand under its lock. */
export interface LockedPayment<T extends PaymentChild> {
  /** Undefined if the environment has none such. */
  readonly payment: Payment | undefined;
  readonly rows: { readonly [C in T]: readonly LedgerRows[C][] };
}

/** Locks a payment and reads rows of it in one round trip: each statement begins when the one before it has ended. */
export async function lockPaymentWith<T extends PaymentChild>(
  transaction: Transaction,
  environmentId: string,
  id: string,
  tables: readonly T[],
): Promise<LockedPayment<T>> {
  const [payment, ...rows] = await Promise.all([
    lockPayment(transaction, environmentId, id),
    ...tables.map((table) => readOfPayment(transaction, table, { environmentId, id })),
  ]);
  const asked = tables.map((table, index) => [table, rows[index]]);
  return { payment, rows: Object.fromEntries(asked) as LockedPayment<T>['rows'] };
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
  const columns = allOf(modelOf(table));
  return async (queries, ids) => {
    const rows = await queries.query<LedgerRows[T]>(
      `SELECT ${columns} FROM ${ASKED} JOIN ${name} USING (environment_id, id)`,
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
