import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const MAIN = join(import.meta.dirname, '..', '..', 'src', 'main.ts');
const PAGE_BYTES = 4_096;
const HEAP = join(import.meta.dirname, 'heap.ts');

/** A gateway as an operator runs it. */
export interface Replica {
  /** http://127.0.0.1:4000 */
  readonly url: string;
  /** Its resident memory, in megabytes. */
  megabytes(): number;
  /** What of its heap is in use, in megabytes. */
  heapMegabytes(): Promise<number>;
  /** Ends it as a supervisor does. @returns its exit code */
  stop(): Promise<number | null>;
}

/** Starts a replica, and waits until it has greeted. @throws with what it said if it ended */
export async function startReplica(variables: Readonly<Record<string, string>>): Promise<Replica> {
  const { PATH = '', HOME = '' } = process.env;
  const child = spawn(process.execPath, ['--expose-gc', '--import', HEAP, MAIN], {
    env: {
      PATH,
      HOME,
      PORT: '0',
      TENDER_DRAIN_SECONDS: '0',
      LOG_LEVEL: 'warn',
      ...variables,
    },
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  });
  const url = await greeting(child);
  const ended = new Promise<number | null>((resolve) => {
    child.once('exit', resolve);
  });
  const kill = (): void => void child.kill('SIGKILL');
  process.once('exit', kill);
  return {
    url,
    megabytes: () => (Number(readFileSync(`/proc/${child.pid}/statm`, 'utf8').split(' ')[1]) * PAGE_BYTES) / 1024 ** 2,
    async heapMegabytes() {
      const told = once(child, 'message');
      child.kill('SIGUSR2');
      const [bytes] = (await told) as [number];
      return bytes / 1024 ** 2;
    },
    async stop() {
      child.kill('SIGTERM');
      const code = await ended;
      process.off('exit', kill);
      return code;
    },
  };
}

function greeting(child: ChildProcess): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  let text = '';
  child.stdout?.setEncoding('utf8').on('data', (part: string) => {
    text += part;
    const url = /(http:\S+)\/graphql/.exec(text)?.[1];
    if (url !== undefined) resolve(url);
  });
  child.once('exit', (code) => reject(new Error(`a replica ended with ${code}`)));
  return promise;
}
