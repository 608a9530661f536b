import { randomUUID } from 'node:crypto';
import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import type { RoutingRuleInput } from '../../generated/operations/graphql.ts';
import { FarProcessor } from '../harness/far-processor.ts';
import { only, useGateway } from '../harness/gateway.ts';
import { MerchantAccounts, type Account } from '../harness/merchant-accounts.ts';
import { Routes, ruleTo } from '../harness/routes.ts';
import { card, Till } from '../harness/till.ts';

const far = new FarProcessor();
const gateway = useGateway({ connectors: [far] });
const accounts = new MerchantAccounts(gateway);
const routes = new Routes(gateway);
const till = new Till(gateway);

/** Two accounts that take card numbers, the older one first. */
let first: Account;
let second: Account;
/** Of another merchant. */
let another: Account;
/** Whose books there each test begins anew. */
let merchants: readonly [string, string];
const charged = (): number[] =>
  merchants.map((merchant) => far.book(merchant).charges.filter(({ state }) => state === 'CAPTURED').length);

beforeAll(async () => {
  first = await accounts.open();
  second = await accounts.open();
  another = await new MerchantAccounts(gateway, 'other').open();
});

beforeEach(async () => {
  merchants = [randomUUID(), randomUUID()];
  await routes.hold([]);
  const open = { rawCards: true, enabled: true };
  await accounts.change(first.id, { ...open, secretKey: `sk_test_${merchants[0]}_0000` });
  await accounts.change(second.id, { ...open, secretKey: `sk_test_${merchants[1]}_0000` });
});

afterEach(() => far.calls.use({}));

test('rules are kept as they were set, and versions count', async () => {
  const { version } = await routes.read();
  const rule: RoutingRuleInput = {
    name: 'large',
    when: { currencies: ['eur', 'USD'], amountFrom: 1, amountTo: 2, brands: ['VISA'], countries: ['DE'] },
    targets: [{ processorAccountId: first.id, weight: 3 }, { weight: 1 }],
  };
  const held = await routes.hold([rule, ruleTo('rest', [second], { when: { metadata: { shop: 'north' } } })]);
  expect(held.version).toBe(version + 1);
  expect(held.rules).toMatchObject([
    {
      name: 'large',
      when: {
        currencies: ['EUR', 'USD'],
        amountFrom: 1,
        amountTo: 2,
        brands: ['VISA'],
        countries: ['DE'],
        metadata: null,
      },
      targets: [
        { weight: 3, processorAccount: { id: first.id } },
        { weight: 1, processorAccount: null },
      ],
    },
    { name: 'rest', when: { currencies: null, metadata: { shop: 'north' } } },
  ]);
  expect(await routes.read()).toEqual(held);
});

test('of two who replace the same version, one is told', async () => {
  const { version } = await routes.read();
  const both = await Promise.all([
    routes.set([ruleTo('one', [first])], version),
    routes.set([ruleTo('two', [second])], version),
  ]);
  expect(both.map(({ __typename }) => __typename).toSorted()).toEqual(['InvalidInputError', 'SetRoutingPayload']);
  expect((await routes.read()).version).toBe(version + 1);
});

const NONE = { targets: [{ weight: 1 }] };

test.each<[string, (of: { other: Account }) => RoutingRuleInput[], string]>([
  [
    'two rules of one name',
    () => [
      { name: 'a', ...NONE },
      { name: 'a', ...NONE },
    ],
    'rules.1.name',
  ],
  ['a rule without a name', () => [{ name: '', ...NONE }], 'rules.0.name'],
  ['no targets', () => [{ name: 'a', targets: [] }], 'rules.0.targets'],
  ['no weight', () => [{ name: 'a', targets: [{ weight: 0 }] }], 'rules.0.targets'],
  ['a negative weight', () => [{ name: 'a', targets: [{ weight: -1 }] }], 'rules.0.targets.0.weight'],
  [
    'the sandbox twice',
    () => [{ name: 'a', targets: [{ weight: 1 }, { weight: 1 }] }],
    'rules.0.targets.1.processorAccountId',
  ],
  [
    'an id of something else',
    () => [{ name: 'a', targets: [{ processorAccountId: 'pay_x', weight: 1 }] }],
    'rules.0.targets.0.processorAccountId',
  ],
  ["another's account", ({ other }) => [ruleTo('a', [other])], 'rules.0.targets.0.processorAccountId'],
  ['no such currency', () => [{ name: 'a', ...NONE, when: { currencies: ['EUX'] } }], 'rules.0.when.currencies.0'],
  ['an empty list', () => [{ name: 'a', ...NONE, when: { brands: [] } }], 'rules.0.when.brands'],
  ['a country in words', () => [{ name: 'a', ...NONE, when: { countries: ['Germany'] } }], 'rules.0.when.countries.0'],
  ['an amount of no currency', () => [{ name: 'a', ...NONE, when: { amountFrom: 1 } }], 'rules.0.when.currencies'],
  [
    'an amount from more to less',
    () => [{ name: 'a', ...NONE, when: { currencies: ['EUR'], amountFrom: 2, amountTo: 1 } }],
    'rules.0.when.amountTo',
  ],
  ['51 rules', () => Array.from({ length: 51 }, (_, index) => ({ name: String(index), ...NONE })), 'rules'],
])('%s are refused, and the rules stay', async (_, rulesOf, path) => {
  const before = await routes.read();
  const refused = await routes.set(rulesOf({ other: another }));
  expect(refused.__typename).toMatch(/^(InvalidInput|NotFound)Error$/);
  expect('path' in refused && refused.path.slice(1).join('.')).toBe(path);
  expect(await routes.read()).toEqual(before);
});

test('a card is charged where the first rule that fits says, and its attempt says why', async () => {
  const { version } = await routes.hold([
    ruleTo('dollars', [first], { when: { currencies: ['USD'] } }),
    ruleTo('from Austria', [second], { when: { countries: ['AT'] } }),
    ruleTo('rest', [null]),
  ]);
  const billingAddress = { country: 'AT' };
  const { id } = await till.pay({ billingAddress });
  expect(await routes.attempts(id)).toMatchObject({
    status: 'SUCCEEDED',
    attempts: [
      {
        kind: 'INITIAL',
        processorAccount: { id: second.id },
        routing: { reason: 'RULE', rule: 'from Austria', version },
      },
    ],
  });
  expect(charged()).toEqual([0, 1]);
  const { id: other } = await till.pay();
  expect(await routes.attempts(other)).toMatchObject({
    attempts: [{ processorAccount: null, routing: { rule: 'rest' } }],
  });
  expect(await routes.explain({ country: 'AT' })).toMatchObject({
    rule: 'from Austria',
    version,
    considered: [
      { rule: 'dollars', mismatches: ['CURRENCY'] },
      { rule: 'from Austria', mismatches: [] },
    ],
    targets: [{ standing: 'OPEN', processorAccount: { id: second.id } }],
  });
});

test('without a rule it is the oldest account that takes card numbers, and then the sandbox', async () => {
  expect(await wayOfPayment()).toMatchObject({
    processorAccount: { id: first.id },
    routing: { reason: 'DEFAULT', rule: null },
  });
  await accounts.change(first.id, { rawCards: false });
  expect(await wayOfPayment()).toMatchObject({ processorAccount: { id: second.id } });
  await accounts.change(second.id, { enabled: false });
  expect(await wayOfPayment()).toMatchObject({ processorAccount: null, routing: { reason: 'DEFAULT' } });
});

test('what is drawn by weight is the same for a request that is sent again', async () => {
  await routes.hold([
    {
      name: 'halves',
      targets: [
        { processorAccountId: first.id, weight: 1 },
        { processorAccountId: second.id, weight: 1 },
      ],
    },
  ]);
  for (const idempotencyKey of Array.from({ length: 20 }, () => randomUUID())) {
    const { targets } = await routes.explain({ idempotencyKey });
    const { id } = await till.pay({ idempotencyKey });
    const { attempts } = await routes.attempts(id);
    expect(attempts[0]?.processorAccount?.id).toBe(targets[0]?.processorAccount?.id);
  }
  expect(charged()).not.toContain(0);
});

test('a rule whose accounts are all out of reach charges nothing, and says where to look', async () => {
  await routes.hold([ruleTo('only', [first])]);
  await accounts.change(first.id, { enabled: false });
  const refused = only(await till.create({ process: true, card: card() }), 'ProcessorUnavailableError');
  expect(refused.message).toContain('explainRouting');
  expect((await routes.explain()).targets).toMatchObject([{ standing: 'DISABLED' }]);
  await accounts.change(first.id, { enabled: true, rawCards: false });
  expect((await routes.explain()).targets).toMatchObject([{ standing: 'TOKENS_ONLY' }]);
});

test('a payment method that is kept somewhere stays there, whatever the rules say', async () => {
  await routes.hold([ruleTo('all', [second])]);
  const { id } = await accounts.pay(first);
  expect(await routes.attempts(id)).toMatchObject({
    attempts: [
      { processorAccount: { id: first.id }, routing: { reason: 'PAYMENT_METHOD', rule: null, version: null } },
    ],
  });
});

async function wayOfPayment() {
  const { attempts } = await routes.attempts((await till.pay()).id);
  return attempts[0];
}
