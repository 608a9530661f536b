import type { Customer } from '../../generated/prisma/client.ts';
import { allOf } from './rows.ts';
import type { Transaction } from './transaction.ts';

/** The removal of a customer's personal data. docs/personal-data.md lists every column, and what becomes of it. */

interface CustomerKey {
  readonly environmentId: string;
  readonly id: string;
}

/** A customer, locked until the transaction ends: nothing new is begun for it meanwhile. */
export async function lockCustomer(
  transaction: Transaction,
  { environmentId, id }: CustomerKey,
): Promise<Customer | undefined> {
  const [row] = await transaction.query<Customer>(
    `SELECT ${allOf('Customer')} FROM customer WHERE environment_id = $1 AND id = $2 FOR UPDATE`,
    [environmentId, id],
  );
  return row;
}

/** Locks the payments of a customer. Whoever charges one locks it first and its customer then, and so does this. */
export async function lockPaymentsOf(transaction: Transaction, { environmentId, id }: CustomerKey): Promise<void> {
  await transaction.query(
    'SELECT 1 FROM payment WHERE environment_id = $1 AND customer_id = $2 ORDER BY id FOR UPDATE',
    [environmentId, id],
  );
}

/**
 * The payments of a customer that money moves for, or will by itself. One that waits for its payer, or that failed and is not
 * tried again, is none of them.
 */
export async function findPaymentsUnderWay(
  transaction: Transaction,
  { environmentId, id }: CustomerKey,
  limit: number,
): Promise<string[]> {
  const rows = await transaction.query<{ id: string }>(
    `SELECT id FROM payment WHERE environment_id = $1 AND customer_id = $2 AND (
       status IN ('SCHEDULED', 'PROCESSING', 'REQUIRES_ACTION', 'AUTHORIZED', 'CAPTURED', 'RETRY_SCHEDULED')
       OR refund_status = 'PENDING'
       OR EXISTS (SELECT FROM operation WHERE operation.environment_id = payment.environment_id
                    AND operation.payment_id = payment.id AND operation.status <> 'COMPLETED'))
     ORDER BY id LIMIT $3`,
    [environmentId, id, limit],
  );
  return rows.map((row) => row.id);
}

/** Of the payments of a customer, in a statement about what belongs to them. */
const PAYMENTS = 'SELECT environment_id, id FROM payment WHERE environment_id = $1 AND customer_id = $2';

/** What is removed, table by table; $1 is the environment, $2 the customer, and $3 who says so. */
const STATEMENTS = [
  `UPDATE payment_method SET holder_name = NULL, detached_at = coalesce(detached_at, now()), updated_at = now(), updated_by = $3
   WHERE environment_id = $1 AND (holder_name IS NOT NULL OR detached_at IS NULL) AND (customer_id = $2 OR id IN (
     SELECT attempt.payment_method_id FROM attempt JOIN payment
       ON payment.environment_id = attempt.environment_id AND payment.id = attempt.payment_id
     WHERE attempt.environment_id = $1 AND payment.customer_id = $2))`,
  `UPDATE payment SET billing_address = NULL, description = NULL, metadata = '{}', return_url = NULL, idempotency_key = NULL,
     active = false, updated_at = now(), updated_by = $3
   WHERE environment_id = $1 AND customer_id = $2`,
  `UPDATE attempt SET metadata = '{}', updated_at = now(), updated_by = $3
   WHERE (environment_id, payment_id) IN (${PAYMENTS}) AND metadata <> '{}'`,
  `UPDATE refund SET reason = NULL, updated_at = now(), updated_by = $3
   WHERE (environment_id, payment_id) IN (${PAYMENTS}) AND reason IS NOT NULL`,
  `UPDATE webhook_attempt SET response_body = NULL
   WHERE response_body IS NOT NULL AND $3::text IS NOT NULL AND (environment_id, delivery_id) IN (
     SELECT environment_id, id FROM webhook_delivery WHERE (environment_id, payment_id) IN (${PAYMENTS}))`,
  `UPDATE processor_notification SET body = ''
   WHERE environment_id = $1 AND body <> '' AND $3::text IS NOT NULL AND about && ARRAY(
     SELECT processor_reference FROM operation
     WHERE (environment_id, payment_id) IN (${PAYMENTS}) AND processor_reference IS NOT NULL
     UNION SELECT processor_transaction_id FROM attempt
     WHERE (environment_id, payment_id) IN (${PAYMENTS}) AND processor_transaction_id IS NOT NULL)`,
  `UPDATE sandbox_charge SET return_url = NULL
   WHERE merchant = $1::uuid::text AND return_url IS NOT NULL AND $3::text IS NOT NULL AND key IN (
     SELECT processor_key FROM operation WHERE (environment_id, payment_id) IN (${PAYMENTS}))`,
  `UPDATE customer SET email = NULL, first_name = NULL, last_name = NULL, phone = NULL, address_line1 = NULL,
     address_line2 = NULL, city = NULL, state = NULL, postal_code = NULL, country = NULL, metadata = '{}',
     erased_at = coalesce(erased_at, now()), updated_at = now(), updated_by = $3
   WHERE environment_id = $1 AND id = $2`,
];

/** Removes what is known of a customer who is locked, with no payment under way. Done twice, it removes what has come since. */
export async function removePersonalData(
  transaction: Transaction,
  { environmentId, id }: CustomerKey,
  actor: string,
): Promise<void> {
  for (const statement of STATEMENTS) await transaction.query(statement, [environmentId, id, actor]);
}
