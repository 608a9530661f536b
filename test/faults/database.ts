import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Client, Pool } from 'pg';
import { serverAccount } from '../../src/postgres/account.ts';
import { prepareBinaries } from '../../src/postgres/binaries.ts';
import type { Cluster } from '../../src/postgres/cluster.ts';
import type { Connection } from '../../src/postgres/connection.ts';
import { applyMigrations } from '../../src/postgres/migrations.ts';
import { startServer, type Server } from '../../src/postgres/server.ts';
import { startTemporaryCluster } from '../../src/postgres/temporary.ts';

const MIGRATIONS = join(import.meta.dirname, '..', '..', 'prisma', 'migrations');

const SETTINGS = {
  max_connections: '200',
  // What was committed has to outlive a crash of the server. It need not outlive one of the machine: fsync stays off.
  synchronous_commit: 'on',
};

/** Ends every session at once; or ends at once itself, so that the next start recovers from the log. */
export type Shutdown = 'SIGINT' | 'SIGQUIT';

/** A migrated PostgreSQL of this run's own that can be taken away and comes back at the same address. */
export class RestartableDatabase {
  readonly connection: Connection;
  readonly pool: Pool;
  readonly #cluster: Cluster;
  readonly #dataDirectory: string;
  #server: Pick<Server, 'exited' | 'stop'>;
  #isUp = true;

  static async start(): Promise<RestartableDatabase> {
    const cluster = await startTemporaryCluster(SETTINGS);
    try {
      await applyMigrations({ database: cluster.connection, directory: MIGRATIONS });
      return new RestartableDatabase(cluster, await readDataDirectory(cluster.connection));
    } catch (error) {
      await cluster.stop();
      throw error;
    }
  }

  private constructor(cluster: Cluster, dataDirectory: string) {
    this.connection = cluster.connection;
    this.pool = new Pool({ ...cluster.connection, max: 4 });
    // The pool replaces what a restart breaks.
    this.pool.on('error', () => {});
    this.#cluster = cluster;
    this.#server = cluster;
    this.#dataDirectory = dataDirectory;
  }

  get isUp(): boolean {
    return this.#isUp;
  }

  async restart(shutdown: Shutdown): Promise<void> {
    this.#isUp = false;
    const [pid] = readFileSync(join(this.#dataDirectory, 'postmaster.pid'), 'utf8').split('\n');
    process.kill(Number(pid), shutdown);
    await this.#server.exited;
    const home = dirname(this.#dataDirectory);
    this.#server = await startServer({
      directory: home,
      socketDirectory: this.connection.host,
      binaries: await prepareBinaries(home),
      account: serverAccount(this.#dataDirectory),
      password: this.connection.password,
      settings: SETTINGS,
      log: () => {},
    });
    this.#isUp = true;
  }

  async stop(): Promise<void> {
    await this.pool.end();
    await this.#server.stop();
    await this.#cluster.stop();
  }
}

async function readDataDirectory(connection: Connection): Promise<string> {
  const client = new Client(connection);
  await client.connect();
  try {
    const { rows } = await client.query<{ data_directory: string }>('SHOW data_directory');
    const [row] = rows;
    if (row === undefined) throw new Error('PostgreSQL does not say where its data are');
    return row.data_directory;
  } finally {
    await client.end();
  }
}
