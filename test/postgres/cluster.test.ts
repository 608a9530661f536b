import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { isRoot } from '../../src/postgres/account.ts';
import { startCluster } from '../../src/postgres/cluster.ts';
import { AlreadyRunningError, DataDirectoryError, ServerStartError } from '../../src/postgres/errors.ts';
import { initializedDirectory, query, start, startHolder, temporaryPlace } from './places.ts';

describe('a start', () => {
  test('makes a database, and the next one finds what was in it', async () => {
    const directory = join(temporaryPlace(), 'tender');
    const lines: string[] = [];
    const first = await startCluster({ directory, log: (line) => lines.push(line) });
    await query(first.connection, 'CREATE TABLE kept AS SELECT 42 AS answer');
    await first.stop();
    await first.stop();
    expect(lines).toEqual([`Creating a database in ${directory}`]);
    expect(existsSync(first.connection.host)).toBe(false);
    expect(statSync(join(directory, 'password')).mode & 0o777).toBe(0o600);

    const second = await start(directory);
    expect(await query(second.connection, 'SELECT answer FROM kept')).toEqual([{ answer: 42 }]);
    expect(second.connection.password).toBe(first.connection.password);
  });

  test('is durable, private and limited unless it is told otherwise', async () => {
    const directory = await initializedDirectory();
    const cluster = await start(directory, { work_mem: '8MB' });
    const names = [
      'fsync',
      'synchronous_commit',
      'full_page_writes',
      'listen_addresses',
      'transaction_timeout',
      'TimeZone',
      'server_encoding',
      'data_checksums',
      'work_mem',
    ];
    const [row] = await query(
      cluster.connection,
      `SELECT ${names.map((name) => `current_setting('${name}') AS "${name}"`).join(', ')}`,
    );
    expect(row).toEqual({
      fsync: 'on',
      synchronous_commit: 'on',
      full_page_writes: 'on',
      listen_addresses: '',
      transaction_timeout: '1min',
      TimeZone: 'UTC',
      server_encoding: 'UTF8',
      data_checksums: 'on',
      work_mem: '8MB',
    });
    expect(await query(cluster.connection, "SELECT upper('ärger') AS upper, 'Z' < 'a' AS by_code_point")).toEqual([
      { upper: 'ÄRGER', by_code_point: true },
    ]);
    expect(statSync(cluster.connection.host).mode & 0o777).toBe(0o700);
    const impostor = { ...cluster.connection, password: 'wrong' };
    await expect(query(impostor, 'SELECT 1')).rejects.toMatchObject({ code: '28P01' });
  });

  test('writes no rows and statements of clients into the log', async () => {
    const directory = await initializedDirectory();
    const cluster = await start(directory);
    await query(cluster.connection, "CREATE TABLE secret (number text CHECK (number <> '4242'))");
    await expect(query(cluster.connection, "INSERT INTO secret VALUES ('4242')")).rejects.toMatchObject({
      code: '23514',
    });
    const limited = { ...cluster.connection, options: '-c transaction_timeout=50' };
    await expect(query(limited, "SELECT '4242', pg_sleep(600)")).rejects.toMatchObject({ code: '25P04' });
    expect(readFileSync(join(directory, 'postgres.log'), 'utf8')).not.toContain('4242');
  });

  test('takes a path that is long and has spaces', async () => {
    const directory = join(temporaryPlace(), 'with a space', 'l'.repeat(120), "and, 'quotes'");
    const cluster = await start(directory);
    expect(await query(cluster.connection, "SELECT current_setting('data_directory') AS path")).toEqual([
      { path: join(directory, 'data') },
    ]);
  });

  test('says which setting PostgreSQL refuses, and leaves nothing running', async () => {
    const directory = await initializedDirectory();
    const refused = startCluster({ directory, log: () => {}, settings: { shared_buffers: 'plenty' } });
    await expect(refused).rejects.toThrow(ServerStartError);
    await expect(refused).rejects.toThrow(/invalid value for parameter "shared_buffers"/);
    expect(existsSync(join(directory, 'data', 'postmaster.pid'))).toBe(false);
    await start(directory);
  });
});

describe('one gateway for each directory', () => {
  test('a second start is told who runs, in another process and in this one', async () => {
    const directory = await initializedDirectory();
    const cluster = await start(directory);
    cluster.announce('http://127.0.0.1:4000/');
    const inside = startCluster({ directory, log: () => {} });
    await expect(inside).rejects.toThrow(AlreadyRunningError);
    await expect(inside).rejects.toMatchObject({ pid: process.pid, url: 'http://127.0.0.1:4000/' });
    const { report } = await startHolder(directory);
    expect(report).toEqual({
      error: 'AlreadyRunningError',
      message: `A gateway (process ${process.pid}) is already running at http://127.0.0.1:4000/ on ${directory}`,
    });
    expect(await query(cluster.connection, 'SELECT 1 AS alive')).toEqual([{ alive: 1 }]);
  });

  test('of starters at the same moment one wins', async () => {
    const directory = join(temporaryPlace(), 'tender');
    const holders = await Promise.all([1, 2, 3, 4].map(() => startHolder(directory)));
    const outcomes = holders.map(({ report }) => report.error ?? 'running').toSorted();
    expect(outcomes).toEqual(['AlreadyRunningError', 'AlreadyRunningError', 'AlreadyRunningError', 'running']);
  });
});

describe('a directory that cannot be used', () => {
  test('is left alone when another version made it', async () => {
    const directory = join(temporaryPlace(), 'tender');
    mkdirSync(join(directory, 'data', 'base'), { recursive: true });
    writeFileSync(join(directory, 'data', 'PG_VERSION'), '14\n');
    const refused = startCluster({ directory, log: () => {} });
    await expect(refused).rejects.toThrow(DataDirectoryError);
    await expect(refused).rejects.toThrow(/made by PostgreSQL 14 and cannot be opened by PostgreSQL 18/);
    expect(readdirSync(join(directory, 'data')).toSorted()).toEqual(['PG_VERSION', 'base']);
    expect(readFileSync(join(directory, 'data', 'PG_VERSION'), 'utf8')).toBe('14\n');
  });

  test('is left alone when something else is in it', async () => {
    const directory = join(temporaryPlace(), 'tender');
    mkdirSync(join(directory, 'data'), { recursive: true });
    writeFileSync(join(directory, 'data', 'letter.txt'), 'Dear all');
    await expect(startCluster({ directory, log: () => {} })).rejects.toThrow(DataDirectoryError);
    expect(readdirSync(join(directory, 'data'))).toEqual(['letter.txt']);
  });

  test('is left alone when its password is lost or is another', async () => {
    const directory = await initializedDirectory();
    writeFileSync(join(directory, 'password'), 'another');
    const refused = startCluster({ directory, log: () => {} });
    await expect(refused).rejects.toThrow(ServerStartError);
    await expect(refused).rejects.toThrow(/password authentication failed/);
    expect(existsSync(join(directory, 'data', 'postmaster.pid'))).toBe(false);
    rmSync(join(directory, 'password'));
    await expect(startCluster({ directory, log: () => {} })).rejects.toThrow(DataDirectoryError);
    expect(existsSync(join(directory, 'password'))).toBe(false);
  });

  test('is named when it cannot be made, or be reached by the user that PostgreSQL runs as', async () => {
    const place = temporaryPlace(0o700);
    writeFileSync(join(place, 'file'), '');
    await expect(startCluster({ directory: join(place, 'file', 'tender'), log: () => {} })).rejects.toThrow(
      DataDirectoryError,
    );
    const hidden = startCluster({ directory: join(place, 'tender'), log: () => {} });
    if (isRoot()) {
      await expect(hidden).rejects.toThrow(ServerStartError);
      await expect(hidden).rejects.toThrow(`may not enter ${place}`);
    } else {
      // The directory hides nothing from the user who owns it.
      await (await hidden).stop();
    }
  });
});
