import DataLoader from 'dataloader';
import type {
  Account,
  Attempt,
  Capture,
  CaptureReversal,
  Customer,
  Operation,
  OperationResolution,
  Payment,
  PaymentDestination,
  PaymentEvent,
  PaymentMethod,
  Prisma,
  ProcessorAccount,
  Reconciliation,
  ReconciliationDifference,
  Refund,
  WebhookAttempt,
  WebhookDelivery,
  WebhookEndpoint,
} from '../../generated/prisma/client.ts';
import { columnOf, fromRow, ROW_TYPES } from './columns.ts';
import type { Database } from './database.ts';
import { statementName } from './statement-name.ts';

/** The rows that have an id and belong to an environment. */
interface RowsById {
  payment: Payment;
  customer: Customer;
  paymentMethod: PaymentMethod;
  attempt: Attempt;
  capture: Capture;
  refund: Refund;
  operation: Operation;
  paymentEvent: PaymentEvent;
  processorAccount: ProcessorAccount;
  reconciliation: Reconciliation;
  webhookEndpoint: WebhookEndpoint;
  webhookDelivery: WebhookDelivery;
}

/** Rows in the order of a list, from one side. */
export interface PageRequest {
  readonly limit: number;
  /** The last row that the page does not contain any more: what its order columns hold. */
  readonly after: readonly unknown[] | null;
  readonly before: readonly unknown[] | null;
  readonly descending: boolean;
}

/** Whose rows are read, and from where. */
interface Scope {
  readonly database: Database;
  readonly environmentId: string;
}

type Batch<T> = DataLoader<string, T>;

const byId =
  <T extends keyof RowsById>(model: T) =>
  ({ database, environmentId }: Scope): Batch<RowsById[T] | null> =>
    new DataLoader(async (ids) => {
      const rows = await readByIds(database.prisma[model] as unknown as FindMany<RowsById[T]>, environmentId, ids);
      return ids.map((id) => rows.get(id) ?? null);
    });

const children =
  <R extends object>(model: Model, parent: keyof R & string, order: readonly string[], where: object = {}) =>
  ({ database, environmentId }: Scope): Batch<R[]> =>
    new DataLoader(async (ids) => {
      const rows = await (database.prisma[model] as unknown as FindMany<R>).findMany({
        where: { ...where, environmentId, [parent]: { in: [...ids] } },
        orderBy: order.map((column) => ({ [column]: 'asc' as const })),
      });
      const groups = Map.groupBy(rows, (row) => row[parent] as string);
      return ids.map((id) => groups.get(id) ?? []);
    });

/** A page of each parent's rows, all parents that ask for the same page in one statement. */
const pages =
  <R>(table: string, parent: string, order: readonly string[]) =>
  ({ database, environmentId }: Scope) => {
    const byRequest = new Map<string, Batch<R[]>>();
    return (parentId: string, request: PageRequest): Promise<R[]> => {
      const key = JSON.stringify(request);
      const loader =
        byRequest.get(key) ??
        new DataLoader<string, R[]>((ids) =>
          readPages(database, { environmentId, table, parent, order, ids, request }),
        );
      byRequest.set(key, loader);
      return loader.load(parentId);
    };
  };

const counts =
  (table: string, parent: string) =>
  ({ database, environmentId }: Scope): Batch<number> =>
    new DataLoader(async (ids) => {
      const rows = await database.prisma.$queryRawUnsafe<{ id: string; count: bigint }[]>(
        `SELECT ${columnOf(parent)}::text AS id, count(*) AS count FROM ${table}
         WHERE environment_id = $1::uuid AND ${columnOf(parent)} = ANY($2::uuid[]) GROUP BY 1`,
        environmentId,
        ids,
      );
      const found = new Map(rows.map(({ id, count }) => [id, Number(count)]));
      return ids.map((id) => found.get(id) ?? 0);
    });

const MAKERS = {
  account: ({ database }: Scope): Batch<Account | null> =>
    new DataLoader(async (ids) => {
      const rows = await database.prisma.account.findMany({ where: { id: { in: [...ids] } } });
      return ids.map((id) => rows.find((row) => row.id === id) ?? null);
    }),
  payment: byId('payment'),
  customer: byId('customer'),
  paymentMethod: byId('paymentMethod'),
  attempt: byId('attempt'),
  capture: byId('capture'),
  refund: byId('refund'),
  operation: byId('operation'),
  paymentEvent: byId('paymentEvent'),
  processorAccount: byId('processorAccount'),
  reconciliation: byId('reconciliation'),
  differencesOfReconciliation: pages<ReconciliationDifference>('reconciliation_difference', 'reconciliationId', [
    'position',
  ]),
  differenceCountOfReconciliation: counts('reconciliation_difference', 'reconciliationId'),
  webhookEndpoint: byId('webhookEndpoint'),
  webhookDelivery: byId('webhookDelivery'),
  attemptsOfWebhookDelivery: children<WebhookAttempt>('webhookAttempt', 'deliveryId', ['number']),
  reversalsOfCapture: children<CaptureReversal>('captureReversal', 'captureId', ['createdAt']),
  operationsOfPayment: children<Operation>('operation', 'paymentId', ['createdAt', 'id']),
  resolutionsOfOperation: children<OperationResolution>('operationResolution', 'operationId', ['createdAt', 'id']),
  attemptsOfPayment: children<Attempt>('attempt', 'paymentId', ['number']),
  capturesOfPayment: children<Capture>('capture', 'paymentId', ['createdAt', 'id']),
  capturesOfAttempt: children<Capture>('capture', 'attemptId', ['createdAt', 'id']),
  refundsOfPayment: children<Refund>('refund', 'paymentId', ['createdAt', 'id']),
  refundsOfAttempt: children<Refund>('refund', 'attemptId', ['createdAt', 'id']),
  destinationsOfPayment: children<PaymentDestination>('paymentDestination', 'paymentId', ['position']),
  paymentMethodsOfCustomer: children<PaymentMethod>('paymentMethod', 'customerId', ['createdAt', 'id'], {
    detachedAt: null,
  }),
  attemptsOfPaymentMethod: pages<Attempt>('attempt', 'paymentMethodId', ['createdAt', 'id']),
  attemptCountOfPaymentMethod: counts('attempt', 'paymentMethodId'),
  paymentsOfCustomer: pages<Payment>('payment', 'customerId', ['createdAt', 'id']),
  paymentCountOfCustomer: counts('payment', 'customerId'),
  paymentsOfPaymentMethod: pages<Payment>('payment', 'paymentMethodId', ['createdAt', 'id']),
  paymentCountOfPaymentMethod: counts('payment', 'paymentMethodId'),
  eventsOfPayment: pages<PaymentEvent>('payment_event', 'paymentId', ['sequence']),
  eventCountOfPayment: counts('payment_event', 'paymentId'),
  eventsOfAttempt: children<PaymentEvent>('paymentEvent', 'attemptId', ['sequence']),
  eventsOfCapture: children<PaymentEvent>('paymentEvent', 'captureId', ['sequence']),
  eventsOfRefund: children<PaymentEvent>('paymentEvent', 'refundId', ['sequence']),
  /** Captures that a refund gives back, and the refunds of a capture, through their allocations. */
  capturesOfRefund: ({ database, environmentId }: Scope): Batch<Capture[]> =>
    new DataLoader(async (ids) => {
      const rows = await database.prisma.refundAllocation.findMany({
        where: { environmentId, refundId: { in: [...ids] } },
        include: { capture: true },
        orderBy: { captureId: 'asc' },
      });
      const groups = Map.groupBy(rows, (row) => row.refundId);
      return ids.map((id) => (groups.get(id) ?? []).map((row) => row.capture));
    }),
  refundsOfCapture: ({ database, environmentId }: Scope): Batch<Refund[]> =>
    new DataLoader(async (ids) => {
      const rows = await database.prisma.refundAllocation.findMany({
        where: { environmentId, captureId: { in: [...ids] } },
        include: { refund: true },
        orderBy: { refundId: 'asc' },
      });
      const groups = Map.groupBy(rows, (row) => row.captureId);
      return ids.map((id) => (groups.get(id) ?? []).map((row) => row.refund));
    }),
};

/**
 * How rows are read for one request: each relation through one DataLoader, each batch one statement, whatever
 * the number of its keys. All of it is scoped by the environment here, so that no caller can forget it.
 */
export type Loaders = { readonly [Name in keyof typeof MAKERS]: ReturnType<(typeof MAKERS)[Name]> };

/** Each loader is made when it is first asked for: of some forty, an event takes one or two, and a waiting subscriber none. */
class LazyLoaders {
  readonly scope: Scope;

  constructor(scope: Scope) {
    this.scope = scope;
  }

  static {
    for (const [name, make] of Object.entries(MAKERS)) {
      Object.defineProperty(this.prototype, name, {
        get(this: LazyLoaders): unknown {
          const value = make(this.scope);
          Object.defineProperty(this, name, { value });
          return value;
        },
      });
    }
  }
}

export function createLoaders(database: Database, environmentId: string): Loaders {
  return new LazyLoaders({ database, environmentId }) as unknown as Loaders;
}

/** The models of Prisma's client. */
type Model = Uncapitalize<Prisma.ModelName>;

/** The part of a Prisma delegate that the loaders use: the generated ones differ by model only in their types. */
interface FindMany<R> {
  findMany(query: { where: object; orderBy?: object[] }): Promise<R[]>;
}

async function readByIds<R extends { readonly id: string }>(
  delegate: FindMany<R>,
  environmentId: string,
  ids: readonly string[],
): Promise<Map<string, R>> {
  const rows = await delegate.findMany({ where: { environmentId, id: { in: [...ids] } } });
  return new Map(rows.map((row) => [row.id, row]));
}

interface PagesRequest {
  readonly environmentId: string;
  readonly table: string;
  readonly parent: string;
  readonly order: readonly string[];
  readonly ids: readonly string[];
  readonly request: PageRequest;
}

/** One statement for a page of each parent: LATERAL reads no more rows of a parent than its page has. */
async function readPages<R>(database: Database, of: PagesRequest): Promise<R[][]> {
  const { after, before, descending, limit } = of.request;
  const columns = of.order.map(columnOf);
  const values: unknown[] = [of.environmentId, of.ids];
  const bound = (edge: readonly unknown[] | null, comparison: string): string => {
    if (edge === null) return '';
    const places = edge.map((value) => `$${values.push(value)}`);
    return `AND (${columns.join(', ')}) ${comparison} (${places.join(', ')})`;
  };
  const direction = descending ? 'DESC' : 'ASC';
  const text = `SELECT parent.id AS "__parent", page.* FROM unnest($2::uuid[]) AS parent(id) CROSS JOIN LATERAL (
      SELECT * FROM ${of.table} WHERE environment_id = $1 AND ${columnOf(of.parent)} = parent.id
        ${bound(after, descending ? '<' : '>')} ${bound(before, descending ? '>' : '<')}
      ORDER BY ${columns.map((column) => `${column} ${direction}`).join(', ')} LIMIT ${Math.trunc(limit)}
    ) AS page`;
  const name = statementName(text);
  const { rows } = await database.pool.query<Record<string, unknown>>({ name, text, values, types: ROW_TYPES });
  const groups = Map.groupBy(rows, (row) => row['__parent'] as string);
  return of.ids.map((id) => (groups.get(id) ?? []).map((row) => fromRow<R>(row)));
}
