import type {
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
  Refund,
  RefundAllocation,
} from '../../generated/prisma/client.ts';
import { columnOf } from './columns.ts';
import { given, givenColumns, toGiven } from './given-rows.ts';
import type { SetBased, Transaction } from './transaction.ts';
import { deliveriesOf, TOLD } from './webhook-fan-out.ts';

/** Rows by table, in the order in which their foreign keys point. */
export interface LedgerRows {
  customer: Customer;
  paymentMethod: PaymentMethod;
  payment: Payment;
  paymentDestination: PaymentDestination;
  attempt: Attempt;
  capture: Capture;
  captureReversal: CaptureReversal;
  refund: Refund;
  refundAllocation: RefundAllocation;
  operation: Operation;
  operationResolution: OperationResolution;
  paymentEvent: Omit<PaymentEvent, 'position'>;
}

export type LedgerTable = keyof LedgerRows;

/** What one transaction writes: whole rows, to insert or to put in the place of those with their ids. */
export interface Writes {
  readonly insert: { readonly [T in LedgerTable]?: readonly LedgerRows[T][] };
  readonly update: { readonly [T in LedgerTable]?: readonly LedgerRows[T][] };
}

/** Writes everything a command decided, in one statement. Foreign keys are checked at its end. */
export async function write(transaction: Transaction, writes: Writes): Promise<void> {
  return transaction.together(writeAll, writes);
}

const writeAll: SetBased<Writes, void> = async (queries, all) => {
  const statement = writing(all);
  if (statement !== undefined) await queries.query(statement.sql, statement.parameters);
  return all.map(() => undefined);
};

/**
 * The statement that writes it all; undefined where there is nothing. It fails where it does not find a row that is to be
 * put in another's place: dividing by nought is how one says so in SQL.
 */
export function writing(all: readonly Writes[]): { sql: string; parameters: unknown[] } | undefined {
  const parts: string[] = [];
  const counts: string[] = [];
  const parameters: string[] = [];
  let updates = 0;
  for (const verb of ['insert', 'update'] as const) {
    for (const [table, rows] of rowsByTable(all.map((writes) => writes[verb]))) {
      if (rows.length === 0) continue;
      parameters.push(toGiven(table, rows));
      const name = `${verb}_${columnOf(table)}`;
      const statement = statementFor(verb, table, parameters.length);
      if (table === 'paymentEvent') {
        const told = `${name} AS (${statement} RETURNING ${TOLD})`;
        parts.push(told, `insert_webhook_delivery AS (${deliveriesOf(name)})`);
      } else {
        parts.push(`${name} AS (${statement})`);
      }
      if (verb === 'update') {
        updates += rows.length;
        counts.push(`(SELECT count(*) FROM ${name})`);
      }
    }
  }
  if (parts.length === 0) return undefined;
  const updated = ['0', ...counts].join(' + ');
  return {
    sql: `WITH ${parts.join(',\n')}\nSELECT 1 / (${updated} = $${parameters.length + 1}::bigint)::int AS all_updated`,
    parameters: [...parameters, String(updates)],
  };
}

/** In the order of the tables, whichever was written first: the same rows are the same statement. */
function rowsByTable(all: readonly Writes['insert'][]): [LedgerTable, readonly object[]][] {
  return TABLES.map((table) => [table, all.flatMap<object>((rows) => rows[table] ?? [])]);
}

const TABLES: readonly LedgerTable[] = [
  'customer',
  'paymentMethod',
  'payment',
  'paymentDestination',
  'attempt',
  'capture',
  'captureReversal',
  'refund',
  'refundAllocation',
  'operation',
  'operationResolution',
  'paymentEvent',
];

function statementFor(verb: 'insert' | 'update', table: LedgerTable, parameter: number): string {
  const name = columnOf(table);
  const columns = givenColumns(table).map((column) => column.name);
  const rows = given(table, parameter);
  if (verb === 'insert') {
    return `INSERT INTO ${name} (${columns.join(', ')}) SELECT ${columns.join(', ')} FROM ${rows}`;
  }
  const assigned = columns.filter((column) => column !== 'environment_id' && column !== 'id');
  return `UPDATE ${name} SET ${assigned.map((column) => `${column} = new.${column}`).join(', ')}
    FROM ${rows} AS new WHERE ${name}.environment_id = new.environment_id AND ${name}.id = new.id RETURNING 1`;
}
