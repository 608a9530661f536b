import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { runAs, serverAccount } from '../../src/postgres/account.ts';
import type { Connection } from '../../src/postgres/connection.ts';
import { isPostgresOn } from '../../src/postgres/orphan.ts';
import { until } from '../harness/until.ts';
import {
  initializedDirectory,
  kill,
  postmaster,
  query,
  spawnHolder,
  start,
  startHolder,
  temporaryPlace,
  untilGone,
} from './places.ts';

async function killedHolder(directory: string): Promise<{ connection: Connection; pid: number }> {
  const { child, report } = await startHolder(directory);
  if (report.connection === undefined) throw new Error(report.message);
  await query(report.connection, 'CREATE TABLE IF NOT EXISTS kept AS SELECT 42 AS answer');
  const pid = postmaster(directory);
  await kill(child);
  return { connection: report.connection, pid };
}

test('after a kill -9 of the gateway the next start ends its postgres and keeps the data', async () => {
  const directory = await initializedDirectory();
  const killed = await killedHolder(directory);
  expect(isPostgresOn(killed.pid, join(directory, 'data'))).toBe(true);

  const cluster = await start(directory);
  expect(isPostgresOn(killed.pid, join(directory, 'data'))).toBe(false);
  expect(existsSync(killed.connection.host)).toBe(false);
  expect(await query(cluster.connection, 'SELECT answer FROM kept')).toEqual([{ answer: 42 }]);
});

test('after a kill -9 of the gateway one of several starters takes over', async () => {
  const directory = await initializedDirectory();
  const killed = await killedHolder(directory);
  const holders = await Promise.all([1, 2, 3].map(() => startHolder(directory)));
  const outcomes = holders.map(({ report }) => report.error ?? 'running').toSorted();
  expect(outcomes).toEqual(['AlreadyRunningError', 'AlreadyRunningError', 'running']);
  expect(isPostgresOn(killed.pid, join(directory, 'data'))).toBe(false);
});

test('after a kill -9 of the gateway and of postgres, with a client at work, the next start recovers', async () => {
  const directory = await initializedDirectory();
  const { child, report } = await startHolder(directory);
  if (report.connection === undefined) throw new Error(report.message);
  await query(report.connection, 'CREATE TABLE kept AS SELECT 42 AS answer');
  // This backend notices the death of its postmaster only after its statement, and holds on to the
  // shared memory until then, which a new postmaster refuses to share.
  const { connection } = report;
  // Again and again, so that one is under way whenever this is looked for.
  const busy = (async () => {
    for (;;) await query(connection, 'SELECT count(*) FROM generate_series(1, 5000000)');
  })().catch(() => {});
  const underWay = "SELECT FROM pg_stat_activity WHERE query ~ 'series' AND pid <> pg_backend_pid()";
  await until(async () => (await query(connection, underWay)).length > 0);
  const pid = postmaster(directory);
  process.kill(pid, 'SIGKILL');
  await kill(child);

  const cluster = await start(directory);
  expect(await query(cluster.connection, 'SELECT answer FROM kept')).toEqual([{ answer: 42 }]);
  await busy;
});

test('a process that was given the old process id is neither feared nor touched', async () => {
  const directory = await initializedDirectory();
  const data = join(directory, 'data');
  // Run by the same user: that is when PostgreSQL alone would believe that it is still running.
  const stranger = spawn('sleep', ['600'], runAs(serverAccount(data)));
  onTestFinished(() => void stranger.kill());
  await once(stranger, 'spawn');
  writeFileSync(
    join(data, 'postmaster.pid'),
    `${stranger.pid}\n${data}\n1700000000\n5432\n/tmp/gone\n\n       0         0\nready   \n`,
  );

  await start(directory);
  expect(stranger.exitCode ?? stranger.signalCode).toBe(null);
});

test('an initdb that was interrupted is begun anew', async () => {
  const directory = join(temporaryPlace(), 'tender');
  const holder = spawnHolder(directory);
  await vi.waitFor(() => expect(unfinished(directory)).toHaveLength(1), { timeout: 20_000, interval: 5 });
  await kill(holder);
  expect(existsSync(join(directory, 'data'))).toBe(false);
  const password = readFileSync(join(directory, 'password'), 'utf8');

  const cluster = await start(directory);
  expect(cluster.connection.password).toBe(password);
  expect(await query(cluster.connection, 'SELECT 1 AS alive')).toEqual([{ alive: 1 }]);
});

test('what an interrupted initdb left is removed', async () => {
  const directory = await initializedDirectory();
  mkdirSync(join(directory, 'initdb-abcdef', 'data', 'base'), { recursive: true });
  await start(directory);
  expect(unfinished(directory)).toEqual([]);
});

test('a gateway that ends without stopping takes its postgres along', async () => {
  const directory = await initializedDirectory();
  const { child, report } = await startHolder(directory);
  const pid = postmaster(directory);
  const exited = once(child, 'exit');
  child.stdin?.write('exit');
  expect(await exited).toEqual([7, null]);
  await untilGone(pid, directory);
  await start(directory);
  expect(existsSync(report.connection?.host ?? '')).toBe(false);
});

test('the gateway learns that postgres has ended', async () => {
  const directory = await initializedDirectory();
  const cluster = await start(directory);
  process.kill(postmaster(directory), 'SIGQUIT');
  await cluster.exited;
  await cluster.stop();
  const again = await start(directory);
  expect(again.connection.host).not.toBe(cluster.connection.host);
});

function unfinished(directory: string): string[] {
  return existsSync(directory) ? readdirSync(directory).filter((name) => name.startsWith('initdb-')) : [];
}
