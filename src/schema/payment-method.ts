import type { PaymentMethod as PaymentMethodRow } from '../../generated/prisma/client.ts';
import type { RawCard } from '../domain/card.ts';
import { decodeIdOf, encodeId } from '../domain/ids.ts';
import { ok, type Result } from '../domain/result.ts';
import { invalid, notFound, type Failure } from '../payments/failure.ts';
import {
  createPaymentMethod,
  detachPaymentMethod,
  type CreatePaymentMethodInput as CreatePaymentMethod,
} from '../payments/payment-method.ts';
import { builder } from './builder.ts';
import { CardBrand, PaymentMethodType } from './enums.ts';
import { mutationResult } from './errors.ts';
import { Node } from './node.ts';
import { WRITES } from './reach.ts';

const Card = builder.objectRef<PaymentMethodRow>('Card').implement({
  description: 'What may be known of a card.',
  fields: (t) => ({
    brand: t.expose('brand', { type: CardBrand, description: 'The network.' }),
    last4: t.exposeString('last4', { description: 'The last four digits.' }),
    expMonth: t.exposeInt('expMonth', { description: 'The month of expiry, from 1 to 12.' }),
    expYear: t.exposeInt('expYear', { description: 'The year of expiry, in full.' }),
    holderName: t.exposeString('holderName', { nullable: true, description: "The holder's name." }),
    country: t.exposeString('country', {
      nullable: true,
      description: "The country of the issuer, as the processor told it; null where it does not. The sandbox's is US.",
    }),
    fingerprint: t.exposeString('fingerprint', {
      description: 'The same for the same card number. It tells nothing about the number.',
    }),
  }),
});

export const PaymentMethod = builder.prismaObject('PaymentMethod', {
  description: 'A stored way to pay. A card that was given with a payment is one of its own, with no customer.',
  interfaces: [Node],
  fields: (t) => ({
    id: t.id({ description: 'pm_ and a UUID.', resolve: ({ id }) => encodeId('PaymentMethod', id) }),
    type: t.expose('type', { type: PaymentMethodType, description: 'What kind it is.' }),
    card: t.field({ type: Card, description: 'The card.', resolve: (method) => method }),
    processor: t.exposeString('processor', { description: 'Which processor holds it.' }),
    detachedAt: t.expose('detachedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it was detached; it cannot be used since.',
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was stored.' }),
    updatedAt: t.expose('updatedAt', { type: 'DateTime', description: 'When it was changed last.' }),
    createdBy: t.exposeString('createdBy', { description: 'The key that stored it.' }),
    updatedBy: t.exposeString('updatedBy', { description: 'The key that changed it last.' }),
  }),
});

export const CardInput = builder.inputType('CardInput', {
  description: 'A card. It is exchanged for a token at once and never stored. Give it as a variable only.',
  fields: (t) => ({
    number: t.string({ required: true, description: '12 to 19 digits; spaces and hyphens do not count.' }),
    expMonth: t.int({ required: true, description: 'From 1 to 12.' }),
    expYear: t.int({ required: true, description: 'In full: 2030.' }),
    cvc: t.string({ required: true, description: 'Three digits, four for American Express.' }),
    holderName: t.string({ description: "The holder's name." }),
  }),
});

/** A card as the commands take it. */
export function rawCardOf(input: (typeof CardInput)['$inferInput'] | null | undefined): RawCard | null {
  return input == null ? null : { ...input, holderName: input.holderName ?? null };
}

const PaymentMethodTokenInput = builder.inputType('PaymentMethodTokenInput', {
  description: 'A token that your own page had from a processor, so that no card number came near you.',
  fields: (t) => ({
    processorAccountId: t.id({ required: true, description: 'Which of your accounts there it belongs to.' }),
    id: t.string({ required: true, description: "The token. Stripe's begin with pm_." }),
  }),
});

const CreatePaymentMethodInput = builder.inputType('CreatePaymentMethodInput', {
  description: 'A new payment method: a card or a token, and whose it is.',
  fields: (t) => ({
    customerId: t.id({ description: 'Whose it is. It may be left out with a token.' }),
    card: t.field({ type: CardInput, description: 'The card; or else a token.' }),
    token: t.field({ type: PaymentMethodTokenInput, description: 'What stands for a card at its processor.' }),
  }),
});

function sourceOf({
  card,
  token,
}: (typeof CreatePaymentMethodInput)['$inferInput']): Result<CreatePaymentMethod['source'], Failure> {
  const rawCard = rawCardOf(card);
  if ((rawCard === null) === (token == null)) return invalid('Give a card, or else a token.', 'card');
  if (rawCard !== null) return ok({ card: rawCard });
  const accountId = decodeIdOf('ProcessorAccount', token?.processorAccountId ?? '');
  if (accountId === undefined) return notFound('processor account', 'token', 'processorAccountId');
  return ok({ accountId, token: token?.id ?? '' });
}

const DetachPaymentMethodInput = builder.inputType('DetachPaymentMethodInput', {
  description: 'A payment method that is not to be used any more.',
  fields: (t) => ({ paymentMethodId: t.id({ required: true, description: 'Which one.' }) }),
});

type Payload = { paymentMethod: PaymentMethodRow };

const CreatePayload = builder.objectRef<Payload>('CreatePaymentMethodPayload').implement({
  description: 'The payment method was stored.',
  fields: (t) => ({
    paymentMethod: t.expose('paymentMethod', { type: PaymentMethod, description: 'As it was stored.' }),
  }),
});

const DetachPayload = builder.objectRef<Payload>('DetachPaymentMethodPayload').implement({
  description: 'The payment method cannot be used any more.',
  fields: (t) => ({ paymentMethod: t.expose('paymentMethod', { type: PaymentMethod, description: 'As it is now.' }) }),
});

const CreateResult = mutationResult('CreatePaymentMethod', CreatePayload, [
  'INVALID_INPUT',
  'NOT_FOUND',
  'CARD_REFUSED',
  'PROCESSOR_UNAVAILABLE',
]);
const DetachResult = mutationResult('DetachPaymentMethod', DetachPayload, ['NOT_FOUND']);

builder.mutationFields((t) => ({
  createPaymentMethod: t.field({
    ...WRITES,
    type: CreateResult.type,
    description: 'Stores a card or a token, to be charged later, or again.',
    args: {
      input: t.arg({ type: CreatePaymentMethodInput, required: true, description: 'Whose card, and the card.' }),
    },
    resolve: async (_, { input }, context) => {
      const customerId = input.customerId == null ? null : decodeIdOf('Customer', input.customerId);
      const source = customerId === undefined ? notFound('customer', 'customerId') : sourceOf(input);
      const result = source.ok
        ? await createPaymentMethod(context.gateway, context.caller, {
            customerId: customerId ?? null,
            source: source.value,
          })
        : source;
      return CreateResult.answer(context, result, (paymentMethod) => ({ paymentMethod }));
    },
  }),
  detachPaymentMethod: t.field({
    ...WRITES,
    type: DetachResult.type,
    description: 'Keeps a payment method from being used again. Doing it twice changes nothing.',
    args: { input: t.arg({ type: DetachPaymentMethodInput, required: true, description: 'Which one.' }) },
    resolve: async (_, { input }, context) => {
      const id = decodeIdOf('PaymentMethod', input.paymentMethodId);
      const result =
        id === undefined
          ? notFound('payment method', 'paymentMethodId')
          : await detachPaymentMethod(context.gateway, context.caller, id);
      return DetachResult.answer(context, result, (paymentMethod) => ({ paymentMethod }));
    },
  }),
}));
