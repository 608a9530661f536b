import type { Payment as PaymentRow } from '../../generated/prisma/client.ts';
import { decodeIdOf } from '../domain/ids.ts';
import type { Result } from '../domain/result.ts';
import { cancelPayment } from '../payments/cancel.ts';
import { capturePayment } from '../payments/capture.ts';
import { createPayment } from '../payments/create.ts';
import { notFound, type Failure } from '../payments/failure.ts';
import { processPayment } from '../payments/process.ts';
import { refundPayment } from '../payments/refund.ts';
import { builder } from './builder.ts';
import type { Context } from './context.ts';
import { CaptureMethod, DestinationType, Initiator } from './enums.ts';
import { KEYED, mutationResult } from './errors.ts';
import { Capture, Refund } from './movements.ts';
import { Payment } from './payment.ts';
import { CardInput, rawCardOf } from './payment-method.ts';

const KEY = 'Yours, for this request: sent again with the same key, it is the same request. At most 255 characters.';
const REPLAYED = 'An earlier request with this idempotency key had done it; this is how it stands now.';
const ALL_LEFT = 'Minor units; all that is left if it is left out.';

interface PaymentPayload {
  payment: PaymentRow;
  replayed: boolean;
}

/** A payload that carries a payment. */
const paymentPayload = (name: string, description: string) =>
  builder.objectRef<PaymentPayload>(name).implement({
    description,
    fields: (t) => ({
      payment: t.expose('payment', { type: Payment, description: 'As it stands now.' }),
      replayed: t.exposeBoolean('replayed', { description: REPLAYED }),
    }),
  });

/** An id of an input as its UUID; one that is malformed is answered as one that does not exist. */
async function withPayment<T>(
  paymentId: string,
  command: (uuid: string) => Promise<Result<T, Failure>>,
): Promise<Result<T, Failure>> {
  const uuid = decodeIdOf('Payment', paymentId);
  return uuid === undefined ? notFound('payment', 'paymentId') : command(uuid);
}

const DestinationInput = builder.inputType('PaymentDestinationInput', {
  description: "A share of the payment's amount and what it pays for.",
  fields: (t) => ({
    type: t.field({ type: DestinationType, required: true, description: 'What kind of thing.' }),
    id: t.string({ required: true, description: 'Your own id of it.' }),
    number: t.string({ description: 'Its number, as people know it.' }),
    amount: t.field({ type: 'SafeInt', required: true, description: "Minor units of the payment's currency." }),
  }),
});

const CreatePaymentInput = builder.inputType('CreatePaymentInput', {
  description: 'A new payment.',
  fields: (t) => ({
    idempotencyKey: t.string({ required: true, description: KEY }),
    amount: t.field({ type: 'SafeInt', required: true, description: 'Minor units: 4999 in EUR is 49.99 euros.' }),
    currency: t.field({ type: 'Currency', required: true, description: 'ISO 4217.' }),
    process: t.boolean({ required: true, defaultValue: false, description: 'Charge it at once.' }),
    card: t.field({ type: CardInput, description: 'The card to pay with.' }),
    paymentMethodId: t.id({ description: 'Or a stored payment method.' }),
    customerId: t.id({ description: "Who pays; the payment method's customer if it is left out." }),
    captureMethod: t.field({
      type: CaptureMethod,
      required: true,
      defaultValue: 'AUTOMATIC',
      description: 'When the amount is taken.',
    }),
    destinations: t.field({
      type: [DestinationInput],
      description: 'What it pays for. The amounts add up to the amount of the payment.',
    }),
    initiator: t.field({ type: Initiator, required: true, defaultValue: 'CUSTOMER', description: 'Who started it.' }),
    offSession: t.boolean({ required: true, defaultValue: false, description: 'The customer is not there.' }),
    description: t.string({ description: 'Free text, at most 500 characters.' }),
    statementDescriptor: t.string({ description: "For the payer's card statement, 5 to 22 characters." }),
    returnUrl: t.string({
      description: 'Where the payer comes back to after 3-D Secure: https, or http on localhost.',
    }),
    metadata: t.field({
      type: 'JSONObject',
      description: 'At most 50 texts by key; keys ≤ 40, texts ≤ 500 characters.',
    }),
  }),
});

const ProcessPaymentInput = builder.inputType('ProcessPaymentInput', {
  description: 'A payment that is to be charged.',
  fields: (t) => ({
    idempotencyKey: t.string({ required: true, description: KEY }),
    paymentId: t.id({ required: true, description: 'Which payment.' }),
    card: t.field({ type: CardInput, description: 'Another card than before.' }),
    paymentMethodId: t.id({ description: 'Another stored payment method than before.' }),
  }),
});

const CapturePaymentInput = builder.inputType('CapturePaymentInput', {
  description: 'An authorised amount that is to be taken.',
  fields: (t) => ({
    idempotencyKey: t.string({ required: true, description: KEY }),
    paymentId: t.id({ required: true, description: 'Which payment.' }),
    amount: t.field({ type: 'SafeInt', description: ALL_LEFT }),
    final: t.boolean({ required: true, defaultValue: false, description: 'Release what this capture leaves.' }),
  }),
});

const CancelPaymentInput = builder.inputType('CancelPaymentInput', {
  description: 'A payment that is to be canceled.',
  fields: (t) => ({
    idempotencyKey: t.string({ required: true, description: KEY }),
    paymentId: t.id({ required: true, description: 'Which payment.' }),
  }),
});

const RefundPaymentInput = builder.inputType('RefundPaymentInput', {
  description: 'A captured amount that is to be given back.',
  fields: (t) => ({
    idempotencyKey: t.string({ required: true, description: KEY }),
    paymentId: t.id({ required: true, description: 'Which payment.' }),
    amount: t.field({ type: 'SafeInt', description: ALL_LEFT }),
    reason: t.string({ description: 'Why, in at most 500 characters.' }),
  }),
});

const CHARGING = [...KEYED, 'ILLEGAL_STATE', 'CARD_REFUSED', 'PROCESSOR_UNAVAILABLE'] as const;

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
const Cancel = mutationResult(
  'CancelPayment',
  paymentPayload(
    'CancelPaymentPayload',
    'Canceled, or left as it is because the processor would not: the status says which.',
  ),
  [...KEYED, 'ILLEGAL_STATE'],
);

const CapturePayload = builder.objectRef<PaymentPayload & { captureId: string }>('CapturePaymentPayload').implement({
  description: 'The capture was asked for: its status says what the processor made of it.',
  fields: (t) => ({
    payment: t.expose('payment', { type: Payment, description: 'As it stands now.' }),
    capture: t.field({
      type: Capture,
      description: 'The capture.',
      resolve: async ({ captureId }, _, { loaders }) => existing(await loaders.capture.load(captureId)),
    }),
    replayed: t.exposeBoolean('replayed', { description: REPLAYED }),
  }),
});

const RefundPayload = builder.objectRef<PaymentPayload & { refundId: string }>('RefundPaymentPayload').implement({
  description: 'The refund was asked for: its status says what the processor made of it.',
  fields: (t) => ({
    payment: t.expose('payment', { type: Payment, description: 'As it stands now.' }),
    refund: t.field({
      type: Refund,
      description: 'The refund.',
      resolve: async ({ refundId }, _, { loaders }) => existing(await loaders.refund.load(refundId)),
    }),
    replayed: t.exposeBoolean('replayed', { description: REPLAYED }),
  }),
});

const CaptureResult = mutationResult('CapturePayment', CapturePayload, [...KEYED, 'ILLEGAL_STATE', 'AMOUNT_TOO_LARGE']);
const RefundResult = mutationResult('RefundPayment', RefundPayload, [...KEYED, 'ILLEGAL_STATE', 'AMOUNT_TOO_LARGE']);

function existing<T>(row: T | null): T {
  if (row === null) throw new Error('a row that was just written is gone');
  return row;
}

/** A GraphQL SafeInt as minor units. */
const minorUnits = (amount: number | null | undefined): bigint | null => (amount == null ? null : BigInt(amount));

function create(input: (typeof CreatePaymentInput)['$inferInput'], { gateway, caller }: Context) {
  const ids = { customerId: input.customerId, paymentMethodId: input.paymentMethodId };
  const customerId = ids.customerId == null ? null : decodeIdOf('Customer', ids.customerId);
  if (customerId === undefined) return notFound('customer', 'customerId');
  const paymentMethodId = ids.paymentMethodId == null ? null : decodeIdOf('PaymentMethod', ids.paymentMethodId);
  if (paymentMethodId === undefined) return notFound('payment method', 'paymentMethodId');
  return createPayment(gateway, caller, {
    ...input,
    customerId,
    paymentMethodId,
    amount: BigInt(input.amount),
    card: rawCardOf(input.card),
    destinations: (input.destinations ?? []).map(({ type, id, number, amount }) => ({
      type,
      id,
      number: number ?? null,
      amount: BigInt(amount),
    })),
    description: input.description ?? null,
    statementDescriptor: input.statementDescriptor ?? null,
    returnUrl: input.returnUrl ?? null,
    metadata: input.metadata ?? null,
  });
}

builder.mutationFields((t) => ({
  createPayment: t.field({
    type: Create.type,
    description: 'Creates a payment, and charges it with process: true.',
    args: { input: t.arg({ type: CreatePaymentInput, required: true, description: 'The payment.' }) },
    resolve: async (_, { input }, context) => Create.answer(context, await create(input, context), (made) => made),
  }),
  processPayment: t.field({
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
            }),
      );
      return Process.answer(context, result, (made) => made);
    },
  }),
  capturePayment: t.field({
    type: CaptureResult.type,
    description: 'Takes an authorised amount, or a part of it.',
    args: { input: t.arg({ type: CapturePaymentInput, required: true, description: 'The payment, and how much.' }) },
    resolve: async (_, { input }, context) => {
      const { idempotencyKey, final } = input;
      const amount = minorUnits(input.amount);
      const result = await withPayment(input.paymentId, (paymentId) =>
        capturePayment(context.gateway, context.caller, { idempotencyKey, paymentId, amount, final }),
      );
      return CaptureResult.answer(context, result, (made) => made);
    },
  }),
  cancelPayment: t.field({
    type: Cancel.type,
    description: 'Cancels a payment and releases what is held for it. What was captured is kept.',
    args: { input: t.arg({ type: CancelPaymentInput, required: true, description: 'Which payment.' }) },
    resolve: async (_, { input: { idempotencyKey, paymentId: id } }, context) => {
      const cancel = (paymentId: string) =>
        cancelPayment(context.gateway, context.caller, { idempotencyKey, paymentId });
      return Cancel.answer(context, await withPayment(id, cancel), (made) => made);
    },
  }),
  refundPayment: t.field({
    type: RefundResult.type,
    description: 'Gives a captured amount back, or a part of it.',
    args: { input: t.arg({ type: RefundPaymentInput, required: true, description: 'The payment, and how much.' }) },
    resolve: async (_, { input }, context) => {
      const { idempotencyKey } = input;
      const amount = minorUnits(input.amount);
      const reason = input.reason ?? null;
      const result = await withPayment(input.paymentId, (paymentId) =>
        refundPayment(context.gateway, context.caller, { idempotencyKey, paymentId, amount, reason }),
      );
      return RefundResult.answer(context, result, (made) => made);
    },
  }),
}));
