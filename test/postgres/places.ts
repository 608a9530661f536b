import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Client } from 'pg';
import { afterAll, onTestFinished, vi } from 'vitest';
import { isRoot } from '../../src/postgres/account.ts';
import { startCluster, type Cluster } from '../../src/postgres/cluster.ts';
import type { Connection } from '../../src/postgres/connection.ts';
import { isPostgresOn } from '../../src/postgres/orphan.ts';

const SETTINGS = { fsync: 'off' };

/** A directory for one test, which the user that PostgreSQL runs as can pass through. */
export function temporaryPlace(mode = 0o755): string {
  const place = makePlace(mode);
  onTestFinished(() => rmSync(place, { recursive: true, force: true, maxRetries: 5 }));
  return place;
}

function makePlace(mode: number): string {
  const place = mkdtempSync(join(isRoot() ? '/tmp' : tmpdir(), 'tender-test-'));
  chmodSync(place, mode);
  return place;
}

let original: Promise<string> | undefined;

afterAll(async () => {
  if (original !== undefined) rmSync(join(await original, '..'), { recursive: true, force: true });
});

/**
 * A directory for one test in which a cluster has run and has been stopped. It is copied, once the
 * first has been made: initdb takes more than a second.
 */
export async function initializedDirectory(): Promise<string> {
  original ??= initialize();
  const directory = join(temporaryPlace(), 'tender');
  execFileSync('cp', ['-a', await original, directory]);
  return directory;
}

async function initialize(): Promise<string> {
  const directory = join(makePlace(0o755), 'tender');
  const cluster = await startCluster({ directory, log: () => {}, settings: SETTINGS });
  await cluster.stop();
  return directory;
}

/** Starts a cluster in this process and stops it, at the latest, with the test. */
export async function start(directory: string, settings: Record<string, string> = SETTINGS): Promise<Cluster> {
  const cluster = await startCluster({ directory, log: () => {}, settings });
  onTestFinished(() => cluster.stop());
  return cluster;
}

export interface HolderProcess {
  readonly child: ChildProcess;
  readonly report: { connection?: Connection; error?: string; message?: string };
}

/** Runs test/postgres/holder.ts, or a copy of it, without waiting for what it reports. */
export function spawnHolder(directory: string, script = join(import.meta.dirname, 'holder.ts')): ChildProcess {
  const child = spawn(process.execPath, [script, directory], { stdio: ['pipe', 'pipe', 'inherit'] });
  onTestFinished(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.stdin?.end();
    await once(child, 'exit');
  });
  return child;
}

/** Starts a cluster in a process of its own, and waits for what it reports. */
export async function startHolder(directory: string, script?: string): Promise<HolderProcess> {
  const child = spawnHolder(directory, script);
  if (child.stdout === null) throw new Error('the holder has no stdout');
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
  return { child, report: JSON.parse(line) as HolderProcess['report'] };
}

/** Ends a process that the test has started. */
export async function kill(child: ChildProcess): Promise<void> {
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}

/** The process id of the postgres that runs on a directory. */
export function postmaster(directory: string): number {
  return Number.parseInt(readFileSync(join(directory, 'data', 'postmaster.pid'), 'utf8'), 10);
}

export async function untilGone(pid: number, directory: string): Promise<void> {
  await vi.waitFor(
    () => {
      if (isPostgresOn(pid, join(directory, 'data'))) throw new Error(`postgres ${pid} is still there`);
    },
    { timeout: 20_000, interval: 20 },
  );
}

/** Runs one statement and returns its rows. */
export async function query(connection: Connection, sql: string): Promise<Record<string, unknown>[]> {
  const client = new Client(connection);
  // A server that ends reports through the promises too.
  client.on('error', () => {});
  await client.connect();
  try {
    const { rows } = await client.query<Record<string, unknown>>(sql);
    return rows;
  } finally {
    await client.end();
  }
}
