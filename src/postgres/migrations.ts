import { createHash, randomUUID } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client, DatabaseError, type Pool } from 'pg';
import type { Connection } from './connection.ts';
import {
  DatabaseSetupError,
  DatabaseUnreachableError,
  MigrationEditedError,
  MigrationFailedError,
  MigrationsMissingError,
  ServerTooOldError,
} from './errors.ts';

export interface MigrationOptions {
  /** The database to migrate: a URL, or what `pg` takes instead. */
  readonly database: string | Connection;
  /** The directory that holds `<name>/migration.sql`, which are applied in the order of their names. */
  readonly directory: string;
}

interface Migration {
  readonly name: string;
  readonly script: string;
  readonly checksum: string;
}

interface AppliedRow {
  readonly migration_name: string;
  readonly checksum: string;
  readonly finished_at: Date | null;
}

/** The oldest release that the gateway supports. */
const OLDEST_SERVER = 15;

/** Prisma's own advisory lock, so that a `prisma migrate` at the same time waits for its turn. */
const ADVISORY_LOCK = 72_707_369;

/** Prisma's own table, so that its tools go on from what was applied here. */
const CREATE_TABLE = `
  CREATE TABLE IF NOT EXISTS public._prisma_migrations (
    id                  VARCHAR(36) PRIMARY KEY NOT NULL,
    checksum            VARCHAR(64) NOT NULL,
    finished_at         TIMESTAMPTZ,
    migration_name      VARCHAR(255) NOT NULL,
    logs                TEXT,
    rolled_back_at      TIMESTAMPTZ,
    started_at          TIMESTAMPTZ NOT NULL DEFAULT now(),
    applied_steps_count INTEGER NOT NULL DEFAULT 0
  )`;

/**
 * Applies the migrations that the database does not have yet, each in a transaction of its own,
 * and returns their names. Any number of processes may do so at once: each migration runs once.
 *
 * Prisma's engine keeps the same records, and was tried. It leaves the record of a failed migration
 * behind, with which no gateway starts before someone resolves it by hand; its error lacks what the
 * server said; it applies an edited migration's successors in silence; and the advisory lock of one
 * run made the next wait 10 seconds.
 *
 * A database that knows more migrations than the directory is left as it is, so that the previous
 * release can be started again.
 *
 * @throws MigrationFailedError when a script fails, after rolling it back, or when Prisma's tools
 *   left a failed one behind.
 * @throws MigrationEditedError when an applied script differs from its file; nothing is applied.
 * @throws ServerTooOldError
 * @throws DatabaseUnreachableError
 */
export async function applyMigrations({ database, directory }: MigrationOptions): Promise<string[]> {
  const migrations = readMigrations(directory);
  const client = await connect(database);
  try {
    await checkServerVersion(client);
    const applied: string[] = [];
    for (;;) {
      const name = await applyNext(client, migrations);
      if (name === undefined) return applied;
      applied.push(name);
    }
  } finally {
    await client.end();
  }
}

/**
 * @throws ServerTooOldError when the server is older than PostgreSQL 15.
 */
export async function checkServerVersion(client: Pick<Client, 'query'>): Promise<void> {
  const { rows } = await client.query<{ number: number; version: string }>(
    `SELECT current_setting('server_version_num')::int AS number, current_setting('server_version') AS version`,
  );
  const [server] = rows;
  if (server === undefined || server.number < OLDEST_SERVER * 10_000) {
    throw new ServerTooOldError(
      `PostgreSQL ${OLDEST_SERVER} or newer is needed; this is ${server?.version ?? 'unknown'}`,
    );
  }
}

/**
 * Makes sure that a database has all migrations of a directory, and changes nothing.
 * @throws MigrationsMissingError
 * @throws MigrationEditedError
 * @throws MigrationFailedError when Prisma's tools left a failed one behind
 * @throws ServerTooOldError
 * @throws DatabaseUnreachableError
 */
export async function requireMigrations({ database, directory }: MigrationOptions): Promise<void> {
  const migrations = readMigrations(directory);
  const client = await connect(database);
  try {
    await checkServerVersion(client);
    const { rows } = await client.query<{ known: boolean }>(
      `SELECT to_regclass('public._prisma_migrations') IS NOT NULL AS known`,
    );
    const missing = rows[0]?.known === true ? await findMissing(client, migrations) : migrations;
    if (missing.length > 0) throw new MigrationsMissingError(missing.map(({ name }) => name));
  } finally {
    await client.end();
  }
}

/** The names of a directory's migrations: what a build that has it needs of its database. */
export function migrationNames(directory: string): string[] {
  return readMigrations(directory).map(({ name }) => name);
}

/** How many of these migrations a database lacks. */
export async function countMissing(database: Pick<Pool, 'query'>, names: readonly string[]): Promise<number> {
  const { rows } = await database.query<{ applied: number }>({
    name: 'count_applied_migrations',
    text: `SELECT count(DISTINCT migration_name)::int AS applied FROM public._prisma_migrations
           WHERE migration_name = ANY ($1) AND finished_at IS NOT NULL AND rolled_back_at IS NULL`,
    values: [names],
  });
  const [row] = rows;
  if (row === undefined) throw new Error('countMissing was answered no row');
  return names.length - row.applied;
}

function readMigrations(directory: string): Migration[] {
  if (!existsSync(directory)) return [];
  const names = readdirSync(directory, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .toSorted();
  return names.map((name) => {
    let script: string;
    try {
      script = readFileSync(join(directory, name, 'migration.sql'), 'utf8');
    } catch (error) {
      throw new MigrationFailedError(name, 'it has no migration.sql that can be read', { cause: error });
    }
    return { name, script, checksum: createHash('sha256').update(script).digest('hex') };
  });
}

/** An address that answers nothing at all is given up after this. */
const CONNECT_MS = 10_000;

async function connect(database: string | Connection): Promise<Client> {
  const target = typeof database === 'string' ? { connectionString: database } : database;
  const client = new Client({ ...target, connectionTimeoutMillis: CONNECT_MS });
  // A connection that breaks also reports through its promises.
  client.on('error', () => {});
  try {
    await client.connect();
    return client;
  } catch (error) {
    const { code, message } = error as Error & { code?: string };
    // A host with several addresses fails with an error for each, and none of its own.
    throw new DatabaseUnreachableError(
      `Cannot connect to PostgreSQL at ${client.host}:${client.port}: ${message || code}`,
      { cause: error },
    );
  }
}

/**
 * Applies the first migration that is missing, and returns its name. Everything is looked up
 * again for each one, under a lock that goes with its transaction: what others apply meanwhile is
 * seen, and a pooler that shares connections between transactions does no harm.
 */
async function applyNext(client: Client, migrations: readonly Migration[]): Promise<string | undefined> {
  // A script may have set something for its session, such as the search path.
  await client.query('RESET ALL');
  await client.query('BEGIN');
  try {
    // The limits are for the gateway's own transactions; this one takes as long as it takes.
    await client.query(`
      SELECT set_config(name, '0', true) FROM pg_settings
      WHERE name IN ('transaction_timeout', 'statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout')`);
    await client.query('SELECT pg_advisory_xact_lock($1)', [ADVISORY_LOCK]);
    await client.query(`SET LOCAL client_min_messages = warning`);
    await client.query(CREATE_TABLE);
    const [next] = await findMissing(client, migrations);
    if (next !== undefined) await applyOne(client, next);
    await client.query('COMMIT');
    return next?.name;
  } catch (error) {
    await client.query('ROLLBACK').catch(() => {});
    if (error instanceof DatabaseError) {
      throw new DatabaseSetupError(`Cannot look after the database's migrations: ${error.message}`, {
        cause: error,
      });
    }
    throw error;
  }
}

async function findMissing(client: Client, migrations: readonly Migration[]): Promise<Migration[]> {
  const { rows } = await client.query<AppliedRow>(
    'SELECT migration_name, checksum, finished_at FROM public._prisma_migrations WHERE rolled_back_at IS NULL',
  );
  const failed = rows.find((row) => row.finished_at === null);
  if (failed !== undefined) {
    throw new MigrationFailedError(
      failed.migration_name,
      'an earlier run with Prisma left it unfinished; resolve it with `prisma migrate resolve`',
    );
  }
  const checksums = new Map(rows.map((row) => [row.migration_name, row.checksum]));
  for (const { name, checksum } of migrations) {
    if ((checksums.get(name) ?? checksum) !== checksum) throw new MigrationEditedError(name);
  }
  return migrations.filter(({ name }) => !checksums.has(name));
}

async function applyOne(client: Client, { name, script, checksum }: Migration): Promise<void> {
  const startedAt = new Date();
  try {
    // One query without parameters, so the server itself finds where each statement ends.
    await client.query(script);
    await client.query(
      `INSERT INTO public._prisma_migrations (id, checksum, migration_name, started_at, finished_at, applied_steps_count)
       VALUES ($1, $2, $3, $4, clock_timestamp(), 1)`,
      [randomUUID(), checksum, name, startedAt],
    );
  } catch (error) {
    throw new MigrationFailedError(name, describe(error, script), { cause: error });
  }
}

function describe(error: unknown, script: string): string {
  if (!(error instanceof DatabaseError) || error.position === undefined) return (error as Error).message;
  const line = script.slice(0, Number(error.position)).split('\n').length;
  return `${error.message} (line ${line})`;
}
