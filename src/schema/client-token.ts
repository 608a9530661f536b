import { encodeId, decodeIdOf } from '../domain/ids.ts';
import { createClientToken, revokeClientTokens } from '../payments/client-token.ts';
import { notFound } from '../payments/failure.ts';
import type { ClientToken as TokenShape } from '../payments/token-text.ts';
import { builder } from './builder.ts';
import { Customer } from './customer.ts';
import { ClientTokenScope, DestinationType } from './enums.ts';
import { mutationResult } from './errors.ts';
import { Money } from './money.ts';
import { Payment } from './payment.ts';
import { destinationOf } from './payment-inputs.ts';
import { ADMINISTERS, READERS_TOO, WRITES } from './reach.ts';

const Grant = builder.objectRef<TokenShape['grants'][number]>('Grant').implement({
  description: 'Something that a payer may pay with payOrders, and for how much.',
  fields: (t) => ({
    type: t.expose('type', { type: DestinationType, description: 'What kind of thing.' }),
    id: t.exposeString('id', { description: "The merchant's own id of it." }),
    number: t.exposeString('number', { nullable: true, description: 'Its number, as people know it.' }),
    amount: t.field({
      type: Money,
      description: 'How much it is.',
      resolve: ({ amount, currency }) => ({ amount, currency }),
    }),
  }),
});

const ClientToken = builder.objectRef<TokenShape>('ClientToken').implement({
  description: 'What a client token opens. It is signed, and stored nowhere.',
  fields: (t) => ({
    id: t.id({ description: 'ct_ and a UUID: what createdBy says.', resolve: ({ id }) => encodeId('ClientToken', id) }),
    scopes: t.field({
      type: [ClientTokenScope],
      description: 'What it lets do.',
      resolve: ({ scopes }) => [...scopes],
    }),
    customer: t.field({
      type: Customer,
      nullable: true,
      description: 'Whose payments it opens, if it is a customer’s.',
      resolve: ({ payer }, _, { loaders }) =>
        payer.customerId === null ? null : loaders.customer.load(payer.customerId),
    }),
    payment: t.field({
      type: Payment,
      nullable: true,
      description: 'The payment that it opens, if it is of one.',
      resolve: ({ payer }, _, { loaders }) => (payer.paymentId === null ? null : loaders.payment.load(payer.paymentId)),
    }),
    grants: t.field({ type: [Grant], description: 'What may be paid with it.', resolve: ({ grants }) => [...grants] }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was made.' }),
    expiresAt: t.expose('expiresAt', { type: 'DateTime', description: 'When it ends.' }),
  }),
});

const GrantInput = builder.inputType('GrantInput', {
  description: 'Something that a payer may pay, and for how much: a browser never chooses an amount.',
  fields: (t) => ({
    type: t.field({ type: DestinationType, required: true, defaultValue: 'ORDER', description: 'What kind of thing.' }),
    id: t.string({ required: true, description: 'Your own id of it.' }),
    number: t.string({ description: 'Its number, as people know it.' }),
    amount: t.field({ type: 'SafeInt', required: true, description: 'Minor units.' }),
    currency: t.field({ type: 'Currency', required: true, description: 'ISO 4217.' }),
    invoiceId: t.string({ description: 'Your own id of the invoice that it belongs to.' }),
    purchaseId: t.string({ description: 'Your own id of the purchase that it belongs to.' }),
    subscriptionId: t.string({ description: 'Your own id of the subscription that it belongs to.' }),
    billingPeriodId: t.string({ description: 'Your own id of the billing period that it belongs to.' }),
  }),
});

const CreateClientTokenInput = builder.inputType('CreateClientTokenInput', {
  description: 'A token for the browser of a payer: of one customer, or of one payment.',
  fields: (t) => ({
    customerId: t.id({ description: 'Whose payments it opens.' }),
    paymentId: t.id({ description: 'Or the one payment that it opens.' }),
    scopes: t.field({
      type: [ClientTokenScope],
      required: true,
      defaultValue: ['READ', 'PAY'],
      description: 'What it lets do.',
    }),
    grants: t.field({ type: [GrantInput], description: 'What the customer may pay with payOrders; at most 20.' }),
    expiresInSeconds: t.int({
      required: true,
      defaultValue: 900,
      description: 'How long it is valid: 60 seconds to a day.',
    }),
  }),
});

const Create = mutationResult(
  'CreateClientToken',
  builder.objectRef<{ text: string; token: TokenShape }>('CreateClientTokenPayload').implement({
    description: 'The token was made.',
    fields: (t) => ({
      token: t.exposeString('text', {
        description: 'For the payer: Authorization: Bearer ct_… It is told here only.',
      }),
      clientToken: t.field({ type: ClientToken, description: 'What it opens.', resolve: ({ token }) => token }),
    }),
  }),
  ['INVALID_INPUT', 'NOT_FOUND'],
);

const RevokeClientTokensInput = builder.inputType('RevokeClientTokensInput', {
  description: 'Which client tokens are to be refused.',
  fields: (t) => ({
    madeUntil: t.field({
      type: 'DateTime',
      description: 'Those that were made until this moment; until now if it is left out.',
    }),
  }),
});

const Revoke = mutationResult(
  'RevokeClientTokens',
  builder.objectRef<{ refusedUntil: Date }>('RevokeClientTokensPayload').implement({
    description: 'The tokens are refused from now on.',
    fields: (t) => ({
      refusedUntil: t.expose('refusedUntil', {
        type: 'DateTime',
        description: 'Tokens that were made until this moment are refused.',
      }),
    }),
  }),
  ['INVALID_INPUT'],
);

builder.queryField('clientToken', (t) =>
  t.field({
    ...READERS_TOO,
    type: ClientToken,
    nullable: true,
    description: 'The client token that the request carries; null for a secret key.',
    resolve: (_root, _arguments, { credential }) => (credential.kind === 'token' ? credential.token : null),
  }),
);

builder.mutationFields((t) => ({
  createClientToken: t.field({
    ...WRITES,
    type: Create.type,
    description: 'Makes a token with which a browser reads and pays what is its payer’s. It moves no money.',
    args: { input: t.arg({ type: CreateClientTokenInput, required: true, description: 'Whose, and for what.' }) },
    resolve: async (_, { input }, context) => {
      const customerId = input.customerId == null ? null : decodeIdOf('Customer', input.customerId);
      const paymentId = input.paymentId == null ? null : decodeIdOf('Payment', input.paymentId);
      const result =
        customerId === undefined
          ? notFound('customer', 'customerId')
          : paymentId === undefined
            ? notFound('payment', 'paymentId')
            : await createClientToken(context.gateway, context.caller, {
                customerId,
                paymentId,
                scopes: input.scopes,
                grants: (input.grants ?? []).map((grant) => ({ ...destinationOf(grant), currency: grant.currency })),
                expiresInSeconds: input.expiresInSeconds,
              });
      return Create.answer(context, result, (made) => made);
    },
  }),
  revokeClientTokens: t.field({
    ...ADMINISTERS,
    type: Revoke.type,
    description: 'Refuses all client tokens of the environment that were made until a moment.',
    args: { input: t.arg({ type: RevokeClientTokensInput, required: true, description: 'Which of them.' }) },
    resolve: async (_, { input }, context) =>
      Revoke.answer(
        context,
        await revokeClientTokens(context.gateway, context.caller, input.madeUntil ?? null),
        (refusedUntil) => ({ refusedUntil }),
      ),
  }),
}));
