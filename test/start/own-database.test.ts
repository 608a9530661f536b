import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Client } from 'pg';
import { expect, onTestFinished, test } from 'vitest';
import { cloneDatabase, type TestDatabase } from '../harness/database.ts';
import { findPayment, receiptUrl, startGateway, takePayment } from './gateway-process.ts';

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

test('with TENDER_OTHER_SECRETS, addresses that were made with another secret lead where they led', async () => {
  const { connectionString: DATABASE_URL } = await emptyDatabase();
  const TENDER_SECRET = randomUUID();
  const first = await startGateway({ DATABASE_URL, TENDER_SECRET });
  const key = await openAccount({ DATABASE_URL, TENDER_SECRET });
  const { id } = await takePayment({ url: first.url, key });
  const receipt = new URL(await receiptUrl({ url: first.url, key }, id));
  first.child.kill('SIGINT');
  await first.ended;

  const next = { DATABASE_URL, TENDER_SECRET: randomUUID() };
  const statusAt = async ({ url }: { readonly url: string }) => (await fetch(new URL(receipt.pathname, url))).status;
  const carried = await startGateway({ ...next, TENDER_OTHER_SECRETS: ` ${randomUUID()}, ${TENDER_SECRET}` });
  expect(await statusAt(carried)).toBe(200);
  expect(await statusAt(await startGateway(next))).toBe(404);
});
