import { parseCurrency } from '../domain/currency.ts';
import { decodeIdOf } from '../domain/ids.ts';
import { ok, type Result } from '../domain/result.ts';
import { SANDBOX_TARGET, type RoutingRule, type Target } from '../domain/routing.ts';
import { checkMetadata } from '../payments/details.ts';
import { notFound, type Failure } from '../payments/failure.ts';
import { setRouting } from '../payments/routing-rules.ts';
import { readRules, type Rules } from '../store/routing-rules.ts';
import type { Batch } from '../store/loaders.ts';
import { builder } from './builder.ts';
import { CardBrand } from './enums.ts';
import { mutationResult } from './errors.ts';
import { ProcessorAccount } from './processor-account.ts';
import { promised } from './promised.ts';
import { ADMINISTERS, READS } from './reach.ts';

const Metadata = { type: 'JSONObject', nullable: true } as const;

const Condition = builder.objectRef<RoutingRule['when']>('RoutingCondition').implement({
  description: 'What has to hold for a rule to decide: all of what is not null.',
  fields: (t) => ({
    currencies: t.exposeStringList('currencies', { nullable: true, description: 'One of these, ISO 4217.' }),
    amountFrom: t.field({
      type: 'SafeInt',
      nullable: true,
      description: 'At least so many minor units.',
      resolve: ({ amountFrom }) => (amountFrom === null ? null : Number(amountFrom)),
    }),
    amountTo: t.field({
      type: 'SafeInt',
      nullable: true,
      description: 'At most so many minor units.',
      resolve: ({ amountTo }) => (amountTo === null ? null : Number(amountTo)),
    }),
    brands: t.field({
      type: [CardBrand],
      nullable: true,
      description: 'One of these, by the number of the card.',
      resolve: ({ brands }) => brands,
    }),
    countries: t.exposeStringList('countries', {
      nullable: true,
      description: "One of these, ISO 3166-1: the billing address's. The issuer's is not known yet.",
    }),
    metadata: t.expose('metadata', { ...Metadata, description: "All of these, in the payment's metadata." }),
  }),
});

const RoutingTarget = builder.objectRef<RoutingRule['targets'][number]>('RoutingTarget').implement({
  description: 'Where a rule leads.',
  fields: (t) => ({
    processorAccount: t.field({
      type: ProcessorAccount,
      nullable: true,
      description: 'The account; null for the sandbox.',
      resolve: ({ target }, _, { loaders }) => accountOf(target, loaders.processorAccount),
    }),
    weight: t.exposeInt('weight', { description: 'How often it is drawn, beside the weights of the others.' }),
  }),
});

const Rule = builder.objectRef<RoutingRule>('RoutingRule').implement({
  description: 'Decides where a card is charged, if its condition holds and no rule before it did.',
  fields: (t) => ({
    name: t.exposeString('name', { description: 'Attempts name it.' }),
    when: t.expose('when', { type: Condition, description: 'What has to hold.' }),
    targets: t.field({
      type: [RoutingTarget],
      description: 'One is drawn by weight. The others, the heaviest first, are asked if it can do nothing.',
      resolve: ({ targets }) => [...targets],
    }),
  }),
});

const Routing = builder.objectRef<Rules>('Routing').implement({
  description:
    'Where new cards are charged: the first rule that fits decides. Cards that are stored stay where they are.',
  fields: (t) => ({
    version: t.exposeInt('version', { description: 'Counts the changes; 0 before the first. setRouting takes it.' }),
    rules: t.field({ type: [Rule], description: 'In their order.', resolve: ({ rules }) => [...rules] }),
  }),
});

builder.queryField('routing', (t) =>
  t.field({
    ...READS,
    type: Routing,
    description: 'The rules that hold.',
    resolve: (_, _args, { gateway, caller }) => readRules(gateway.database, caller.environmentId),
  }),
);

const ConditionInput = builder.inputType('RoutingConditionInput', {
  description: 'What has to hold for a rule to decide: all that is named.',
  fields: (t) => ({
    currencies: t.stringList({ description: 'One of these, ISO 4217.' }),
    amountFrom: t.field({ type: 'SafeInt', description: 'At least so many minor units. It needs currencies.' }),
    amountTo: t.field({ type: 'SafeInt', description: 'At most so many minor units. It needs currencies.' }),
    brands: t.field({ type: [CardBrand], description: 'One of these, by the number of the card.' }),
    countries: t.stringList({ description: 'One of these, ISO 3166-1: of the billing address.' }),
    metadata: t.field({ type: 'JSONObject', description: "All of these, in the payment's metadata." }),
  }),
});

const TargetInput = builder.inputType('RoutingTargetInput', {
  description: 'Where a rule leads.',
  fields: (t) => ({
    processorAccountId: t.id({ description: 'The account; left out for the sandbox, which takes test cards only.' }),
    weight: t.int({
      required: true,
      defaultValue: 1,
      description: 'How often it is drawn, 0 to 1000. One of 0 is asked only if the others can do nothing.',
    }),
  }),
});

const RuleInput = builder.inputType('RoutingRuleInput', {
  description: 'A rule.',
  fields: (t) => ({
    name: t.string({ required: true, description: '1 to 100 characters, no two the same.' }),
    when: t.field({ type: ConditionInput, description: 'What has to hold; nothing if it is left out.' }),
    targets: t.field({ type: [TargetInput], required: true, description: '1 to 10, no account twice.' }),
  }),
});

const SetRoutingInput = builder.inputType('SetRoutingInput', {
  description: 'The rules, instead of those that hold.',
  fields: (t) => ({
    version: t.int({ required: true, description: 'The version that they replace, as routing.version tells.' }),
    rules: t.field({
      type: [RuleInput],
      required: true,
      description: 'In their order; at most 50. None for the default.',
    }),
  }),
});

const SetRouting = mutationResult(
  'SetRouting',
  builder.objectRef<{ routing: Rules }>('SetRoutingPayload').implement({
    description: 'The rules hold for cards that are taken from now on.',
    fields: (t) => ({ routing: t.expose('routing', { type: Routing, description: 'As it is now.' }) }),
  }),
  ['INVALID_INPUT', 'NOT_FOUND'],
);

builder.mutationField('setRouting', (t) =>
  t.field({
    ...ADMINISTERS,
    type: SetRouting.type,
    description: 'Says where new cards are charged.',
    args: { input: t.arg({ type: SetRoutingInput, required: true, description: 'The rules.' }) },
    resolve: async (_, { input }, context) => {
      const rules = rulesOf(input.rules);
      const result = rules.ok
        ? await setRouting(context.gateway, context.caller, { version: input.version, rules: rules.value })
        : rules;
      return SetRouting.answer(context, result, (routing) => ({ routing }));
    },
  }),
);

function rulesOf(given: readonly (typeof RuleInput)['$inferInput'][]): Result<RoutingRule[], Failure> {
  const rules: RoutingRule[] = [];
  for (const [index, each] of given.entries()) {
    const rule = ruleOf(each, index);
    if (!rule.ok) return rule;
    rules.push(rule.value);
  }
  return ok(rules);
}

function ruleOf(
  { name, when, targets }: (typeof RuleInput)['$inferInput'],
  index: number,
): Result<RoutingRule, Failure> {
  const metadata = checkMetadata(when?.metadata, 'rules', String(index), 'when', 'metadata');
  if (!metadata.ok) return metadata;
  const read: RoutingRule['targets'][number][] = [];
  for (const [position, { processorAccountId, weight }] of targets.entries()) {
    const id = processorAccountId == null ? SANDBOX_TARGET : decodeIdOf('ProcessorAccount', processorAccountId);
    const at = ['rules', String(index), 'targets', String(position), 'processorAccountId'];
    if (id === undefined) return notFound('processor account', ...at);
    read.push({ target: id, weight });
  }
  return ok({
    name,
    targets: read,
    when: {
      currencies: when?.currencies?.map((currency) => parseCurrency(currency) ?? currency) ?? null,
      amountFrom: minorUnits(when?.amountFrom),
      amountTo: minorUnits(when?.amountTo),
      brands: when?.brands ?? null,
      countries: when?.countries ?? null,
      metadata: when?.metadata == null ? null : metadata.value,
    },
  });
}

function minorUnits(given: number | null | undefined): bigint | null {
  return given == null ? null : BigInt(given);
}

/** What a target is in the API: null stands for the sandbox. */
export function accountOf<A>(target: Target, loader: Batch<A | null>): Promise<A> | null {
  return target === SANDBOX_TARGET ? null : promised(loader.load(target));
}
