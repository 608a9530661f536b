import { cancelPayment } from '../payments/cancel.ts';
import { capturePayment, type CaptureResult } from '../payments/capture.ts';
import { refundPayment, type RefundResult } from '../payments/refund.ts';
import { builder } from './builder.ts';
import { KEYED, mutationResult } from './errors.ts';
import { Capture, Refund } from './movements.ts';
import { Payment } from './payment.ts';
import { CancelPaymentInput, CapturePaymentInput, RefundPaymentInput, REPLAYED } from './payment-inputs.ts';
import { amountOf, paymentPayload, withPayment } from './payment-payload.ts';
import { promised } from './promised.ts';
import { REFUNDS, WRITES } from './reach.ts';

const Cancel = mutationResult(
  'CancelPayment',
  paymentPayload(
    'CancelPaymentPayload',
    'Canceled, or left as it is because the processor would not: the status says which.',
  ),
  [...KEYED, 'ILLEGAL_STATE'],
);

const CapturePayload = builder.objectRef<CaptureResult>('CapturePaymentPayload').implement({
  description: 'The capture was asked for: its status says what the processor made of it.',
  fields: (t) => ({
    payment: t.expose('payment', { type: Payment, description: 'As it stands now.' }),
    capture: t.field({
      type: Capture,
      description: 'The capture.',
      resolve: ({ captureId, capture }, _, { loaders }) => capture ?? promised(loaders.capture.load(captureId)),
    }),
    replayed: t.exposeBoolean('replayed', { description: REPLAYED }),
  }),
});

const RefundPayload = builder.objectRef<RefundResult>('RefundPaymentPayload').implement({
  description: 'The refund was asked for: its status says what the processor made of it.',
  fields: (t) => ({
    payment: t.expose('payment', { type: Payment, description: 'As it stands now.' }),
    refund: t.field({
      type: Refund,
      description: 'The refund.',
      resolve: ({ refundId, refund }, _, { loaders }) => refund ?? promised(loaders.refund.load(refundId)),
    }),
    replayed: t.exposeBoolean('replayed', { description: REPLAYED }),
  }),
});

const Captured = mutationResult('CapturePayment', CapturePayload, [...KEYED, 'ILLEGAL_STATE', 'AMOUNT_TOO_LARGE']);
const Refunded = mutationResult('RefundPayment', RefundPayload, [...KEYED, 'ILLEGAL_STATE', 'AMOUNT_TOO_LARGE']);

builder.mutationFields((t) => ({
  capturePayment: t.field({
    ...WRITES,
    type: Captured.type,
    description: 'Takes an authorised amount, or a part of it.',
    args: { input: t.arg({ type: CapturePaymentInput, required: true, description: 'The payment, and how much.' }) },
    resolve: async (_, { input }, context) => {
      const { idempotencyKey, final } = input;
      const amount = amountOf(input);
      const result = await withPayment<CaptureResult>(input.paymentId, async (paymentId) =>
        amount.ok
          ? capturePayment(context.gateway, context.caller, { idempotencyKey, paymentId, amount: amount.value, final })
          : amount,
      );
      return Captured.answer(context, result, (made) => made);
    },
  }),
  cancelPayment: t.field({
    ...WRITES,
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
    ...REFUNDS,
    type: Refunded.type,
    description: 'Gives a captured amount back, or a part of it.',
    args: { input: t.arg({ type: RefundPaymentInput, required: true, description: 'The payment, and how much.' }) },
    resolve: async (_, { input }, context) => {
      const { idempotencyKey } = input;
      const amount = amountOf(input);
      const reason = input.reason ?? null;
      const result = await withPayment<RefundResult>(input.paymentId, async (paymentId) =>
        amount.ok
          ? refundPayment(context.gateway, context.caller, { idempotencyKey, paymentId, amount: amount.value, reason })
          : amount,
      );
      return Refunded.answer(context, result, (made) => made);
    },
  }),
}));
