import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { childrenOf, memoryOf } from './cpu.ts';
import { median } from './measure.ts';
import { environment } from './servers.ts';
import { nowMs } from './subscriptions/process.ts';
import type { Line } from './table.ts';

/** `npm start` on a data directory that exists: how long until it has answered a query, and what memory it then takes. */

const ROOT = join(import.meta.dirname, '..');
const STARTS = 5;
/** After so long without a request, it is at rest. */
const REST_MS = 5_000;
const PATIENCE_MS = 120_000;
const MEGABYTE = 1024 * 1024;

interface Started {
  readonly firstAnswerMs: number;
  /** Resident, of the gateway's own process. */
  readonly memory: number;
}

export async function measureStart(say: (text: string) => void): Promise<Line[]> {
  say(`start: npm start, ${STARTS} times on one data directory`);
  // Root's TMPDIR may be hidden from the user that PostgreSQL runs as.
  const directory = mkdtempSync('/tmp/tender-bench-start-');
  chmodSync(directory, 0o755);
  try {
    await startOnce(directory, 0);
    const starts: Started[] = [];
    for (let number = 0; number < STARTS; number++) {
      starts.push(await startOnce(directory, number === STARTS - 1 ? REST_MS : 0));
    }
    const seconds = starts.map(({ firstAnswerMs }) => firstAnswerMs / 1_000);
    const megabytes = (starts.at(-1)?.memory ?? Number.NaN) / MEGABYTE;
    return [
      {
        workload: 'start: npm start to the first answer',
        against: '',
        figure: 's',
        ours: median(seconds),
        peers: undefined,
        values: seconds,
        goal: { atMost: 1.5 },
      },
      {
        workload: 'start: resident memory at rest',
        against: '',
        figure: 'MB',
        ours: megabytes,
        peers: undefined,
        values: [megabytes],
        goal: { atMost: 200 },
      },
    ];
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

async function startOnce(directory: string, restMs: number): Promise<Started> {
  const begun = nowMs();
  const child = spawn('npm', ['start'], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...environment(), TENDER_DATA_DIR: directory, PORT: '0', LOG_LEVEL: 'warn' },
    // A process group of its own, so that npm and the gateway are told to end as by Ctrl-C.
    detached: true,
  });
  const abandon = (): void => void killGroup(child.pid, 'SIGKILL');
  process.once('exit', abandon);
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  try {
    const up = Promise.withResolvers<{ url: string; key: string }>();
    let said = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      said += text;
      const [, url, key] = /GraphiQL +(\S+)\n +Test key +(\S+)/.exec(said) ?? [];
      if (url !== undefined && key !== undefined) up.resolve({ url, key });
    });
    const late = AbortSignal.timeout(PATIENCE_MS);
    late.addEventListener('abort', () => up.reject(new Error(`npm start was not up after ${PATIENCE_MS} ms: ${said}`)));
    void ended.then(() => up.reject(new Error(`npm start ended: ${said}`)));
    const { url, key } = await up.promise;
    const answer = await fetch(url, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify({ query: '{ payments(first: 1) { edges { node { id status } } } }' }),
    });
    const text = await answer.text();
    const firstAnswerMs = nowMs() - begun;
    if (!text.includes('"id":"pay_')) throw new Error(`the first answer was ${text}`);
    await delay(restMs);
    const [gateway = child.pid ?? 0] = childrenOf(child.pid ?? 0);
    return { firstAnswerMs, memory: memoryOf(gateway) };
  } finally {
    killGroup(child.pid, 'SIGTERM');
    await ended;
    process.off('exit', abandon);
    await groupEnded(child.pid);
  }
}

/** npm may have ended before the gateway has. */
async function groupEnded(pid: number | undefined): Promise<void> {
  for (const end = nowMs() + PATIENCE_MS; killGroup(pid, 0) && nowMs() < end;) await delay(10);
}

function killGroup(pid: number | undefined, signal: NodeJS.Signals | 0): boolean {
  if (pid === undefined) return false;
  try {
    return process.kill(-pid, signal);
  } catch {
    return false;
  }
}
