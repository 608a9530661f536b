import { Client } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { cloneDatabase, type TestDatabase } from '../harness/database.ts';

/** What is written into the migrations by hand: Prisma does not call its loss a drift. */

let database: TestDatabase;
let client: Client;

beforeAll(async () => {
  database = await cloneDatabase();
  client = new Client(database.connection);
  await client.connect();
});

afterAll(async () => {
  await client.end();
  await database.drop();
});

async function names(sql: string): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(sql);
  return rows.map(({ name }) => name).toSorted();
}

test('every CHECK is there', async () => {
  const found = await names(
    `SELECT conname AS name FROM pg_constraint WHERE contype = 'c' AND connamespace = 'public'::regnamespace`,
  );
  expect(found).toEqual([
    'attempt_amount_positive',
    'attempt_authorized_within_amount',
    'capture_amount_positive',
    'capture_refunds_within_amount',
    'payment_amount_positive',
    'payment_amounts_not_negative',
    'payment_authorized_within_amount',
    'payment_captured_within_authorized',
    'payment_destination_amount_positive',
    'payment_refunded_within_captured',
    'refund_allocation_amount_positive',
    'refund_amount_positive',
  ]);
});

test('every partial index is there', async () => {
  const found = await names(
    `SELECT indexname AS name FROM pg_indexes WHERE schemaname = 'public' AND indexdef LIKE '% WHERE %'`,
  );
  expect(found).toEqual([
    'attempt_one_live',
    'operation_due',
    'payment_due',
    'sandbox_charge_due',
    'sandbox_charge_notify',
    'sandbox_movement_due',
    'sandbox_movement_notify',
  ]);
});

test('every trigger is there, and switched on', async () => {
  const found = await names(
    `SELECT tgrelid::regclass || '.' || tgname AS name FROM pg_trigger WHERE NOT tgisinternal AND tgenabled = 'O'`,
  );
  expect(found).toEqual([
    'payment_event.payment_event_kept',
    'payment_event.payment_event_not_emptied',
    'refund.refund_held',
    'refund_allocation.refund_allocation_held',
    'refund_allocation.refund_allocation_kept',
    'refund_allocation.refund_allocation_not_emptied',
  ]);
});

test('the environment leads every primary and foreign key of what belongs to one', async () => {
  const { rows } = await client.query<{ name: string; leading: string }>(
    `SELECT conname AS name, attname AS leading FROM pg_constraint
     JOIN pg_attribute ON attrelid = conrelid AND attnum = conkey[1]
     WHERE contype IN ('p', 'f') AND connamespace = 'public'::regnamespace
       AND EXISTS (SELECT FROM pg_attribute AS own WHERE own.attrelid = conrelid AND own.attname = 'environment_id')`,
  );
  expect(rows.length).toBeGreaterThan(20);
  expect(rows.filter(({ leading }) => leading !== 'environment_id')).toEqual([]);
});
