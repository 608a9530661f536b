import pg from 'pg';

/**
 * The seam between rows in code (camelCase; bigint, Date) and rows in PostgreSQL (snake_case; BIGINT,
 * timestamptz), for the statements that are written by hand. Prisma maps its own.
 */

const columnCache = new Map<string, string>();

/** "createdAt" is the column created_at. */
export function columnOf(property: string): string {
  let column = columnCache.get(property);
  if (column === undefined) {
    column = property.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    columnCache.set(property, column);
  }
  return column;
}

function propertyOf(column: string): string {
  return column.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

/** The type of BIGINT in PostgreSQL's catalogue. */
const INT8: number = pg.types.builtins.INT8;

type Parser = (text: string) => unknown;
/** pg's own, which its types let be asked about the types that they know only. */
const builtInParser = pg.types.getTypeParser as (oid: number, format?: 'text' | 'binary') => Parser;

/** Reads BIGINT as bigint; everything else as pg does. For one query's `types`, so that Prisma's stay its own. */
export const ROW_TYPES = {
  getTypeParser: (oid: number, format?: 'text' | 'binary'): Parser =>
    oid === INT8 && format !== 'binary' ? BigInt : builtInParser(oid, format),
};

const propertyCache = new Map<string, string>();

/** A row as it came, under the names that the code uses. */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the statement knows what its rows are
export function fromRow<T>(row: Record<string, unknown>): T {
  const result: Record<string, unknown> = {};
  for (const column in row) {
    let property = propertyCache.get(column);
    if (property === undefined) propertyCache.set(column, (property = propertyOf(column)));
    result[property] = row[column];
  }
  return result as T;
}

/** Rows as the one JSON parameter of a set-based statement: json_populate_recordset reads it back by column. */
export function toJsonRows(rows: readonly object[]): string {
  return JSON.stringify(
    rows.map((row) => Object.fromEntries(Object.entries(row).map(([property, value]) => [columnOf(property), value]))),
    (_, value: unknown) => {
      if (typeof value === 'bigint') return value.toString();
      if (value instanceof Uint8Array) return `\\x${Buffer.from(value).toString('hex')}`;
      return value;
    },
  );
}
