import type { Payment, PaymentMethod } from '../../generated/prisma/client.ts';
import type { RawCard } from '../domain/card.ts';
import { ID_PREFIXES } from '../domain/ids.ts';
import { fail, ok, type Result } from '../domain/result.ts';
import { countFailedAttempts } from '../store/card-testing.ts';
import { findPaymentFor, readDestinations, type Order } from '../store/open-orders.ts';
import { readClock, type TransactionClock } from '../store/ledger.ts';
import { transact, type Transaction } from '../store/transaction.ts';
import { fingerprintsOf } from './card.ts';
import type { Failure } from './failure.ts';
import type { Caller, Gateway, Payer } from './gateway.ts';

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

/** What is to be charged, and what for. */
interface PayerCharge {
  readonly now: Date;
  readonly payment: Payment;
  /** Of the card, as it may have been stored before. */
  readonly fingerprints: readonly string[];
  readonly destinations: readonly Order[];
  /** It is made now, for these orders; otherwise it was there already. */
  readonly isNew: boolean;
}

type CardlessCharge = Result<Pick<PayerCharge, 'payment' | 'destinations' | 'isNew'>, Failure>;

/**
 * What a payer is held to before a processor is asked, and the merchant's own keys are not: they have not failed too
 * often, and nothing else pays the same thing already.
 */
export async function checkPayer(
  transaction: Transaction,
  caller: Caller,
  charge: PayerCharge,
): Promise<Result<true, Failure>> {
  const { payer } = caller;
  if (payer === null) return ok(true);
  const failures = await checkFailures(transaction, payer, charge);
  return failures.ok ? checkUnpaid(transaction, payer, charge) : failures;
}

/**
 * The same before a payer's card is given to the processor, so that a token is no way to try out numbers: what could not be
 * charged is not asked about. What counts is decided later, under the locks.
 */
export async function checkBeforeCard(
  gateway: Gateway,
  caller: Caller,
  card: RawCard,
  charge: (transaction: Transaction, clock: TransactionClock) => Promise<CardlessCharge> | CardlessCharge,
): Promise<Result<true, Failure>> {
  if (caller.payer === null) return ok(true);
  const fingerprints = fingerprintsOf(gateway, card);
  return transact(gateway.database, async (transaction) => {
    const clock = await readClock(transaction);
    const charged = await charge(transaction, clock);
    if (!charged.ok) return { commit: false, value: charged };
    const value = await checkPayer(transaction, caller, { ...charged.value, now: clock.now, fingerprints });
    return { commit: false, value };
  });
}

async function checkFailures(
  transaction: Transaction,
  payer: Payer,
  { now, payment, fingerprints }: PayerCharge,
): Promise<Result<true, Failure>> {
  const failed = await countFailedAttempts(transaction, {
    environmentId: payment.environmentId,
    paymentId: payment.id,
    customerId: payer.customerId ?? payment.customerId,
    fingerprints,
    since: new Date(now.getTime() - DAY_MS),
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

/**
 * On the page of a payment, or with its token, the merchant has said that it is to be paid: only payOrders, which pays an
 * order once, speaks against it. A customer's token says only what may be paid.
 */
async function checkUnpaid(
  transaction: Transaction,
  payer: Payer,
  { payment, destinations, isNew }: PayerCharge,
): Promise<Result<true, Failure>> {
  if (destinations.length === 0) return ok(true);
  const paidBy = await findPaymentFor(transaction, payment, destinations, {
    // One that only waits to be paid is to be paid instead of a new one; two that wait do not keep each other waiting.
    waitingToo: isNew,
    ofPayersOnly: payer.customerId === null && !isMadeByPayer(payment),
  });
  if (paidBy === undefined) return ok(true);
  return fail({
    code: 'ALREADY_PAID',
    message: 'This is paid, or being paid, already.',
    path: ['input', isNew ? 'orders' : 'paymentId'],
    paymentId: isOwnPayment(payer, paidBy) ? paidBy.id : null,
  });
}

/**
 * Whether another payment pays, or has paid, for the same as this one that was given up, and a payer made one of the two:
 * they were let pay anew because this one had failed. Payments that the merchant made for one thing all stand.
 */
export async function isPaidOtherwise(transaction: Transaction, payment: Payment): Promise<boolean> {
  const destinations = await readDestinations(transaction, payment);
  if (destinations.length === 0) return false;
  const ofPayersOnly = !isMadeByPayer(payment);
  return (await findPaymentFor(transaction, payment, destinations, { waitingToo: false, ofPayersOnly })) !== undefined;
}

function isMadeByPayer({ createdBy }: Pick<Payment, 'createdBy'>): boolean {
  return createdBy.startsWith(`${ID_PREFIXES.ClientToken}_`);
}
