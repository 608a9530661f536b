import { execFileSync } from 'node:child_process';
import { readFileSync, readlinkSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { shutDown } from './shutdown.ts';

/**
 * Ends the postgres that a killed gateway left running on this data directory, if there is one,
 * and clears away what would make a new one believe that it still runs. Call it with the directory
 * locked: then no living gateway owns that postgres.
 */
export async function stopOrphan(data: string, log: (line: string) => void): Promise<void> {
  const pidFile = join(data, 'postmaster.pid');
  const pid = readPid(pidFile);
  if (pid === undefined) return;
  if (isPostgresOn(pid, data)) {
    log(`Stopping the PostgreSQL (process ${pid}) that a killed gateway left behind`);
    await shutDown(pid, () => !isPostgresOn(pid, data));
  }
  // PostgreSQL looks at a file that it finds, and a dead process in it does not stop it. A living
  // one does, even one that was merely given the same number, or a zombie.
  if (readPid(pidFile) === pid && isAlive(pid) && !isPostgresOn(pid, data)) rmSync(pidFile);
}

function readPid(pidFile: string): number | undefined {
  try {
    const pid = Number.parseInt(readFileSync(pidFile, 'utf8'), 10);
    return pid > 0 ? pid : undefined;
  } catch {
    return undefined;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Whether a process is a postgres that works in this data directory: process ids are reused. */
export function isPostgresOn(pid: number, data: string): boolean {
  if (!isAlive(pid)) return false;
  try {
    if (process.platform !== 'linux') {
      const command = execFileSync('ps', ['-p', String(pid), '-o', 'command='], { encoding: 'utf8' });
      return command.includes(`postgres -D ${data} `);
    }
    // Empty for a zombie, which has ended.
    const [program, ...words] = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
    if (basename(program ?? '') !== 'postgres') return false;
    // The directory may have been moved since, hence its current one; but root in a container may
    // not read that of another user's process, hence the arguments.
    return words[words.indexOf('-D') + 1] === data || readlinkSync(`/proc/${pid}/cwd`) === data;
  } catch {
    return false;
  }
}
