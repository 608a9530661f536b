import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import type { Connection } from '../../src/postgres/connection.ts';
import {
  DatabaseUnreachableError,
  MigrationEditedError,
  MigrationFailedError,
  ServerTooOldError,
} from '../../src/postgres/errors.ts';
import { applyMigrations, checkServerVersion } from '../../src/postgres/migrations.ts';
import { listMigrations, startEngine } from '../../tools/migration.ts';
import { cloneDatabase } from '../harness/database.ts';
import { query, temporaryPlace } from './places.ts';

const CREATE_COUNTER = 'CREATE TABLE counter (n int NOT NULL); INSERT INTO counter VALUES (1);';

/** Comments, strings and bodies with semicolons and quotes, which a splitter would take apart. */
const INTRICATE = `
-- first; then 'second
/* neither; /* nor; */ here */
CREATE TABLE "odd;name" (id int PRIMARY KEY, note text DEFAULT 'a;b''c' CHECK (note <> ';'));
CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
  NEW.note := NEW.note || ';'; -- not the end;
  RETURN NEW;
END;
$body$;
CREATE TRIGGER stamp BEFORE INSERT ON "odd;name" FOR EACH ROW EXECUTE FUNCTION stamp();
CREATE INDEX partial ON "odd;name" (note) WHERE id > 10;
SELECT set_config('search_path', '', false);
`;

let directory: string;
let database: Connection;

beforeEach(async () => {
  directory = join(temporaryPlace(), 'migrations');
  const clone = await cloneDatabase();
  onTestFinished(() => clone.drop());
  database = clone.connection;
  // The clone has the project's own migrations; these tests bring theirs.
  await query(database, 'DROP SCHEMA public CASCADE');
  await query(database, 'CREATE SCHEMA public');
});

function write(name: string, script: string): void {
  mkdirSync(join(directory, name), { recursive: true });
  writeFileSync(join(directory, name, 'migration.sql'), script);
}

async function applied(): Promise<unknown[]> {
  const rows = await query(database, 'SELECT migration_name FROM public._prisma_migrations ORDER BY started_at');
  return rows.map((row) => row['migration_name']);
}

async function tables(): Promise<unknown[]> {
  const rows = await query(database, "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1");
  return rows.map((row) => row['tablename']);
}

describe('migrations', () => {
  test('are applied in order, once', async () => {
    write('20260102000000_second', 'UPDATE counter SET n = n * 10');
    write('20260101000000_first', CREATE_COUNTER);
    const names = ['20260101000000_first', '20260102000000_second'];
    expect(await applyMigrations({ database, directory })).toEqual(names);
    expect(await applyMigrations({ database, directory })).toEqual([]);
    write('20260103000000_third', 'UPDATE counter SET n = n + 1');
    expect(await applyMigrations({ database, directory })).toEqual(['20260103000000_third']);
    expect(await query(database, 'SELECT n FROM counter')).toEqual([{ n: 11 }]);
    expect(await applied()).toEqual([...names, '20260103000000_third']);
  });

  test('are applied once by four at the same time', async () => {
    write('1_first', CREATE_COUNTER);
    write('2_second', 'UPDATE counter SET n = n + 1; SELECT pg_sleep(0.05)');
    write('3_third', 'UPDATE counter SET n = n + 1');
    const outcomes = await Promise.all([1, 2, 3, 4].map(() => applyMigrations({ database, directory })));
    expect(outcomes.flat().toSorted()).toEqual(['1_first', '2_second', '3_third']);
    expect(await query(database, 'SELECT n FROM counter')).toEqual([{ n: 3 }]);
  });

  test('run as the server reads them, whatever they hold', async () => {
    write('1_intricate', INTRICATE);
    write('2_after', 'INSERT INTO "odd;name" VALUES (1, \'x\')');
    await applyMigrations({ database, directory });
    expect(await query(database, 'SELECT note FROM public."odd;name"')).toEqual([{ note: 'x;' }]);
  });

  test('may take longer than transactions of the gateway', async () => {
    // The limits hold for what comes before a migration: more than a slow machine takes for that.
    write('1_slow', 'SELECT pg_sleep(6.5)');
    const limited = { ...database, options: '-c transaction_timeout=6000 -c statement_timeout=5500' };
    expect(await applyMigrations({ database: limited, directory })).toEqual(['1_slow']);
  });

  test('of a directory that does not exist are none', async () => {
    expect(await applyMigrations({ database, directory: join(directory, 'nowhere') })).toEqual([]);
  });

  test('that only the database knows are left alone, for the previous release to start', async () => {
    write('1_first', CREATE_COUNTER);
    write('2_second', 'UPDATE counter SET n = n + 1');
    await applyMigrations({ database, directory });
    rmSync(join(directory, '2_second'), { recursive: true });
    expect(await applyMigrations({ database, directory })).toEqual([]);
  });
});

describe('a migration that cannot be applied', () => {
  test('names itself and the line, and leaves nothing behind', async () => {
    write('1_first', CREATE_COUNTER);
    write('2_broken', 'CREATE TABLE half (id int);\nUPDATE counter SET n = 2;\nINSERT INTO nowhere VALUES (1);');
    write('3_third', 'CREATE TABLE never (id int)');
    const failure = applyMigrations({ database, directory });
    await expect(failure).rejects.toThrow(MigrationFailedError);
    await expect(failure).rejects.toThrow('Migration 2_broken failed: relation "nowhere" does not exist (line 3)');
    expect(await tables()).toEqual(['_prisma_migrations', 'counter']);
    expect(await query(database, 'SELECT n FROM counter')).toEqual([{ n: 1 }]);
    expect(await applied()).toEqual(['1_first']);

    write('2_broken', 'UPDATE counter SET n = 5');
    expect(await applyMigrations({ database, directory })).toEqual(['2_broken', '3_third']);
  });

  test('because it was edited after it had been applied names itself', async () => {
    write('1_first', CREATE_COUNTER);
    await applyMigrations({ database, directory });
    write('1_first', `${CREATE_COUNTER} -- edited`);
    write('2_second', 'CREATE TABLE never (id int)');
    const failure = applyMigrations({ database, directory });
    await expect(failure).rejects.toThrow(MigrationEditedError);
    await expect(failure).rejects.toMatchObject({ migration: '1_first' });
    expect(await tables()).toEqual(['_prisma_migrations', 'counter']);
  });

  test('because Prisma left it unfinished names itself', async () => {
    write('1_first', CREATE_COUNTER);
    await applyMigrations({ database, directory });
    await query(database, 'UPDATE _prisma_migrations SET finished_at = NULL');
    await expect(applyMigrations({ database, directory })).rejects.toThrow(
      /^Migration 1_first failed: .*prisma migrate resolve/,
    );
  });

  test('because its script is missing names itself', async () => {
    mkdirSync(join(directory, '1_empty'), { recursive: true });
    await expect(applyMigrations({ database, directory })).rejects.toThrow(/^Migration 1_empty failed/);
  });
});

describe("the user's own server", () => {
  test('is reached by a URL too', async () => {
    const clone = await cloneDatabase();
    onTestFinished(() => clone.drop());
    expect(await applyMigrations({ database: clone.connectionString, directory })).toEqual([]);
  });

  test('is named, without its password, when it cannot be reached', async () => {
    const failure = applyMigrations({ database: 'postgresql://me:secret@localhost:1/tender', directory });
    await expect(failure).rejects.toThrow(DatabaseUnreachableError);
    await expect(failure).rejects.toThrow(/^Cannot connect to PostgreSQL at localhost:1: (?!.*secret).+/);
  });

  test('has to be PostgreSQL 15 or newer', async () => {
    const old = { query: () => Promise.resolve({ rows: [{ number: 140_011, version: '14.11' }] }) };
    await expect(checkServerVersion(old as never)).rejects.toThrow(ServerTooOldError);
    await expect(checkServerVersion(old as never)).rejects.toThrow('PostgreSQL 15 or newer is needed; this is 14.11');
  });
});

test("the records are Prisma's own: its engine has nothing to add", async () => {
  write('1_first', 'CREATE TABLE "one" (id int PRIMARY KEY);\n');
  write('2_second', 'CREATE TABLE "two" (id int PRIMARY KEY);\r\n-- ü\n');
  await applyMigrations({ database, directory });
  const engine = await startEngine(database);
  const migrationsList = listMigrations(directory);
  const filters = { externalTables: [], externalEnums: [] };
  const diagnosis = await engine.diagnoseMigrationHistory({
    migrationsList,
    optInToShadowDatabase: false,
    filters,
  });
  expect(diagnosis).toMatchObject({
    editedMigrationNames: [],
    failedMigrationNames: [],
    hasMigrationsTable: true,
    history: null,
  });
  expect(await engine.applyMigrations({ migrationsList, filters })).toEqual({ appliedMigrationNames: [] });

  write('2_second', '-- edited');
  const edited = await engine.diagnoseMigrationHistory({
    migrationsList: listMigrations(directory),
    optInToShadowDatabase: false,
    filters,
  });
  expect(edited.editedMigrationNames).toEqual(['2_second']);
  expect(readFileSync(join(directory, '2_second', 'migration.sql'), 'utf8')).toBe('-- edited');
});
