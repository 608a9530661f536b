import { fork, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Connection } from '../src/postgres/connection.ts';
import type { Target } from './load.ts';

/** A server under measurement, in a process of its own. */
export interface Server {
  readonly target: Target;
  readonly pid: number;
  end(): Promise<void>;
}

const ROOT = join(import.meta.dirname, '..');
const PEERS = join(import.meta.dirname, 'peers');

/** Of every server: what the gateway's own is (src/store/database.ts). */
const POOL_SIZE = 16;

const PATIENCE_MS = 120_000;
const SECRET = 'a secret of the benchmark that has more than 32 characters';

/** As `npm start` has it (package.json); the peers have the same, so that nobody is measured by its collector alone. */
const NODE_FLAGS = ['--max-semi-space-size=32'];

/** The gateway as an operator starts it on a PostgreSQL of their own, asked with a secret key. */
export async function startGateway(
  database: Connection,
  key: string,
  settings: Readonly<Record<`TENDER_${string}`, string>> = {},
): Promise<Server> {
  const child = spawn(process.execPath, [...NODE_FLAGS, join(ROOT, 'src', 'main.ts')], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      ...environment(),
      DATABASE_URL: urlOf(database),
      TENDER_SECRET: SECRET,
      NODE_ENV: 'production',
      PORT: '0',
      LOG_LEVEL: 'warn',
      // One key asks for everything here, as often as the machine lets it.
      TENDER_RATE_LIMIT_KEY: '100000',
      ...settings,
    },
  });
  const found = Promise.withResolvers<string>();
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text;
    const url = /^ *GraphQL\b.* (http\S+)\n/m.exec(said)?.[1];
    if (url !== undefined) found.resolve(url);
  });
  return serverOf(child, 'the gateway', found.promise, { authorization: `Bearer ${key}` });
}

/** PostGraphile 5, with its own GraphQL, from bench/peers. */
export function startPostGraphile(database: Connection): Promise<Server> {
  return startPeer(join(PEERS, 'postgraphile.mjs'), database);
}

/** SQL and JSON by hand on bare node:http. */
export function startByHand(database: Connection, environmentId: string): Promise<Server> {
  return startPeer(join(import.meta.dirname, 'by-hand.ts'), database, environmentId);
}

/** Installs what the peers need, from their own lock file, unless it is there. */
export function installPeers(say: (text: string) => void): void {
  if (existsSync(join(PEERS, 'node_modules', 'postgraphile'))) return;
  say('Installing PostGraphile into bench/peers, once');
  const { status } = spawnSync('npm', ['ci', '--no-audit', '--no-fund'], {
    cwd: PEERS,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  if (status !== 0)
    throw new Error('npm ci in bench/peers failed; without it: npm run bench -- W1 refunds growth start');
}

function startPeer(program: string, database: Connection, ...given: string[]): Promise<Server> {
  const child = fork(program, given, {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    execArgv: NODE_FLAGS,
    env: {
      ...environment(),
      NODE_ENV: 'production',
      GRAPHILE_ENV: 'production',
      BENCH_DATABASE_URL: urlOf(database),
      BENCH_POOL_SIZE: String(POOL_SIZE),
    },
  });
  const found = Promise.withResolvers<string>();
  child.once('message', (message) => found.resolve((message as { url: string }).url));
  return serverOf(child, program, found.promise, {});
}

async function serverOf(
  child: ChildProcess,
  name: string,
  found: Promise<string>,
  headers: Readonly<Record<string, string>>,
): Promise<Server> {
  // A gateway does not notice by itself that this process is gone.
  const abandon = (): void => void child.kill('SIGKILL');
  process.once('exit', abandon);
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => {
      process.off('exit', abandon);
      resolve();
    });
  });
  const end = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
    const forced = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS);
    await ended;
    clearTimeout(forced);
  };
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(`${name} did not start within ${PATIENCE_MS} ms`)), PATIENCE_MS);
  const early = ended.then(() => Promise.reject(new Error(`${name} ended before it listened`)));
  // It ends one day, and then nobody waits for this.
  early.catch(() => {});
  try {
    const url = await Promise.race([found, late.promise, early]);
    return { target: { url, headers }, pid: child.pid ?? 0, end };
  } catch (error) {
    await end();
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

/** What every process needs of this one's environment; no setting of the gateway's gets through. */
export function environment(): Record<string, string | undefined> {
  const { PATH, HOME, TMPDIR, LANG } = process.env;
  return { PATH, HOME, TMPDIR, LANG };
}

function urlOf({ host, port, user, password, database }: Connection): string {
  const at = new URLSearchParams({ host, port: String(port) }).toString();
  return `postgresql://${encodeURIComponent(user)}:${encodeURIComponent(password)}@/${database}?${at}`;
}
