import { builder } from './builder.ts';
import { CaptureMethod, DestinationType, Initiator } from './enums.ts';
import { CardInput } from './payment-method.ts';

/** What the mutations of payments take. */

export const KEY =
  'Yours, for this request: sent again with the same key, it is the same request. At most 255 characters.';
export const REPLAYED = 'An earlier request with this idempotency key had done it; this is how it stands now.';
const ALL_LEFT = 'Minor units; all that is left if it is left out.';

const DestinationInput = builder.inputType('PaymentDestinationInput', {
  description: "A share of the payment's amount and what it pays for.",
  fields: (t) => ({
    type: t.field({ type: DestinationType, required: true, description: 'What kind of thing.' }),
    id: t.string({ required: true, description: 'Your own id of it.' }),
    number: t.string({ description: 'Its number, as people know it.' }),
    amount: t.field({ type: 'SafeInt', required: true, description: "Minor units of the payment's currency." }),
  }),
});

export const CreatePaymentInput = builder.inputType('CreatePaymentInput', {
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
    paymentDate: t.field({ type: 'DateTime', description: 'Charge it at this moment, by itself.' }),
    expiresAt: t.field({ type: 'DateTime', description: 'Unless it is paid by then, it expires.' }),
    active: t.boolean({
      required: true,
      defaultValue: true,
      description: 'False keeps the gateway from charging it by itself: neither at its date nor again after a decline.',
    }),
  }),
});

export const ProcessPaymentInput = builder.inputType('ProcessPaymentInput', {
  description: 'A payment that is to be charged.',
  fields: (t) => ({
    idempotencyKey: t.string({ required: true, description: KEY }),
    paymentId: t.id({ required: true, description: 'Which payment.' }),
    card: t.field({ type: CardInput, description: 'Another card than before.' }),
    paymentMethodId: t.id({ description: 'Another stored payment method than before.' }),
  }),
});

export const CapturePaymentInput = builder.inputType('CapturePaymentInput', {
  description: 'An authorised amount that is to be taken.',
  fields: (t) => ({
    idempotencyKey: t.string({ required: true, description: KEY }),
    paymentId: t.id({ required: true, description: 'Which payment.' }),
    amount: t.field({ type: 'SafeInt', description: ALL_LEFT }),
    final: t.boolean({ required: true, defaultValue: false, description: 'Release what this capture leaves.' }),
  }),
});

export const CancelPaymentInput = builder.inputType('CancelPaymentInput', {
  description: 'A payment that is to be canceled.',
  fields: (t) => ({
    idempotencyKey: t.string({ required: true, description: KEY }),
    paymentId: t.id({ required: true, description: 'Which payment.' }),
  }),
});

export const RefundPaymentInput = builder.inputType('RefundPaymentInput', {
  description: 'A captured amount that is to be given back.',
  fields: (t) => ({
    idempotencyKey: t.string({ required: true, description: KEY }),
    paymentId: t.id({ required: true, description: 'Which payment.' }),
    amount: t.field({ type: 'SafeInt', description: ALL_LEFT }),
    reason: t.string({ description: 'Why, in at most 500 characters.' }),
  }),
});

export const UpdatePaymentInput = builder.inputType('UpdatePaymentInput', {
  description: 'What is to be changed of a payment. What is left out stays as it is.',
  fields: (t) => ({
    paymentId: t.id({ required: true, description: 'Which payment.' }),
    active: t.boolean({
      description: 'False stops scheduled charges and automatic retries; a retry that waits is called off.',
    }),
    paymentDate: t.field({
      type: 'DateTime',
      description: 'Charge it at this moment; null takes the date away. Before it is processed only.',
    }),
  }),
});
