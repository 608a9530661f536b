import { readFileSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

/** The operating system's user that initdb and postgres run as. */
export interface ServerAccount {
  readonly uid: number;
  readonly gid: number;
}

/** True when this process is root, as which PostgreSQL refuses to run. */
export function isRoot(): boolean {
  return process.getuid?.() === 0;
}

/**
 * The user to run PostgreSQL as, or undefined to run it as the gateway's own.
 *
 * As root that is whoever owns the data already (it may have been made by an ordinary user, or be
 * a mounted volume), otherwise `nobody`, which exists everywhere: initdb looks its user up.
 */
export function serverAccount(dataDirectory: string): ServerAccount | undefined {
  if (!isRoot()) return undefined;
  const owner = statSync(dataDirectory, { throwIfNoEntry: false });
  if (owner !== undefined && owner.uid !== 0) return { uid: owner.uid, gid: owner.gid };
  return nobody();
}

function nobody(): ServerAccount {
  const line = /^nobody:[^:]*:(-?\d+):(-?\d+):/m.exec(readFileSync('/etc/passwd', 'utf8'));
  // macOS writes nobody as -2; chown wants the same number unsigned.
  return { uid: Number(line?.[1] ?? 65534) >>> 0, gid: Number(line?.[2] ?? 65534) >>> 0 };
}

/** The part of spawn's options that makes a program of PostgreSQL's run as `account`. */
export function runAs(account: ServerAccount | undefined): {
  uid?: number;
  gid?: number;
  cwd: string;
  env: NodeJS.ProcessEnv;
} {
  const surroundings = {
    // The current directory may be closed to that user.
    cwd: '/',
    // None of the gateway's environment: PGDATA and the like would change what the programs do.
    env: { PATH: '/usr/bin:/bin:/usr/sbin:/sbin', LC_ALL: 'C', TZ: 'UTC' },
  };
  // spawn wants signed ids, see below.
  return account === undefined ? surroundings : { uid: account.uid | 0, gid: account.gid | 0, ...surroundings };
}

/**
 * A sentence naming the first directory on the way to `path` that `account` may not enter, or an
 * empty string. It explains a failure that has happened; access lists make it unfit to predict one.
 */
export function explainHidden(path: string, account: ServerAccount | undefined): string {
  if (account === undefined) return '';
  const way = [path];
  for (let at = path; at !== dirname(at); at = dirname(at)) way.unshift(dirname(at));
  const hidden = way.find((directory) => !mayEnter(directory, account));
  return hidden === undefined
    ? ''
    : ` (PostgreSQL runs as uid ${account.uid}, which may not enter ${hidden}: open it with chmod o+x, or set TENDER_DATA_DIR to another place)`;
}

function mayEnter(directory: string, account: ServerAccount): boolean {
  const entry = statSync(directory, { throwIfNoEntry: false });
  if (entry === undefined) return true;
  if (entry.uid === account.uid) return (entry.mode & 0o100) !== 0;
  if (entry.gid === account.gid) return (entry.mode & 0o010) !== 0;
  return (entry.mode & 0o001) !== 0;
}
