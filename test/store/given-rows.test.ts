import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { Client } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Capture, Customer, IdempotencyKey } from '../../generated/prisma/client.ts';
import { columnOf, fromRow, ROW_TYPES } from '../../src/store/columns.ts';
import { given, GIVEN_TABLES, givenColumns, rowTypeOf, toGiven, type GivenTable } from '../../src/store/given-rows.ts';
import { cloneDatabase, type TestDatabase } from '../harness/database.ts';
import { readGiven } from '../harness/given.ts';

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

/** The columns of a table or a type, in their order: name and type. */
async function columnsIn(relation: string): Promise<string[]> {
  const { rows } = await client.query<{ column: string }>(
    `SELECT attname || ' ' || format_type(atttypid, atttypmod) AS column
     FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum`,
    [relation],
  );
  return rows.map(({ column }) => column);
}

/** A migration that changes a table's columns makes a type of another name, and src/store/given-rows.ts names that one. */
test.each(GIVEN_TABLES)(
  'the type of rows of %s has the columns of the table, in the order of the schema',
  async (table) => {
    const types = new Map((await columnsIn(columnOf(table))).map((column) => [column.split(' ')[0], column]));
    const expected = givenColumns(table).map(({ name }) => types.get(name) ?? name);
    expect(await columnsIn(rowTypeOf(table))).toEqual(expected);
  },
);

/** What PostgreSQL has read. */
async function read<T extends object>(table: GivenTable, rows: readonly T[]): Promise<T[]> {
  const { rows: found } = await client.query<Record<string, unknown>>({
    text: `SELECT * FROM ${given(table, 1)}`,
    values: [toGiven(table, rows)],
    types: ROW_TYPES,
  });
  return found.map((row) => fromRow<T>(row));
}

/** What PostgreSQL has no text for is refused long before. */
const text = fc.string({ unit: 'binary' }).filter((drawn) => !drawn.includes('\0'));
const anyText = fc.oneof(
  text,
  fc.string({ unit: fc.constantFrom('"', '\\', '(', ')', ',', '{', '}', ' ', 'N', '\n') }),
);
const moment = fc.date({
  min: new Date('0100-01-01T00:00:00Z'),
  max: new Date('9999-12-31T23:59:59.999Z'),
  noInvalidDate: true,
});

const customer: fc.Arbitrary<Customer> = fc.record({
  environmentId: fc.uuid(),
  id: fc.uuid(),
  email: fc.option(anyText),
  firstName: fc.option(anyText),
  lastName: fc.option(anyText),
  phone: fc.option(anyText),
  addressLine1: fc.option(anyText),
  addressLine2: fc.option(anyText),
  city: fc.option(anyText),
  state: fc.option(anyText),
  postalCode: fc.option(anyText),
  country: fc.option(anyText),
  // Of other keys, V8 makes others still (payments/details.ts).
  metadata: fc.dictionary(fc.stringMatching(/^[^"\\\p{C}]{0,9}$/u), anyText, { noNullPrototype: true }),
  erasedAt: fc.option(moment),
  createdAt: moment,
  updatedAt: moment,
  createdBy: anyText,
  updatedBy: anyText,
});

test('whatever a row holds, PostgreSQL reads it', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(customer, { maxLength: 5 }), async (rows) => {
      expect(await read('customer', rows)).toEqual(rows);
    }),
  );
});

const KEY: IdempotencyKey = {
  environmentId: randomUUID(),
  principal: 'k',
  operation: 'createPayment',
  key: 'a key',
  fingerprint: Buffer.from([0, 0x5c, 0x22, 255]),
  fingerprintVersion: 3,
  fingerprintKeyId: '',
  resourceId: randomUUID(),
  paymentId: randomUUID(),
  operationId: null,
  createdAt: new Date('2026-11-22T09:30:00.125Z'),
  expiresAt: new Date('2026-11-23T09:30:00Z'),
};

const CAPTURE: Capture = {
  environmentId: randomUUID(),
  id: randomUUID(),
  paymentId: randomUUID(),
  attemptId: randomUUID(),
  amount: 2n ** 63n - 1n,
  currency: 'EUR',
  status: 'SUCCEEDED',
  final: false,
  amountRefundHeld: -1n,
  processorReference: '',
  failureCode: null,
  failureMessage: null,
  settledAt: null,
  createdAt: KEY.createdAt,
  updatedAt: KEY.expiresAt,
  createdBy: 'a test',
  updatedBy: 'a test',
};

test('bytes, numbers, enumerations and truths are read as they were', async () => {
  expect(await read('idempotencyKey', [KEY])).toEqual([KEY]);
  expect(await read('capture', [CAPTURE, { ...CAPTURE, final: true }])).toEqual([CAPTURE, { ...CAPTURE, final: true }]);
});

test('a row that has other columns than its table is not written', () => {
  const { operationId: _, ...less } = KEY;
  expect(() => toGiven('idempotencyKey', [less])).toThrow('a idempotencyKey without operationId');
  expect(() => toGiven('idempotencyKey', [{ ...KEY, further: 1 }])).toThrow('a idempotencyKey has what is no column');
});

test('what the tests read of a parameter is what was written', () => {
  const [row] = readGiven('idempotencyKey', toGiven('idempotencyKey', [{ ...KEY, key: String.raw`"a", (\b)` }]));
  expect(row).toEqual({
    environment_id: KEY.environmentId,
    principal: 'k',
    operation: 'createPayment',
    key: String.raw`"a", (\b)`,
    fingerprint: String.raw`\x005c22ff`,
    fingerprint_version: '3',
    fingerprint_key_id: '',
    resource_id: KEY.resourceId,
    payment_id: KEY.paymentId,
    operation_id: null,
    created_at: '2026-11-22T09:30:00.125Z',
    expires_at: '2026-11-23T09:30:00.000Z',
  });
});
