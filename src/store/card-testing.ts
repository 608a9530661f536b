import type { Prisma } from '../../generated/prisma/client.ts';
import type { Transaction } from './transaction.ts';

/** Attempts that came to nothing so far, by what they have in common. */
export interface FailedAttempts {
  readonly ofPayment: number;
  /** With any card that has the same number. */
  readonly ofCard: number;
  readonly ofCustomer: number;
}

/** Succeeded, or held until it was let go. Whatever else became of an attempt, and one under way, counts as failed. */
const CAME_TO_SOMETHING = ['AUTHORIZED', 'SUCCEEDED', 'CANCELED'] as const;

/** Whose failures count: not those of the gateway's own retries. */
export const FAILURES_THAT_COUNT = {
  status: { notIn: [...CAME_TO_SOMETHING] },
  kind: { not: 'SCHEDULED_RETRY' },
} as const satisfies Prisma.AttemptWhereInput;

/** The same in SQL. */
const COUNTS = `attempt.status NOT IN ('${CAME_TO_SOMETHING.join("', '")}') AND attempt.kind <> 'SCHEDULED_RETRY'`;

/**
 * How many attempts have failed since a moment: those of a payment, those with a card, whatever they were to pay, and
 * those of a customer. Until the transaction ends, nobody else counts those of the card or the customer, so that many at
 * once do not all find few. To be called after lockPayment.
 */
export async function countFailedAttempts(
  transaction: Transaction,
  of: {
    readonly environmentId: string;
    readonly paymentId: string;
    readonly customerId: string | null;
    /** Any of them may be the card's. */
    readonly fingerprints: readonly string[];
    readonly since: Date;
  },
): Promise<FailedAttempts> {
  transaction.alone();
  const names = [of.customerId, ...of.fingerprints].filter((name) => name !== null);
  for (const name of names) {
    const lock = `${of.environmentId} ${name}`;
    await transaction.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 2))', [lock]);
  }
  const [row] = await transaction.query<Record<keyof FailedAttempts, number>>(
    `SELECT
       (SELECT count(*)::int FROM attempt
         WHERE environment_id = $1 AND payment_id = $2 AND ${COUNTS}) AS of_payment,
       (SELECT count(*)::int FROM payment_method AS method JOIN attempt
           ON attempt.environment_id = method.environment_id AND attempt.payment_method_id = method.id
         WHERE method.environment_id = $1 AND method.fingerprint = ANY($3)
           AND ${COUNTS} AND attempt.created_at >= $5) AS of_card,
       (SELECT count(*)::int FROM payment JOIN attempt
           ON attempt.environment_id = payment.environment_id AND attempt.payment_id = payment.id
         WHERE payment.environment_id = $1 AND payment.customer_id = $4
           AND ${COUNTS} AND attempt.created_at >= $5) AS of_customer`,
    [of.environmentId, of.paymentId, of.fingerprints, of.customerId, of.since],
  );
  if (row === undefined) throw new Error('a count without a row');
  return row;
}
