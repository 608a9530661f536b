import { resolveCursorConnection } from '@pothos/plugin-relay';
import { unreachable } from '../domain/result.ts';
import type { PageRequest } from '../store/loaders.ts';
import { badInput } from './bad-input.ts';
import { builder } from './builder.ts';

/** Relay connections over keyset cursors: a cursor holds what its row has in the columns of the order. */

builder.globalConnectionField('totalCount', (t) =>
  t.int({
    description: 'How many there are in all. It is counted when it is asked for.',
    resolve: (connection) => connection.totalCount(),
  }),
);

const PAGE_SIZE_DEFAULT = 20;
const PAGE_SIZE_MAX = 100;

interface ConnectionArguments {
  readonly first?: number | null | undefined;
  readonly last?: number | null | undefined;
  readonly after?: string | null | undefined;
  readonly before?: string | null | undefined;
}

interface PageInfo {
  readonly hasNextPage: boolean;
  readonly hasPreviousPage: boolean;
  readonly startCursor: string | null;
  readonly endCursor: string | null;
}

interface Connection<R> {
  edges: { cursor: string; node: R }[];
  pageInfo: PageInfo;
  totalCount: () => Promise<number>;
}

interface OrderColumn<R> {
  readonly column: keyof R & string;
  readonly kind: 'time' | 'integer' | 'sequence' | 'uuid';
}

/** How most lists are ordered: by the time of creation, then by id. */
export const BY_CREATION = [
  { column: 'createdAt', kind: 'time' },
  { column: 'id', kind: 'uuid' },
] as const;

interface KeysetOptions<R> {
  readonly args: ConnectionArguments;
  /** The newest first, or the largest. */
  readonly descending: boolean;
  /** The columns of the order; the last one is unique. */
  readonly order: readonly OrderColumn<R>[];
  readonly read: (request: PageRequest) => Promise<readonly R[]>;
  readonly count: () => Promise<number>;
}

/** One page of a list. @throws BAD_USER_INPUT for a page of more than 100 and for a cursor that is none */
export async function keysetConnection<R extends object>(options: KeysetOptions<R>): Promise<Connection<R>> {
  const { args, descending, order, read, count } = options;
  const keyOf = (row: R): unknown[] => order.map(({ column }) => row[column]);
  const kinds = order.map(({ kind }) => kind);
  for (const size of [args.first, args.last]) {
    if (size != null && (size < 0 || size > PAGE_SIZE_MAX)) throw badInput(`A page has 0 to ${PAGE_SIZE_MAX} entries.`);
  }
  if (args.first != null && args.last != null) throw badInput('A page is asked for by first or by last, not by both.');
  const page = await resolveCursorConnection(
    {
      args,
      defaultSize: PAGE_SIZE_DEFAULT,
      maxSize: PAGE_SIZE_MAX,
      toCursor: (row) => encodeCursor(keyOf(row as R)),
    },
    async ({ before, after, limit, inverted }) => {
      const rows = await read({
        limit,
        after: decodeCursor(inverted ? before : after, kinds),
        before: decodeCursor(inverted ? after : before, kinds),
        descending: descending !== inverted,
      });
      return [...rows];
    },
  );
  // The plugin's types lose the type of a row under `edgesFieldOptions`; the rows are the ones that were read.
  const { edges, pageInfo } = page as Omit<Connection<R>, 'totalCount'>;
  // The plugin says "" where there is no entry.
  const { startCursor, endCursor, ...more } = pageInfo;
  return {
    edges,
    pageInfo: { ...more, startCursor: startCursor || null, endCursor: endCursor || null },
    totalCount: count,
  };
}

/** What a root list uses of a Prisma delegate: the generated ones differ by model in their types only. */
interface ListDelegate<R> {
  findMany(query: { where: object; orderBy: object[]; take: number }): Promise<R[]>;
  count(query: { where: object }): Promise<number>;
}

/** A page of a model's rows, the newest first unless told otherwise. */
export function listOf<R extends object>(
  delegate: unknown,
  list: Pick<KeysetOptions<R>, 'args'> & {
    /** Scoped by the environment. */
    readonly where: { readonly environmentId: string };
    readonly order?: readonly OrderColumn<R>[];
    readonly descending?: boolean;
    /** Told of every row that was read. */
    readonly seen?: (row: R) => void;
  },
): Promise<Connection<R>> {
  const rows = delegate as ListDelegate<R>;
  const { args, where, order = BY_CREATION as unknown as readonly OrderColumn<R>[], descending = true, seen } = list;
  return keysetConnection<R>({
    args,
    descending,
    order,
    read: async (page) => {
      const direction = page.descending ? 'desc' : 'asc';
      const found = await rows.findMany({
        where: { AND: [where, keysetWhere(order, page)] },
        orderBy: order.map(({ column }) => ({ [column]: direction })),
        take: page.limit,
      });
      if (seen !== undefined) for (const row of found) seen(row);
      return found;
    },
    count: () => rows.count({ where }),
  });
}

function encodeCursor(key: readonly unknown[]): string {
  const texts = key.map((value) => (value instanceof Date ? value.toISOString() : String(value)));
  return Buffer.from(JSON.stringify(texts)).toString('base64url');
}

/** What a cursor's texts must look like, so that no other reaches the database. */
const KINDS = {
  time: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/,
  integer: /^\d{1,15}$/,
  sequence: /^\d{1,9}$/,
  uuid: /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/,
} as const;

function isOfKind(kind: keyof typeof KINDS, text: string): boolean {
  return KINDS[kind].test(text) && (kind !== 'time' || !Number.isNaN(Date.parse(text)));
}

function decodeCursor(cursor: string | undefined, kinds: readonly (keyof typeof KINDS)[]): readonly string[] | null {
  if (cursor === undefined) return null;
  let key: unknown;
  try {
    key = JSON.parse(Buffer.from(cursor, 'base64url').toString());
  } catch {
    throw badInput('The cursor is none of this list.');
  }
  const fits =
    Array.isArray(key) &&
    key.length === kinds.length &&
    kinds.every((kind, index) => typeof key[index] === 'string' && isOfKind(kind, key[index]));
  if (!fits) throw badInput('The cursor is none of this list.');
  return key as string[];
}

/**
 * The rows of a Prisma query that lie on a page: (a, b) > (x, y) is a > x, or a = x and b > y. The first column is
 * bounded once more by itself, which is what an index can be entered by.
 */
function keysetWhere<R>(order: readonly OrderColumn<R>[], page: PageRequest): { AND: object[] } {
  const bounds = [
    [page.after, page.descending ? 'lt' : 'gt'],
    [page.before, page.descending ? 'gt' : 'lt'],
  ] as const;
  return {
    AND: bounds.flatMap(([edge, comparison]) => {
      if (edge === null) return [];
      const values = order.map(({ kind }, index) => valueOf(kind, String(edge[index])));
      const branches = order.map(({ column }, index) => ({
        ...Object.fromEntries(order.slice(0, index).map((earlier, at) => [earlier.column, values[at]])),
        [column]: { [comparison]: values[index] },
      }));
      const [first] = order;
      return first === undefined ? [] : [{ [first.column]: { [`${comparison}e`]: values[0] } }, { OR: branches }];
    }),
  };
}

function valueOf(kind: keyof typeof KINDS, text: string): unknown {
  switch (kind) {
    case 'time':
      return new Date(text);
    case 'integer':
      return BigInt(text);
    case 'sequence':
      return Number(text);
    case 'uuid':
      return text;
    default:
      return unreachable(kind);
  }
}
