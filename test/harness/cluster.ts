import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { applyMigrations } from '../../src/postgres/migrations.ts';
import type { Cluster } from '../../src/postgres/cluster.ts';
import type { Connection } from '../../src/postgres/connection.ts';
import { startTemporaryCluster } from '../../src/postgres/temporary.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** The migrated databases that cloneDatabase() copies. Nobody may connect to one: it could not be copied then. */
    templateDatabases: readonly Connection[];
  }
}

/**
 * A PostgreSQL for each worker, with every migration applied to the database that tests clone. They share none: an open
 * transaction in one database holds back the events of all others of its PostgreSQL.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const clusters: Cluster[] = [];
  const stop = async (): Promise<void> => {
    for (const cluster of clusters) await cluster.stop();
  };
  try {
    // One after the other: each looks for what others have left behind.
    while (clusters.length < project.config.maxWorkers) clusters.push(await startMigrated());
  } catch (error) {
    await stop();
    throw error;
  }
  project.provide(
    'templateDatabases',
    clusters.map(({ connection }) => connection),
  );
  return stop;
}

async function startMigrated(): Promise<Cluster> {
  const cluster = await startTemporaryCluster({ max_connections: '200' });
  const directory = join(import.meta.dirname, '..', '..', 'prisma', 'migrations');
  try {
    await applyMigrations({ database: cluster.connection, directory });
  } catch (error) {
    await cluster.stop();
    throw error;
  }
  return cluster;
}
