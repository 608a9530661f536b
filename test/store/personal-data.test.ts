import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from 'pg';
import { expect, test } from 'vitest';
import { cloneDatabase } from '../harness/database.ts';

/** docs/personal-data.md says of every column that can hold something about a person what becomes of it. */

const ROOT = join(import.meta.dirname, '..', '..');
const documented = readFileSync(join(ROOT, 'docs', 'personal-data.md'), 'utf8');
const columnsIn = (text: string): string[] => [...text.matchAll(/`(\w+\.\w+)`/g)].map(([, column = '']) => column);

test('every column with texts, JSON or bytes is classified, once', async () => {
  const database = await cloneDatabase();
  const client = new Client(database.connection);
  await client.connect();
  try {
    const { rows } = await client.query<{ column: string }>(
      `SELECT table_name || '.' || column_name AS column FROM information_schema.columns
       WHERE table_schema = 'public' AND table_name NOT LIKE '\\_%'
         AND (data_type IN ('text', 'character', 'character varying', 'json', 'jsonb', 'bytea', 'xml')
              OR udt_name IN ('_text', '_varchar', '_json', '_jsonb', '_bytea', '_bpchar', 'inet', 'citext', 'hstore'))`,
    );
    expect(columnsIn(documented).toSorted()).toEqual(rows.map(({ column }) => column).toSorted());
  } finally {
    await client.end();
    await database.drop();
  }
});

test('what is said to be removed is removed', () => {
  const [, removed = ''] = /^## Removed\n([^]*?)^## /m.exec(documented) ?? [];
  const statements = readFileSync(join(ROOT, 'src', 'store', 'erasure.ts'), 'utf8').split('`');
  const columns = columnsIn(removed);
  expect(columns.length).toBeGreaterThan(15);
  for (const column of columns) {
    const [table = '', name = ''] = column.split('.');
    const update = statements.find((text) => text.startsWith(`UPDATE ${table} SET`)) ?? '';
    const isRemoved = new RegExp(`\\b${name} = (?:NULL|'\\{\\}'|'')`).test(update);
    expect({ column, isRemoved }).toEqual({ column, isRemoved: true });
  }
});
