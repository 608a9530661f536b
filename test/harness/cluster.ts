import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { applyMigrations } from '../../src/postgres/migrations.ts';
import type { Connection } from '../../src/postgres/connection.ts';
import { startTemporaryCluster } from '../../src/postgres/temporary.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** The migrated database that cloneDatabase() copies. Nobody may connect to it: it could not be copied then. */
    templateDatabase: Connection;
  }
}

/** One PostgreSQL for the whole run, with every migration applied to the database that tests clone. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const cluster = await startTemporaryCluster({ max_connections: '200' });
  const directory = join(import.meta.dirname, '..', '..', 'prisma', 'migrations');
  try {
    await applyMigrations({ database: cluster.connection, directory });
  } catch (error) {
    await cluster.stop();
    throw error;
  }
  project.provide('templateDatabase', cluster.connection);
  return () => cluster.stop();
}
