import { randomUUID } from 'node:crypto';
import { Client } from 'pg';
import { expect, onTestFinished, test } from 'vitest';
import { uuidv7 } from '../../src/domain/ids.ts';
import { openDatabase } from '../../src/store/database.ts';
import { addAccount, addKey } from '../../src/store/access.ts';
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

/** A key of a new account, made beside the running gateway. */
async function makeKey({ connection }: TestDatabase): Promise<string> {
  const database = openDatabase(connection, { onError: () => {} });
  const newId = (): string => uuidv7(Date.now(), crypto.getRandomValues(new Uint8Array(10)));
  try {
    const { test: environment } = await addAccount(database, { name: 'Shop', newId });
    return await addKey(database, { id: newId(), environment, name: 'Shop' });
  } finally {
    await database.close();
  }
}

test('DATABASE_URL and TENDER_SECRET run it on a PostgreSQL of the operator’s own', async () => {
  const database = await emptyDatabase();
  const variables = { DATABASE_URL: database.connectionString, TENDER_SECRET: randomUUID() };
  const first = await startGateway(variables);
  expect(first.stdout()).not.toMatch(/sk_test_|curl/);
  const key = await makeKey(database);
  const payment = await takePayment({ url: first.url, key });
  expect(payment.status).toBe('SUCCEEDED');
  first.child.kill('SIGINT');
  expect(await first.ended).toMatchObject({ code: 0, stderr: '' });

  const second = await startGateway(variables);
  expect(await findPayment({ url: second.url, key }, payment.id)).toEqual(payment);
});
