import { setImmediate } from 'node:timers/promises';
import pg from 'pg';
import { fromRow, ROW_TYPES } from './columns.ts';
import type { Database } from './database.ts';
import { asError } from './gather.ts';
import { statementName } from './statement-name.ts';
import { writing, type Writes } from './write.ts';

/**
 * One open transaction of the money path, as one piece of work sees it: statements by hand on one connection, at READ
 * COMMITTED. Others may work in the same one (store/together.ts).
 */
export interface Transaction {
  /** Runs one named statement and reads its rows under the names that the code uses. */
  query<T>(sql: string, parameters: readonly unknown[]): Promise<T[]>;
  /** Runs a set-based statement, once for all who work in this transaction and ask for it at the same time. */
  together<K, V>(statement: SetBased<K, V>, key: K): Promise<V>;
  /** What takes back what this work has written, if it ends with nothing to commit and what others wrote stands. */
  onRefusal(undo: () => Promise<unknown>): void;
  /**
   * To be called before a lock that is the transaction's and not a row's: who shares the transaction would pass it.
   * @throws NeedsItsOwn in one that is shared: the work is then run again, alone
   */
  alone(): void;
}

/** A statement for many keys; its results are in their order. */
export type SetBased<K, V> = (transaction: Queries, keys: readonly K[]) => Promise<readonly V[]>;

export type Queries = Pick<Transaction, 'query'>;

/** Work that ends with `commit: false` leaves nothing behind. */
export type Ending<T> =
  | { readonly commit: false; readonly value: T }
  | {
      readonly commit: true;
      readonly value: T;
      /** What is written last, in one round trip with the commit. */
      readonly writes?: Writes;
    };

/** It may be run more than once: what it did before was undone. */
export type Work<T> = (transaction: Transaction) => Promise<Ending<T>>;

/** This work cannot share its transaction with others. */
export class NeedsItsOwn extends Error {
  override readonly name = 'NeedsItsOwn';
}

/** PostgreSQL's code for a deadlock: the transaction was undone whole, so it can be run again. */
const DEADLOCK_DETECTED = '40P01';
/** PostgreSQL's code for a statement that came after the one that failed. */
const IN_FAILED_TRANSACTION = '25P02';
/** PostgreSQL's code for not knowing whether a statement was completed. */
const COMPLETION_UNKNOWN = '40003';
/** PostgreSQL's name for it: a human id that was drawn is another payment's. */
const HUMAN_ID_TAKEN = 'payment_environment_id_human_id_key';
export const TRIES_MAX = 3;
/** A server that could not be reached is not waited for once more. */
const ROLLBACK = { text: 'ROLLBACK', query_timeout: 2_000 };

/**
 * Runs work in one transaction of its own. Prisma's interactive transactions are not used on this path: 300 at once on a
 * pool of ten gave 110 failures, and each costs twice the time.
 * @throws whatever work or PostgreSQL throws, after a rollback; after a deadlock or for a human id that is
 * taken the work is run again, three times in all
 */
export async function transact<T>({ pool }: Pick<Database, 'pool'>, work: Work<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    const client = await pool.connect();
    let broken: Error | undefined;
    try {
      const open = new OpenTransaction(client, 'BEGIN');
      const ending = await work({
        query: open.query,
        together: async (statement, key) => single(await statement(open, [key])),
        onRefusal: () => {},
        alone: () => {},
      });
      const undone = await end(open, [ending]);
      if (undone !== undefined) throw undone;
      return ending.value;
    } catch (error) {
      broken = await rollBack(client);
      if (tries === TRIES_MAX || !isWorthAnother(error)) throw error;
    } finally {
      client.release(broken);
    }
  }
}

/**
 * Commits where one of those who worked wants that, and else takes everything back.
 * @returns why it was taken back although it was to be committed
 * @throws where nobody can tell whether it was committed
 */
export async function end(
  open: OpenTransaction,
  endings: readonly (Ending<unknown> | undefined)[],
): Promise<Error | undefined> {
  const committing = endings.filter((ending) => ending?.commit === true);
  if (committing.length > 0) return open.commit(committing.flatMap(({ writes }) => writes ?? []));
  await open.rollBack();
  return undefined;
}

function single<V>(values: readonly V[]): V {
  if (values.length !== 1) throw new Error(`a statement for one key has ${values.length} results`);
  return values[0] as V;
}

/** A transaction on its connection: its statements are run in the order in which they are asked for. */
export class OpenTransaction implements Queries {
  readonly #client: pg.PoolClient;
  readonly #begun: Promise<unknown>;

  constructor(client: pg.PoolClient, begin: string) {
    this.#client = client;
    this.#begun = client.query(begin);
    // The first statement throws it.
    this.#begun.catch(() => {});
  }

  /** None is sent before it is known to be within the transaction: meanwhile its parameters are made. */
  readonly query = async <Row>(sql: string, parameters: readonly unknown[]): Promise<Row[]> => {
    await this.#begun;
    return query(this.#client, sql, parameters);
  };

  /**
   * Writes what is left to write, and commits, in one round trip: after a statement that failed, COMMIT takes all back.
   * @returns why it is not committed, and never will be
   * @throws where nobody can tell whether it was committed
   */
  async commit(all: readonly Writes[]): Promise<Error | undefined> {
    await this.#begun;
    const written = this.#write(all).then(() => undefined, asError);
    // What could not be sent has failed by then, and is not to be committed without.
    const unsent = await Promise.race([written, setImmediate(undefined)]);
    if (unsent !== undefined) return unsent;
    const ended = await this.#client.query('COMMIT').catch(asError);
    const reason = await written;
    // Whatever has become of COMMIT, PostgreSQL had refused what was to be committed with it.
    if (reason instanceof pg.DatabaseError) return reason;
    if (ended instanceof Error) {
      if (isRefusal(ended)) return ended;
      throw ended;
    }
    if (ended.command !== 'COMMIT') return reason ?? new Error(`COMMIT ended in ${ended.command}`);
    if (reason !== undefined) throw new Error('it was committed without what it was to write', { cause: reason });
    return undefined;
  }

  async #write(all: readonly Writes[]): Promise<void> {
    const last = writing(all);
    if (last !== undefined) await query(this.#client, last.sql, last.parameters);
  }

  async rollBack(): Promise<void> {
    await this.#begun;
    await this.#client.query('ROLLBACK');
  }
}

/** Runs one named statement and reads its rows under the names that the code uses. */
export async function query<Row>(
  on: pg.Pool | pg.PoolClient,
  sql: string,
  parameters: readonly unknown[],
): Promise<Row[]> {
  const { rows } = await on.query<Record<string, unknown>>({
    name: statementName(sql),
    text: sql,
    values: [...parameters],
    types: ROW_TYPES,
  });
  return rows.map((row) => fromRow<Row>(row));
}

/** @returns why the connection is of no use any more: it is closed then, and not given to the next */
export async function rollBack(client: pg.PoolClient): Promise<Error | undefined> {
  return client.query(ROLLBACK).then(
    () => undefined,
    (error: Error) => error,
  );
}

/**
 * Whether COMMIT was answered with what speaks against it: a constraint that is checked there, or another transaction. What
 * else it may be answered with, a server's end above all, can come after it has committed.
 */
function isRefusal(error: Error): boolean {
  if (!(error instanceof pg.DatabaseError)) return false;
  return error.code !== COMPLETION_UNKNOWN && /^(23|40)/.test(error.code ?? '');
}

function isWorthAnother(error: unknown): boolean {
  return isHumanIdTaken(error) || (error instanceof Error && 'code' in error && error.code === DEADLOCK_DETECTED);
}

/** Another statement of the transaction had failed before. */
export function isConsequence(error: Error): boolean {
  return 'code' in error && error.code === IN_FAILED_TRANSACTION;
}

/** Run again, the work draws another. */
export function isHumanIdTaken(error: unknown): boolean {
  return error instanceof Error && 'constraint' in error && error.constraint === HUMAN_ID_TAKEN;
}

/** The processor's idempotency key of an operation is another operation's already. */
export function isKeyTaken(error: unknown): boolean {
  return (
    error instanceof Error &&
    'constraint' in error &&
    error.constraint === 'operation_environment_id_processor_processor_key_key'
  );
}
