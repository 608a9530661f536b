import { randomUUID } from 'node:crypto';
import { Client, Pool } from 'pg';
import { inject } from 'vitest';
import type { Connection } from '../../src/postgres/connection.ts';

/** A database of one test file's own. */
export interface TestDatabase {
  readonly connection: Connection;
  /** The same as a URL, for what takes DATABASE_URL. */
  readonly connectionString: string;
  /** Drops it, whoever is still connected. */
  drop(): Promise<void>;
}

/** A pool on a database that is dropped afterwards: a pool has ended before its sockets are closed, and that may break them. */
export function openPool(connection: Connection, max: number): Pool {
  const pool = new Pool({ ...connection, max });
  pool.on('connect', (client) => client.on('error', () => {}));
  pool.on('error', () => {});
  return pool;
}

/** The one of the worker that this runs in. */
export function templateDatabase(): Connection {
  const { VITEST_POOL_ID } = process.env;
  const template = inject('templateDatabases')[Number(VITEST_POOL_ID) - 1];
  if (template === undefined) throw new Error(`there is no PostgreSQL for worker ${VITEST_POOL_ID}`);
  return template;
}

/** Copies the migrated template. It takes about 60 ms. */
export async function cloneDatabase(): Promise<TestDatabase> {
  const template = templateDatabase();
  const database = `test_${randomUUID()}`;
  await execute(template, `CREATE DATABASE "${database}" TEMPLATE "${template.database}" STRATEGY wal_log`);
  const connection = { ...template, database };
  return {
    connection,
    connectionString: toUrl(connection),
    drop: () => execute(template, `DROP DATABASE IF EXISTS "${database}" WITH (FORCE)`),
  };
}

async function execute(template: Connection, statement: string): Promise<void> {
  // Connected to the database that is always there: a connection to the template would block the copying.
  const client = new Client({ ...template, database: 'postgres' });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}

function toUrl({ host, port, user, password, database }: Connection): string {
  // A socket's directory cannot stand where a host stands, so it goes into a parameter.
  const url = new URL(`postgresql://localhost:${port}/${database}`);
  url.username = user;
  url.password = password;
  url.searchParams.set('host', host);
  return url.href;
}
