import { randomUUID } from 'node:crypto';
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from 'pg';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { applyMigrations } from '../../src/postgres/migrations.ts';
import { cloneDatabase } from '../harness/database.ts';
import { attemptRow, insert, keyRow, operationRow, paymentRow, writeLedger, type Ledger } from '../harness/ledger.ts';
import { apiKeyRow } from '../harness/ledger-keys.ts';
import { temporaryPlace } from './places.ts';

/** What the migrations make of the rows that an older release left behind. */

const MIGRATIONS = join(import.meta.dirname, '../../prisma/migrations');

/** The only migration of 0.1.0. */
const INIT = '20261121023435_init';

let client: Client;
let ledger: Ledger;
let upgrade: () => Promise<string[]>;

/** A database as 0.1.0 made it, with rows that have nothing wrong with them. */
beforeEach(async () => {
  const database = await cloneDatabase();
  onTestFinished(() => database.drop());
  const { connection } = database;
  client = new Client(connection);
  await client.connect();
  onTestFinished(() => client.end());
  // The clone has today's schema.
  await client.query('DROP SCHEMA public CASCADE');
  await client.query('CREATE SCHEMA public');
  const directory = join(temporaryPlace(), 'migrations');
  cpSync(join(MIGRATIONS, INIT), join(directory, INIT), { recursive: true });
  await applyMigrations({ database: connection, directory });
  upgrade = () => applyMigrations({ database: connection, directory: MIGRATIONS });
  ledger = await writeLedger(client);
});

/** One column of all rows of a table, by their ids. */
async function read(table: string, id: string, column: string): Promise<Record<string, unknown>> {
  const { rows } = await client.query<{ id: string; value: unknown }>(
    `SELECT ${id}::text AS id, ${column} AS value FROM ${table}`,
  );
  return Object.fromEntries(rows.map((row) => [row.id, row.value]));
}

test('a key of an operation that never was has none; another keeps its own', async () => {
  await insert(client, 'idempotency_key', { ...keyRow(ledger), key: 'kept' });
  await insert(client, 'idempotency_key', { ...keyRow(ledger), key: 'loose', operation_id: randomUUID() });
  await insert(client, 'idempotency_key', { ...keyRow(ledger), key: 'none', operation_id: null });
  await upgrade();
  const { operationId } = ledger;
  expect(await read('idempotency_key', 'key', 'operation_id')).toEqual({ kept: operationId, loose: null, none: null });
});

test('an operation of another environment is none of a key’s either', async () => {
  const { operationId } = await writeLedger(client);
  await insert(client, 'idempotency_key', { ...keyRow(ledger), key: 'loose', operation_id: operationId });
  await upgrade();
  expect(await read('idempotency_key', 'key', 'operation_id')).toEqual({ loose: null });
});

test('a wish to cancel stays only where it is still to be answered', async () => {
  const at = new Date('2026-11-01T00:00:00Z');
  const open = ['PROCESSING', 'REQUIRES_ACTION', 'AUTHORIZED'];
  const answered = ['CREATED', 'CAPTURED', 'SUCCEEDED', 'FAILED', 'CANCELED'];
  const rows = [...open, ...answered].map((status) => ({ ...paymentRow(ledger), status, cancel_requested_at: at }));
  for (const row of rows) await insert(client, 'payment', row);
  await upgrade();
  const { rows: found } = await client.query(
    'SELECT status, cancel_requested_at AS at FROM payment WHERE cancel_requested_at IS NOT NULL ORDER BY status',
  );
  expect(found).toEqual(open.map((status) => ({ status, at })));
});

test('a charge that succeeded late is asked about anew: the gateway sees to it now', async () => {
  const late = { ...attemptRow(ledger, 2), id: randomUUID(), flag: 'LATE_SUCCESS' };
  await insert(client, 'attempt', late);
  const operation = {
    ...operationRow(ledger),
    id: randomUUID(),
    attempt_id: late.id,
    kind: 'CHARGE',
    status: 'COMPLETED',
  };
  await insert(client, 'operation', { ...operation, processor_key: randomUUID(), recover_at: null });
  await upgrade();
  expect(await read('attempt', 'id', 'flag')).toEqual({ [ledger.attemptId]: null, [late.id]: null });
  expect(await read('operation', 'attempt_id', 'recover_at')).toMatchObject({ [late.id]: expect.any(Date) });
});

test('the sandbox pays out, a day later, what it had captured and not taken back', async () => {
  const token = { merchant: 'm', token: 'tok' };
  const of = { merchant: 'm', amount: 1000, currency: 'EUR', network_transaction_id: '1' };
  const charge = (id: string, status: string, captured: boolean) => ({
    ...of,
    ...token,
    id,
    key: id,
    status,
    capture_now: captured,
  });
  const { currency: _, network_transaction_id: __, ...moved } = of;
  const movement = (id: string, kind: string, status: string) => ({
    ...moved,
    id,
    key: id,
    charge_id: 'authorized',
    kind,
    status,
    final: false,
  });
  await insert(client, 'sandbox_charge', charge('captured', 'approved', true));
  await insert(client, 'sandbox_charge', charge('reversed', 'reversed', true));
  await insert(client, 'sandbox_charge', charge('authorized', 'approved', false));
  await insert(client, 'sandbox_movement', movement('done', 'capture', 'succeeded'));
  await insert(client, 'sandbox_movement', movement('failed', 'capture', 'failed'));
  await insert(client, 'sandbox_movement', movement('refund', 'refund', 'succeeded'));
  await upgrade();
  const isDue = `settles_at BETWEEN now() + interval '23 hours' AND now() + interval '24 hours'`;
  expect(await read('sandbox_charge', 'id', isDue)).toEqual({ captured: true, reversed: null, authorized: null });
  expect(await read('sandbox_movement', 'id', isDue)).toEqual({ done: true, failed: null, refund: null });
});

test('a key may do what it could do before there were scopes', async () => {
  await insert(client, 'api_key', apiKeyRow(ledger));
  await upgrade();
  const { rows } = await client.query('SELECT scopes::text, expires_at, revoked_at, created_by FROM api_key');
  expect(rows).toEqual([{ scopes: '{READ,WRITE,REFUND,ADMIN}', expires_at: null, revoked_at: null, created_by: null }]);
});

test('all that had nothing wrong with it is as it was, and the migrations are done once', async () => {
  const tables = ['payment', 'attempt', 'capture', 'refund', 'refund_allocation', 'operation', 'payment_method'];
  const readAll = async () => {
    const all: object[][] = [];
    for (const table of tables) all.push((await client.query<object>(`SELECT * FROM ${table}`)).rows);
    return all;
  };
  const before = await readAll();
  const applied = await upgrade();
  expect(applied.length).toBeGreaterThan(0);
  expect(applied).not.toContain(INIT);
  expect(await readAll()).toMatchObject(before);
  expect(await upgrade()).toEqual([]);
});
