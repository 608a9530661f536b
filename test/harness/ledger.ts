import { randomUUID } from 'node:crypto';
import type { Client } from 'pg';

/** Rows that belong together, written by hand: what a test changes of them is all that is wrong with them. */
export interface Ledger {
  readonly environmentId: string;
  readonly paymentId: string;
  readonly attemptId: string;
  readonly captureId: string;
  readonly refundId: string;
}

/** Inserts a row; what is left out gets the database's own default. */
export async function insert(client: Client, table: string, row: Readonly<Record<string, unknown>>): Promise<void> {
  const columns = Object.keys(row);
  await client.query(
    `INSERT INTO ${table} (${columns.join(', ')}) VALUES (${columns.map((_, index) => `$${index + 1}`).join(', ')})`,
    Object.values(row),
  );
}

const by = { created_by: 'test', updated_by: 'test' };

/** A payment of 1,000 that was charged and captured, with a refund of 400 that holds as much of the capture. */
export async function writeLedger(client: Client): Promise<Ledger> {
  const [accountId, environmentId, methodId, paymentId, attemptId, captureId, refundId] = Array.from(
    { length: 7 },
    () => randomUUID(),
  ) as [string, string, string, string, string, string, string];
  await insert(client, 'account', { id: accountId, name: 'test' });
  await insert(client, 'environment', { id: environmentId, account_id: accountId, mode: 'TEST' });
  await insert(client, 'payment_method', methodRow(environmentId, methodId));
  await insert(client, 'payment', {
    ...paymentRow(environmentId, paymentId),
    amount_authorized: 1000,
    amount_captured: 1000,
    amount_refunded: 400,
  });
  await insert(client, 'attempt', attemptRow({ environmentId, paymentId }, methodId, attemptId));
  const movement = {
    environment_id: environmentId,
    payment_id: paymentId,
    attempt_id: attemptId,
    currency: 'EUR',
    ...by,
  };
  await insert(client, 'capture', { ...movement, id: captureId, amount: 1000, status: 'SUCCEEDED', final: true });
  await insert(client, 'refund', { ...movement, id: refundId, amount: 400, status: 'SUCCEEDED' });
  await insert(client, 'refund_allocation', {
    environment_id: environmentId,
    refund_id: refundId,
    capture_id: captureId,
    amount: 400,
  });
  return { environmentId, paymentId, attemptId, captureId, refundId };
}

function paymentRow(environmentId: string, id: string) {
  return {
    environment_id: environmentId,
    id,
    amount: 1000,
    currency: 'EUR',
    status: 'SUCCEEDED',
    capture_method: 'AUTOMATIC',
    initiator: 'CUSTOMER',
    off_session: false,
    ...by,
  };
}

function methodRow(environmentId: string, id: string) {
  return {
    environment_id: environmentId,
    id,
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

function attemptRow(of: Pick<Ledger, 'environmentId' | 'paymentId'>, methodId: string, id: string) {
  return {
    environment_id: of.environmentId,
    id,
    payment_id: of.paymentId,
    number: 1,
    kind: 'INITIAL',
    status: 'SUCCEEDED',
    payment_method_id: methodId,
    processor: 'sandbox',
    amount: 1000,
    currency: 'EUR',
    amount_authorized: 1000,
    ...by,
  };
}

/** An event of a payment, as the code would append it. */
export function eventRow(of: Pick<Ledger, 'environmentId' | 'paymentId'>, sequence: number) {
  const zero = Object.fromEntries(
    ['authorized', 'capturing', 'captured', 'released', 'refunding', 'refunded'].map((name) => [`amount_${name}`, 0]),
  );
  return {
    environment_id: of.environmentId,
    id: randomUUID(),
    payment_id: of.paymentId,
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
