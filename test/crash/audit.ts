import type { Scene } from './scene.ts';

/** What a payment came to: the gateway's rows, and the sandbox's own books beside them. */
export interface Account {
  readonly status: string;
  readonly decline: string | null;
  /** Authorised, captured, released, refunded, in minor units. */
  readonly money: readonly number[];
  /** Every operation, with its status. */
  readonly operations: readonly string[];
  /** Every charge in the books: its status; what it authorised, captured, released and refunded. */
  readonly charges: readonly string[];
  /** Every capture, void and refund in the books, with its amount and its status. */
  readonly movements: readonly string[];
}

/** The account of a payment. */
export async function readAccount({ query }: Scene, paymentId: string): Promise<Account> {
  const [account] = await query<Account>(
    `SELECT status, decline_code AS decline,
       ARRAY[amount_authorized, amount_captured, amount_released, amount_refunded]::int[] AS money,
       ARRAY(SELECT kind || ' ' || status FROM operation WHERE payment_id = payment.id ORDER BY created_at, id) AS operations,
       ARRAY(SELECT concat_ws(' ', charge.status, amount, amount_captured, amount_released, amount_refunded)
             FROM sandbox_charge AS charge JOIN operation ON processor_key = charge.key
             WHERE payment_id = payment.id ORDER BY charge.created_at, charge.id) AS charges,
       ARRAY(SELECT concat_ws(' ', movement.kind, amount, movement.status)
             FROM sandbox_movement AS movement JOIN operation ON processor_key = movement.key
             WHERE payment_id = payment.id ORDER BY movement.created_at, movement.id) AS movements
     FROM payment WHERE 'pay_' || id = $1`,
    [paymentId],
  );
  if (account === undefined) throw new Error(`there is no payment ${paymentId}`);
  return account;
}

/**
 * The last operation of every kind of every payment: its status, and whether the processor's books have it. By payment
 * and kind.
 */
export async function readOperations({ query }: Scene): Promise<ReadonlyMap<string, string>> {
  const rows = await query<{ of: string; state: string }>(
    `SELECT concat_ws(' ', 'pay_' || payment_id, kind) AS of, status || CASE WHEN EXISTS (
       SELECT FROM sandbox_charge WHERE key = processor_key UNION ALL SELECT FROM sandbox_movement WHERE key = processor_key
     ) THEN ', booked' ELSE '' END AS state
     FROM operation ORDER BY created_at, id`,
  );
  return new Map(rows.map(({ of, state }) => [of, state]));
}

/** What is still to be done by somebody about a payment, now or later. */
export async function readOpen({ query }: Scene, paymentId: string): Promise<string[]> {
  const rows = await query<{ open: string }>(
    `WITH the AS (SELECT * FROM payment WHERE 'pay_' || id = $1)
     SELECT 'payment ' || status AS open FROM the
       WHERE status IN ('PROCESSING', 'RETRY_SCHEDULED') OR due_at <= now() OR amount_capturing <> 0 OR amount_refunding <> 0
     UNION ALL SELECT kind || ' ' || status FROM operation
       WHERE payment_id = (SELECT id FROM the) AND (status <> 'COMPLETED' OR recover_at IS NOT NULL)
     UNION ALL SELECT 'attempt ' || status FROM attempt
       WHERE payment_id = (SELECT id FROM the) AND status IN ('DISPATCHED', 'PENDING', 'UNKNOWN')
     UNION ALL SELECT 'capture' FROM capture WHERE payment_id = (SELECT id FROM the) AND status = 'PENDING'
     UNION ALL SELECT 'refund' FROM refund WHERE payment_id = (SELECT id FROM the) AND status = 'PENDING'`,
    [paymentId],
  );
  return rows.map(({ open }) => open);
}

/** What no crash may leave behind: each selects the rows that contradict others. */
const CONTRADICTIONS = [
  // Money that moved without an operation, or for another amount than the operation's.
  `SELECT 'charge' AS unknown, charge.* FROM sandbox_charge AS charge
   LEFT JOIN operation ON processor_key = charge.key AND kind = 'CHARGE' AND environment_id::text = merchant
   LEFT JOIN attempt ON attempt.id = operation.attempt_id
   WHERE attempt.amount IS DISTINCT FROM charge.amount`,
  `SELECT 'movement' AS unknown, movement.* FROM sandbox_movement AS movement
   LEFT JOIN operation ON processor_key = movement.key AND environment_id::text = merchant
   LEFT JOIN capture ON capture.id = operation.capture_id LEFT JOIN refund ON refund.id = operation.refund_id
   WHERE operation.id IS NULL OR coalesce(capture.amount, refund.amount, movement.amount) <> movement.amount`,
  // Sums that differ from their rows.
  `SELECT 'sums' AS different, payment.* FROM payment
   WHERE amount_captured <> (SELECT coalesce(sum(amount), 0) FROM capture WHERE payment_id = payment.id AND status = 'SUCCEEDED')
      OR amount_refunded <> (SELECT coalesce(sum(amount), 0) FROM refund WHERE payment_id = payment.id AND status = 'SUCCEEDED')`,
  // Events with gaps, or out of order, or that end elsewhere than the payment.
  `SELECT 'gap' AS event, * FROM (
     SELECT payment_id, sequence, row_number() OVER (PARTITION BY payment_id ORDER BY order_xid, position) AS place
     FROM payment_event) AS told
   WHERE sequence <> place`,
  `SELECT 'last' AS event, payment.id FROM payment
   LEFT JOIN payment_event AS event ON event.payment_id = payment.id AND event.sequence = payment.sequence
   WHERE payment.sequence <> (SELECT max(sequence) FROM payment_event WHERE payment_id = payment.id)
      OR (payment.status, payment.refund_status, payment.amount_authorized, payment.amount_capturing, payment.amount_captured,
          payment.amount_released, payment.amount_refunding, payment.amount_refunded)
        IS DISTINCT FROM (event.status, event.refund_status, event.amount_authorized, event.amount_capturing,
          event.amount_captured, event.amount_released, event.amount_refunding, event.amount_refunded)`,
  // What nothing points to: a payment or a payment method that a request made which was not heard of again.
  `SELECT 'payment' AS orphan, id FROM payment WHERE NOT EXISTS (
     SELECT FROM idempotency_key AS key WHERE key.payment_id = payment.id AND key.operation = 'createPayment')`,
];

/** The rows that contradict others. */
export async function contradictions({ query }: Scene): Promise<object[]> {
  const found = await Promise.all(CONTRADICTIONS.map((statement) => query(statement)));
  return found.flat();
}
