import { readdirSync, readFileSync } from 'node:fs';

/** Of Linux, since ever: /proc counts in hundredths of a second. */
const TICKS_PER_SECOND = 100;

interface Stat {
  readonly parent: number;
  /** Of the process itself, in user and system mode. */
  readonly own: number;
  /** Of those of its children that have ended. */
  readonly ended: number;
}

/** CPU of a process so far, all its threads, in seconds. */
export function cpuOfProcess(pid: number): number {
  return (statOf(pid)?.own ?? 0) / TICKS_PER_SECOND;
}

/** CPU of a PostgreSQL so far, with all its backends, those that have ended too, in seconds. */
export function cpuOfPostgres(postmaster: number): number {
  const server = statOf(postmaster);
  if (server === undefined) throw new Error(`there is no postmaster ${postmaster}`);
  let ticks = server.own + server.ended;
  for (const child of childrenOf(postmaster)) ticks += statOf(child)?.own ?? 0;
  return ticks / TICKS_PER_SECOND;
}

/** CPU of the programs that this process has started and that have ended, in seconds. */
export function cpuOfEnded(): number {
  return (statOf(process.pid)?.ended ?? 0) / TICKS_PER_SECOND;
}

/** The process that a backend was started by. */
export function parentOf(pid: number): number {
  const stat = statOf(pid);
  if (stat === undefined) throw new Error(`there is no process ${pid}`);
  return stat.parent;
}

/** The processes that one has started and that run. */
export function childrenOf(pid: number): number[] {
  return allProcesses().filter((each) => statOf(each)?.parent === pid);
}

/** Resident memory of a process, in bytes. */
export function memoryOf(pid: number): number {
  const [, kilobytes = ''] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kilobytes) * 1024;
}

function allProcesses(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

function statOf(pid: number): Stat | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    // It has ended since its name was read.
    return undefined;
  }
  // The second field is a name in parentheses, which may hold anything; after it come the third and so on.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const number = (field: number): number => Number(fields[field - 3]);
  return { parent: number(4), own: number(14) + number(15), ended: number(16) + number(17) };
}
