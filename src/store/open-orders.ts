import type { Payment, PaymentDestination } from '../../generated/prisma/client.ts';
import type { Transaction } from './transaction.ts';

/** What is paid once: of a subscription, each billing period is. */
export type Order = Pick<PaymentDestination, 'type' | 'destinationId' | 'billingPeriodId'>;

/** Which payments count. */
interface Counted {
  /** One that waits for someone to pay it, too. */
  readonly waitingToo: boolean;
  /** Only one that a payer made, with a client token. */
  readonly ofPayersOnly?: boolean;
}

/**
 * The oldest payment, other than this one, that pays or has paid for one of these: it may still succeed, or has, and was
 * not given back. Until the transaction ends, no other one looks for the same things, so that two payers at once do not
 * both find nothing. To be called after lockPayment.
 */
export async function findPaymentFor(
  transaction: Transaction,
  { environmentId, id }: Pick<Payment, 'environmentId' | 'id'>,
  orders: readonly Order[],
  { waitingToo, ofPayersOnly = false }: Counted,
): Promise<Pick<Payment, 'id' | 'customerId'> | undefined> {
  transaction.alone();
  // In one order, so that two who want the same never wait for each other.
  const names = orders.map(({ type, destinationId }) => `${environmentId} ${type} ${destinationId}`).toSorted();
  for (const name of names) await transaction.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 1))', [name]);
  const [row] = await transaction.query<Pick<Payment, 'id' | 'customerId'>>(
    `SELECT payment.id, payment.customer_id FROM payment_destination AS destination
       JOIN unnest($2::destination_type[], $3::text[], $4::text[]) AS wanted (type, id, period)
         ON destination.type = wanted.type AND destination.destination_id = wanted.id
           AND (wanted.type <> 'SUBSCRIPTION' OR destination.billing_period_id IS NOT DISTINCT FROM wanted.period)
       JOIN payment ON payment.environment_id = destination.environment_id AND payment.id = destination.payment_id
     WHERE destination.environment_id = $1
       AND payment.status NOT IN ('FAILED', 'CANCELED', 'EXPIRED') AND payment.refund_status <> 'REFUNDED'
       AND payment.id <> $5 AND ($6 OR payment.status <> 'CREATED')
       AND (NOT $7 OR payment.created_by LIKE 'ct\\_%')
     ORDER BY payment.id LIMIT 1`,
    [
      environmentId,
      orders.map(({ type }) => type),
      orders.map(({ destinationId }) => destinationId),
      orders.map(({ billingPeriodId }) => billingPeriodId),
      id,
      waitingToo,
      ofPayersOnly,
    ],
  );
  return row;
}

/** What a payment pays for. */
export async function readDestinations(
  transaction: Transaction,
  { environmentId, id }: Pick<Payment, 'environmentId' | 'id'>,
): Promise<Order[]> {
  return transaction.query<Order>(
    'SELECT type, destination_id, billing_period_id FROM payment_destination WHERE environment_id = $1 AND payment_id = $2',
    [environmentId, id],
  );
}
