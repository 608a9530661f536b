import type { Pool } from 'pg';
import type {
  Attempt,
  Capture,
  CaptureReversal,
  IdempotencyKey,
  Operation,
  Payment,
  PaymentEvent,
  Refund,
  SandboxCharge,
  SandboxMovement,
} from '../../generated/prisma/client.ts';
import { fromRow, ROW_TYPES } from '../../src/store/columns.ts';
import type { Message } from './inbox.ts';

/** Everything that both sides have written down: the gateway about its payments, the sandbox about its charges. */
export interface Ledgers {
  readonly payments: readonly PaymentFile[];
  readonly charges: readonly SandboxCharge[];
  readonly movements: readonly SandboxMovement[];
  readonly keys: readonly IdempotencyKey[];
}

/** And a merchant about the webhooks that have arrived. */
export interface Books extends Ledgers {
  readonly messages: readonly Message[];
}

/** A payment with all that belongs to it, the oldest first. */
export interface PaymentFile {
  readonly payment: Payment;
  readonly attempts: readonly Attempt[];
  readonly captures: readonly Capture[];
  readonly reversals: readonly CaptureReversal[];
  readonly refunds: readonly Refund[];
  readonly operations: readonly Operation[];
  readonly events: readonly PaymentEvent[];
}

/** Something that must not be. */
export interface Discrepancy {
  /** What rule it breaks, in a few words that do not change from case to case. */
  readonly rule: string;
  /** The row's id of the payment that it is about, where there is one. */
  readonly paymentId: string | null;
  readonly text: string;
}

/** Reads all that is in the database in one snapshot. */
export async function readBooks(pool: Pool): Promise<Ledgers> {
  const client = await pool.connect();
  const read = async <T>(text: string): Promise<T[]> => {
    const { rows } = await client.query<Record<string, unknown>>({ text, types: ROW_TYPES });
    return rows.map((row) => fromRow<T>(row));
  };
  try {
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY');
    const payments = await read<Payment>('SELECT * FROM payment ORDER BY id');
    const attempts = groupByPayment(await read<Attempt>('SELECT * FROM attempt ORDER BY number'));
    const captures = groupByPayment(await read<Capture>('SELECT * FROM capture ORDER BY created_at, id'));
    const reversals = groupByPayment(
      await read<CaptureReversal & { paymentId: string }>(
        `SELECT capture_reversal.*, capture.payment_id FROM capture_reversal
         JOIN capture ON capture.environment_id = capture_reversal.environment_id AND capture.id = capture_id`,
      ),
    );
    const refunds = groupByPayment(await read<Refund>('SELECT * FROM refund ORDER BY created_at, id'));
    const operations = groupByPayment(await read<Operation>('SELECT * FROM operation ORDER BY created_at, id'));
    const events = groupByPayment(await read<PaymentEvent>('SELECT * FROM payment_event ORDER BY sequence'));
    return {
      payments: payments.map((payment) => ({
        payment,
        attempts: attempts.get(payment.id) ?? [],
        captures: captures.get(payment.id) ?? [],
        reversals: reversals.get(payment.id) ?? [],
        refunds: refunds.get(payment.id) ?? [],
        operations: operations.get(payment.id) ?? [],
        events: events.get(payment.id) ?? [],
      })),
      charges: await read<SandboxCharge>('SELECT * FROM sandbox_charge ORDER BY created_at'),
      movements: await read<SandboxMovement>('SELECT * FROM sandbox_movement ORDER BY created_at'),
      keys: await read<IdempotencyKey>('SELECT * FROM idempotency_key ORDER BY created_at'),
    };
  } finally {
    await client.query('ROLLBACK').catch(() => {});
    client.release();
  }
}

function groupByPayment<T extends { readonly paymentId: string }>(rows: readonly T[]): Map<string, T[]> {
  return Map.groupBy(rows, ({ paymentId }) => paymentId);
}

/** The sum of the amounts of those rows that fit. */
export function sum<T extends { readonly amount: bigint }>(rows: readonly T[], fits: (row: T) => boolean): bigint {
  return rows.reduce((total, row) => (fits(row) ? total + row.amount : total), 0n);
}
