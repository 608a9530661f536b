import type { Payment as PaymentRow } from '../../generated/prisma/client.ts';
import { decodeIdOf } from '../domain/ids.ts';
import { ok, type Result } from '../domain/result.ts';
import { invalid, notFound, type Failure } from '../payments/failure.ts';
import { builder } from './builder.ts';
import { Payment } from './payment.ts';
import { REPLAYED } from './payment-inputs.ts';

/** What the mutations of payments have in common. */

export interface PaymentPayload {
  payment: PaymentRow;
  replayed: boolean;
}

/** A payload that carries a payment. */
export const paymentPayload = (name: string, description: string) =>
  builder.objectRef<PaymentPayload>(name).implement({
    description,
    fields: (t) => ({
      payment: t.expose('payment', { type: Payment, description: 'As it stands now.' }),
      replayed: t.exposeBoolean('replayed', { description: REPLAYED }),
    }),
  });

/** An id of an input as its UUID; one that is malformed is answered as one that does not exist. */
export async function withPayment<T>(
  paymentId: string,
  command: (uuid: string) => Promise<Result<T, Failure>>,
): Promise<Result<T, Failure>> {
  const uuid = decodeIdOf('Payment', paymentId);
  return uuid === undefined ? notFound('payment', 'paymentId') : command(uuid);
}

interface GivenAmount {
  readonly amount?: number | null | undefined;
  readonly amountDecimal?: string | null | undefined;
}

/** An amount in one of its two forms; null where neither is given. */
export function amountOf({ amount, amountDecimal }: GivenAmount): Result<bigint | { decimal: string } | null, Failure> {
  if (amount != null && amountDecimal != null)
    return invalid('Give an amount in one form, not in both.', 'amountDecimal');
  if (amountDecimal != null) return ok({ decimal: amountDecimal });
  return ok(amount == null ? null : BigInt(amount));
}
