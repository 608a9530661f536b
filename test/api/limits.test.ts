import { getIntrospectionQuery } from 'graphql';
import { describe, expect, test } from 'vitest';
import { startGateway, useGateway } from '../harness/gateway.ts';
import { Payer } from '../harness/payer.ts';
import { TRANSPORTS, type Payload } from '../harness/transports.ts';
import { Till } from '../harness/till.ts';

/**
 * What was seen to end or to block GraphQL servers: here each is answered with an error that says why, the same over every
 * transport, and the gateway goes on.
 */

const gateway = useGateway();
const till = new Till(gateway);

const many = (count: number, text: (index: number) => string): string =>
  Array.from({ length: count }, (_, index) => text(index)).join(' ');
const nested = (levels: number, open: string, inner: string, close: string): string =>
  open.repeat(levels) + inner + close.repeat(levels);
/** So many levels of pages in pages. */
const pages = (levels: number): string =>
  levels === 0 ? 'id' : `events(first: 100) { edges { node { payment { ${pages(levels - 1)} } } } }`;
const QUERY = 'query ($input: CreatePaymentInput!) { viewer { mode } }';

const ATTACKS: readonly (readonly [string, string, Payload])[] = [
  ['a document that ends too soon', 'GRAPHQL_PARSE_FAILED', { query: '{ payments(' }],
  ['no document', 'GRAPHQL_PARSE_FAILED', { query: '' }],
  ['a field that does not exist', 'GRAPHQL_VALIDATION_FAILED', { query: '{ nothing }' }],
  ['the name of no operation', 'OPERATION_NOT_FOUND', { query: '{ viewer { mode } }', operationName: 'Other' }],
  ['one of two operations', 'OPERATION_NOT_FOUND', { query: 'query A { __typename } query B { __typename }' }],
  [
    'a variable of another type',
    'BAD_USER_INPUT',
    { query: 'query ($n: Int) { payments(first: $n) { totalCount } }', variables: { n: 'x' } },
  ],
  ['a variable too few', 'BAD_USER_INPUT', { query: 'query ($id: ID!) { payment(id: $id) { id } }' }],
  ['20,000 selections in one another', 'TOO_DEEPLY_NESTED', { query: nested(20_000, '{a', '', '}') }],
  ['20,000 inline fragments in one another', 'TOO_DEEPLY_NESTED', { query: nested(20_000, '{...', '', '}') }],
  ['20,000 lists in one another', 'TOO_DEEPLY_NESTED', { query: `{ payment(id: ${nested(20_000, '[', '', ']')}) }` }],
  [
    '20,000 objects in one another',
    'TOO_DEEPLY_NESTED',
    { query: `{ payment(id: ${nested(20_000, '{a:', '1', '}')}) }` },
  ],
  ['a type of 20,000 lists', 'TOO_DEEPLY_NESTED', { query: `query ($a: ${nested(20_000, '[', 'Int', ']')}) { a }` }],
  [
    'variables of 60,000 lists',
    'TOO_DEEPLY_NESTED',
    { query: QUERY, variablesText: `{"input":${nested(60_000, '[', '', ']')}}` },
  ],
  [
    'variables of 20,000 objects',
    'TOO_DEEPLY_NESTED',
    { query: QUERY, variablesText: nested(20_000, '{"a":', '1', '}') },
  ],
  ['too many tokens', 'TOO_MANY_TOKENS', { query: `{ ${many(5_000, () => 'id')} }` }],
  ['a thousand aliases', 'TOO_MANY_ALIASES', { query: `{ ${many(1_000, (i) => `a${i}: __typename`)} }` }],
  ['500 duplicate fields', 'TOO_MANY_DUPLICATE_FIELDS', { query: `{ ${many(500, () => '__typename')} }` }],
  [
    'as many in inline fragments',
    'TOO_MANY_DUPLICATE_FIELDS',
    { query: `{ ${many(500, () => '... { __typename }')} }` },
  ],
  [
    'a thousand directives',
    'TOO_MANY_DIRECTIVES',
    { query: `{ __typename ${many(1_000, () => '@include(if: true)')} }` },
  ],
  [
    '600 fragments',
    'TOO_MANY_FRAGMENTS',
    { query: `{ ...F0 } ${many(600, (i) => `fragment F${i} on Query { __typename }`)}` },
  ],
  [
    'a chain of fragments',
    'TOO_DEEPLY_NESTED',
    { query: `{ ...F0 } ${many(50, (i) => `fragment F${i} on Query { ...F${i + 1} }`)}` },
  ],
  [
    'fragments in a circle',
    'GRAPHQL_VALIDATION_FAILED',
    { query: '{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }' },
  ],
  [
    'fragments that double with each level',
    'QUERY_TOO_LARGE',
    {
      query: `{ payment(id: "x") { ...F0 } } fragment F8 on Payment { id } ${many(
        8,
        (i) =>
          `fragment F${i} on Payment { a: attempts { payment { ...F${i + 1} } } b: attempts { payment { ...F${i + 1} } } }`,
      )}`,
    },
  ],
  [
    'fragments that double with each level, at the root',
    'QUERY_TOO_LARGE',
    {
      query: `{ ...F0 } fragment F45 on Query { viewer { mode } } ${many(
        45,
        (i) => `fragment F${i} on Query { ...F${i + 1} ...F${i + 1} }`,
      )}`,
    },
  ],
  [
    'a depth of 30 through a circle of lists',
    'DOCUMENT_TOO_DEEP',
    { query: `{ payment(id: "x") { ${nested(15, 'attempts { payment {', 'id', '} }')} } }` },
  ],
  [
    'a circle of lists that is not so deep',
    'QUERY_TOO_LARGE',
    { query: `{ payments(first: 100) { edges { node { ${nested(5, 'attempts { payment {', 'id', '} }')} } } } }` },
  ],
  [
    'pages in pages in pages',
    'QUERY_TOO_LARGE',
    { query: `{ payments(first: 100) { edges { node { ${pages(3)} } } } }` },
  ],
  [
    'pages of a size that variables give',
    'QUERY_TOO_LARGE',
    {
      query: `query ($n: Int!) { payments(first: $n) { edges { node { ${pages(3).replaceAll('100', '$n')} } } } }`,
      variables: { n: 100 },
    },
  ],
  [
    'a schema that leads through itself',
    'GRAPHQL_VALIDATION_FAILED',
    { query: `{ __schema { types { ${nested(3, 'fields { type {', 'name', '} }')} } } }` },
  ],
];

describe.each(TRANSPORTS)('over %s', (_name, ask) => {
  test.each(ATTACKS)('%s: %s', async (_attack, code, payload) => {
    const { status, data, errors } = await ask(gateway(), payload);
    expect(errors?.[0]?.extensions).toMatchObject({ code });
    expect(data ?? null).toBeNull();
    if (/^(TOO|DOCUMENT|QUERY)_/.test(code)) {
      const { limit, found } = (errors?.[0]?.extensions ?? {}) as { limit: number; found: number };
      expect(found).toBeGreaterThan(limit);
      if (status !== undefined) expect(status).toBe(400);
    }
    expect((await ask(gateway(), { query: '{ viewer { mode } }' })).data).toEqual({ viewer: { mode: 'TEST' } });
  });

  test('the schema is told to the tools that ask for it, also to payers', async () => {
    const query = getIntrospectionQuery({
      descriptions: true,
      specifiedByUrl: true,
      directiveIsRepeatable: true,
      schemaDescription: true,
      inputValueDeprecation: true,
      oneOf: true,
    });
    const { id } = await till.pay({ process: false });
    const { token } = await Payer.of(gateway(), { paymentId: id });
    for (const key of [gateway().keys.test, token]) {
      expect((await ask(gateway(), { query }, key)).data).toMatchObject({ __schema: { queryType: { name: 'Query' } } });
    }
  });

  test('whoever asks is told what a query costs, and what it may', async () => {
    const query = 'query ($n: Int) { payments(first: $n) { edges { node { id status } } } }';
    const costs = async (n?: number, key?: string) => {
      const { extensions } = await ask(gateway(), { query, variables: { n }, extensions: { cost: true } }, key);
      return extensions?.['cost'];
    };
    // The page with its edges and nodes, and two fields of each.
    expect(await costs(1)).toEqual({ requested: 5, limit: 500_000 });
    expect(await costs(100)).toEqual({ requested: 401, limit: 500_000 });
    expect(await costs()).toEqual({ requested: 81, limit: 500_000 });
    const { id } = await till.pay({ process: false });
    const { token } = await Payer.of(gateway(), { paymentId: id });
    expect(await costs(1, token)).toEqual({ requested: 5, limit: 50_000 });
    expect((await ask(gateway(), { query })).extensions).toBeUndefined();
    const refused = await ask(gateway(), {
      query: ATTACKS.find(([name]) => name.startsWith('pages'))?.[2].query ?? '',
      extensions: { cost: true },
    });
    expect(refused.extensions).toMatchObject({ cost: { limit: 500_000 } });
  });
});

test('a header asks for the cost, too', async () => {
  const headers = { authorization: gateway().keys.test, 'tender-cost': '1' };
  const { text } = await gateway().request('{ viewer { mode } }', {}, { headers });
  expect(JSON.parse(text)).toEqual({
    data: { viewer: { mode: 'TEST' } },
    extensions: { cost: { requested: 2, limit: 500_000 } },
  });
});

test('each limit is a setting of its own', async () => {
  const limits = {
    tokens: 60,
    depth: 3,
    aliases: 1,
    directives: 1,
    duplicateFields: 1,
    fragments: 1,
    nesting: 9,
    cost: 20,
  };
  const strict = await startGateway({ limits });
  try {
    for (const [query, code] of [
      [`{ ${many(61, () => 'id')} }`, 'TOO_MANY_TOKENS'],
      ['{ viewer { account { id { id } } } }', 'DOCUMENT_TOO_DEEP'],
      ['{ a: __typename b: __typename }', 'TOO_MANY_ALIASES'],
      ['{ __typename @include(if: true) @skip(if: false) }', 'TOO_MANY_DIRECTIVES'],
      ['{ __typename __typename __typename }', 'TOO_MANY_DUPLICATE_FIELDS'],
      ['{ ...A ...B } fragment A on Query { __typename } fragment B on Query { __typename }', 'TOO_MANY_FRAGMENTS'],
      [nested(10, '{ ... ', '', '}'), 'TOO_DEEPLY_NESTED'],
      ['{ payments(first: 20) { totalCount edges { cursor } } }', 'QUERY_TOO_LARGE'],
    ] as const) {
      expect((await strict.request(query)).errors).toMatchObject([{ extensions: { code } }]);
    }
    expect(
      (await strict.request('{ a: __typename ...A @include(if: true) } fragment A on Query { __typename }')).errors,
    ).toBeUndefined();
  } finally {
    await strict.close();
  }
});
