import { columnOf } from './columns.ts';
import type { Database } from './database.ts';
import { columnsOf, preparedAtFirst, readRows, selectFrom, type Model } from './rows.ts';

/** Rows in the order of a list, from one side. */
export interface PageRequest {
  readonly limit: number;
  /** The last row that the page does not contain any more: what its order columns hold. */
  readonly after: readonly unknown[] | null;
  readonly before: readonly unknown[] | null;
  readonly descending: boolean;
}

interface PagesRequest {
  readonly environmentId: string;
  readonly model: Model;
  readonly parent: string;
  readonly order: readonly string[];
  readonly ids: readonly string[];
  readonly request: PageRequest;
}

/** One statement for a page of each parent: LATERAL reads no more rows of a parent than its page has. */
export async function readPages<R>(database: Database, of: PagesRequest): Promise<R[][]> {
  const { after, before, descending, limit } = of.request;
  const columns = of.order.map(columnOf);
  const values: unknown[] = [of.environmentId, of.ids];
  const bound = (edge: readonly unknown[] | null, comparison: string): string => {
    if (edge === null) return '';
    const places = edge.map((value) => `$${values.push(value)}`);
    return `AND (${columns.join(', ')}) ${comparison} (${places.join(', ')})`;
  };
  const direction = descending ? 'DESC' : 'ASC';
  const paged = columnsOf(of.model).map(({ property }) => `page."${property}"`);
  const text = `SELECT parent.id AS "__parent", ${paged.join(', ')} FROM unnest($2::uuid[]) AS parent(id) CROSS JOIN LATERAL (
      ${selectFrom(of.model)} WHERE environment_id = $1 AND ${columnOf(of.parent)} = parent.id
        ${bound(after, descending ? '<' : '>')} ${bound(before, descending ? '>' : '<')}
      ORDER BY ${columns.map((column) => `${column} ${direction}`).join(', ')} LIMIT ${Math.trunc(limit)}
    ) AS page`;
  const rows = await readRows<R & { __parent: string }>(database, preparedAtFirst(text), values);
  const groups = Map.groupBy(rows, (row) => row.__parent);
  return of.ids.map((id) => groups.get(id) ?? []);
}
