import { resolveCursorConnection } from '@pothos/plugin-relay';
import type { Database } from '../store/database.ts';
import { readList, type List } from '../store/lists.ts';
import type { PageRequest } from '../store/pages.ts';
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

interface Edge<R> {
  readonly cursor: string;
  readonly node: R;
}

interface PageInfo {
  readonly hasNextPage: boolean;
  readonly hasPreviousPage: boolean;
  readonly startCursor: string | null;
  readonly endCursor: string | null;
}

interface Connection<R> {
  edges: Edge<R>[];
  pageInfo: PageInfo;
  totalCount: () => Promise<number>;
}

/** An entry of a page. Most are asked for their node only. */
class Entry<R> implements Edge<R> {
  readonly node: R;
  readonly #keyOf: (row: R) => unknown[];

  constructor(node: R, keyOf: (row: R) => unknown[]) {
    this.node = node;
    this.#keyOf = keyOf;
  }

  get cursor(): string {
    return encodeCursor(this.#keyOf(this.node));
  }
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
  readonly read: (request: PageRequest) => readonly R[] | Promise<readonly R[]>;
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
      // Of each entry, when it is asked for.
      toCursor: () => '',
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
  const { edges: entries, pageInfo } = page as Omit<Connection<R>, 'totalCount'>;
  const edges = entries.map(({ node }) => new Entry(node, keyOf));
  const { hasNextPage, hasPreviousPage } = pageInfo;
  // Of an empty page the plugin says where it was asked to begin, and "" where it was not.
  const none = pageInfo.startCursor || null;
  return {
    edges,
    pageInfo: {
      hasNextPage,
      hasPreviousPage,
      get startCursor() {
        return edges.at(0)?.cursor ?? none;
      },
      get endCursor() {
        return edges.at(-1)?.cursor ?? none;
      },
    },
    totalCount: count,
  };
}

/** What a root list uses of a Prisma delegate: the generated ones differ by model in their types only. */
interface ListDelegate {
  count(query: { where: object }): Promise<number>;
}

/** A page of a model's rows, the newest first unless told otherwise. */
export function listOf<R extends object>(
  database: Database,
  list: Pick<KeysetOptions<R>, 'args'> &
    Pick<List, 'model' | 'where'> & {
      readonly order?: readonly OrderColumn<R>[];
      readonly descending?: boolean;
      /** Another way to read a page; whole rows if it is left out. */
      readonly read?: ((list: List, page: PageRequest) => Promise<R[]>) | undefined;
    },
): Promise<Connection<R>> {
  const { args, model, where, order = BY_CREATION as unknown as readonly OrderColumn<R>[], descending = true } = list;
  const read = list.read ?? ((of, page) => readList<R>(database, of, page));
  const columns = order.map(({ column }) => column);
  const name = (model.charAt(0).toLowerCase() + model.slice(1)) as Uncapitalize<typeof model>;
  return keysetConnection<R>({
    args,
    descending,
    order,
    read: (page) => read({ model, where, order: columns }, page),
    count: () => (database.prisma[name] as unknown as ListDelegate).count({ where }),
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
