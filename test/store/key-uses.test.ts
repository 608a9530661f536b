import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { newId } from '../../src/new-id.ts';
import { addAccount, addKey } from '../../src/store/access.ts';
import { openDatabase, type Database } from '../../src/store/database.ts';
import { KeyUses } from '../../src/store/key-uses.ts';
import { cloneDatabase, type TestDatabase } from '../harness/database.ts';

let own: TestDatabase;
let database: Database;
let environmentId: string;
let key: { readonly environmentId: string; readonly id: string };
let uses: KeyUses;

beforeAll(async () => {
  own = await cloneDatabase();
  database = openDatabase(own.connection, { onError: () => undefined });
  ({
    test: { id: environmentId },
  } = await addAccount(database, { name: 'A shop', newId }));
});
afterAll(async () => {
  await database.close();
  await own.drop();
});
beforeEach(async () => {
  key = { environmentId, id: newId() };
  await addKey(database, { id: key.id, environment: { id: environmentId, mode: 'TEST' }, name: 'a key' });
  uses = new KeyUses(database);
});

const START = Date.parse('2026-11-21T12:00:00Z');
const after = (seconds: number): Date => new Date(START + seconds * 1_000);

/** How many seconds after the start the key was used last, as it is written. */
async function written(of = key): Promise<number | null> {
  const { lastUsedAt } = await database.prisma.apiKey.findUniqueOrThrow({ where: { environmentId_id: of } });
  return lastUsedAt === null ? null : (lastUsedAt.getTime() - START) / 1_000;
}

test('what was noted is written in one statement, and not before', async () => {
  const other = { environmentId, id: newId() };
  await addKey(database, { id: other.id, environment: { id: environmentId, mode: 'TEST' }, name: 'another' });
  const query = vi.spyOn(database.pool, 'query');
  for (let second = 0; second < 3; second++) uses.note(key, after(second));
  uses.note(other, after(1));
  expect(query).not.toHaveBeenCalled();
  expect(await uses.write(after(3))).toBe(2);
  expect(query).toHaveBeenCalledTimes(1);
  query.mockRestore();
  expect([await written(), await written(other)]).toEqual([2, 1]);
  expect(await uses.write(after(100))).toBe(0);
});

test('a key is written once a minute; the latest use waits for its time', async () => {
  uses.note(key, after(0));
  await uses.write(after(0));
  uses.note(key, after(30));
  expect(await uses.write(after(31))).toBe(0);
  expect(await written()).toBe(0);
  uses.note(key, after(59));
  expect(await uses.write(after(59))).toBe(0);
  uses.note(key, after(61));
  expect(await uses.write(after(62))).toBe(1);
  expect(await written()).toBe(61);
});

test('what another process has written within the minute is enough, and is never put back', async () => {
  const elsewhere = new KeyUses(database);
  elsewhere.note(key, after(40));
  await elsewhere.write(after(40));
  uses.note(key, after(50));
  expect(await uses.write(after(50))).toBe(0);
  expect(await written()).toBe(40);
  uses.note(key, after(20));
  expect(await uses.write(after(200), { all: true })).toBe(0);
  expect(await written()).toBe(40);
});

test('at the end nothing is left for later', async () => {
  uses.note(key, after(0));
  await uses.write(after(0));
  uses.note(key, after(5));
  expect(await uses.write(after(6), { all: true })).toBe(1);
  expect(await written()).toBe(5);
});

test('what could not be written is written the next time', async () => {
  uses.note(key, after(0));
  await database.pool.query('ALTER TABLE api_key RENAME TO api_key_that_is_gone');
  await expect(uses.write(after(1))).rejects.toThrow('api_key');
  await database.pool.query('ALTER TABLE api_key_that_is_gone RENAME TO api_key');
  expect(await uses.write(after(2))).toBe(1);
  expect(await written()).toBe(0);
});
