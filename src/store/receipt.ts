import type {
  Customer,
  Environment,
  Payment,
  PaymentDestination,
  PaymentMethod,
} from '../../generated/prisma/client.ts';
import { fromRow, ROW_TYPES } from './columns.ts';
import type { Database } from './database.ts';

/** A sum that went one way at a moment. Minor units of the payment's currency. */
export interface Movement {
  readonly amount: bigint;
  readonly at: Date;
}

/** What a receipt tells of a payment. */
export interface Receipt
  extends
    Pick<Payment, 'humanId' | 'amount' | 'currency' | 'description' | 'succeededAt'>,
    Pick<Payment, 'subtotal' | 'taxAmount' | 'taxType' | 'taxCountry' | 'taxState' | 'taxRate'>,
    Pick<Customer, 'email' | 'firstName' | 'lastName'> {
  /** The account's name. */
  readonly merchant: string;
  readonly mode: Environment['mode'];
  /** Of the card that it was paid with. */
  readonly brand: PaymentMethod['brand'] | null;
  readonly last4: string | null;
  readonly destinations: readonly Pick<PaymentDestination, 'type' | 'number' | 'destinationId' | 'amount'>[];
  /** What was taken, the oldest first. */
  readonly captures: readonly Movement[];
  /** Of that, what the payer's bank took back. */
  readonly reversals: readonly Movement[];
  /** What has gone back. */
  readonly refunds: readonly Movement[];
}

/** A list as PostgreSQL aggregates it: JSON has no integers beyond 2^53, so that amounts come as texts. */
type Listed<T> = readonly (Omit<T, 'amount' | 'at'> & { readonly amount: string; readonly at: string })[] | null;

interface Row extends Omit<Receipt, 'destinations' | 'captures' | 'reversals' | 'refunds'> {
  readonly destinations: Listed<Receipt['destinations'][number]>;
  readonly captures: Listed<Movement>;
  readonly reversals: Listed<Movement>;
  readonly refunds: Listed<Movement>;
}

const ofPayment = (table: string): string =>
  `${table}.environment_id = payment.environment_id AND ${table}.payment_id = payment.id`;

const moved = (row: string, at: string): string => `json_build_object('amount', ${row}.amount::text, 'at', ${at})`;

/** All of it is of one moment, since it is one statement. */
const READ_RECEIPT = `
  SELECT account.name AS merchant, environment.mode::text, payment.human_id, payment.amount, payment.currency,
    payment.description, payment.succeeded_at, payment.subtotal, payment.tax_amount, payment.tax_type::text,
    payment.tax_country, payment.tax_state, payment.tax_rate, customer.email, customer.first_name, customer.last_name,
    card.brand::text, card.last4,
    (SELECT json_agg(json_build_object('type', type, 'number', number, 'destinationId', destination_id,
              'amount', amount::text) ORDER BY position)
     FROM payment_destination WHERE ${ofPayment('payment_destination')}) AS destinations,
    (SELECT json_agg(${moved('capture', 'created_at')} ORDER BY created_at, id)
     FROM capture WHERE ${ofPayment('capture')} AND status = 'SUCCEEDED') AS captures,
    (SELECT json_agg(${moved('reversal', 'reversal.created_at')} ORDER BY reversal.created_at, capture_id)
     FROM capture JOIN capture_reversal AS reversal
       ON reversal.environment_id = capture.environment_id AND reversal.capture_id = capture.id
     WHERE ${ofPayment('capture')}) AS reversals,
    (SELECT json_agg(${moved('refund', 'updated_at')} ORDER BY updated_at, id)
     FROM refund WHERE ${ofPayment('refund')} AND status = 'SUCCEEDED') AS refunds
  FROM payment
  JOIN environment ON environment.id = payment.environment_id
  JOIN account ON account.id = environment.account_id
  LEFT JOIN customer ON customer.environment_id = payment.environment_id AND customer.id = payment.customer_id
  LEFT JOIN attempt ON attempt.environment_id = payment.environment_id AND attempt.id = payment.current_attempt_id
  LEFT JOIN payment_method AS card
    ON card.environment_id = attempt.environment_id AND card.id = attempt.payment_method_id
  WHERE payment.environment_id = $1 AND payment.id = $2 AND payment.amount_captured > 0`;

/** What the receipt of a payment says; undefined where there is no such payment, or nothing was captured of it. */
export async function readReceipt(
  database: Database,
  { environmentId, id }: Pick<Payment, 'environmentId' | 'id'>,
): Promise<Receipt | undefined> {
  const { rows } = await database.pool.query<Record<string, unknown>>({
    name: 'read_receipt',
    text: READ_RECEIPT,
    values: [environmentId, id],
    types: ROW_TYPES,
  });
  if (rows[0] === undefined) return undefined;
  const row = fromRow<Row>(rows[0]);
  return {
    ...row,
    destinations: (row.destinations ?? []).map((each) => ({ ...each, amount: BigInt(each.amount) })),
    captures: movements(row.captures),
    reversals: movements(row.reversals),
    refunds: movements(row.refunds),
  };
}

function movements(listed: Listed<Movement>): Movement[] {
  return (listed ?? []).map(({ amount, at }) => ({ amount: BigInt(amount), at: new Date(at) }));
}
