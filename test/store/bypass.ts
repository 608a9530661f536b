import { Client, DatabaseError } from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, onTestFinished } from 'vitest';
import { cloneDatabase, type TestDatabase } from '../harness/database.ts';
import { insert, writeLedger, type Ledger, type Row } from '../harness/ledger.ts';
import { until } from '../harness/until.ts';

/** How PostgreSQL names a refusal. */
export const CHECK = '23514';
export const UNIQUE = '23505';
export const FOREIGN_KEY = '23503';
export const RESTRICTED = '23001';

interface Refusal {
  readonly code: string | undefined;
  readonly constraint: string | undefined;
}

type Work<T = unknown> = (client: Client) => Promise<T>;

/** The ledgers of two environments, and a way to them that goes around the code. */
export interface Bypass {
  /** In a transaction that is rolled back after the test. */
  readonly client: Client;
  readonly mine: Ledger;
  readonly theirs: Ledger;
  /** Inserts a row, and has checked at once what would be checked at the commit. */
  readonly write: (table: string, row: Row) => Promise<void>;
  readonly update: (table: string, id: string, assignments: string) => Promise<void>;
  /** Has checked what would be checked at the commit. */
  readonly check: () => Promise<void>;
  /** How work is refused, undefined if it is not; after that the transaction goes on. */
  readonly refusalOf: (work: () => Promise<unknown>) => Promise<Refusal | undefined>;
  /** Work on a connection of its own, with no transaction around it: what it writes is there to stay. */
  readonly elsewhere: <T>(work: Work<T>) => Promise<T>;
  /**
   * Two transactions at once: the second has to wait for the first, which then ends.
   * @returns how the second was refused, undefined if it was not
   * @throws if it did not wait
   */
  readonly race: (first: Work, end: 'COMMIT' | 'ROLLBACK', second: Work) => Promise<Refusal | undefined>;
}

/** A database of the test file's own. Every test is a transaction that is rolled back. */
export function useBypass(): Bypass {
  let database: TestDatabase;
  let client: Client;
  let mine: Ledger;
  let theirs: Ledger;

  beforeAll(async () => {
    database = await cloneDatabase();
    client = await connect();
    mine = await writeLedger(client);
    theirs = await writeLedger(client);
  });

  afterAll(async () => {
    await client.end();
    await database.drop();
  });

  beforeEach(async () => {
    await client.query('BEGIN');
  });

  afterEach(async () => {
    await client.query('ROLLBACK');
  });

  async function connect(): Promise<Client> {
    const connected = new Client(database.connection);
    await connected.connect();
    return connected;
  }

  async function connectForTest(): Promise<Client> {
    const connected = await connect();
    onTestFinished(() => connected.end());
    return connected;
  }

  async function check(): Promise<void> {
    await client.query('SET CONSTRAINTS ALL IMMEDIATE');
    await client.query('SET CONSTRAINTS ALL DEFERRED');
  }

  async function isBlocked(pid: number, by: number): Promise<boolean> {
    const { rows } = await client.query<{ by: number[] }>('SELECT pg_blocking_pids($1) AS by', [pid]);
    return rows[0]?.by.includes(by) ?? false;
  }

  return {
    get client() {
      return client;
    },
    get mine() {
      return mine;
    },
    get theirs() {
      return theirs;
    },
    check,
    write: async (table, row) => {
      await insert(client, table, row);
      await check();
    },
    update: async (table, id, assignments) => {
      await client.query(`UPDATE ${table} SET ${assignments} WHERE id = $1`, [id]);
      await check();
    },
    refusalOf: async (work) => {
      await client.query('SAVEPOINT before');
      const refusal = await refusalOf(work());
      if (refusal !== undefined) await client.query('ROLLBACK TO before');
      return refusal;
    },
    elsewhere: async (work) => work(await connectForTest()),
    race: async (first, end, second) => {
      const [one, other] = [await connectForTest(), await connectForTest()];
      const [onePid, otherPid] = [await pidOf(one), await pidOf(other)];
      await one.query('BEGIN');
      await first(one);

      let isOver = false;
      await other.query('BEGIN');
      const refusal = refusalOf(second(other).then(() => other.query('COMMIT'))).finally(() => {
        isOver = true;
      });
      await until(async () => isOver || (await isBlocked(otherPid, onePid)));
      if (isOver) throw new Error(`the second did not wait: ${JSON.stringify(await refusal)}`);

      await one.query(end);
      return refusal;
    },
  };
}

async function refusalOf(work: Promise<unknown>): Promise<Refusal | undefined> {
  try {
    await work;
    return undefined;
  } catch (error) {
    if (!(error instanceof DatabaseError)) throw error;
    const { code, constraint } = error;
    return { code, constraint };
  }
}

async function pidOf(client: Client): Promise<number> {
  const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  return rows[0]?.pid ?? 0;
}
