import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chownSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { explainHidden, runAs, type ServerAccount } from './account.ts';
import type { Binaries } from './binaries.ts';
import { DataDirectoryError, ServerStartError } from './errors.ts';

/** The name of the superuser and of the database. */
export const DATABASE = 'tender';

/** initdb works in a directory with this prefix; one that is still there was interrupted. */
const UNFINISHED_PREFIX = 'initdb-';

/**
 * Makes sure that `directory/data` is a database cluster that these binaries can run, by making it
 * or by looking at it, and returns the superuser's password. Call it with the directory locked.
 *
 * @throws DataDirectoryError when what is there belongs to another PostgreSQL version or is no
 *   cluster; nothing is changed.
 * @throws ServerStartError when initdb fails.
 */
export async function ensureInitialized(
  directory: string,
  binaries: Binaries,
  account: ServerAccount | undefined,
  log: (line: string) => void,
): Promise<string> {
  removeUnfinished(directory);
  const data = join(directory, 'data');
  const password = join(directory, 'password');
  if (existsSync(data)) {
    checkVersion(data, binaries);
    if (!existsSync(password)) throw new DataDirectoryError(`The database's password is missing: ${password}`);
  } else {
    log(`Creating a database in ${directory}`);
    // Written before the cluster that needs it, and used again should this start be interrupted.
    if (!existsSync(password))
      writeFileSync(password, randomBytes(24).toString('base64url'), { mode: 0o600, flush: true });
    await initialize(directory, binaries, account, readFileSync(password, 'utf8'));
  }
  return readFileSync(password, 'utf8');
}

function removeUnfinished(directory: string): void {
  for (const name of readdirSync(directory)) {
    if (!name.startsWith(UNFINISHED_PREFIX)) continue;
    try {
      rmSync(join(directory, name), { recursive: true, force: true });
    } catch {
      // The initdb of a killed gateway may still be writing into it. It goes at the next start.
    }
  }
}

function checkVersion(data: string, binaries: Binaries): void {
  let version: string;
  try {
    version = readFileSync(join(data, 'PG_VERSION'), 'utf8').trim();
  } catch (error) {
    throw new DataDirectoryError(`${data} is not a PostgreSQL data directory that this user can read`, {
      cause: error,
    });
  }
  if (version === binaries.major) return;
  throw new DataDirectoryError(
    `${data} was made by PostgreSQL ${version} and cannot be opened by PostgreSQL ${binaries.major}: move it with pg_dump, or set TENDER_DATA_DIR to another place`,
  );
}

async function initialize(
  directory: string,
  binaries: Binaries,
  account: ServerAccount | undefined,
  password: string,
): Promise<void> {
  const aside = mkdtempSync(join(directory, UNFINISHED_PREFIX));
  try {
    const passwordFile = join(aside, 'password');
    writeFileSync(passwordFile, password, { mode: 0o600 });
    if (account !== undefined) {
      chownSync(aside, account.uid, account.gid);
      chownSync(passwordFile, account.uid, account.gid);
    }
    const data = join(aside, 'data');
    await runProgram(
      binaries.initdb,
      [
        `--pgdata=${data}`,
        `--username=${DATABASE}`,
        `--pwfile=${passwordFile}`,
        '--auth=scram-sha-256',
        '--encoding=UTF8',
        '--locale=C',
        // Code point order, as in C, and yet upper() and lower() know all of Unicode.
        '--locale-provider=builtin',
        '--builtin-locale=C.UTF-8',
        '--no-instructions',
      ],
      account,
    );
    // Only now is there a data directory: one that exists is finished.
    renameSync(data, join(directory, 'data'));
  } catch (error) {
    throw new ServerStartError(
      `initdb could not create a database in ${directory}: ${reasonOf(error)}${explainHidden(directory, account)}`,
      { cause: error },
    );
  } finally {
    rmSync(aside, { recursive: true, force: true });
  }
}

async function runProgram(program: string, words: string[], account: ServerAccount | undefined): Promise<void> {
  const running = promisify(execFile)(program, words, runAs(account));
  const interrupt = (): void => void running.child.kill();
  process.on('exit', interrupt);
  try {
    await running;
  } finally {
    process.off('exit', interrupt);
  }
}

function reasonOf(error: unknown): string {
  const { stderr, message } = error as Error & { stderr?: string };
  const line = stderr?.split('\n').find((candidate) => /error:|FATAL:/.test(candidate));
  return line?.trim() ?? message.split('\n')[0] ?? '';
}
