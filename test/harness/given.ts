import pg from 'pg';
import { givenColumns, type GivenTable } from '../../src/store/given-rows.ts';

const TEXTS = 1009;
const getParser = pg.types.getTypeParser as (oid: number) => (text: string) => unknown;
const parseTexts = getParser(TEXTS) as (array: string) => string[];

/** A field of a row as it is written: in quotes, or as it is. */
const FIELD = /,(?:"((?:[^"]|"")*)"|([^,]*))/g;

/** The texts in a parameter of rows (store/given-rows.ts), by column; null for NULL. */
export function readGiven(table: GivenTable, parameter: string): Record<string, string | null>[] {
  return parseTexts(parameter).map((row) => {
    const fields = Array.from(`,${row.slice(1, -1)}`.matchAll(FIELD), ([, quoted, plain = '']) => {
      if (quoted !== undefined) return quoted.replaceAll(/(["\\])\1/g, '$1');
      return plain === '' ? null : plain;
    });
    return Object.fromEntries(givenColumns(table).map(({ name }, at) => [name, fields[at] ?? null]));
  });
}
