import { columnsOf, modelOf, type Column } from './rows.ts';

/**
 * Rows as the one parameter of a set-based statement: an array of a composite type, which a migration makes with the columns
 * of a table. PostgreSQL reads a payment's in 5 µs, beside 18 for json_populate_recordset and 19 for an array of each
 * column, and the text is half as long as JSON. A table's own type would have another number of columns as soon as a replica
 * of the next release adds one.
 */

/**
 * The types, by table. Where the columns of a table change, the migration makes another, payment_row_2, which is named here,
 * and drops the one before once no replica of the release before runs (docs/operations.md).
 */
const ROW_TYPES = {
  customer: 'customer_row',
  paymentMethod: 'payment_method_row',
  payment: 'payment_row',
  paymentDestination: 'payment_destination_row',
  attempt: 'attempt_row',
  capture: 'capture_row',
  captureReversal: 'capture_reversal_row',
  refund: 'refund_row',
  refundAllocation: 'refund_allocation_row',
  operation: 'operation_row',
  operationResolution: 'operation_resolution_row',
  paymentEvent: 'payment_event_row',
  idempotencyKey: 'idempotency_key_row',
} as const;

export type GivenTable = keyof typeof ROW_TYPES;

export const GIVEN_TABLES = Object.keys(ROW_TYPES) as readonly GivenTable[];

/** What PostgreSQL draws itself. */
const DRAWN = new Set(['paymentEvent.position']);

interface GivenColumn extends Pick<Column, 'property' | 'name'> {
  readonly write: (value: never) => string;
}

/** By Prisma's type of a column; an enumeration's values are texts. */
const WRITERS: Readonly<Record<string, GivenColumn['write']>> = {
  BigInt: String,
  Boolean: String,
  Bytes: (value: Uint8Array) => quoted(String.raw`\x` + Buffer.from(value).toString('hex')),
  DateTime: (value: Date) => value.toISOString(),
  Int: String,
  Json: (value: unknown) => quoted(JSON.stringify(value)),
};

const tables = new Map(
  GIVEN_TABLES.map((table) => {
    const columns = columnsOf(modelOf(table)).filter(({ property }) => !DRAWN.has(`${table}.${property}`));
    const list = columns.find(({ isList }) => isList);
    if (list !== undefined) throw new Error(`there is no way yet to give a list such as ${table}.${list.property}`);
    return [table, columns.map(({ property, name, type }) => ({ property, name, write: WRITERS[type] ?? text }))];
  }),
);

/** The columns that rows of a table are given with, in the order of their type. */
export function givenColumns(table: GivenTable): readonly GivenColumn[] {
  return tables.get(table) as GivenColumn[];
}

/** The type of a table's rows. */
export function rowTypeOf(table: GivenTable): string {
  return ROW_TYPES[table];
}

/** What stands in FROM for the rows in a parameter. */
export function given(table: GivenTable, parameter: number): string {
  return `unnest($${parameter}::${rowTypeOf(table)}[])`;
}

/** @throws for rows that have other columns than the table */
export function toGiven(table: GivenTable, rows: readonly object[]): string {
  const columns = givenColumns(table);
  return `{${rows.map((row) => toRow(table, columns, row as Record<string, unknown>)).join(',')}}`;
}

function toRow(table: GivenTable, columns: readonly GivenColumn[], row: Record<string, unknown>): string {
  let fields = '';
  for (let at = 0; at < columns.length; at++) {
    const { property, write } = columns[at] as GivenColumn;
    const value = row[property];
    if (value === undefined) throw new Error(`a ${table} without ${property}`);
    if (at > 0) fields += ',';
    // Nothing at all is NULL.
    if (value !== null) fields += write(value as never);
  }
  if (Object.keys(row).length !== columns.length) throw new Error(`a ${table} has what is no column`);
  return `"(${fields})"`;
}

/** What ends a field, or begins a quoted one; and a text of nothing would be NULL. */
const IN_NEED_OF_QUOTES = /["\\(),]|^$/;

function text(value: string): string {
  return IN_NEED_OF_QUOTES.test(value) ? quoted(value) : value;
}

/** A field in quotes, in which those are doubled; and all of this once more, because the row is quoted in its array. */
function quoted(value: string): string {
  return `\\"${value.replace(/["\\]/g, (sign) => (sign === '"' ? String.raw`\"\"` : String.raw`\\\\`))}\\"`;
}
