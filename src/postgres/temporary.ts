import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isRoot } from './account.ts';
import { startCluster, type Cluster } from './cluster.ts';
import { removeSocketDirectory } from './directories.ts';
import { DatabaseSetupError } from './errors.ts';
import { lockDirectory, readHolder } from './lock.ts';
import { stopOrphan } from './orphan.ts';

const PREFIX = 'tender-temporary-';

/** Speed over durability: whoever loses power loses nothing that was to be kept. */
const SETTINGS = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' };

/** How long an exiting process waits for its server to end. It takes some 50 ms. */
const EXIT_MS = 3_000;
const POLL_MS = 10;

/** For so long a directory without a record is taken for one that is just being set up. */
const NEW_MS = 60_000;

/**
 * Starts a cluster for tests and tools in a directory of its own, which stop() removes. What
 * killed runs have left behind is removed first, their servers included.
 *
 * @throws what startCluster throws.
 */
export async function startTemporaryCluster(settings: Readonly<Record<string, string>> = {}): Promise<Cluster> {
  // Root's TMPDIR may be hidden from the user that PostgreSQL runs as.
  const base = isRoot() ? '/tmp' : tmpdir();
  for (const name of readdirSync(base)) {
    if (name.startsWith(PREFIX)) await removeAbandoned(join(base, name));
  }
  const directory = mkdtempSync(join(base, PREFIX));
  if (isRoot()) chmodSync(directory, 0o755);
  // At an exit without stop(), by Ctrl-C for example.
  const abandon = (): void => removeExiting(directory);
  process.on('exit', abandon);
  const remove = (): void => {
    process.off('exit', abandon);
    rmSync(directory, { recursive: true, force: true });
  };
  try {
    const cluster = await startCluster({ directory, log: () => {}, settings: { ...SETTINGS, ...settings } });
    return {
      ...cluster,
      stop: async () => {
        await cluster.stop();
        remove();
      },
    };
  } catch (error) {
    remove();
    throw error;
  }
}

/** Removes what a killed run has left, with its server. */
async function removeAbandoned(directory: string): Promise<void> {
  // One that is new and without a record is about to be locked by its maker.
  const ageMs = Date.now() - (statSync(directory, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
  if (ageMs < NEW_MS && readHolder(directory) === undefined) return;
  try {
    const lock = lockDirectory(directory);
    await stopOrphan(join(directory, 'data'), () => {});
    if (lock.abandoned?.socketDirectory !== undefined) removeSocketDirectory(lock.abandoned.socketDirectory);
    rmSync(directory, { recursive: true, force: true });
    lock.release();
  } catch (error) {
    // In use, or another user's.
    if (!(error instanceof DatabaseSetupError)) throw error;
  }
}

/** Removes the directory of a process that is exiting, whose server was just told to end. */
function removeExiting(directory: string): void {
  const deadline = performance.now() + EXIT_MS;
  const socketDirectory = readHolder(directory)?.socketDirectory;
  while (existsSync(join(directory, 'data', 'postmaster.pid')) && performance.now() < deadline) sleep(POLL_MS);
  if (socketDirectory !== undefined) removeSocketDirectory(socketDirectory);
  try {
    rmSync(directory, { recursive: true, force: true });
  } catch {
    // An initdb that is ending still writes into it. The next run removes it.
  }
}

/** Blocks the process: one that exits runs nothing later. */
function sleep(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}
