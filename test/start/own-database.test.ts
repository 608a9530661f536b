import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Client } from 'pg';
import { expect, onTestFinished, test } from 'vitest';
import { cloneDatabase, type TestDatabase } from '../harness/database.ts';
import { findPayment, startGateway, takePayment } from './gateway-process.ts';

/** An empty database, as an operator makes one. */
async function emptyDatabase(): Promise<TestDatabase> {
  const database = await cloneDatabase();
  onTestFinished(() => database.drop());
  await database.drop();
  const client = new Client({ ...database.connection, database: 'postgres' });
  await client.connect();
  await client.query(`CREATE DATABASE "${database.connection.database}"`);
  await client.end();
  return database;
}

/** Opens an account as an operator does, with `npm run account`. */
async function openAccount(variables: Record<string, string>): Promise<string> {
  const { PATH = '' } = process.env;
  const program = join(import.meta.dirname, '..', '..', 'tools', 'open-account.ts');
  const { stdout } = await promisify(execFile)(process.execPath, [program, 'My shop'], { env: { PATH, ...variables } });
  return /sk_test_[\w-]+/.exec(stdout)?.[0] ?? '';
}

test('DATABASE_URL and TENDER_SECRET run it on a PostgreSQL of the operator’s own', async () => {
  const database = await emptyDatabase();
  const variables = { DATABASE_URL: database.connectionString, TENDER_SECRET: randomUUID() };
  const first = await startGateway(variables);
  expect(first.stdout()).not.toMatch(/sk_test_|curl/);
  const key = await openAccount(variables);
  const payment = await takePayment({ url: first.url, key });
  expect(payment.status).toBe('SUCCEEDED');
  first.child.kill('SIGINT');
  expect(await first.ended).toMatchObject({ code: 0 });

  const second = await startGateway(variables);
  expect(await findPayment({ url: second.url, key }, payment.id)).toEqual(payment);
});
