import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Figures, Result } from './subscriptions/table.ts';
import type { Line } from './table.ts';

/** S1: bench/subscriptions, which has a PostgreSQL and a table of its own; its figures are taken from the JSON. */

const PROGRAM = join(import.meta.dirname, 'subscriptions', 'run.ts');
const EVENTS_PER_SECOND = 500;
const SUBSCRIBERS = 5_000;
const SECONDS = 10;

export async function measureSubscriptions(say: (text: string) => void): Promise<Line[]> {
  say(`S1: ${SUBSCRIBERS} subscribers, ${EVENTS_PER_SECOND} events in a second`);
  const { results } = JSON.parse(readFileSync(await runIt(say), 'utf8')) as { results: Result[] };
  return results.flatMap(({ load, gateway, raw }) => {
    const about = { workload: `S1: ${load}`, against: 'raw sockets' };
    const line = (figure: 'p50 ms' | 'p99 ms', of: (figures: Figures) => number, atMost: number): Line => ({
      ...about,
      figure,
      ours: of(gateway),
      peers: of(raw),
      values: [of(gateway) / of(raw)],
      goal: { atMost },
    });
    return [
      line('p50 ms', ({ p50Ms }) => p50Ms, 1.5),
      line('p99 ms', ({ p99Ms }) => p99Ms, 2),
      {
        workload: about.workload,
        against: '',
        figure: 'KB each',
        ours: gateway.kilobytes,
        peers: undefined,
        values: [gateway.kilobytes],
        goal: { atMost: 20 },
      },
    ];
  });
}

/** @returns the file with what came of it */
async function runIt(say: (text: string) => void): Promise<string> {
  const given = { subscribers: SUBSCRIBERS, seconds: SECONDS, 'per-second': EVENTS_PER_SECOND };
  const args = Object.entries(given).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const child = spawn(process.execPath, [PROGRAM, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  const abandon = (): void => void child.kill('SIGTERM');
  process.once('exit', abandon);
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text;
    say(text.trimEnd());
  });
  const code = await new Promise((resolve) => child.once('exit', resolve));
  process.off('exit', abandon);
  const file = /^\S+\.json$/m.exec(said)?.[0];
  if (code !== 0 || file === undefined) throw new Error(`bench/subscriptions ended with ${String(code)}`);
  return file;
}
