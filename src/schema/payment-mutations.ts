import type { Payment as PaymentRow } from '../../generated/prisma/client.ts';
import { decodeIdOf } from '../domain/ids.ts';
import type { Result } from '../domain/result.ts';
import { createPayment } from '../payments/create.ts';
import { invalid, notFound, type Failure } from '../payments/failure.ts';
import { payOrders } from '../payments/pay-orders.ts';
import { processPayment } from '../payments/process.ts';
import { updatePayment } from '../payments/update.ts';
import { addressOf } from './address.ts';
import { builder } from './builder.ts';
import type { Context } from './context.ts';
import { customerInputOf } from './customer.ts';
import { KEYED, mutationResult } from './errors.ts';
import { Payment } from './payment.ts';
import {
  CreatePaymentInput,
  destinationOf,
  PayOrdersInput,
  ProcessPaymentInput,
  taxOf,
  UpdatePaymentInput,
} from './payment-inputs.ts';
import { amountOf, paymentPayload, withPayment, type PaymentPayload } from './payment-payload.ts';
import { rawCardOf } from './payment-method.ts';
import { PAYERS_ONLY, PAYERS_TOO, WRITES } from './reach.ts';

const CHARGING = [
  ...KEYED,
  'ILLEGAL_STATE',
  'ALREADY_PAID',
  'TOO_MANY_ATTEMPTS',
  'CARD_REFUSED',
  'PROCESSOR_UNAVAILABLE',
] as const;

const Create = mutationResult(
  'CreatePayment',
  paymentPayload('CreatePaymentPayload', 'The payment was created. One that was declined is FAILED and says why.'),
  [...KEYED, 'CARD_REFUSED', 'PROCESSOR_UNAVAILABLE'],
);
const Process = mutationResult(
  'ProcessPayment',
  paymentPayload('ProcessPaymentPayload', 'A processor was asked. A payment that was declined is FAILED and says why.'),
  CHARGING,
);
const PaidOrders = mutationResult(
  'PayOrders',
  paymentPayload('PayOrdersPayload', 'A processor was asked. A payment that was declined is FAILED.'),
  [...KEYED, 'ALREADY_PAID', 'TOO_MANY_ATTEMPTS', 'CARD_REFUSED', 'PROCESSOR_UNAVAILABLE'],
);
const Update = mutationResult(
  'UpdatePayment',
  builder.objectRef<{ payment: PaymentRow }>('UpdatePaymentPayload').implement({
    description: 'The payment was changed.',
    fields: (t) => ({ payment: t.expose('payment', { type: Payment, description: 'As it stands now.' }) }),
  }),
  ['INVALID_INPUT', 'NOT_FOUND', 'ILLEGAL_STATE'],
);

async function create(
  { amountDecimal, ...input }: (typeof CreatePaymentInput)['$inferInput'],
  { gateway, caller }: Context,
): Promise<Result<PaymentPayload, Failure>> {
  const customerId = input.customerId == null ? null : decodeIdOf('Customer', input.customerId);
  if (customerId === undefined) return notFound('customer', 'customerId');
  const paymentMethodId = input.paymentMethodId == null ? null : decodeIdOf('PaymentMethod', input.paymentMethodId);
  if (paymentMethodId === undefined) return notFound('payment method', 'paymentMethodId');
  const amount = amountOf({ amount: input.amount, amountDecimal });
  if (!amount.ok) return amount;
  if (amount.value === null) return invalid('Say how much.', 'amount');
  return createPayment(gateway, caller, {
    ...input,
    customerId,
    paymentMethodId,
    amount: amount.value,
    customer: input.customer == null ? null : customerInputOf(input.customer),
    card: rawCardOf(input.card),
    destinations: (input.destinations ?? []).map(destinationOf),
    description: input.description ?? null,
    statementDescriptor: input.statementDescriptor ?? null,
    returnUrl: input.returnUrl ?? null,
    metadata: input.metadata ?? null,
    billingAddress: addressOf(input.billingAddress),
    tax: input.tax == null ? null : taxOf(input.tax),
    applicationFee: input.applicationFee == null ? null : BigInt(input.applicationFee),
    attemptMetadata: input.attemptMetadata ?? null,
    paymentDate: input.paymentDate ?? null,
    expiresAt: input.expiresAt ?? null,
  });
}

async function pay(
  input: (typeof PayOrdersInput)['$inferInput'],
  { gateway, caller, credential }: Context,
): Promise<Result<PaymentPayload, Failure>> {
  if (credential.kind !== 'token') throw new Error('orders are paid with a client token');
  const paymentMethodId = input.paymentMethodId == null ? null : decodeIdOf('PaymentMethod', input.paymentMethodId);
  if (paymentMethodId === undefined) return notFound('payment method', 'paymentMethodId');
  return payOrders(gateway, caller, credential.token, {
    idempotencyKey: input.idempotencyKey,
    orders: input.orders,
    card: rawCardOf(input.card),
    paymentMethodId,
    billingAddress: addressOf(input.billingAddress),
    returnUrl: input.returnUrl ?? null,
  });
}

builder.mutationFields((t) => ({
  createPayment: t.field({
    ...WRITES,
    type: Create.type,
    description: 'Creates a payment, and charges it with process: true.',
    args: { input: t.arg({ type: CreatePaymentInput, required: true, description: 'The payment.' }) },
    resolve: async (_, { input }, context) => Create.answer(context, await create(input, context), (made) => made),
  }),
  updatePayment: t.field({
    ...PAYERS_TOO,
    type: Update.type,
    description: 'Changes what may be changed of a payment.',
    args: { input: t.arg({ type: UpdatePaymentInput, required: true, description: 'The payment, and what of it.' }) },
    resolve: async (_, { input: { paymentId: id, active, paymentDate, ...given } }, context) => {
      const { billingAddress, paymentMethodId: methodId } = given;
      const paymentMethodId = methodId == null ? methodId : decodeIdOf('PaymentMethod', methodId);
      const update = async (paymentId: string) =>
        methodId != null && paymentMethodId === undefined
          ? notFound('payment method', 'paymentMethodId')
          : updatePayment(context.gateway, context.caller, {
              paymentId,
              active,
              paymentMethodId,
              billingAddress: billingAddress === undefined ? undefined : addressOf(billingAddress),
              paymentDate,
            });
      return Update.answer(context, await withPayment(id, update), (payment) => ({ payment }));
    },
  }),
  payOrders: t.field({
    ...PAYERS_ONLY,
    type: PaidOrders.type,
    description:
      'Pays one order, or several at once, as the payer of a client token that grants it. With a secret key, use createPayment.',
    args: { input: t.arg({ type: PayOrdersInput, required: true, description: 'Which orders, and with what.' }) },
    resolve: async (_, { input }, context) => PaidOrders.answer(context, await pay(input, context), (made) => made),
  }),
  processPayment: t.field({
    ...PAYERS_TOO,
    type: Process.type,
    description: 'Charges a payment that waits for it, or one that failed: then with a new attempt.',
    args: { input: t.arg({ type: ProcessPaymentInput, required: true, description: 'The payment, and with what.' }) },
    resolve: async (_, { input }, context) => {
      const { idempotencyKey } = input;
      const paymentMethodId = input.paymentMethodId == null ? null : decodeIdOf('PaymentMethod', input.paymentMethodId);
      const result = await withPayment(input.paymentId, async (paymentId) =>
        paymentMethodId === undefined
          ? notFound('payment method', 'paymentMethodId')
          : processPayment(context.gateway, context.caller, {
              idempotencyKey,
              paymentId,
              paymentMethodId,
              card: rawCardOf(input.card),
              metadata: input.metadata ?? null,
              returnUrl: input.returnUrl ?? undefined,
            }),
      );
      return Process.answer(context, result, (made) => made);
    },
  }),
}));
