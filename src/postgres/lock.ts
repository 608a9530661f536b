import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { AlreadyRunningError, DataDirectoryError } from './errors.ts';

/** What the holder of a data directory tells about itself, for those who find it taken. */
export interface Holder {
  readonly pid: number;
  readonly socketDirectory?: string;
  readonly url?: string;
}

/** Held by the one process that may use a data directory. */
export interface DirectoryLock {
  /** The record of a run that ended without releasing, if the last one did. */
  readonly abandoned: Holder | undefined;
  describe(facts: Omit<Holder, 'pid'>): void;
  release(): void;
}

/** How long to go on trying. Two starters at the same moment may each see the other for an instant. */
const BUSY_TIMEOUT_MS = 250;

const SQLITE_BUSY = 5;

const RECORD = 'running.json';

// A connection that is collected as garbage is closed, and closing it gives the lock away.
const held = new Set<DatabaseSync>();

/**
 * Takes the data directory for this process, or fails at once.
 *
 * The lock is an exclusive transaction on an empty SQLite file: that is the one way in Node to a
 * lock of the kernel's (fcntl), which goes with the process however it ends, needs no rule for
 * what is stale, cannot be won twice, and holds between containers that share a volume. No bytes
 * are written. Don't open the file elsewhere in this process: closing it would drop the lock.
 *
 * @throws AlreadyRunningError when another process, or this one, holds it.
 */
export function lockDirectory(directory: string): DirectoryLock {
  const connection = openExclusively(directory);
  held.add(connection);
  const recordPath = join(directory, RECORD);
  const abandoned = readHolder(directory);
  let holder: Holder = { pid: process.pid };
  writeHolder(recordPath, holder);
  return {
    abandoned,
    describe(facts) {
      holder = { ...holder, ...facts };
      writeHolder(recordPath, holder);
    },
    release() {
      if (!held.delete(connection)) return;
      rmSync(recordPath, { force: true });
      connection.close();
    },
  };
}

function openExclusively(directory: string): DatabaseSync {
  let connection: DatabaseSync | undefined;
  try {
    connection = new DatabaseSync(join(directory, 'lock'), { timeout: BUSY_TIMEOUT_MS });
    // Without the pragma a journal lies beside the lock, though nothing is ever written.
    connection.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
    return connection;
  } catch (error) {
    connection?.close();
    if ((error as { errcode?: number }).errcode === SQLITE_BUSY) {
      throw new AlreadyRunningError(directory, readHolder(directory) ?? {});
    }
    throw new DataDirectoryError(`Cannot lock ${directory}: ${(error as Error).message}`, { cause: error });
  }
}

/** What the process that holds the directory, or was killed holding it, told about itself. */
export function readHolder(directory: string): Holder | undefined {
  try {
    return JSON.parse(readFileSync(join(directory, RECORD), 'utf8')) as Holder;
  } catch {
    return undefined;
  }
}

function writeHolder(path: string, holder: Holder): void {
  // Others read it at any time, so it is replaced as a whole.
  writeFileSync(`${path}.new`, JSON.stringify(holder));
  renameSync(`${path}.new`, path);
}
