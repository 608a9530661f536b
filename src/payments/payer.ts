import type { Payment, PaymentMethod } from '../../generated/prisma/client.ts';
import { fail, ok, type Result } from '../domain/result.ts';
import { countFailedAttempts } from '../store/card-testing.ts';
import type { Transaction } from '../store/transaction.ts';
import { notFound, type Failure } from './failure.ts';
import type { Caller, Payer } from './gateway.ts';

/**
 * How often payers may fail before no more cards are taken from them: on one payment, with one card in a day, as one
 * customer in a day. Who tests stolen numbers needs hundreds of tries, who mistypes needs a few. The merchant's own
 * keys are not held to it.
 */
export const PAYER_FAILURES_MAX = { ofPayment: 10, ofCard: 10, ofCustomer: 20 } as const;

const DAY_MS = 24 * 3_600_000;

/** Whether a payment is one that this payer may see and pay; the merchant may all of them. */
export function isOwnPayment(payer: Payer | null, payment: Pick<Payment, 'id' | 'customerId'>): boolean {
  if (payer === null) return true;
  return payer.paymentId === null ? payment.customerId === payer.customerId : payment.id === payer.paymentId;
}

/** Whether a stored payment method is the payer's to pay this payment with: their customer's, or the payment's own. */
export function mayPayWith(
  payer: Payer | null,
  method: Pick<PaymentMethod, 'id' | 'customerId'>,
  payment: Pick<Payment, 'paymentMethodId'> | null,
): boolean {
  if (payer === null) return true;
  if (payment !== null && payment.paymentMethodId === method.id) return true;
  return payer.customerId !== null && method.customerId === payer.customerId;
}

/** Refuses a payer who has failed too often. Nothing is asked of a processor then. */
export async function checkFailures(
  transaction: Transaction,
  caller: Caller,
  at: {
    readonly now: Date;
    readonly payment: Pick<Payment, 'id' | 'customerId'> | null;
    readonly method: Pick<PaymentMethod, 'fingerprint'>;
  },
): Promise<Result<true, Failure>> {
  const { payer, environmentId } = caller;
  if (payer === null) return ok(true);
  const failed = await countFailedAttempts(transaction, {
    environmentId,
    paymentId: at.payment?.id ?? null,
    customerId: payer.customerId ?? at.payment?.customerId ?? null,
    fingerprint: at.method.fingerprint,
    since: new Date(at.now.getTime() - DAY_MS),
  });
  const isOver = (Object.keys(PAYER_FAILURES_MAX) as (keyof typeof PAYER_FAILURES_MAX)[]).some(
    (each) => failed[each] >= PAYER_FAILURES_MAX[each],
  );
  if (!isOver) return ok(true);
  return fail({
    code: 'TOO_MANY_ATTEMPTS',
    message: 'Too many attempts have failed. Ask the merchant.',
    path: ['input', 'card'],
  });
}

/** A payer's stored payment method that is not theirs is answered as one that does not exist. */
export function checkMethodOf(
  caller: Caller,
  method: PaymentMethod,
  payment: Pick<Payment, 'paymentMethodId'> | null,
): Result<PaymentMethod, Failure> {
  return mayPayWith(caller.payer, method, payment) ? ok(method) : notFound('payment method', 'paymentMethodId');
}
