import type { Prisma } from '../../generated/prisma/client.ts';
import { isOwnPayment } from '../payments/payer.ts';
import type { Context } from './context.ts';

/**
 * Who may use what. The merchant's secret keys may use everything; payers, with a client token, only what says so here.
 * A field at the root is the merchant's unless it is marked otherwise, so a new one is never open to payers by an
 * oversight; below a payment of their own, payers see what is of that payment.
 */

/** For payers who may read, too. */
export const READERS_TOO = { skipTypeScopes: true, authScopes: { $any: { merchant: true, read: true } } } as const;

/** For payers who may pay, too. */
export const PAYERS_TOO = { skipTypeScopes: true, authScopes: { $any: { merchant: true, pay: true } } } as const;

/** For payers only: a secret key has another way. */
export const PAYERS_ONLY = { skipTypeScopes: true, authScopes: { pay: true } } as const;

/** Not for payers, though what it is a field of is. */
export const MERCHANT_ONLY = { authScopes: { merchant: true } } as const;

/** Not for payers who may only read: it lets whoever has it pay. */
export const NOT_FOR_READERS = { authScopes: { $any: { merchant: true, pay: true } } } as const;

/** What a payer may read who is known as a customer, and not only by one payment. */
export const CUSTOMERS_TOO = { authScopes: { $any: { merchant: true, customer: true } } } as const;

/** What a request may do, by the credential that it carries. */
export function scopesOf({ credential }: Context) {
  if (credential.kind === 'key') return { merchant: true, read: false, pay: false, customer: false };
  const { scopes, payer } = credential.token;
  return {
    merchant: false,
    read: scopes.includes('READ'),
    pay: scopes.includes('PAY'),
    // What a payment leads to is read, even where paying it led to the payment.
    customer: payer.customerId !== null && scopes.includes('READ'),
  };
}

/** The payments that the caller may see, as a condition. */
export function ownPayments({ caller }: Context): Prisma.PaymentWhereInput & { environmentId: string } {
  const { environmentId, payer } = caller;
  if (payer === null) return { environmentId };
  return payer.paymentId === null
    ? { environmentId, customerId: payer.customerId }
    : { environmentId, id: payer.paymentId };
}

/** Whether the caller may see a row, by what it belongs to. To them, any other does not exist. */
export async function isInReach(
  { caller: { payer }, loaders }: Context,
  typeName: string,
  row: { readonly id: string; readonly paymentId?: string | null; readonly customerId?: string | null },
): Promise<boolean> {
  if (payer === null) return true;
  switch (typeName) {
    case 'Payment':
      return isOwnPayment(payer, { id: row.id, customerId: row.customerId ?? null });
    case 'Customer':
      return row.id === payer.customerId;
    case 'PaymentMethod':
      return payer.customerId !== null && row.customerId === payer.customerId;
    case 'Attempt':
    case 'Capture':
    case 'PaymentEvent':
    case 'Refund': {
      const payment = row.paymentId == null ? null : await loaders.payment.load(row.paymentId);
      return payment !== null && isOwnPayment(payer, payment);
    }
    default:
      return false;
  }
}
