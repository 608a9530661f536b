import type { PageRequest } from './pages.ts';
import { columnOf } from './columns.ts';
import type { Database } from './database.ts';
import { preparedAtFirst, readRows, selectFrom, tableOf, type Model } from './rows.ts';

/** Rows of a table in the order of a list. */
export interface List {
  readonly model: Model;
  /** In Prisma's words, of which those are understood that lists use. */
  readonly where: { readonly environmentId: string };
  /** Properties; the last one is unique. */
  readonly order: readonly string[];
}

/** Which rows, and how they are ordered, for a statement that selects from the model's table. */
export interface Range {
  /** Begins with the environment, which is $1. */
  readonly condition: string;
  readonly values: readonly unknown[];
  /** `ORDER BY … LIMIT …`: the limit stands there, because the plan for one that is not known reads more. */
  readonly rest: string;
}

/** Gives a value its place among those of a statement: "$2". */
type Place = (value: unknown) => string;

/** A page of a list as a part of a statement. */
export function rangeOf({ model, where, order }: List, page: PageRequest): Range {
  const values: unknown[] = [where.environmentId];
  const place: Place = (value) => `$${values.push(value)}`;
  const table = tableOf(model);
  const columns = order.map((property) => `${table}.${columnOf(property)}`);
  const bound = (edge: readonly unknown[] | null, comparison: string): string[] =>
    edge === null ? [] : [`(${columns.join(', ')}) ${comparison} (${edge.map(place).join(', ')})`];
  const conditions = [
    `${table}.environment_id = $1`,
    ...conditionsOf(table, where, place),
    ...bound(page.after, page.descending ? '<' : '>'),
    ...bound(page.before, page.descending ? '>' : '<'),
  ];
  const direction = page.descending ? 'DESC' : 'ASC';
  return {
    condition: conditions.join(' AND '),
    values,
    rest: `ORDER BY ${columns.map((column) => `${column} ${direction}`).join(', ')} LIMIT ${Math.trunc(page.limit)}`,
  };
}

/** A page of a list, whole rows. */
export function readList<R>(database: Database, list: List, page: PageRequest): Promise<R[]> {
  const { condition, values, rest } = rangeOf(list, page);
  const statement = preparedAtFirst(`${selectFrom(list.model)} WHERE ${condition} ${rest}`);
  return readRows<R>(database, statement, [...values]);
}

const COMPARISONS: Readonly<Record<string, string>> = { gte: '>=', gt: '>', lte: '<=', lt: '<', not: '<>' };

/** Conditions beside that of the environment. @throws for words of Prisma's that no list has used yet */
function conditionsOf(table: string, where: object, place: Place): string[] {
  return Object.entries(where).flatMap(([property, wanted]: [string, unknown]): string[] => {
    if (property === 'environmentId' || wanted === undefined) return [];
    if (property === 'AND') return (wanted as object[]).flatMap((each) => conditionsOf(table, each, place));
    if (property === 'OR') return [anyOf(table, wanted as object[], place)];
    if (property === 'destinations') return [destinationExists((wanted as { some: object }).some, place)];
    const column = `${table}.${columnOf(property)}`;
    if (wanted === null) return [`${column} IS NULL`];
    if (typeof wanted !== 'object') return [`${column} = ${place(wanted)}`];
    return Object.entries(wanted).flatMap(([word, value]: [string, unknown]): string[] => {
      if (value === undefined) return [];
      if (word === 'not' && value === null) return [`${column} IS NOT NULL`];
      if (word === 'in') return [`${column} = ANY(${place(value)})`];
      const comparison = COMPARISONS[word];
      if (comparison === undefined || value === null) throw new Error(`a list does not understand ${property}.${word}`);
      return [`${column} ${comparison} ${place(value)}`];
    });
  });
}

/** Of no alternatives, none fits. */
function anyOf(table: string, alternatives: readonly object[], place: Place): string {
  const conditions = alternatives.map((each) => `(${conditionsOf(table, each, place).join(' AND ')})`);
  return conditions.length === 0 ? 'false' : `(${conditions.join(' OR ')})`;
}

/** Not a join: a payment may have several destinations that fit, and is in the list once. */
function destinationExists(wanted: object, place: Place): string {
  const table = 'payment_destination';
  const conditions = [`${table}.environment_id = $1`, ...conditionsOf(table, wanted, place)];
  return `payment.id IN (SELECT payment_id FROM ${table} WHERE ${conditions.join(' AND ')})`;
}
