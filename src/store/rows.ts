import { getDatamodel } from '../../generated/pothos.ts';
import type { Prisma } from '../../generated/prisma/client.ts';
import { columnOf, parseTime, ROW_TYPES } from './columns.ts';
import type { Database } from './database.ts';
import { statementName } from './statement-name.ts';

/**
 * Rows of Prisma's models, read by statements of our own where there are many readers: Prisma's query API takes about
 * five times the CPU of the statement that it makes. What comes out is what Prisma would have read.
 */

export type Model = Prisma.ModelName;

/** A column of a model. */
export interface Column {
  /** As the code calls it: createdAt. */
  readonly property: string;
  /** As PostgreSQL calls it: created_at. */
  readonly name: string;
  /** What follows it where it is selected: an array of an enumeration is one of texts, because the driver reads those. */
  readonly cast: '' | '::text[]';
  /** What Prisma calls its type. */
  readonly type: string;
  readonly isList: boolean;
  /** What its text stands for, as `::text` writes it. */
  readonly parse: (text: string) => unknown;
}

const { models } = getDatamodel().datamodel;

const asText = (text: string): string => text;

/** By Prisma's type of a column. What is not named here is read as a text: enumerations, and texts themselves. */
const PARSERS: Readonly<Record<string, Column['parse']>> = {
  BigInt,
  Boolean: (text) => text === 'true',
  DateTime: parseTime,
  Int: Number,
  Json: JSON.parse,
};

/** The columns of a model, in the order of the schema. */
export function columnsOf(model: Model): readonly Column[] {
  const fields = models[model]?.fields ?? [];
  return fields.flatMap(({ name: property, kind, type, isList }) => {
    if (kind === 'object') return [];
    const name = columnOf(property);
    return [
      {
        property,
        name,
        type,
        isList,
        cast: kind === 'enum' && isList ? '::text[]' : '',
        parse: PARSERS[type] ?? asText,
      },
    ];
  });
}

/** The model whose rows the code keeps under this name: paymentMethod is PaymentMethod. */
export function modelOf(table: Uncapitalize<Model>): Model {
  return `${table.charAt(0).toUpperCase()}${table.slice(1)}` as Model;
}

export function tableOf(model: Model): string {
  return columnOf(`${model.charAt(0).toLowerCase()}${model.slice(1)}`);
}

/**
 * The columns of whole rows, by name, for a statement of a table, or of what stands for it. None says `*`: a replica of the
 * next release may add columns to a table, and PostgreSQL refuses a prepared statement whose columns have become others.
 */
export function allOf(model: Model, table = tableOf(model)): string {
  const key = `${model} ${table}`;
  let columns = lists.get(key);
  if (columns === undefined) {
    const selected = columnsOf(model).map(
      ({ name, cast }) => `${table}.${name}${cast}${cast === '' ? '' : ` AS ${name}`}`,
    );
    lists.set(key, (columns = selected.join(', ')));
  }
  return columns;
}

/** As many as are written down: a statement that locks payments is put together each time. */
const lists = new Map<string, string>();

/** `SELECT` of whole rows: `customer.first_name AS "firstName", …` @param more what else is selected */
export function selectFrom(model: Model, ...more: readonly string[]): string {
  const table = tableOf(model);
  const columns = columnsOf(model).map(({ property, name, cast }) => `${table}.${name}${cast} AS "${property}"`);
  return `SELECT ${[...columns, ...more].join(', ')} FROM ${table}`;
}

/** A statement that each connection plans once. */
export interface Statement {
  readonly name?: string;
  readonly text: string;
}

/** For statements of which there are as many as are written down. */
export function prepared(text: string): Statement {
  return { name: statementName(text), text };
}

/** So many texts are kept by every connection, of those that are put together from what is asked. */
const PREPARED_MAX = 500;
const seen = new Map<string, Statement>();

/** The same for texts that are put together: the first of them have names, and any after that is planned each time. */
export function preparedAtFirst(text: string): Statement {
  const known = seen.get(text);
  if (known !== undefined) return known;
  if (seen.size >= PREPARED_MAX) return { text };
  const statement = prepared(text);
  seen.set(text, statement);
  return statement;
}

/** Runs a statement whose columns bear the names that the code uses. */
export async function readRows<R>(database: Database, statement: Statement, values: unknown[]): Promise<R[]> {
  const { rows } = await database.pool.query({ ...statement, values, types: ROW_TYPES });
  return rows as R[];
}
