import type { Attempt } from '../../generated/prisma/client.ts';
import { parseCurrency } from '../domain/currency.ts';
import type { Mismatch, Target } from '../domain/routing.ts';
import { checkMetadata } from '../payments/details.ts';
import { explainRoute, type ExplainedRoute, type Standing } from '../payments/route.ts';
import { badInput } from './bad-input.ts';
import { builder } from './builder.ts';
import { CardBrand, enumOf } from './enums.ts';
import { ProcessorAccount } from './processor-account.ts';
import { MERCHANT_ONLY, READS } from './reach.ts';
import { accountOf } from './routing.ts';

const MismatchType = enumOf<Mismatch>('RoutingMismatch', 'What a rule asks for and a payment does not have.', {
  CURRENCY: 'Another currency, or none yet.',
  AMOUNT: 'Another amount, or none yet.',
  BRAND: 'Another card network.',
  COUNTRY: 'A billing address elsewhere, or none.',
  METADATA: 'Other metadata.',
});

const StandingType = enumOf<Standing>('RoutingStanding', 'Whether a card number can be given to a target.', {
  OPEN: 'It can.',
  DISABLED: 'The account is disabled.',
  TOKENS_ONLY: 'The account takes tokens only: see ProcessorAccount.rawCards.',
  CIRCUIT_OPEN: 'The processor has not answered of late, and is left alone for a while.',
});

const ConsideredRule = builder.objectRef<ExplainedRoute['considered'][number]>('ConsideredRule').implement({
  description: 'A rule that was looked at.',
  fields: (t) => ({
    rule: t.exposeString('rule', { description: 'Its name.' }),
    mismatches: t.field({
      type: [MismatchType],
      description: 'Why it does not decide; empty where it does.',
      resolve: ({ mismatches }) => [...mismatches],
    }),
  }),
});

const ConsideredTarget = builder.objectRef<{ target: Target; standing: Standing }>('ConsideredTarget').implement({
  description: 'Where a card would be charged, if it can be.',
  fields: (t) => ({
    processorAccount: t.field({
      type: ProcessorAccount,
      nullable: true,
      description: 'The account; null for the sandbox.',
      resolve: ({ target }, _, { loaders }) => accountOf(target, loaders.processorAccount),
    }),
    standing: t.expose('standing', { type: StandingType, description: 'Whether it can be.' }),
  }),
});

const Explanation = builder.objectRef<ExplainedRoute>('RoutingExplanation').implement({
  description: 'Where a card would be charged now, and why.',
  fields: (t) => ({
    rule: t.exposeString('rule', {
      nullable: true,
      description:
        'The rule that decides; null where none fits, and the oldest account that takes card numbers is taken.',
    }),
    version: t.exposeInt('version', { description: 'Of the rules.' }),
    considered: t.field({
      type: [ConsideredRule],
      description: 'The rules that were looked at, in their order: the last one decides, if any does.',
      resolve: ({ considered }) => [...considered],
    }),
    targets: t.field({
      type: [ConsideredTarget],
      description:
        'In the order in which they are asked. The first that is OPEN is; the next ones if it can do nothing.',
      resolve: ({ targets, standings }) =>
        targets.map((target, index) => ({ target, standing: standings[index] ?? 'DISABLED' })),
    }),
  }),
});

const RoutingReason = enumOf<Attempt['routing']>('RoutingReason', 'Why an attempt was made where it was.', {
  RULE: 'A rule of yours.',
  DEFAULT: 'No rule fits.',
  PAYMENT_METHOD: 'The payment method is kept there.',
  FAILOVER: 'Whoever was asked before could do nothing.',
});

const AttemptRouting = builder.objectRef<Attempt>('AttemptRouting').implement({
  description: 'Why an attempt was made where it was.',
  fields: (t) => ({
    reason: t.expose('routing', { type: RoutingReason, description: 'The reason.' }),
    rule: t.exposeString('routingRule', {
      nullable: true,
      description: 'The rule that led there; null where none did.',
    }),
    version: t.exposeInt('routingVersion', { nullable: true, description: 'Of the rules that held; null for none.' }),
  }),
});

builder.prismaObjectField('Attempt', 'routing', (t) =>
  t.field({
    ...MERCHANT_ONLY,
    type: AttemptRouting,
    description: 'Why it was made at this processor.',
    resolve: (attempt) => attempt,
  }),
);

const ExplainRoutingInput = builder.inputType('ExplainRoutingInput', {
  description: 'What is known of a payment when its processor is chosen.',
  fields: (t) => ({
    amount: t.field({ type: 'SafeInt', description: 'Minor units.' }),
    currency: t.string({ description: 'ISO 4217.' }),
    brand: t.field({ type: CardBrand, required: true, description: 'The network of the card.' }),
    country: t.string({ description: 'Of the billing address, ISO 3166-1.' }),
    metadata: t.field({ type: 'JSONObject', description: 'Of the payment.' }),
    idempotencyKey: t.string({
      description: 'Of the request that takes the card: it draws among weights, the same target each time.',
    }),
  }),
});

builder.queryField('explainRouting', (t) =>
  t.field({
    ...READS,
    type: Explanation,
    description: 'Where a card would be charged, and which rule says so. Nothing is asked of a processor.',
    args: { input: t.arg({ type: ExplainRoutingInput, required: true, description: 'The payment.' }) },
    resolve: (_, { input }, { gateway, caller }) => {
      const metadata = checkMetadata(input.metadata, 'metadata');
      if (!metadata.ok) throw badInput(metadata.failure.message, ...metadata.failure.path);
      const currency = input.currency == null ? null : parseCurrency(input.currency);
      if (currency === undefined) throw badInput('There is no such currency in ISO 4217.', 'input', 'currency');
      const subject = {
        amount: input.amount == null ? null : BigInt(input.amount),
        currency,
        brand: input.brand,
        country: input.country ?? null,
        metadata: metadata.value,
      };
      return explainRoute(gateway, caller, subject, input.idempotencyKey ?? '');
    },
  }),
);
