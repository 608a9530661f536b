import DataLoader from 'dataloader';
import type {
  Account,
  ApiKey,
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
  ProcessorAccount,
  Reconciliation,
  ReconciliationDifference,
  Refund,
  WebhookAttempt,
  WebhookDelivery,
  WebhookEndpoint,
} from '../../generated/prisma/client.ts';
import { columnOf } from './columns.ts';
import type { Database } from './database.ts';
import { readPages, type PageRequest } from './pages.ts';
import { prepared, readRows, selectFrom, tableOf, type Model } from './rows.ts';

/** The rows that have an id and belong to an environment. */
interface RowsById {
  ApiKey: ApiKey;
  Payment: Payment;
  Customer: Customer;
  PaymentMethod: PaymentMethod;
  Attempt: Attempt;
  Capture: Capture;
  Refund: Refund;
  Operation: Operation;
  PaymentEvent: PaymentEvent;
  ProcessorAccount: ProcessorAccount;
  Reconciliation: Reconciliation;
  WebhookEndpoint: WebhookEndpoint;
  WebhookDelivery: WebhookDelivery;
}

/** Whose rows are read, and from where. */
interface Scope {
  readonly database: Database;
  readonly environmentId: string;
}

/** Rows by a key: what was brought along with other rows, and a DataLoader for the rest. */
export class Batch<T> {
  readonly #brought = new Map<string, T>();
  readonly #loader: DataLoader<string, T>;

  /** @param read in one statement, for all that are asked for at the same moment */
  constructor(read: (keys: readonly string[]) => Promise<T[]>) {
    this.#loader = new DataLoader(read);
  }

  load(key: string): T | Promise<T> {
    return this.#brought.get(key) ?? this.#loader.load(key);
  }

  bring(key: string, value: T): void {
    this.#brought.set(key, value);
  }
}

const byId = <T extends keyof RowsById>(model: T) => {
  const statement = prepared(`${selectFrom(model)} WHERE environment_id = $1 AND id = ANY($2::uuid[])`);
  return ({ database, environmentId }: Scope): Batch<RowsById[T] | null> =>
    new Batch(async (ids) => {
      const rows = await readRows<RowsById[T]>(database, statement, [environmentId, ids]);
      const found = new Map(rows.map((row) => [row.id, row]));
      return ids.map((id) => found.get(id) ?? null);
    });
};

const children = <R extends object>(
  model: Model,
  parent: keyof R & string,
  order: readonly (keyof R & string)[],
  condition = 'true',
) => {
  const statement = prepared(
    `${selectFrom(model)} WHERE environment_id = $1 AND ${columnOf(parent)} = ANY($2::uuid[]) AND ${condition}
     ORDER BY ${order.map(columnOf).join(', ')}`,
  );
  return ({ database, environmentId }: Scope): Batch<R[]> =>
    new Batch(async (ids) => {
      const rows = await readRows<R>(database, statement, [environmentId, ids]);
      const groups = Map.groupBy(rows, (row) => row[parent] as string);
      return ids.map((id) => groups.get(id) ?? []);
    });
};

/** What refunds and captures have of each other, through the allocations between them. */
const allocated = <R extends object>(model: 'Capture' | 'Refund', other: 'capture' | 'refund') => {
  const table = tableOf(model);
  const statement = prepared(
    `${selectFrom(model, `allocation.${other}_id AS "__other"`)} JOIN refund_allocation AS allocation
       ON allocation.environment_id = ${table}.environment_id AND allocation.${table}_id = ${table}.id
     WHERE allocation.environment_id = $1 AND allocation.${other}_id = ANY($2::uuid[])
     ORDER BY ${table}.id`,
  );
  return ({ database, environmentId }: Scope): Batch<R[]> =>
    new Batch(async (ids) => {
      const rows = await readRows<R & { __other: string }>(database, statement, [environmentId, ids]);
      const groups = Map.groupBy(rows, (row) => row.__other);
      return ids.map((id) => groups.get(id) ?? []);
    });
};

/** A page of each parent's rows, all parents that ask for the same page in one statement. */
const pages =
  <R>(model: Model, parent: string, order: readonly string[]) =>
  ({ database, environmentId }: Scope) => {
    const byRequest = new Map<string, Batch<R[]>>();
    return (parentId: string, request: PageRequest): R[] | Promise<R[]> => {
      const key = JSON.stringify(request);
      const loader =
        byRequest.get(key) ??
        new Batch<R[]>((ids) => readPages(database, { environmentId, model, parent, order, ids, request }));
      byRequest.set(key, loader);
      return loader.load(parentId);
    };
  };

const counts = (model: Model, parent: string) => {
  const statement = prepared(
    `SELECT ${columnOf(parent)} AS id, count(*) FROM ${tableOf(model)}
     WHERE environment_id = $1 AND ${columnOf(parent)} = ANY($2::uuid[]) GROUP BY 1`,
  );
  return ({ database, environmentId }: Scope): DataLoader<string, number> =>
    new DataLoader(async (ids) => {
      const rows = await readRows<{ id: string; count: bigint }>(database, statement, [environmentId, ids]);
      const found = new Map(rows.map(({ id, count }) => [id, Number(count)]));
      return ids.map((id) => found.get(id) ?? 0);
    });
};

const MAKERS = {
  account: ({ database }: Scope): Batch<Account | null> =>
    new Batch(async (ids) => {
      const rows = await database.prisma.account.findMany({ where: { id: { in: [...ids] } } });
      return ids.map((id) => rows.find((row) => row.id === id) ?? null);
    }),
  apiKey: byId('ApiKey'),
  replacementsOfApiKey: children<ApiKey>('ApiKey', 'replacesId', ['id']),
  payment: byId('Payment'),
  customer: byId('Customer'),
  paymentMethod: byId('PaymentMethod'),
  attempt: byId('Attempt'),
  capture: byId('Capture'),
  refund: byId('Refund'),
  operation: byId('Operation'),
  paymentEvent: byId('PaymentEvent'),
  processorAccount: byId('ProcessorAccount'),
  reconciliation: byId('Reconciliation'),
  differencesOfReconciliation: pages<ReconciliationDifference>('ReconciliationDifference', 'reconciliationId', [
    'position',
  ]),
  differenceCountOfReconciliation: counts('ReconciliationDifference', 'reconciliationId'),
  webhookEndpoint: byId('WebhookEndpoint'),
  webhookDelivery: byId('WebhookDelivery'),
  attemptsOfWebhookDelivery: children<WebhookAttempt>('WebhookAttempt', 'deliveryId', ['number']),
  reversalsOfCapture: children<CaptureReversal>('CaptureReversal', 'captureId', ['createdAt']),
  operationsOfPayment: children<Operation>('Operation', 'paymentId', ['createdAt', 'id']),
  resolutionsOfOperation: children<OperationResolution>('OperationResolution', 'operationId', ['createdAt', 'id']),
  attemptsOfPayment: children<Attempt>('Attempt', 'paymentId', ['number']),
  capturesOfPayment: children<Capture>('Capture', 'paymentId', ['createdAt', 'id']),
  capturesOfAttempt: children<Capture>('Capture', 'attemptId', ['createdAt', 'id']),
  refundsOfPayment: children<Refund>('Refund', 'paymentId', ['createdAt', 'id']),
  refundsOfAttempt: children<Refund>('Refund', 'attemptId', ['createdAt', 'id']),
  destinationsOfPayment: children<PaymentDestination>('PaymentDestination', 'paymentId', ['position']),
  paymentMethodsOfCustomer: children<PaymentMethod>(
    'PaymentMethod',
    'customerId',
    ['createdAt', 'id'],
    'detached_at IS NULL',
  ),
  attemptsOfPaymentMethod: pages<Attempt>('Attempt', 'paymentMethodId', ['createdAt', 'id']),
  attemptCountOfPaymentMethod: counts('Attempt', 'paymentMethodId'),
  paymentsOfCustomer: pages<Payment>('Payment', 'customerId', ['createdAt', 'id']),
  paymentCountOfCustomer: counts('Payment', 'customerId'),
  paymentsOfPaymentMethod: pages<Payment>('Payment', 'paymentMethodId', ['createdAt', 'id']),
  paymentCountOfPaymentMethod: counts('Payment', 'paymentMethodId'),
  eventsOfPayment: pages<PaymentEvent>('PaymentEvent', 'paymentId', ['sequence']),
  eventCountOfPayment: counts('PaymentEvent', 'paymentId'),
  eventsOfAttempt: children<PaymentEvent>('PaymentEvent', 'attemptId', ['sequence']),
  eventsOfCapture: children<PaymentEvent>('PaymentEvent', 'captureId', ['sequence']),
  eventsOfRefund: children<PaymentEvent>('PaymentEvent', 'refundId', ['sequence']),
  /** Captures that a refund gives back, and the refunds of a capture, through their allocations. */
  capturesOfRefund: allocated<Capture>('Capture', 'refund'),
  refundsOfCapture: allocated<Refund>('Refund', 'capture'),
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
