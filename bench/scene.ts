import { join } from 'node:path';
import { Client } from 'pg';
import { newId } from '../src/new-id.ts';
import type { Connection } from '../src/postgres/connection.ts';
import { applyMigrations } from '../src/postgres/migrations.ts';
import { startTemporaryCluster } from '../src/postgres/temporary.ts';
import { addAccount, addKey } from '../src/store/access.ts';
import { openDatabase } from '../src/store/database.ts';
import { overwrite, progressBar } from '../tools/progress-bar.ts';
import { parentOf } from './cpu.ts';
import type { LoadCalls } from './load.ts';
import { copyTemplates } from './seed/copy.ts';
import { makeTemplates } from './seed/templates.ts';
import { startGateway } from './servers.ts';
import { startChild, type Child } from './subscriptions/process.ts';

/** A PostgreSQL for a run, with whoever asks. */
export interface Stage {
  readonly connection: Connection;
  readonly postmaster: number;
  readonly version: string;
  readonly client: Child<LoadCalls>;
  /** Makes a database of so many payments. */
  seed(name: string, payments: number): Promise<Seeded>;
  end(): Promise<void>;
}

/** A database with payments of one environment. */
export interface Seeded {
  readonly connection: Connection;
  readonly environmentId: string;
  readonly key: string;
  readonly payments: number;
}

const MIGRATIONS = join(import.meta.dirname, '..', 'prisma', 'migrations');

/** As a PostgreSQL that keeps what it was given. */
const DURABLE = { fsync: 'on', synchronous_commit: 'on', full_page_writes: 'on' };

export async function openStage(): Promise<Stage> {
  const cluster = await startTemporaryCluster(DURABLE);
  const client = startChild<LoadCalls>('../load.ts');
  const { connection } = cluster;
  const [about] = await query<{ pid: number; version: string }>(
    connection,
    "SELECT pg_backend_pid() AS pid, current_setting('server_version') AS version",
    ({ pid, version }) => ({ pid: parentOf(pid), version }),
  );
  if (about === undefined) throw new Error('PostgreSQL told nothing of itself');
  return {
    connection,
    postmaster: about.pid,
    version: about.version,
    client,
    seed: (name, payments) => seed(connection, name, payments),
    async end() {
      await client.end();
      await cluster.stop();
    },
  };
}

/** Runs one statement on a connection of its own. */
export async function query<T extends object>(
  connection: Connection,
  sql: string,
  read: (row: T) => T = (row) => row,
): Promise<T[]> {
  const client = new Client(connection);
  await client.connect();
  try {
    const { rows } = await client.query<T>(sql);
    return rows.map(read);
  } finally {
    await client.end();
  }
}

async function seed(server: Connection, name: string, payments: number): Promise<Seeded> {
  await query(server, `CREATE DATABASE ${name}`);
  const connection = { ...server, database: name };
  await applyMigrations({ database: connection, directory: MIGRATIONS });
  const { environmentId, key } = await openAccount(connection);
  // Its payments are to have been settled, as most of a shop's are.
  const gateway = await startGateway(connection, key, { TENDER_SANDBOX_SETTLEMENT_SECONDS: '1' });
  let made: Awaited<ReturnType<typeof makeTemplates>>;
  try {
    made = await makeTemplates(gateway.target);
  } finally {
    await gateway.end();
  }
  const client = new Client(connection);
  await client.connect();
  try {
    const progress = (done: number): void => {
      overwrite(process.stdout, `Seeding ${name} ${progressBar({ done, total: payments })}`);
    };
    progress(0);
    await copyTemplates(client, { ...made, payments, progress });
    overwrite(process.stdout, '');
    await client.query('VACUUM ANALYZE');
    await client.query('CHECKPOINT');
  } finally {
    await client.end();
  }
  return { connection, environmentId, key, payments };
}

/** An account of its own, and a secret key for its test environment. */
export async function openAccount(connection: Connection): Promise<{ environmentId: string; key: string }> {
  const database = openDatabase(connection, { onError: () => undefined, poolSize: 1 });
  try {
    const { test } = await addAccount(database, { name: 'A shop', newId });
    const key = await addKey(database, { id: newId(), environment: test, name: 'a key' });
    return { environmentId: test.id, key };
  } finally {
    await database.close();
  }
}
