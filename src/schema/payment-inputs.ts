import type { DestinationInput as Destination } from '../payments/destinations.ts';
import type { Tax } from '../payments/tax.ts';
import { AddressInput } from './address.ts';
import { builder } from './builder.ts';
import { CreateCustomerInput } from './customer.ts';
import { CaptureMethod, DestinationType, Initiator, TaxType } from './enums.ts';
import { CardInput } from './payment-method.ts';

/** What the mutations of payments take. */

export const KEY =
  'Yours, for this request: sent again with the same key, it is the same request. At most 255 characters.';
export const REPLAYED = 'An earlier request with this idempotency key had done it; this is how it stands now.';
const ALL_LEFT = 'Minor units; all that is left if it is left out.';

const PaymentDestinationInput = builder.inputType('PaymentDestinationInput', {
  description: "A share of the payment's amount and what it pays for.",
  fields: (t) => ({
    type: t.field({ type: DestinationType, required: true, description: 'What kind of thing.' }),
    id: t.string({ required: true, description: 'Your own id of it.' }),
    number: t.string({ description: 'Its number, as people know it.' }),
    amount: t.field({ type: 'SafeInt', required: true, description: "Minor units of the payment's currency." }),
    invoiceId: t.string({ description: 'Your own id of the invoice that it belongs to.' }),
    purchaseId: t.string({ description: 'Your own id of the purchase that it belongs to.' }),
    subscriptionId: t.string({ description: 'Your own id of the subscription that it belongs to.' }),
    billingPeriodId: t.string({ description: 'Your own id of the billing period that it belongs to.' }),
  }),
});

const TaxInput = builder.inputType('TaxInput', {
  description: 'What an amount is made of: subtotal and tax add up to it.',
  fields: (t) => ({
    subtotal: t.field({ type: 'SafeInt', required: true, description: 'Minor units before tax.' }),
    amount: t.field({ type: 'SafeInt', required: true, description: 'Minor units of tax.' }),
    type: t.field({ type: TaxType, required: true, description: 'What kind of tax.' }),
    country: t.string({ description: 'Whose tax, ISO 3166-1: "DE".' }),
    state: t.string({ description: 'The state, where it is its tax.' }),
    rate: t.string({ description: 'Per cent: "8.875".' }),
  }),
});

export const CreatePaymentInput = builder.inputType('CreatePaymentInput', {
  description: 'A new payment.',
  fields: (t) => ({
    idempotencyKey: t.string({ required: true, description: KEY }),
    amount: t.field({ type: 'SafeInt', description: 'Minor units: 4999 in EUR is 49.99 euros.' }),
    amountDecimal: t.string({ description: 'Or with the decimal point of the currency: "49.99". One of the two.' }),
    currency: t.field({ type: 'Currency', required: true, description: 'ISO 4217.' }),
    process: t.boolean({ required: true, defaultValue: false, description: 'Charge it at once.' }),
    card: t.field({ type: CardInput, description: 'The card to pay with.' }),
    paymentMethodId: t.id({ description: 'Or a stored payment method.' }),
    customerId: t.id({ description: "Who pays; the payment method's customer if it is left out." }),
    customer: t.field({
      type: CreateCustomerInput,
      description: 'Or a description: the customer with this e-mail address, who is stored if there is none.',
    }),
    captureMethod: t.field({
      type: CaptureMethod,
      required: true,
      defaultValue: 'AUTOMATIC',
      description: 'When the amount is taken.',
    }),
    destinations: t.field({
      type: [PaymentDestinationInput],
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
    billingAddress: t.field({ type: AddressInput, description: 'Of whoever pays.' }),
    tax: t.field({ type: TaxInput, description: 'What the amount is made of.' }),
    applicationFee: t.field({ type: 'SafeInt', description: 'Minor units of the amount that the platform keeps.' }),
    attemptMetadata: t.field({ type: 'JSONObject', description: 'Kept with the attempt that process: true makes.' }),
    paymentDate: t.field({ type: 'DateTime', description: 'Charge it at this moment, by itself.' }),
    expiresAt: t.field({ type: 'DateTime', description: 'Unless it is paid by then, it expires.' }),
    active: t.boolean({
      required: true,
      defaultValue: true,
      description: 'False keeps the gateway from charging it by itself: neither at its date nor again after a decline.',
    }),
  }),
});

const OrderInput = builder.inputType('OrderInput', {
  description: 'Something that the client token grants to pay.',
  fields: (t) => ({
    type: t.field({ type: DestinationType, required: true, defaultValue: 'ORDER', description: 'What kind of thing.' }),
    id: t.string({ required: true, description: "The merchant's own id of it." }),
  }),
});

export const PayOrdersInput = builder.inputType('PayOrdersInput', {
  description: 'Orders that a payer pays, at once, for the amounts that their client token grants.',
  fields: (t) => ({
    idempotencyKey: t.string({ required: true, description: KEY }),
    orders: t.field({ type: [OrderInput], required: true, description: 'Which; all in one currency.' }),
    card: t.field({ type: CardInput, description: 'The card to pay with.' }),
    paymentMethodId: t.id({ description: 'Or a stored payment method of the payer’s.' }),
    billingAddress: t.field({ type: AddressInput, description: 'Of whoever pays.' }),
    returnUrl: t.string({
      description: 'Where the payer comes back to after 3-D Secure: https, or http on localhost.',
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
    returnUrl: t.string({
      description: 'Where the payer comes back to after 3-D Secure, if that is to be another place.',
    }),
    metadata: t.field({ type: 'JSONObject', description: 'Kept with the attempt. At most 50 texts by key.' }),
  }),
});

export const CapturePaymentInput = builder.inputType('CapturePaymentInput', {
  description: 'An authorised amount that is to be taken.',
  fields: (t) => ({
    idempotencyKey: t.string({ required: true, description: KEY }),
    paymentId: t.id({ required: true, description: 'Which payment.' }),
    amount: t.field({ type: 'SafeInt', description: ALL_LEFT }),
    amountDecimal: t.string({ description: 'The same with the decimal point of the currency: "49.99".' }),
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
    amountDecimal: t.string({ description: 'The same with the decimal point of the currency: "49.99".' }),
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
    paymentMethodId: t.id({ description: 'What it is to be paid with. Before it is processed, or after it failed.' }),
    billingAddress: t.field({
      type: AddressInput,
      description: 'Of whoever pays; null takes it away. Before it is processed.',
    }),
    paymentDate: t.field({
      type: 'DateTime',
      description: 'Charge it at this moment; null takes the date away. Before it is processed only.',
    }),
  }),
});

/** A destination of an input, whole. */
export function destinationOf(given: (typeof PaymentDestinationInput)['$inferInput']): Destination {
  return {
    type: given.type,
    id: given.id,
    number: given.number ?? null,
    amount: BigInt(given.amount),
    invoiceId: given.invoiceId ?? null,
    purchaseId: given.purchaseId ?? null,
    subscriptionId: given.subscriptionId ?? null,
    billingPeriodId: given.billingPeriodId ?? null,
  };
}

/** The tax of an input, whole. */
export function taxOf(given: (typeof TaxInput)['$inferInput']): Tax {
  return {
    subtotal: BigInt(given.subtotal),
    amount: BigInt(given.amount),
    type: given.type,
    country: given.country ?? null,
    state: given.state ?? null,
    rate: given.rate ?? null,
  };
}
