import { Client } from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { cloneDatabase, type TestDatabase } from '../harness/database.ts';
import {
  allocationRow,
  attemptRow,
  captureRow,
  destinationRow,
  eventRow,
  insert,
  keyRow,
  methodRow,
  operationRow,
  paymentRow,
  refundRow,
  resolutionRow,
  reversalRow,
  writeLedger,
  type Row,
} from '../harness/ledger.ts';
import {
  accountRow,
  addProcessorAccount,
  inAccount,
  notificationRow,
  type Accounted,
} from '../harness/ledger-accounts.ts';
import { addApiKey, apiKeyRow, auditRow, type Keyed } from '../harness/ledger-keys.ts';
import {
  addReconciliation,
  differenceRow,
  reconciliationRow,
  type Reconciled,
} from '../harness/ledger-reconciliation.ts';
import {
  addWebhook,
  deliveryRow,
  endpointRow,
  webhookAttemptRow,
  type ToldLedger,
} from '../harness/ledger-webhooks.ts';

/**
 * What the migrations promise, read from the catalog: what was written into them by hand (Prisma does not call its loss
 * a drift), and that the environment leads every key. constraints*.test.ts show what each of them refuses.
 */

let database: TestDatabase;
let client: Client;

beforeAll(async () => {
  database = await cloneDatabase();
  client = new Client(database.connection);
  await client.connect();
});

afterAll(async () => {
  await client.end();
  await database.drop();
});

/** The foreign keys that are checked at the commit. */
const DEFERRED_KEYS = [
  'idempotency_key_environment_id_operation_id_fkey',
  'idempotency_key_environment_id_payment_id_fkey',
];

async function names(sql: string): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(sql);
  return rows.map(({ name }) => name).toSorted();
}

test('every CHECK is there', async () => {
  const found = await names(
    `SELECT conname AS name FROM pg_constraint WHERE contype = 'c' AND connamespace = 'public'::regnamespace`,
  );
  expect(found).toEqual([
    'api_key_hash_is_sha256',
    'api_key_reads',
    'api_key_replaces_another',
    'attempt_amount_positive',
    'attempt_authorized_within_amount',
    'attempt_of_account',
    'attempt_rule_of_version',
    'attempt_rule_when_routed',
    'capture_amount_positive',
    'capture_refunds_within_amount',
    'capture_reversal_amount_positive',
    'capture_settled_succeeded',
    'customer_erased_holds_nothing',
    'environment_retry_delays_positive',
    'operation_of_account',
    'payment_amount_positive',
    'payment_amounts_not_negative',
    'payment_authorized_within_amount',
    'payment_captured_within_authorized',
    'payment_destination_amount_positive',
    'payment_fee_within_amount',
    'payment_human_id_unambiguous',
    'payment_method_of_account',
    'payment_parts_not_negative',
    'payment_refunded_within_captured',
    'payment_retry_count_not_negative',
    'payment_reversed_within_captured',
    'payment_settled_succeeded',
    'payment_tax_adds_up',
    'processor_notification_within_limit',
    'reconciliation_counts_not_negative',
    'reconciliation_difference_of_sides',
    'reconciliation_difference_operation_of_payment',
    'reconciliation_difference_our_side_whole',
    'reconciliation_difference_their_side_whole',
    'reconciliation_due_while_open',
    'reconciliation_finished_when_over',
    'reconciliation_of_account',
    'reconciliation_of_some_time',
    'reconciliation_started_before_over',
    'refund_allocation_amount_positive',
    'refund_amount_positive',
    'routing_rules_version_positive',
    'webhook_attempt_response_within_limit',
    'webhook_delivery_attempts_not_negative',
    'webhook_delivery_completed_when_over',
    'webhook_delivery_due_while_pending',
    'webhook_delivery_event_of_payment',
    'webhook_delivery_failed_with_reason',
    'webhook_endpoint_disabled_with_reason',
    'webhook_endpoint_url_within_limit',
  ]);
});

test('every constraint holds for the rows that were there before it, and is enforced', async () => {
  expect(await names('SELECT conname AS name FROM pg_constraint WHERE NOT convalidated OR NOT conenforced')).toEqual(
    [],
  );
});

test('every partial index is there', async () => {
  const found = await names(
    `SELECT indexname AS name FROM pg_indexes WHERE schemaname = 'public' AND indexdef LIKE '% WHERE %'`,
  );
  expect(found).toEqual([
    'attempt_one_live',
    'operation_asked',
    'operation_due',
    'operation_open',
    'operation_reference',
    'payment_due',
    'processor_notification_due',
    'processor_notification_over',
    'reconciliation_daily',
    'reconciliation_due',
    'sandbox_charge_due',
    'sandbox_charge_notify',
    'sandbox_charge_settles',
    'sandbox_movement_due',
    'sandbox_movement_notify',
    'sandbox_movement_settles',
    'webhook_delivery_due',
    'webhook_endpoint_enabled',
  ]);
});

test('what is unique beside the ids', async () => {
  const found = await names(
    `SELECT indexrelid::regclass::text AS name FROM pg_index JOIN pg_class ON pg_class.oid = indrelid
     WHERE indisunique AND NOT indisprimary AND indisvalid AND relnamespace = 'public'::regnamespace`,
  );
  expect(found).toEqual([
    'api_key_environment_id_replaces_id_key',
    'api_key_hash_key',
    'attempt_environment_id_payment_id_id_key',
    'attempt_environment_id_payment_id_number_key',
    'attempt_one_live',
    'audit_entry_environment_id_position_key',
    'environment_account_id_mode_key',
    'event_epoch_system_identifier_timeline_key',
    'operation_environment_id_processor_processor_key_key',
    'payment_environment_id_human_id_key',
    'payment_environment_id_id_currency_key',
    'payment_event_environment_id_payment_id_sequence_key',
    'processor_account_environment_id_name_key',
    'processor_notification_environment_id_processor_account_id__key',
    'reconciliation_daily',
    'sandbox_charge_merchant_key_key',
    'sandbox_movement_merchant_key_key',
    'webhook_delivery_environment_id_endpoint_id_event_id_key',
  ]);
});

test('every trigger is there, and switched on', async () => {
  const found = await names(
    `SELECT tgrelid::regclass || '.' || tgname AS name FROM pg_trigger WHERE NOT tgisinternal AND tgenabled = 'O'`,
  );
  expect(found).toEqual([
    'attempt.attempt_money_kept',
    'attempt.authorized_covers_captures',
    'audit_entry.audit_entry_kept',
    'audit_entry.audit_entry_not_emptied',
    'capture.capture_money_kept',
    'capture.capture_success_kept',
    'capture.captures_within_authorized',
    'capture_reversal.capture_reversal_kept',
    'capture_reversal.capture_reversal_not_emptied',
    'capture_reversal.capture_reversal_within_capture',
    'operation_resolution.operation_resolution_kept',
    'operation_resolution.operation_resolution_not_emptied',
    'payment_event.payment_event_kept',
    'payment_event.payment_event_not_emptied',
    'refund.refund_held',
    'refund.refund_money_kept',
    'refund.refund_shared_out',
    'refund_allocation.refund_allocation_held',
    'refund_allocation.refund_allocation_kept',
    'refund_allocation.refund_allocation_not_emptied',
    'refund_allocation.refund_allocation_shared_out',
  ]);
});

test('only what an idempotency key points to, and the parts of a refund, may come after it', async () => {
  expect(await names('SELECT conname AS name FROM pg_constraint WHERE condeferrable AND condeferred')).toEqual([
    ...DEFERRED_KEYS,
    'refund_allocation_shared_out',
    'refund_shared_out',
  ]);
});

/** Of each key, its table and its columns; of a foreign key, also those that it points to. */
interface Key {
  readonly name: string;
  readonly type: 'p' | 'u' | 'f';
  readonly table: string;
  readonly columns: string[];
  readonly to: string | null;
  readonly toColumns: string[] | null;
}

/** SQL for the names of columns, in the order in which a key has them. */
function columnNames(table: string, numbers: string): string {
  return `(SELECT json_agg(attname ORDER BY place) FROM unnest(${numbers}) WITH ORDINALITY AS key (number, place)
    JOIN pg_attribute ON attrelid = ${table} AND attnum = number)`;
}

async function keys(): Promise<Key[]> {
  const { rows } = await client.query<Key>(
    `SELECT conname AS name, contype::text AS type, conrelid::regclass::text AS table,
       ${columnNames('conrelid', 'conkey')} AS columns,
       CASE contype WHEN 'f' THEN confrelid::regclass::text END AS to, ${columnNames('confrelid', 'confkey')} AS "toColumns"
     FROM pg_constraint WHERE contype IN ('p', 'f') AND connamespace = 'public'::regnamespace
     UNION ALL
     SELECT relname, 'u', indrelid::regclass::text, ${columnNames('indrelid', 'indkey')}, NULL, NULL
     FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
     WHERE indisunique AND NOT indisprimary AND relnamespace = 'public'::regnamespace`,
  );
  return rows;
}

/** The tables of which every row belongs to an environment, with their columns. */
async function scopedTables(): Promise<Map<string, string[]>> {
  const { rows } = await client.query<{ table: string; columns: string[] }>(
    `SELECT table_name AS table, json_agg(column_name) AS columns FROM information_schema.columns
     WHERE table_schema = 'public' GROUP BY table_name HAVING 'environment_id' = ANY (array_agg(column_name::text))`,
  );
  return new Map(rows.map(({ table, columns }) => [table, columns]));
}

describe('the environment', () => {
  test('leads every primary, unique and foreign key of what belongs to one', async () => {
    const tables = await scopedTables();
    const scoped = (await keys()).filter(({ table }) => tables.has(table));
    expect(scoped.length).toBeGreaterThan(40);
    const others = scoped.filter(({ columns }) => columns[0] !== 'environment_id').map(({ name }) => name);
    // Whose a secret key is, only its hash can tell.
    expect(others).toEqual(['api_key_hash_key']);
  });

  test('is the same on both sides of every foreign key', async () => {
    const tables = await scopedTables();
    const pointers = (await keys()).filter(({ table, type }) => type === 'f' && tables.has(table));
    for (const { name, to, toColumns } of pointers) {
      expect([name, toColumns?.[0]]).toEqual([name, to === 'environment' ? 'id' : 'environment_id']);
    }
    expect(new Set(pointers.map(({ table }) => table))).toEqual(new Set(tables.keys()));
  });

  test('goes with every id of another row', async () => {
    const pointers = (await keys()).filter(({ type }) => type === 'f');
    const loose = [...(await scopedTables())].flatMap(([table, columns]) =>
      columns
        .filter((column) => column.endsWith('_id') && column !== 'environment_id')
        .filter((column) => !pointers.some((key) => key.table === table && key.columns.includes(column)))
        .map((column) => `${table}.${column}`),
    );
    expect(loose.toSorted()).toEqual([
      // Not of rows of ours.
      'attempt.network_transaction_id',
      'attempt.processor_transaction_id',
      'audit_entry.request_id',
      'idempotency_key.fingerprint_key_id',
      // Of the row that a key made, in whichever table; its payment and operation are checked.
      'idempotency_key.resource_id',
      'payment.human_id',
      'payment_destination.billing_period_id',
      'payment_destination.destination_id',
      'payment_destination.invoice_id',
      'payment_destination.purchase_id',
      'payment_destination.subscription_id',
      'processor_account.credentials_key_id',
      'processor_notification.event_id',
    ]);
  });
});

type WholeLedger = Keyed<Reconciled<Accounted<ToldLedger>>>;

async function wholeLedger(): Promise<WholeLedger> {
  const told = await addWebhook(client, await writeLedger(client));
  return addApiKey(client, await addReconciliation(client, await addProcessorAccount(client, told)));
}

/** A new row of each table that refers to others, and where it points. */
const ROWS: Readonly<Record<string, (of: WholeLedger) => Row>> = {
  api_key: (of) => ({ ...apiKeyRow(of), replaces_id: of.keyId }),
  audit_entry: auditRow,
  payment_method: (of) => ({ ...methodRow(of), ...inAccount(of) }),
  // An attempt of its own there can only be once it is there: writeLedger points it to one.
  payment: (of) => ({ ...paymentRow(of), current_attempt_id: null }),
  payment_destination: destinationRow,
  attempt: (of) => ({ ...attemptRow(of, 2), ...inAccount(of) }),
  capture: (of) => ({ ...captureRow(of, 1), status: 'FAILED' }),
  capture_reversal: (of) => reversalRow(of.environmentId, of.captureId, 700),
  refund: (of) => refundRow(of, 1),
  refund_allocation: (of) => allocationRow(of, of.secondCaptureId, 1),
  operation: (of) => ({
    ...operationRow(of),
    ...inAccount(of),
    capture_id: of.captureId,
    refund_id: of.refundId,
  }),
  operation_resolution: resolutionRow,
  idempotency_key: keyRow,
  payment_event: (of) => {
    const { customerId: customer_id, attemptId: attempt_id, captureId: capture_id, refundId: refund_id } = of;
    return { ...eventRow(of, 1), customer_id, attempt_id, capture_id, refund_id };
  },
  webhook_endpoint: endpointRow,
  webhook_delivery: deliveryRow,
  webhook_attempt: webhookAttemptRow,
  processor_account: accountRow,
  processor_notification: notificationRow,
  reconciliation: (of) => ({ ...reconciliationRow(of), ...inAccount(of) }),
  reconciliation_difference: differenceRow,
};

/** Every foreign key between tables that belong to an environment. */
const POINTERS: Readonly<Record<string, readonly [string, string, keyof WholeLedger]>> = {
  api_key_environment_id_replaces_id_fkey: ['api_key', 'replaces_id', 'keyId'],
  payment_method_environment_id_customer_id_fkey: ['payment_method', 'customer_id', 'customerId'],
  payment_environment_id_customer_id_fkey: ['payment', 'customer_id', 'customerId'],
  payment_environment_id_payment_method_id_fkey: ['payment', 'payment_method_id', 'methodId'],
  payment_environment_id_id_current_attempt_id_fkey: ['payment', 'current_attempt_id', 'attemptId'],
  payment_destination_environment_id_payment_id_fkey: ['payment_destination', 'payment_id', 'paymentId'],
  attempt_environment_id_payment_id_currency_fkey: ['attempt', 'payment_id', 'paymentId'],
  attempt_environment_id_payment_method_id_fkey: ['attempt', 'payment_method_id', 'methodId'],
  capture_environment_id_payment_id_currency_fkey: ['capture', 'payment_id', 'paymentId'],
  capture_environment_id_attempt_id_fkey: ['capture', 'attempt_id', 'attemptId'],
  capture_reversal_environment_id_capture_id_fkey: ['capture_reversal', 'capture_id', 'captureId'],
  refund_environment_id_payment_id_currency_fkey: ['refund', 'payment_id', 'paymentId'],
  refund_environment_id_payment_id_attempt_id_fkey: ['refund', 'attempt_id', 'attemptId'],
  refund_allocation_environment_id_refund_id_fkey: ['refund_allocation', 'refund_id', 'refundId'],
  refund_allocation_environment_id_capture_id_fkey: ['refund_allocation', 'capture_id', 'captureId'],
  operation_environment_id_payment_id_fkey: ['operation', 'payment_id', 'paymentId'],
  operation_environment_id_payment_id_attempt_id_fkey: ['operation', 'attempt_id', 'attemptId'],
  operation_environment_id_capture_id_fkey: ['operation', 'capture_id', 'captureId'],
  operation_environment_id_refund_id_fkey: ['operation', 'refund_id', 'refundId'],
  operation_resolution_environment_id_operation_id_fkey: ['operation_resolution', 'operation_id', 'operationId'],
  idempotency_key_environment_id_payment_id_fkey: ['idempotency_key', 'payment_id', 'paymentId'],
  idempotency_key_environment_id_operation_id_fkey: ['idempotency_key', 'operation_id', 'operationId'],
  payment_event_environment_id_payment_id_currency_fkey: ['payment_event', 'payment_id', 'paymentId'],
  payment_event_environment_id_customer_id_fkey: ['payment_event', 'customer_id', 'customerId'],
  payment_event_environment_id_attempt_id_fkey: ['payment_event', 'attempt_id', 'attemptId'],
  payment_event_environment_id_capture_id_fkey: ['payment_event', 'capture_id', 'captureId'],
  payment_event_environment_id_refund_id_fkey: ['payment_event', 'refund_id', 'refundId'],
  webhook_delivery_environment_id_endpoint_id_fkey: ['webhook_delivery', 'endpoint_id', 'endpointId'],
  webhook_delivery_environment_id_event_id_fkey: ['webhook_delivery', 'event_id', 'eventId'],
  webhook_delivery_environment_id_payment_id_fkey: ['webhook_delivery', 'payment_id', 'paymentId'],
  webhook_attempt_environment_id_delivery_id_fkey: ['webhook_attempt', 'delivery_id', 'deliveryId'],
  payment_method_environment_id_processor_account_id_fkey: ['payment_method', 'processor_account_id', 'accountId'],
  attempt_environment_id_processor_account_id_fkey: ['attempt', 'processor_account_id', 'accountId'],
  operation_environment_id_processor_account_id_fkey: ['operation', 'processor_account_id', 'accountId'],
  processor_notification_environment_id_processor_account_id_fkey: [
    'processor_notification',
    'processor_account_id',
    'accountId',
  ],
  reconciliation_environment_id_processor_account_id_fkey: ['reconciliation', 'processor_account_id', 'accountId'],
  reconciliation_difference_environment_id_reconciliation_id_fkey: [
    'reconciliation_difference',
    'reconciliation_id',
    'reconciliationId',
  ],
  reconciliation_difference_environment_id_payment_id_fkey: ['reconciliation_difference', 'payment_id', 'paymentId'],
  reconciliation_difference_environment_id_operation_id_fkey: [
    'reconciliation_difference',
    'operation_id',
    'operationId',
  ],
};

/** Inserts a row, and has its foreign keys checked at once that would be checked at the commit. */
async function write(table: string, row: Row): Promise<void> {
  await insert(client, table, row);
  await client.query(`SET CONSTRAINTS ${DEFERRED_KEYS.join(', ')} IMMEDIATE`);
}

describe('no row points into another environment', () => {
  let mine: WholeLedger;
  let theirs: WholeLedger;

  beforeAll(async () => {
    mine = await wholeLedger();
    theirs = await wholeLedger();
  });

  beforeEach(async () => {
    await client.query('BEGIN');
  });

  afterEach(async () => {
    await client.query('ROLLBACK');
  });

  test('these are all foreign keys between what belongs to environments', async () => {
    const tables = await scopedTables();
    const found = (await keys()).filter(({ table, to }) => tables.has(table) && to !== null && tables.has(to));
    expect(found.map(({ name }) => name).toSorted()).toEqual(Object.keys(POINTERS).toSorted());
  });

  test.for(Object.entries(ROWS))('a %s that points into its own is written', async ([table, rowOf]) => {
    await expect(write(table, rowOf(mine))).resolves.toBeUndefined();
  });

  test.for(Object.entries(POINTERS))('%s refuses it', async ([constraint, [table, column, pointed]]) => {
    const row = ROWS[table]?.(mine);
    expect(row?.[column]).toBeDefined();
    await expect(write(table, { ...row, [column]: theirs[pointed] })).rejects.toMatchObject({
      code: '23503',
      constraint,
    });
  });

  test('not even the current attempt of a payment that exists', async () => {
    const statement = 'UPDATE payment SET current_attempt_id = $1 WHERE id = $2';
    await expect(client.query(statement, [theirs.attemptId, mine.paymentId])).rejects.toMatchObject({
      code: '23503',
      constraint: 'payment_environment_id_id_current_attempt_id_fkey',
    });
  });
});
