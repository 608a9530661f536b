import { randomUUID } from 'node:crypto';
import { Client } from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { cloneDatabase, type TestDatabase } from '../harness/database.ts';
import { eventRow, insert, writeLedger, type Ledger } from '../harness/ledger.ts';

let database: TestDatabase;
let client: Client;
let mine: Ledger;
let theirs: Ledger;

beforeAll(async () => {
  database = await cloneDatabase();
  client = new Client(database.connection);
  await client.connect();
  mine = await writeLedger(client);
  theirs = await writeLedger(client);
  await insert(client, 'payment_event', eventRow(mine, 1));
});

afterAll(async () => {
  await client.end();
  await database.drop();
});

beforeEach(async () => {
  await client.query('BEGIN');
});

afterEach(async () => {
  await client.query('ROLLBACK');
});

const CHECK = '23514';
const UNIQUE = '23505';
const FOREIGN_KEY = '23503';
const RESTRICTED = '23001';

async function update(table: string, id: string, assignments: string): Promise<void> {
  await client.query(`UPDATE ${table} SET ${assignments} WHERE id = $1`, [id]);
}

test('the rows that the refusals start from are allowed', async () => {
  const { rows } = await client.query('SELECT amount_refund_held FROM capture WHERE id = $1', [mine.captureId]);
  expect(rows).toEqual([{ amount_refund_held: '400' }]);
});

test.each([
  ['payment_amount_positive', 'amount = 0'],
  ['payment_amounts_not_negative', 'amount_capturing = -1'],
  ['payment_amounts_not_negative', 'amount_released = -1'],
  ['payment_amounts_not_negative', 'amount_refunding = -1'],
  ['payment_authorized_within_amount', 'amount_authorized = 1001'],
  ['payment_captured_within_authorized', 'amount_captured = 1001'],
  ['payment_captured_within_authorized', 'amount_released = 1'],
  ['payment_captured_within_authorized', 'amount_capturing = 1'],
  ['payment_refunded_within_captured', 'amount_refunded = 1001'],
  ['payment_refunded_within_captured', 'amount_refunding = 601'],
])('%s refuses %s', async (constraint, assignments) => {
  await expect(update('payment', mine.paymentId, assignments)).rejects.toMatchObject({ code: CHECK, constraint });
});

test.each([
  ['attempt', 'attempt_amount_positive', 'amount = 0, amount_authorized = 0'],
  ['attempt', 'attempt_authorized_within_amount', 'amount_authorized = 1001'],
  ['attempt', 'attempt_authorized_within_amount', 'amount_authorized = -1'],
  ['capture', 'capture_amount_positive', 'amount = 0, amount_refund_held = 0'],
  ['capture', 'capture_refunds_within_amount', 'amount = 399'],
  ['capture', 'capture_refunds_within_amount', 'amount_refund_held = -1'],
  ['refund', 'refund_amount_positive', 'amount = 0'],
] as const)('%s: %s refuses %s', async (table, constraint, assignments) => {
  const ids = { attempt: mine.attemptId, capture: mine.captureId, refund: mine.refundId };
  await expect(update(table, ids[table], assignments)).rejects.toMatchObject({ code: CHECK, constraint });
});

test.each([
  ['payment_destination_amount_positive', 0],
  ['payment_destination_amount_positive', -5],
])('%s refuses a share of %i', async (constraint, amount) => {
  const share = { environment_id: mine.environmentId, payment_id: mine.paymentId, position: 0, type: 'ORDER' };
  const row = { ...share, destination_id: '1', amount };
  await expect(insert(client, 'payment_destination', row)).rejects.toMatchObject({ code: CHECK, constraint });
});

async function addRefund(amount: number, status: string): Promise<string> {
  const id = randomUUID();
  await client.query(
    `INSERT INTO refund (environment_id, id, payment_id, attempt_id, amount, currency, status, created_by, updated_by)
     VALUES ($1, $2, $3, $4, $5, 'EUR', $6, 'test', 'test')`,
    [mine.environmentId, id, mine.paymentId, mine.attemptId, Math.max(amount, 1), status],
  );
  await insert(client, 'refund_allocation', {
    environment_id: mine.environmentId,
    refund_id: id,
    capture_id: mine.captureId,
    amount,
  });
  return id;
}

test('refunds of a capture cannot go above it, pending ones included', async () => {
  await addRefund(600, 'PENDING');
  const over = addRefund(1, 'PENDING');
  await expect(over).rejects.toMatchObject({ code: CHECK, constraint: 'capture_refunds_within_amount' });
});

test('a refund that failed holds nothing, and cannot come back to life above the capture', async () => {
  const failed = await addRefund(601, 'FAILED');
  await addRefund(600, 'SUCCEEDED');
  const revived = update('refund', failed, `status = 'SUCCEEDED'`);
  await expect(revived).rejects.toMatchObject({ code: CHECK, constraint: 'capture_refunds_within_amount' });
});

test('a refund that fails late gives back what it held', async () => {
  await update('refund', mine.refundId, `status = 'FAILED'`);
  expect(await addRefund(1000, 'PENDING')).toBeDefined();
});

test('an allocation of nothing is refused', async () => {
  await expect(addRefund(0, 'PENDING')).rejects.toMatchObject({
    code: CHECK,
    constraint: 'refund_allocation_amount_positive',
  });
});

const LIVE = ['DISPATCHED', 'PENDING', 'REQUIRES_ACTION', 'AUTHORIZED', 'UNKNOWN'];

async function addAttempt(number: number, status: string): Promise<void> {
  await client.query(
    `INSERT INTO attempt (environment_id, id, payment_id, number, kind, status, payment_method_id, processor, amount,
       currency, created_by, updated_by)
     SELECT environment_id, $2, payment_id, $3, kind, $4, payment_method_id, processor, amount, currency, 'test', 'test'
     FROM attempt WHERE id = $1`,
    [mine.attemptId, randomUUID(), number, status],
  );
}

test.each(LIVE)('beside an attempt that is %s there can be no other live one', async (status) => {
  await addAttempt(2, status);
  await addAttempt(3, 'FAILED');
  await expect(addAttempt(4, 'DISPATCHED')).rejects.toMatchObject({ code: UNIQUE, constraint: 'attempt_one_live' });
});

test('attempts of a payment are numbered apart, and so are its events', async () => {
  await client.query('SAVEPOINT before');
  await expect(addAttempt(1, 'FAILED')).rejects.toMatchObject({ code: UNIQUE });
  await client.query('ROLLBACK TO before');
  await expect(insert(client, 'payment_event', eventRow(mine, 1))).rejects.toMatchObject({ code: UNIQUE });
});

test.each([
  ['payment', 'payment_method_id', '(SELECT payment_method_id FROM attempt WHERE id = $2)', 'attemptId'],
  ['attempt', 'payment_id', '$2', 'paymentId'],
  ['capture', 'payment_id', '$2', 'paymentId'],
  ['capture', 'attempt_id', '$2', 'attemptId'],
  ['refund', 'attempt_id', '$2', 'attemptId'],
  ['refund', 'payment_id', '$2', 'paymentId'],
] as const)('%s.%s cannot point into another environment', async (table, column, value, foreign) => {
  const { paymentId, attemptId, captureId, refundId } = mine;
  const id = { payment: paymentId, attempt: attemptId, capture: captureId, refund: refundId }[table];
  const pointed = client.query(`UPDATE ${table} SET ${column} = ${value.replace('$2', '$2::uuid')} WHERE id = $1`, [
    id,
    theirs[foreign],
  ]);
  await expect(pointed).rejects.toMatchObject({ code: FOREIGN_KEY });
});

test('an event cannot tell of another environment’s payment', async () => {
  const row = eventRow({ environmentId: mine.environmentId, paymentId: theirs.paymentId }, 9);
  await expect(insert(client, 'payment_event', row)).rejects.toMatchObject({ code: FOREIGN_KEY });
});

test.each([
  `UPDATE payment_event SET status = 'FAILED'`,
  'DELETE FROM payment_event',
  'UPDATE refund_allocation SET amount = 1',
  'DELETE FROM refund_allocation',
])('%s is refused', async (statement) => {
  await expect(client.query(statement)).rejects.toMatchObject({ code: RESTRICTED });
});
