import { getNamedType, isLeafType, isObjectType, type GraphQLField, type GraphQLObjectType } from 'graphql';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { TypedDocumentString } from '../../generated/operations/graphql.ts';
import { buildSchema } from '../../src/schema/schema.ts';
import { only, useGateway } from '../harness/gateway.ts';
import { countStatements, type CountedGraphQL } from '../harness/statements.ts';
import { Till } from '../harness/till.ts';

/**
 * The first time a query is interpreted and reads whole rows, the second time it is compiled and looks which columns are
 * used, from the third time on it reads those in one statement. Nobody may see a difference.
 */

const TIMES = 4;

const gateway = useGateway();
const till = new Till(gateway);
let counted: CountedGraphQL;

type AnyDocument = TypedDocumentString<unknown, Record<string, unknown>>;

async function run(text: string, variables: Record<string, unknown> = {}) {
  return counted.run(text as unknown as AnyDocument, variables);
}

async function runAgain(text: string, variables: Record<string, unknown> = {}) {
  const answers: Awaited<ReturnType<typeof run>>[] = [];
  for (let time = 0; time < TIMES; time++) answers.push(await run(text, variables));
  return answers;
}

beforeAll(async () => {
  const customerId = await till.customer();
  const { id } = await till.pay({
    paymentMethodId: await till.storedCard(customerId),
    amount: 1000,
    metadata: { quoted: 'a "b", {c} \\ NULL' },
    destinations: [
      { type: 'ORDER', id: '1', amount: 400 },
      { type: 'INVOICE', id: 'NULL', amount: 600 },
    ],
  });
  only(await till.refund({ paymentId: id, amount: 100 }), 'RefundPaymentPayload');
  await till.payWith('4000000000009995', { amount: 500 });
  await till.pay({ amount: 700 });
  counted = await countStatements(gateway());
});

afterAll(() => counted.close());

const payment = buildSchema().getType('Payment') as GraphQLObjectType;

/** The fields of a type that need no arguments, and what leads on to so many levels below them. */
function selectionOf(type: GraphQLObjectType, levels: number): string[] {
  return Object.values(type.getFields()).flatMap((field) => {
    const below = selectionBelow(field, levels);
    return below === undefined ? [] : [`${field.name}${below}`];
  });
}

function selectionBelow({ type }: GraphQLField<unknown, unknown>, levels: number): string | undefined {
  const to = getNamedType(type);
  if (isLeafType(to)) return '';
  const fields = isObjectType(to) && levels > 0 ? selectionOf(to, levels - 1) : [];
  return fields.length === 0 ? undefined : ` { ${fields.join(' ')} }`;
}

test.each(selectionOf(payment, 2))('Payment { %s } is the same whenever it is asked', async (field) => {
  const [first, ...others] = await runAgain(`{ payments { edges { cursor node { ${field} } } } }`);
  for (const { data } of others) expect(data).toEqual(first?.data);
});

test('everything about a payment is the same whenever it is asked, found in each way', async () => {
  const all = selectionOf(payment, 2).join(' ');
  const { data } = await run('{ payments { edges { node { id } } } }');
  const { edges } = (data as { payments: { edges: { node: { id: string } }[] } }).payments;
  expect(edges).toHaveLength(3);
  for (const { node } of edges) {
    const byPayment = await runAgain(`query ($id: ID!) { it: payment(id: $id) { ${all} } }`, { id: node.id });
    const byNode = await runAgain(`query ($id: ID!) { it: node(id: $id) { ...P } } fragment P on Payment { ${all} }`, {
      id: node.id,
    });
    for (const answer of [...byPayment, ...byNode]) expect(answer.data).toEqual(byPayment[0]?.data);
  }
});

const FIELDS = `id status amount { amount currency } customer { id email } paymentMethod { id }
  decline { code message retryable } attempts { id status number } captures { id } refunds { id amount { amount } }
  destinations { id amount { amount } }`;

const PAGE = `query ($first: Int!, $filter: PaymentFilter) {
  payments(first: $first, filter: $filter) { edges { node { ${FIELDS} } } } }`;

const PAYMENT = `query ($id: ID!) { payment(id: $id) { ${FIELDS} } }`;

test('a page with every relation takes one statement beside that of the key', async () => {
  const answers = await runAgain(PAGE, { first: 20 });
  expect(answers.map(({ statements }) => statements.length)).toEqual([8, 2, 2, 2]);
  const [whole, chosen] = answers.slice(1, 3).map(({ statements }) => statements[1] ?? '');
  expect(whole).toContain('payment.human_id');
  expect(chosen).not.toContain('payment.human_id');
  expect(chosen).toContain('payment.amount');
});

test('a payment with relations takes one statement beside that of the key', async () => {
  const { data } = await run('{ payments { edges { node { id } } } }');
  const [edge] = (data as { payments: { edges: { node: { id: string } }[] } }).payments.edges;
  for (const field of ['payment', 'node']) {
    const text = `query ($id: ID!) { ${field}(id: $id) { ... on Payment { id customer { id } attempts { id } refunds { id } } } }`;
    const answers = await runAgain(text, { id: edge?.node.id });
    expect(answers.at(-1)?.statements).toHaveLength(2);
  }
});

test('payments that are asked for one by one in a document are read together', async () => {
  const { data } = await run('{ payments { edges { node { id } } } }');
  const { edges } = (data as { payments: { edges: { node: { id: string } }[] } }).payments;
  const text = `{ ${edges.map(({ node }, at) => `p${at}: payment(id: "${node.id}") { id attempts { id } }`).join(' ')} }`;
  const answers = await runAgain(text);
  expect(answers.at(-1)?.statements).toHaveLength(3);
});

test('a column that only other rows need is read when it comes to them', async () => {
  // The name differs, so that nobody has asked for it before.
  const text = PAGE.replace('query', 'query Learning');
  const learnt = await runAgain(text, { first: 20, filter: { status: ['SUCCEEDED'] } });
  expect(learnt.at(-1)?.statements[1]).not.toContain('decline_message');
  const failed = { first: 20, filter: { status: ['FAILED'] } };
  const [once, ...others] = await runAgain(text, failed);
  const plain = await run(PAGE.replace('query', 'query Plainly'), failed);
  for (const answer of [once, ...others]) expect(answer?.data).toEqual(plain.data);
  expect(JSON.stringify(once?.data)).toContain('insufficient_funds');
  expect(others.at(-1)?.statements).toHaveLength(2);
  expect(others.at(-1)?.statements[1]).toContain('decline_message');
});

test('another environment has none of it, with the same document', async () => {
  for (let time = 0; time < TIMES; time++) await gateway().request(PAGE, { first: 20 });
  for (const key of [gateway().keys.live, gateway().keys.other]) {
    const { data } = await gateway().request(PAGE, { first: 20 }, { key });
    expect(data).toEqual({ payments: { edges: [] } });
  }
});

test('what many ask for at once, with the same document, is told to each as if they were alone', async () => {
  const { data } = await run('{ payments { edges { node { id } } } }');
  const { edges } = (data as { payments: { edges: { node: { id: string } }[] } }).payments;
  const asked = [
    ...edges.map(({ node }) => [PAYMENT, { id: node.id }] as const),
    ...[1, 2, 20].map((first) => [PAGE, { first }] as const),
  ].flatMap(([text, variables]) => [gateway().keys.test, gateway().keys.live].map((key) => ({ text, variables, key })));
  const ask = async ({ text, variables, key }: (typeof asked)[number]) =>
    (await gateway().request(text, variables, { key })).text;
  const alone: string[] = [];
  for (let time = 0; time < TIMES; time++) for (const [at, each] of asked.entries()) alone[at] = await ask(each);
  expect(new Set(alone).size).toBe(edges.length + 3 + 2);
  for (let time = 0; time < TIMES; time++) {
    const together = await Promise.all([...asked, ...asked].map(ask));
    expect(together).toEqual([...alone, ...alone]);
  }
});

test('an error is the same whenever it is made', async () => {
  const answers: string[] = [];
  for (let time = 0; time < TIMES; time++) {
    for (const variables of [{ first: 101 }, { first: 'many' }, {}]) {
      const { status, text } = await gateway().request(PAGE.replace('query', 'query Faulty'), variables);
      answers.push(`${status} ${text}`);
    }
  }
  expect(new Set(answers).size).toBe(3);
  expect(answers[0]).toContain('"path":["payments"]');
});
