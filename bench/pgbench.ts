import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Connection } from '../src/postgres/connection.ts';
import { cpuOfEnded, cpuOfPostgres } from './cpu.ts';
import type { Answered } from './load.ts';
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
  /** Which one it is, from 0: no two of a database have the same. */
  readonly number: number;
}

export interface Run {
  readonly script: Script;
  readonly batch: Batch;
  /** Payments that each client leaves out, because an earlier run has had them. */
  readonly from: number;
  /** Until when: for so long, or so many payments of each client. */
  readonly length: { readonly seconds: number } | { readonly each: number };
}

/** Begin the human ids of one batch after another: after each come five digits, of eight. */
const LETTERS = 'ABCDEFGHJKMNPQRSTVWXYZ';
export const BATCHES_MAX = LETTERS.length;
/** Ids end with twelve digits, of which this is the first number; each batch has so many of its own. */
const FIRST_NUMBER = 100_000_000_000;
const NUMBERS = 100_000_000;
const HUMAN_DIGITS = 5;
const UUID_HEX = 12;
/** Deadlines lie ahead by more than this, and are put further ahead: the gateway's recovery is to leave them alone. */
const DEADLINE_MS = 5_000;
const FURTHER_MS = 24 * 3_600_000;

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

/**
 * Runs a script and says what it came to while all clients were at it: from when the last one has made its first payment,
 * for which it prepares its statements, until the first one has made its last.
 * @returns undefined if they were never all at it
 */
export async function runPgbench(database: Connection, postmaster: number, run: Run): Promise<Done | undefined> {
  const directory = mkdtempSync(join(tmpdir(), 'tender-pgbench-'));
  try {
    const file = join(directory, 'script.sql');
    writeFileSync(file, scriptOf(run));
    const length = 'seconds' in run.length ? ['-T', String(run.length.seconds)] : ['-t', String(run.length.each)];
    const before = { server: cpuOfEnded(), postgres: cpuOfPostgres(postmaster) };
    await pgbench(database, directory, [
      '--no-vacuum',
      '--protocol=simple',
      '--log',
      '--log-prefix=log',
      `--file=${file}`,
      `--client=${run.batch.clients}`,
      ...length,
      '--define=prepared=0',
      `--define=i=${run.from - 1}`,
    ]);
    const cpu = { server: cpuOfEnded() - before.server, postgres: cpuOfPostgres(postmaster) - before.postgres };
    const made = readLog(directory);
    const answered = steady(made);
    const { count, seconds } = answered;
    if (count === 0) return undefined;
    const share = count / made.length;
    return { ...sampleOf(answered, { server: cpu.server * share, postgres: cpu.postgres * share }), seconds };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** What it came to while all were at it, and for how long they were. */
export type Done = Sample & { readonly seconds: number };

/** A payment in the log of pgbench. */
interface Made {
  readonly client: number;
  readonly latencyMs: number;
  readonly endedAtMs: number;
}

/** A line of it: client, transaction, microseconds, script, and when it ended in seconds and microseconds. */
function readLog(directory: string): Made[] {
  const logs = readdirSync(directory).filter((name) => name.startsWith('log.'));
  const lines = logs.flatMap((name) => readFileSync(join(directory, name), 'utf8').trim().split('\n'));
  return lines.map((line) => {
    const [client = 0, , micros = 0, , seconds = 0, rest = 0] = line.split(' ').map(Number);
    return { client, latencyMs: micros / 1_000, endedAtMs: seconds * 1_000 + rest / 1_000 };
  });
}

function steady(made: readonly Made[]): Answered {
  const ends = [...Map.groupBy(made, ({ client }) => client).values()].map((own) =>
    own.map(({ endedAtMs }) => endedAtMs),
  );
  const from = Math.max(...ends.map((own) => Math.min(...own)));
  const to = Math.min(...ends.map((own) => Math.max(...own)));
  const counted = made.filter(({ endedAtMs }) => endedAtMs > from && endedAtMs <= to);
  return {
    count: counted.length,
    seconds: (to - from) / 1_000,
    latencies: Float64Array.from(counted, ({ latencyMs }) => latencyMs),
  };
}

async function pgbench(database: Connection, directory: string, given: readonly string[]): Promise<void> {
  const { host, port, user, password } = database;
  const child = spawn('pgbench', [...given, database.database], {
    cwd: directory,
    stdio: ['ignore', 'ignore', 'pipe'],
    env: {
      PATH: process.env['PATH'],
      PGHOST: host,
      PGPORT: String(port),
      PGUSER: user,
      PGPASSWORD: password,
      // As on connections that have been open for long: the first executions are not planned anew.
      PGOPTIONS: '-c plan_cache_mode=force_generic_plan',
    },
  });
  let complaints = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (complaints += text));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  if (code !== 0) throw new Error(`pgbench ended with ${code}: ${complaints.slice(-2_000)}`);
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
    `\\set n ${FIRST_NUMBER + NUMBERS * batch.number} + :k`,
    ...digits,
    ...statements.map(({ text, values }, index) => {
      if (values.length === 0) return `${text};`;
      return `EXECUTE s${index}(${values.map((value) => literalOf(value, batch)).join(', ')});`;
    }),
    '',
  ].join('\n');
}

function literalOf(value: string | null, { environmentId, madeAt, number }: Batch): string {
  if (value === null) return 'NULL';
  const human = Array.from({ length: HUMAN_DIGITS }, (_, place) => `:d${HUMAN_DIGITS - 1 - place}`).join('');
  const ms = madeAt.getTime().toString(16).padStart(UUID_HEX, '0');
  const recordedAt = Date.parse(PROTOCOL.recordedAt);
  const sinceMs = madeAt.getTime() - recordedAt;
  const text = value
    .replaceAll('@environment@', environmentId)
    .replaceAll('@human@', `${LETTERS[number]}${human}`)
    .replaceAll('@n@', ':n')
    .replaceAll(/@(\d+)@/g, (_, id: string) => `${ms.slice(0, 8)}-${ms.slice(8)}-7${id.padStart(3, '0')}-8000-:n`)
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, (at) => {
      const ahead = Date.parse(at) - recordedAt > DEADLINE_MS ? FURTHER_MS : 0;
      return new Date(Date.parse(at) + sinceMs + ahead).toISOString();
    });
  return `'${text.replaceAll("'", "''")}'`;
}
