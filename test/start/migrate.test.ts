import { execFile } from 'node:child_process';
import { cpSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { applyMigrations } from '../../src/postgres/migrations.ts';
import { cloneDatabase, type TestDatabase } from '../harness/database.ts';
import { query, temporaryPlace } from '../postgres/places.ts';
import { spawnGateway, startGateway } from './gateway-process.ts';

/** Replicas and `npm run migrate` look after one database. */

const ROOT = join(import.meta.dirname, '..', '..');
const MIGRATIONS = join(ROOT, 'prisma', 'migrations');
const NAMES = readdirSync(MIGRATIONS)
  .filter((name) => /^\d/.test(name))
  .toSorted();
const TENDER_SECRET = 's'.repeat(32);

/** A database without any migration. */
async function emptyDatabase(): Promise<TestDatabase> {
  const database = await cloneDatabase();
  onTestFinished(() => database.drop());
  await query(database.connection, 'DROP SCHEMA public CASCADE; CREATE SCHEMA public');
  return database;
}

/** Runs `npm run migrate` in four processes at once. @returns what each has applied */
async function migrateFourTimes({ connectionString: DATABASE_URL }: TestDatabase): Promise<string[][]> {
  const { PATH = '' } = process.env;
  const env = { PATH, DATABASE_URL, TENDER_SECRET };
  const runs = [1, 2, 3, 4].map(() => promisify(execFile)(process.execPath, ['tools/migrate.ts'], { cwd: ROOT, env }));
  const outputs = await Promise.all(runs);
  return outputs.map(({ stdout }) => Array.from(stdout.matchAll(/^applied (.*)$/gm), ([, name]) => name ?? ''));
}

test('four processes at once migrate an empty database once', async () => {
  const database = await emptyDatabase();
  expect((await migrateFourTimes(database)).flat().toSorted()).toEqual(NAMES);
});

test('four processes at once apply a pending migration once', async () => {
  const database = await emptyDatabase();
  const directory = join(temporaryPlace(), 'migrations');
  const pending = NAMES.at(-1) ?? '';
  cpSync(MIGRATIONS, directory, { recursive: true, filter: (source) => !source.endsWith(pending) });
  await applyMigrations({ database: database.connection, directory });
  expect((await migrateFourTimes(database)).flat()).toEqual([pending]);
});

test('with TENDER_MIGRATE=off a start says in one line what the database lacks, and changes nothing', async () => {
  const { connectionString: DATABASE_URL, connection } = await emptyDatabase();
  const gateway = spawnGateway({ DATABASE_URL, TENDER_SECRET, TENDER_MIGRATE: 'off' });
  const line = `The database lacks ${NAMES.length} migrations, from ${NAMES[0]} on: run \`npm run migrate\`, or start with TENDER_MIGRATE=on\n`;
  expect(await gateway.ended).toMatchObject({ code: 1, stdout: '', stderr: line });
  expect(await query(connection, `SELECT FROM pg_tables WHERE schemaname = 'public'`)).toEqual([]);
});

test.for(['on', 'off'])('a database that is one migration ahead is taken, with TENDER_MIGRATE=%s', async (mode) => {
  const database = await cloneDatabase();
  onTestFinished(() => database.drop());
  // What a next release expands by, as docs/operations.md has it.
  await query(
    database.connection,
    `ALTER TABLE payment ADD COLUMN of_the_next_release text;
     INSERT INTO _prisma_migrations (id, checksum, migration_name, finished_at, applied_steps_count)
     VALUES ('next', 'next', '29991231000000_of_the_next_release', now(), 1)`,
  );
  const gateway = await startGateway({
    DATABASE_URL: database.connectionString,
    TENDER_SECRET,
    TENDER_MIGRATE: mode,
  });
  expect((await fetch(`${gateway.url}/readyz`)).status).toBe(200);
});
