import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Connection } from '../src/postgres/connection.ts';
import { cpuOfEnded, cpuOfPostgres } from './cpu.ts';
import { sampleOf, type Sample } from './measure.ts';

/**
 * pgbench runs the statements of the three-phase protocol one after another, one payment each. protocol.json has them as
 * the gateway sent them when each payment was written for itself: the statements of the phases and of the sandbox's books,
 * without the look-ups before (key, routing) and after (the answer). They are prepared, as the gateway's are, and run by
 * EXECUTE, because pgbench puts its variables into texts only in simple mode.
 */
export type Script = 'createPayment' | 'refundPayment';

interface Statement {
  readonly text: string;
  readonly values: readonly (string | null)[];
}

const PROTOCOL = JSON.parse(readFileSync(join(import.meta.dirname, 'protocol.json'), 'utf8')) as {
  readonly recordedAt: string;
} & Readonly<Record<Script, readonly Statement[]>>;

/** Rows that one run makes, or another refunds: their ids are made of it and of a number. */
export interface Batch {
  readonly environmentId: string;
  readonly clients: number;
  /** In all ids of the batch. */
  readonly madeAt: Date;
  /** Begins the human ids of the batch: after it come five digits, each of eight. */
  readonly letter: string;
}

export interface Run {
  readonly script: Script;
  readonly batch: Batch;
  /** Payments that each client leaves out, because an earlier run has had them. */
  readonly from: number;
  /** Until when: for so long, or so many payments of each client. */
  readonly length: { readonly seconds: number } | { readonly each: number };
}

/** Ids end with twelve digits, of which this is the first number. */
const FIRST_NUMBER = 100_000_000_000;
const HUMAN_DIGITS = 5;
const UUID_HEX = 12;

/** Finds pgbench, or installs it where it can. @throws with what to do */
export function installPgbench(say: (text: string) => void): void {
  if (hasPgbench()) return;
  const advice = 'pgbench comes with PostgreSQL: on Debian, apt-get install postgresql';
  if (process.getuid?.() !== 0 || spawnSync('apt-get', ['--version']).status !== 0) {
    throw new Error(`W1 and refunds need pgbench, and there is none. ${advice}`);
  }
  say("Installing Debian's postgresql for its pgbench, once");
  spawnSync('apt-get', ['install', '-y', '--no-install-recommends', 'postgresql'], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  });
  if (!hasPgbench()) throw new Error(`pgbench could not be installed. ${advice}`);
}

function hasPgbench(): boolean {
  return spawnSync('pgbench', ['--version']).status === 0;
}

/** Runs a script and says what it came to; without each client's first payment, in which it prepares its statements. */
export async function runPgbench(database: Connection, postmaster: number, run: Run): Promise<Sample> {
  const directory = mkdtempSync(join(tmpdir(), 'tender-pgbench-'));
  try {
    const file = join(directory, 'script.sql');
    writeFileSync(file, scriptOf(run));
    const { clients } = run.batch;
    const length =
      'seconds' in run.length ? ['-T', String(Math.ceil(run.length.seconds))] : ['-t', String(run.length.each)];
    const before = { server: cpuOfEnded(), postgres: cpuOfPostgres(postmaster) };
    const said = await pgbench(database, directory, [
      ...['--no-vacuum', '--protocol=simple', '--log', '--log-prefix=log', `--file=${file}`],
      ...['-c', String(clients), '-j', '1', ...length, '-D', 'prepared=0', '-D', `i=${run.from - 1}`],
    ]);
    const perSecond = Number(/^tps = ([\d.]+)/m.exec(said)?.[1]);
    const latencies = latenciesOf(directory);
    return {
      ...sampleOf(
        { count: latencies.length, seconds: 1, latencies: Float64Array.from(latencies) },
        { server: cpuOfEnded() - before.server, postgres: cpuOfPostgres(postmaster) - before.postgres },
      ),
      perSecond,
    };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** In milliseconds. A line of pgbench's log: client, transaction, microseconds, script, seconds, microseconds. */
function latenciesOf(directory: string): number[] {
  const logs = readdirSync(directory).filter((name) => name.startsWith('log.'));
  const lines = logs.flatMap((name) => readFileSync(join(directory, name), 'utf8').trim().split('\n'));
  const rows = lines.map((line) => line.split(' ').map(Number));
  return rows.flatMap(([, transaction = 0, micros = 0]) => (transaction === 1 ? [] : [micros / 1_000]));
}

async function pgbench(database: Connection, directory: string, given: readonly string[]): Promise<string> {
  const { host, port, user, password } = database;
  const child = spawn('pgbench', [...given, database.database], {
    cwd: directory,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'], PGHOST: host, PGPORT: String(port), PGUSER: user, PGPASSWORD: password },
  });
  let said = '';
  let complaints = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (complaints += text));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  if (code !== 0) throw new Error(`pgbench ended with ${code}: ${complaints.slice(-2_000)}`);
  return said;
}

/** The script. Every client counts its own payments, so that no two make the same. */
function scriptOf({ script, batch }: Run): string {
  const { clients } = batch;
  const statements = PROTOCOL[script];
  const prepared = statements.flatMap(({ text, values }, index) =>
    values.length === 0 ? [] : [`PREPARE s${index} AS ${text};`],
  );
  const digits = Array.from({ length: HUMAN_DIGITS }, (_, place) => `\\set d${place} 2 + (:k / ${8 ** place}) % 8`);
  return [
    '\\if :prepared = 0',
    ...prepared,
    '\\set prepared 1',
    '\\endif',
    '\\set i :i + 1',
    `\\set k :i * ${clients} + :client_id`,
    `\\set n ${FIRST_NUMBER} + :k`,
    ...digits,
    ...statements.map(({ text, values }, index) => {
      if (values.length === 0) return `${text};`;
      return `EXECUTE s${index}(${values.map((value) => literalOf(value, batch)).join(', ')});`;
    }),
    '',
  ].join('\n');
}

function literalOf(value: string | null, { environmentId, madeAt, letter }: Batch): string {
  if (value === null) return 'NULL';
  const human = Array.from({ length: HUMAN_DIGITS }, (_, place) => `:d${HUMAN_DIGITS - 1 - place}`).join('');
  const ms = madeAt.getTime().toString(16).padStart(UUID_HEX, '0');
  const sinceMs = madeAt.getTime() - Date.parse(PROTOCOL.recordedAt);
  const text = value
    .replaceAll('@environment@', environmentId)
    .replaceAll('@human@', `${letter}${human}`)
    .replaceAll('@n@', ':n')
    .replaceAll(/@(\d+)@/g, (_, id: string) => `${ms.slice(0, 8)}-${ms.slice(8)}-7${id.padStart(3, '0')}-8000-:n`)
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, (at) => new Date(Date.parse(at) + sinceMs).toISOString());
  return `'${text.replaceAll("'", "''")}'`;
}
