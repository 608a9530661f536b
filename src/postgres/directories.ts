import { createHash } from 'node:crypto';
import { chmodSync, chownSync, lstatSync, mkdirSync, mkdtempSync, realpathSync, rmdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { isRoot, type ServerAccount } from './account.ts';
import { DataDirectoryError } from './errors.ts';

/** Where root keeps what another user has to reach: a checkout may lie where only root can enter. */
const SYSTEM_DIRECTORY = '/var/lib/tender';

/** Where root keeps its copies of the PostgreSQL binaries, one for each version. */
export const SYSTEM_BINARIES_DIRECTORY = join(SYSTEM_DIRECTORY, 'postgres');

/** The longest Unix socket path that every system takes: macOS has 104 bytes with the final zero. */
const SOCKET_PATH_BYTES_MAX = 103;

/** The port is part of the socket's name, and nothing listens on it: the directory is our own. */
export const PORT = 5432;
const SOCKET_NAME = `.s.PGSQL.${PORT}`;

/**
 * Where the embedded database of a checkout lives unless the operator says otherwise: `.tender`
 * inside it, or, for root, a directory under /var/lib/tender named after the checkout.
 */
export function defaultDataDirectory(checkout: string, asRoot: boolean = isRoot()): string {
  if (!asRoot) return join(checkout, '.tender');
  const path = realpathSync(checkout);
  const slug = basename(path)
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '')
    .slice(0, 32);
  const hash = createHash('sha256').update(path).digest('hex').slice(0, 8);
  return join(SYSTEM_DIRECTORY, 'data', `${slug || 'checkout'}-${hash}`);
}

/**
 * Makes a directory and its parents, and returns its real path. What root makes can be passed
 * through by the user that PostgreSQL runs as, whatever the umask; what others make is private.
 * Directories that exist keep their modes.
 *
 * @throws DataDirectoryError when it cannot be made.
 */
export function ensureDirectory(directory: string): string {
  try {
    const first = mkdirSync(directory, { recursive: true });
    const path = realpathSync(directory);
    if (first !== undefined) {
      if (isRoot()) {
        const stop = dirname(realpathSync(first));
        for (let made = path; made !== stop; made = dirname(made)) chmodSync(made, 0o755);
      } else {
        chmodSync(path, 0o700);
      }
    }
    return path;
  } catch (error) {
    throw new DataDirectoryError(`Cannot make the directory ${directory}: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

/**
 * Makes a private directory, with a path short enough for a Unix socket, that only the user
 * PostgreSQL runs as can enter.
 */
export function createSocketDirectory(account: ServerAccount | undefined): string {
  const longest = join(tmpdir(), 'tender-XXXXXX', SOCKET_NAME);
  // Root's TMPDIR may be hidden from the user that PostgreSQL runs as; /tmp is open to everyone.
  const base = account !== undefined || Buffer.byteLength(longest) > SOCKET_PATH_BYTES_MAX ? '/tmp' : tmpdir();
  const directory = mkdtempSync(join(base, 'tender-'));
  if (account !== undefined) chownSync(directory, account.uid, account.gid);
  return directory;
}

/** Removes a socket directory, and nothing that a socket directory does not hold. */
export function removeSocketDirectory(directory: string): void {
  // The path may have come from a file of a run long ago: what has taken its place is not ours.
  const entry = lstatSync(directory, { throwIfNoEntry: false });
  if (entry?.isDirectory() !== true) return;
  for (const name of [SOCKET_NAME, `${SOCKET_NAME}.lock`]) rmSync(join(directory, name), { force: true });
  try {
    rmdirSync(directory);
  } catch {
    // Someone keeps something else in it; an empty directory more or less harms nobody.
  }
}
