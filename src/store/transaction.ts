import type pg from 'pg';
import { fromRow, ROW_TYPES } from './columns.ts';
import { statementName, type Database } from './database.ts';

/** One open transaction of the money path: statements by hand on one connection, at READ COMMITTED. */
export interface Transaction {
  /** Runs one named statement and reads its rows under the names that the code uses. */
  query<T>(sql: string, parameters: readonly unknown[]): Promise<T[]>;
}

/** Work that ends with `commit: false` leaves nothing behind. */
export interface Ending<T> {
  readonly commit: boolean;
  readonly value: T;
}

/** PostgreSQL's code for a deadlock: the transaction was undone whole, so it can be run again. */
const DEADLOCK_DETECTED = '40P01';
/** A human id that was drawn is taken: run again, the work draws another. */
const HUMAN_ID_TAKEN = 'payment_environment_id_human_id_key';
const TRIES_MAX = 3;
/** A server that could not be reached is not waited for once more. */
const ROLLBACK = { text: 'ROLLBACK', query_timeout: 2_000 };

/**
 * Runs work in one transaction. Prisma's interactive transactions are not used on this path: 300 at once on a
 * pool of ten gave 110 failures, and each costs twice the time.
 * @throws whatever work or PostgreSQL throws, after a rollback; after a deadlock or for a human id that is
 * taken the work is run again, three times in all
 */
export async function transact<T>(
  database: Database,
  work: (transaction: Transaction) => Promise<Ending<T>>,
): Promise<T> {
  for (let tries = 1; ; tries++) {
    const client = await database.pool.connect();
    let broken: Error | undefined;
    try {
      return await runIn(client, work);
    } catch (error) {
      await client.query(ROLLBACK).catch((rollbackError: Error) => (broken = rollbackError));
      if (tries === TRIES_MAX || !isWorthAnother(error)) throw error;
    } finally {
      // A connection that cannot even roll back is closed, not given to the next.
      client.release(broken);
    }
  }
}

async function runIn<T>(client: pg.PoolClient, work: (transaction: Transaction) => Promise<Ending<T>>): Promise<T> {
  await client.query('BEGIN');
  const { commit, value } = await work({
    async query<Row>(sql: string, parameters: readonly unknown[]) {
      const result = await client.query<Record<string, unknown>>({
        name: statementName(sql),
        text: sql,
        values: [...parameters],
        types: ROW_TYPES,
      });
      return result.rows.map((row) => fromRow<Row>(row));
    },
  });
  await client.query(commit ? 'COMMIT' : 'ROLLBACK');
  return value;
}

function isWorthAnother(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code, constraint } = error as Error & { code?: string; constraint?: string };
  return code === DEADLOCK_DETECTED || constraint === HUMAN_ID_TAKEN;
}

/** The processor's idempotency key of an operation is another operation's already. */
export function isKeyTaken(error: unknown): boolean {
  return (
    error instanceof Error &&
    'constraint' in error &&
    error.constraint === 'operation_environment_id_processor_processor_key_key'
  );
}
