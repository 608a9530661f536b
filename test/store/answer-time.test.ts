import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { openDatabase } from '../../src/store/database.ts';
import { cloneDatabase, type TestDatabase } from '../harness/database.ts';

/** How long statements may take, and what is left of them. */

/** Nothing else runs in this process: what lies in its old space is left of the statements. */
let own: TestDatabase;
beforeAll(async () => {
  own = await cloneDatabase();
});
afterAll(() => own.drop());

function open() {
  const database = openDatabase(own.connection, { onError: () => undefined, poolSize: 1 });
  onTestFinished(() => database.close());
  return database.pool;
}

/** Longer than a statement may take here, and no longer than a test. */
const SLEEP = 'SELECT pg_sleep(10)';

test('a statement has a time of its own, and its connection is not used again', async () => {
  const pool = open();
  const slow = { text: SLEEP, query_timeout: 50 };
  await expect(pool.query(slow)).rejects.toThrow('Query read timeout');
  expect(pool.totalCount).toBe(0);
  const client = await pool.connect();
  const failure = client.query(slow).catch((error: unknown) => error);
  // What waits behind it on the same connection cannot be answered either.
  const behind = client.query('SELECT 1').catch((error: unknown) => error);
  expect(await failure).toMatchObject({ message: 'Query read timeout' });
  expect(await behind).toBeInstanceOf(Error);
  client.release(true);
  expect((await pool.query<{ one: number }>('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
});

test('all the ways to ask are answered', async () => {
  const pool = open();
  const client = await pool.connect();
  try {
    const text = 'SELECT $1::int AS told';
    const told = { rows: [{ told: 1 }] };
    expect(await client.query(text, [1])).toMatchObject(told);
    expect(await client.query({ text, values: [1] })).toMatchObject(told);
    expect(await client.query({ text, query_timeout: 5_000 } as never, [1])).toMatchObject(told);
    const called = Promise.withResolvers<unknown>();
    client.query(text, [1], (error, result) => (error ? called.reject(error) : called.resolve(result)));
    expect(await called.promise).toMatchObject(told);
    const calledWithoutValues = Promise.withResolvers<unknown>();
    client.query('SELECT 1 AS told', (error, result) =>
      error ? calledWithoutValues.reject(error) : calledWithoutValues.resolve(result),
    );
    expect(await calledWithoutValues.promise).toMatchObject(told);
    // An error tells who asked, and not only where the answer was read.
    const refused = await client.query('SELECT no_such_column').catch((error: unknown) => error as Error);
    expect(refused).toMatchObject({ code: '42703' });
    expect((refused as Error).stack).toContain('answer-time.test.ts');
  } finally {
    client.release();
  }
});

function inOldSpace(): number {
  return getHeapSpaceStatistics().find(({ space_name }) => space_name === 'old_space')?.space_used_size ?? 0;
}

/** A scavenge moves what it finds held to the old space: what nobody holds any more stays out of it. */
test('what a statement was is let go of with its answer', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as (options?: { type: 'minor' }) => void;
  const pool = open();
  const ask = async (statements: number) => {
    for (let count = 0; count < statements; count++) {
      const client = await pool.connect();
      await client.query({ name: 'told', text: 'SELECT repeat($1, 500) AS told', values: ['x'] });
      client.release();
      if (count % 500 === 0) collect({ type: 'minor' });
    }
  };
  await ask(1_000);
  collect();
  await ask(5_000);
  const withGarbage = inOldSpace();
  collect();
  // By pg's own functions, it was 7 MB.
  expect(withGarbage - inOldSpace()).toBeLessThan(2_000_000);
});
