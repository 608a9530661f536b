import { randomInt, randomUUID } from 'node:crypto';
import type { Client } from 'pg';
import { HUMAN_IDS, humanIdOf } from '../../src/domain/human-id.ts';

/** Rows that belong together, written by hand: what a test changes of them is all that is wrong with them. */
export interface Ledger {
  readonly environmentId: string;
  readonly customerId: string;
  readonly methodId: string;
  readonly paymentId: string;
  readonly attemptId: string;
  /** The capture of 700, of which 400 were refunded. */
  readonly captureId: string;
  /** The capture of 300. */
  readonly secondCaptureId: string;
  readonly refundId: string;
  readonly operationId: string;
}

export type Row = Readonly<Record<string, unknown>>;

/**
 * Inserts a row; what is left out gets the database's own default. A database of an earlier version gets the columns that
 * it has.
 */
export async function insert(client: Client, table: string, whole: Row): Promise<void> {
  const known = await columnsOf(client, table);
  const row = Object.fromEntries(Object.entries(whole).filter(([column]) => known.has(column)));
  const columns = Object.keys(row);
  await client.query(
    `INSERT INTO ${table} (${columns.join(', ')}) VALUES (${columns.map((_, index) => `$${index + 1}`).join(', ')})`,
    Object.values(row),
  );
}

const knownColumns = new WeakMap<Client, Map<string, ReadonlySet<string>>>();

async function columnsOf(client: Client, table: string): Promise<ReadonlySet<string>> {
  const tables = knownColumns.get(client) ?? new Map<string, ReadonlySet<string>>();
  knownColumns.set(client, tables);
  let columns = tables.get(table);
  if (columns === undefined) {
    const { rows } = await client.query<{ name: string }>(
      'SELECT attname AS name FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped',
      [table],
    );
    tables.set(table, (columns = new Set(rows.map(({ name }) => name))));
  }
  return columns;
}

const by = { created_by: 'test', updated_by: 'test' };

/**
 * A payment of 1,000 that was charged and captured in two parts, 700 and 300, with a refund of 400 that holds as much
 * of the first; a customer, and the operation that charged them. They are written in a transaction of their own.
 */
export async function writeLedger(client: Client): Promise<Ledger> {
  const ledger: Ledger = {
    environmentId: randomUUID(),
    customerId: randomUUID(),
    methodId: randomUUID(),
    paymentId: randomUUID(),
    attemptId: randomUUID(),
    captureId: randomUUID(),
    secondCaptureId: randomUUID(),
    refundId: randomUUID(),
    operationId: randomUUID(),
  };
  const { environmentId, customerId, attemptId } = ledger;
  const accountId = randomUUID();
  await client.query('BEGIN');
  await insert(client, 'account', { id: accountId, name: 'test' });
  await insert(client, 'environment', { id: environmentId, account_id: accountId, mode: 'TEST' });
  await insert(client, 'customer', { environment_id: environmentId, id: customerId, ...by });
  await insert(client, 'payment_method', { ...methodRow(ledger), id: ledger.methodId });
  await insert(client, 'payment', { ...paymentRow(ledger), id: ledger.paymentId });
  await insert(client, 'attempt', { ...attemptRow(ledger, 1), id: attemptId, status: 'SUCCEEDED' });
  await client.query('UPDATE payment SET current_attempt_id = $1 WHERE id = $2', [attemptId, ledger.paymentId]);
  await insert(client, 'capture', { ...captureRow(ledger, 700), id: ledger.captureId });
  await insert(client, 'capture', { ...captureRow(ledger, 300), id: ledger.secondCaptureId });
  await insert(client, 'refund', { ...refundRow(ledger, 400), id: ledger.refundId });
  await insert(client, 'refund_allocation', allocationRow(ledger, ledger.captureId, 400));
  await insert(client, 'operation', { ...operationRow(ledger), id: ledger.operationId });
  await client.query('COMMIT');
  return ledger;
}

/** Another payment of the same customer that was charged, with nothing captured yet. */
export async function addPayment(client: Client, of: Ledger, { currency = 'EUR' } = {}): Promise<Ledger> {
  const ledger: Ledger = { ...of, paymentId: randomUUID(), attemptId: randomUUID() };
  await insert(client, 'payment', { ...paymentRow(ledger), id: ledger.paymentId, currency });
  await insert(client, 'attempt', { ...attemptRow(ledger, 1), id: ledger.attemptId, currency });
  return ledger;
}

/** Another refund, with how much of which captures it gives back. */
export async function addRefund(client: Client, row: Row, parts: readonly (readonly [string, number])[]): Promise<Row> {
  await insert(client, 'refund', row);
  for (const [captureId, amount] of parts) {
    const part = { environmentId: String(row['environment_id']), refundId: String(row['id']) };
    await insert(client, 'refund_allocation', allocationRow(part, captureId, amount));
  }
  return row;
}

type Of<Key extends keyof Ledger> = Pick<Ledger, 'environmentId' | Key>;

export function methodRow({ environmentId, customerId }: Of<'customerId'>): Row {
  return {
    environment_id: environmentId,
    id: randomUUID(),
    customer_id: customerId,
    processor: 'sandbox',
    processor_token: 'tok',
    brand: 'VISA',
    last4: '4242',
    exp_month: 12,
    exp_year: 2040,
    fingerprint: 'f',
    ...by,
  };
}

/** A payment of 1,000, all of it captured and 400 of it given back. */
export function paymentRow({ environmentId, customerId, methodId }: Of<'customerId' | 'methodId'>): Row {
  return {
    environment_id: environmentId,
    id: randomUUID(),
    human_id: humanIdOf(randomInt(HUMAN_IDS)),
    customer_id: customerId,
    payment_method_id: methodId,
    amount: 1000,
    currency: 'EUR',
    status: 'SUCCEEDED',
    refund_status: 'PARTIALLY_REFUNDED',
    capture_method: 'MANUAL',
    initiator: 'CUSTOMER',
    off_session: false,
    amount_authorized: 1000,
    amount_captured: 1000,
    amount_refunded: 400,
    ...by,
    created_by_commit: 'test',
    updated_by_commit: 'test',
  };
}

export function destinationRow({ environmentId, paymentId }: Of<'paymentId'>): Row {
  const subject = { type: 'ORDER', destination_id: '1', amount: 1000 };
  return { environment_id: environmentId, payment_id: paymentId, position: 0, ...subject };
}

/** An attempt that failed, so that it can stand beside any other. */
export function attemptRow({ environmentId, paymentId, methodId }: Of<'paymentId' | 'methodId'>, number: number): Row {
  return {
    environment_id: environmentId,
    id: randomUUID(),
    payment_id: paymentId,
    number,
    kind: 'INITIAL',
    status: 'FAILED',
    payment_method_id: methodId,
    processor: 'sandbox',
    amount: 1000,
    currency: 'EUR',
    amount_authorized: 1000,
    ...by,
  };
}

export function captureRow(of: Of<'paymentId' | 'attemptId'>, amount: number): Row {
  return { ...movementRow(of, amount), final: false };
}

export function refundRow(of: Of<'paymentId' | 'attemptId'>, amount: number): Row {
  return movementRow(of, amount);
}

function movementRow({ environmentId, paymentId, attemptId }: Of<'paymentId' | 'attemptId'>, amount: number): Row {
  return {
    environment_id: environmentId,
    id: randomUUID(),
    payment_id: paymentId,
    attempt_id: attemptId,
    amount,
    currency: 'EUR',
    status: 'SUCCEEDED',
    ...by,
  };
}

export function allocationRow({ environmentId, refundId }: Of<'refundId'>, captureId: string, amount: number): Row {
  return { environment_id: environmentId, refund_id: refundId, capture_id: captureId, amount };
}

export function reversalRow(environmentId: string, captureId: string, amount: number): Row {
  const why = { failure_code: 'returned', failure_message: 'The bank took it back.' };
  return { environment_id: environmentId, capture_id: captureId, amount, ...why, created_by: 'test' };
}

export function operationRow({ environmentId, paymentId, attemptId }: Of<'paymentId' | 'attemptId'>): Row {
  return {
    environment_id: environmentId,
    id: randomUUID(),
    kind: 'CHARGE',
    status: 'COMPLETED',
    payment_id: paymentId,
    attempt_id: attemptId,
    processor: 'sandbox',
    processor_key: randomUUID(),
    call_deadline: new Date(0),
    created_by: 'test',
  };
}

export function resolutionRow({ environmentId, operationId }: Of<'operationId'>): Row {
  const said = { outcome: 'SUCCEEDED', note: 'as their support wrote' };
  return { environment_id: environmentId, id: randomUUID(), operation_id: operationId, ...said, created_by: 'test' };
}

/** The key of a request that made a payment and charged it. */
export function keyRow({ environmentId, paymentId, operationId }: Of<'paymentId' | 'operationId'>): Row {
  return {
    environment_id: environmentId,
    principal: 'secret-keys',
    operation: 'createPayment',
    key: randomUUID(),
    fingerprint: Buffer.alloc(32),
    fingerprint_version: 1,
    fingerprint_key_id: 'test',
    resource_id: paymentId,
    payment_id: paymentId,
    operation_id: operationId,
    expires_at: new Date(0),
  };
}

/** An event of a payment, as the code would append it. */
export function eventRow({ environmentId, paymentId }: Of<'paymentId'>, sequence: number): Row {
  const zero = Object.fromEntries(
    ['authorized', 'capturing', 'captured', 'released', 'refunding', 'refunded'].map((name) => [`amount_${name}`, 0]),
  );
  return {
    environment_id: environmentId,
    id: randomUUID(),
    payment_id: paymentId,
    sequence,
    epoch: 1,
    order_xid: 1,
    type: 'PAYMENT_CREATED',
    status: 'CREATED',
    refund_status: 'NONE',
    currency: 'EUR',
    amount: 1000,
    ...zero,
    created_by: 'test',
  };
}
