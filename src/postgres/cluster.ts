import { join } from 'node:path';
import { serverAccount } from './account.ts';
import { prepareBinaries } from './binaries.ts';
import type { Connection } from './connection.ts';
import { createSocketDirectory, ensureDirectory, removeSocketDirectory } from './directories.ts';
import { ensureInitialized } from './initialization.ts';
import { lockDirectory, type DirectoryLock } from './lock.ts';
import { stopOrphan } from './orphan.ts';
import { startServer } from './server.ts';

export interface ClusterOptions {
  /** Everything of the cluster lives here: the data, the password, the log and the lock. */
  readonly directory: string;
  /** Takes a line for the operator, now and then. */
  readonly log: (line: string) => void;
  /** PostgreSQL settings over the built-in ones. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** A running embedded PostgreSQL, held by this process alone. */
export interface Cluster {
  readonly connection: Connection;
  /** Settles when PostgreSQL has ended: after stop(), or because something ended it. */
  readonly exited: Promise<void>;
  /** Makes the gateway's address known to those who find the directory taken. */
  announce(url: string): void;
  /** Shuts PostgreSQL down and lets go of the directory. Safe to call again. */
  stop(): Promise<void>;
}

/**
 * Starts the embedded PostgreSQL on a directory, which is made and initialized on the first start,
 * and recovers from whatever ended the last run.
 *
 * @throws AlreadyRunningError when another process uses the directory.
 * @throws BinariesMissingError when npm has no PostgreSQL for this platform.
 * @throws DataDirectoryError when the directory cannot be made or holds something else.
 * @throws ServerStartError when PostgreSQL cannot be started.
 */
export async function startCluster({ directory, log, settings = {} }: ClusterOptions): Promise<Cluster> {
  const home = ensureDirectory(directory);
  const lock = lockDirectory(home);
  let socketDirectory: string | undefined;
  const letGo = (): void => {
    if (socketDirectory !== undefined) removeSocketDirectory(socketDirectory);
    lock.release();
  };
  try {
    const binaries = await prepareBinaries(home);
    await clearAway(home, lock, log);
    const account = serverAccount(join(home, 'data'));
    const password = await ensureInitialized(home, binaries, account, log);
    socketDirectory = createSocketDirectory(account);
    lock.describe({ socketDirectory });
    const server = await startServer({
      directory: home,
      socketDirectory,
      binaries,
      account,
      password,
      settings,
      log,
    });
    return {
      connection: server.connection,
      exited: server.exited,
      announce: (url) => lock.describe({ url }),
      stop: async () => {
        await server.stop();
        letGo();
      },
    };
  } catch (error) {
    letGo();
    throw error;
  }
}

/** Ends and removes what a run that was killed has left behind. */
async function clearAway(home: string, lock: DirectoryLock, log: (line: string) => void): Promise<void> {
  await stopOrphan(join(home, 'data'), log);
  if (lock.abandoned?.socketDirectory !== undefined) removeSocketDirectory(lock.abandoned.socketDirectory);
}
