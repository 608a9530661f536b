import type { Customer } from '../../generated/prisma/client.ts';
import { encodeId } from '../domain/ids.ts';
import { fail, ok, type Result } from '../domain/result.ts';
import { addAuditEntry } from '../store/audit.ts';
import { findPaymentsUnderWay, lockCustomer, lockPaymentsOf, removePersonalData } from '../store/erasure.ts';
import { transact } from '../store/transaction.ts';
import { notFound, type Failure } from './failure.ts';
import type { Caller, Gateway } from './gateway.ts';

/** How many of the payments that stand in the way are told. */
const TOLD_MAX = 20;

/**
 * Removes a customer's personal data wherever they are and keeps what has become of the money. Afterwards nothing can be
 * charged for the customer. It is refused while money is under way; doing it twice changes nothing.
 */
export async function eraseCustomer(gateway: Gateway, caller: Caller, id: string): Promise<Result<Customer, Failure>> {
  const key = { environmentId: caller.environmentId, id };
  return transact<Result<Customer, Failure>>(gateway.database, async (transaction) => {
    await lockPaymentsOf(transaction, key);
    const customer = await lockCustomer(transaction, key);
    if (customer === undefined) return { commit: false, value: notFound('customer', 'customerId') };
    // Once more: a payment may have been made between the two.
    await lockPaymentsOf(transaction, key);
    const paymentIds = await findPaymentsUnderWay(transaction, key, TOLD_MAX);
    if (paymentIds.length > 0) return { commit: false, value: underWay(paymentIds) };
    await removePersonalData(transaction, key, caller.actor);
    if (customer.erasedAt === null) {
      await addAuditEntry(transaction, caller, { act: 'CUSTOMER_ERASED', subject: encodeId('Customer', id) });
    }
    const erased = await lockCustomer(transaction, key);
    if (erased?.erasedAt == null) throw new Error('a customer who was erased is not');
    return { commit: true, value: ok(erased) };
  });
}

function underWay(paymentIds: readonly string[]): { ok: false; failure: Failure } {
  return fail({
    code: 'PAYMENTS_UNDER_WAY',
    message: 'The customer has payments under way: cancel them, or wait until they have come to an end.',
    path: ['input', 'customerId'],
    paymentIds,
  });
}
