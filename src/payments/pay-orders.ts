import { fail, ok, type Result } from '../domain/result.ts';
import type { RawCard } from '../domain/card.ts';
import type { Address } from './address.ts';
import { createPayment, type PaymentResult } from './create.ts';
import { checkAmount } from './details.ts';
import { invalid, notFound, type Failure } from './failure.ts';
import type { Caller, Gateway } from './gateway.ts';
import type { ClientToken, Grant } from './token-text.ts';

export interface PayOrdersInput {
  readonly idempotencyKey: string;
  /** What to pay, all at once: each has to be granted by the token, which knows how much it is. */
  readonly orders: readonly Pick<Grant, 'type' | 'id'>[];
  readonly card: RawCard | null;
  readonly paymentMethodId: string | null;
  readonly billingAddress: Address | null;
  readonly returnUrl: string | null;
}

/**
 * A payer pays one order, or several at once. What it comes to is in the grants of their token; what has been paid, or is
 * being paid, is not paid again.
 */
export async function payOrders(
  gateway: Gateway,
  caller: Caller,
  { payer, grants }: Pick<ClientToken, 'payer' | 'grants'>,
  input: PayOrdersInput,
): Promise<Result<PaymentResult, Failure>> {
  const granted = grantsFor(grants, input.orders);
  if (!granted.ok) return granted;
  const { orders, currency } = granted.value;
  if (input.card === null && input.paymentMethodId === null) {
    return invalid('Give a card or a stored payment method.', 'card');
  }
  const amount = checkAmount(
    orders.reduce((sum, each) => sum + each.amount, 0n),
    'orders',
  );
  if (!amount.ok) return amount;
  return createPayment(gateway, caller, {
    ...input,
    amount: amount.value,
    currency,
    customerId: payer.customerId,
    customer: null,
    captureMethod: 'AUTOMATIC',
    initiator: 'CUSTOMER',
    offSession: false,
    destinations: orders.map(({ currency: _currency, ...destination }) => destination),
    description: null,
    statementDescriptor: null,
    metadata: null,
    tax: null,
    applicationFee: null,
    attemptMetadata: null,
    paymentDate: null,
    expiresAt: null,
    active: true,
    process: true,
  });
}

function grantsFor(
  grants: readonly Grant[],
  wanted: PayOrdersInput['orders'],
): Result<{ readonly orders: readonly Grant[]; readonly currency: string }, Failure> {
  const orders: Grant[] = [];
  for (const [index, { type, id }] of wanted.entries()) {
    const grant = grants.find((each) => each.type === type && each.id === id);
    if (grant === undefined) return notFound('order in your token', 'orders', String(index));
    if (orders.includes(grant)) return invalid('An order is paid once.', 'orders', String(index));
    orders.push(grant);
  }
  const [first] = orders;
  if (first === undefined) return invalid('Say which orders.', 'orders');
  const other = orders.findIndex(({ currency }) => currency !== first.currency);
  if (other === -1) return ok({ orders, currency: first.currency });
  return fail({
    code: 'INVALID_INPUT',
    message: 'One payment is in one currency: pay these orders apart.',
    path: ['input', 'orders', String(other)],
  });
}
