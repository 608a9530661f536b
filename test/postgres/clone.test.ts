import { Client } from 'pg';
import { expect, test } from 'vitest';
import { cloneDatabase } from '../harness/database.ts';

test('a clone can be reached both ways and is gone after drop()', async () => {
  const database = await cloneDatabase();
  for (const config of [database.connection, { connectionString: database.connectionString }]) {
    const client = new Client(config);
    await client.connect();
    const { rows } = await client.query('SELECT current_database() AS name');
    expect(rows).toEqual([{ name: database.connection.database }]);
    await client.end();
  }
  await database.drop();
  await expect(new Client(database.connection).connect()).rejects.toMatchObject({ code: '3D000' });
});

test('clones are made at the same time, and dropped while in use', async () => {
  const databases = await Promise.all([cloneDatabase(), cloneDatabase(), cloneDatabase()]);
  const names = new Set(databases.map(({ connection }) => connection.database));
  expect(names.size).toBe(3);
  const client = new Client(databases[0]?.connection);
  const ended = new Promise((resolve) => client.on('error', resolve));
  await client.connect();
  await Promise.all(databases.map((database) => database.drop()));
  await expect(ended).resolves.toBeInstanceOf(Error);
});
