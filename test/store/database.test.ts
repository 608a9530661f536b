import { expect, onTestFinished, test } from 'vitest';
import { explainShortage, PoolTooLargeError, readCapacity } from '../../src/store/capacity.ts';
import { openDatabase, type DatabaseOptions } from '../../src/store/database.ts';
import { CHANNEL } from '../../src/store/event-feed.ts';
import { transact } from '../../src/store/transaction.ts';
import { openAddress } from '../harness/address.ts';
import { useGateway } from '../harness/gateway.ts';
import { until } from '../harness/until.ts';

/** The connections of a gateway: what they may take, and what becomes of those that say nothing any more. */

const gateway = useGateway();

function open(connection = gateway().database.connection, options: Partial<DatabaseOptions> = {}) {
  const database = openDatabase(connection, { onError: () => undefined, poolSize: 2, ...options });
  onTestFinished(() => database.close());
  return database;
}

test('nothing runs, waits or stays open for ever', async () => {
  const { rows } = await open().pool.query<{ name: string; setting: string }>(
    `SELECT name, setting FROM pg_settings WHERE name LIKE '%\\_timeout' AND setting <> '0' AND context = 'user'`,
  );
  expect(Object.fromEntries(rows.map(({ name, setting }) => [name, Number(setting)]))).toMatchObject({
    idle_in_transaction_session_timeout: 30_000,
    lock_timeout: 15_000,
    statement_timeout: 30_000,
    transaction_timeout: 45_000,
  });
});

test('a server that says nothing any more is not waited for, and its connection is not used again', async () => {
  const address = await openAddress(gateway().database.connection);
  const database = open(address.connection, { answerMs: 300 });
  // A server on a busy machine may take longer than that, too: it is asked until it answers.
  const answered = () => until(() => database.pool.query('SELECT 1').catch(() => undefined));
  await answered();
  address.freeze();
  await expect(database.pool.query('SELECT 2')).rejects.toThrow(/timeout/);
  expect(database.pool.totalCount).toBe(0);
  await answered();
  await expect(
    transact(database, async (transaction) => {
      address.freeze();
      await transaction.query('SELECT 4 AS answer', []);
      return { commit: true, value: undefined };
    }),
  ).rejects.toThrow(/timeout/);
  expect(database.pool.totalCount).toBe(0);
  await answered();
  expect(await until(() => database.prisma.environment.count().catch(() => undefined))).toBeGreaterThan(0);
});

test('a pool that is larger than the server allows is refused, and many that are together are told of', async () => {
  const { limit, others } = await readCapacity(open().pool, CHANNEL);
  const { rows } = await open().pool.query<{ max_connections: string }>('SHOW max_connections');
  expect(limit).toBeLessThan(Number(rows[0]?.max_connections));
  // This file's own gateway listens, at least.
  expect(others).toBeGreaterThan(0);
  expect(() => explainShortage({ limit: 97, others: 0 }, 98)).toThrow(PoolTooLargeError);
  expect(() => explainShortage({ limit: 97, others: 0 }, 98)).toThrow(/^TENDER_POOL_SIZE: 98 .* 97 /);
  expect(explainShortage({ limit: 97, others: 5 }, 16)).toBeUndefined();
  expect(explainShortage({ limit: 97, others: 6 }, 16)).toMatch(
    /^7 replicas with 16 .* 112, .* 97: lower TENDER_POOL_SIZE/,
  );
});
