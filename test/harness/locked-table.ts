import pg from 'pg';
import { onTestFinished } from 'vitest';
import type { TestDatabase } from './database.ts';
import { until } from './until.ts';

/** A table that nobody else can read, so that every statement about it waits. It is let go with its test at the latest. */
export async function lockTable({ connection }: TestDatabase, table: string) {
  const client = new pg.Client(connection);
  await client.connect();
  let isOpen = true;
  const release = async (): Promise<void> => {
    if (isOpen) await client.end();
    isOpen = false;
  };
  onTestFinished(release);
  await client.query(`BEGIN; LOCK TABLE ${table} IN ACCESS EXCLUSIVE MODE`);
  const countWaiting = async (): Promise<number> => {
    const { rows } = await client.query<{ waiting: number }>(
      'SELECT count(*)::int AS waiting FROM pg_locks WHERE relation = $1::regclass AND NOT granted',
      [table],
    );
    return rows[0]?.waiting ?? 0;
  };
  return {
    release,
    /** So many statements wait for the table. */
    waits: (statements: number) => until(async () => (await countWaiting()) === statements),
  };
}
