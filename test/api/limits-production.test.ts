import { getIntrospectionQuery } from 'graphql';
import { describe, expect, test } from 'vitest';
import { useGateway } from '../harness/gateway.ts';
import { Payer } from '../harness/payer.ts';
import { Till } from '../harness/till.ts';
import { TRANSPORTS, type Payload } from '../harness/transports.ts';

/** In production the schema is told to whoever has a secret key, and to nobody else. */

const production = useGateway({ production: true });
const development = useGateway();
const till = new Till(production);

const INTROSPECTION: readonly string[] = [
  getIntrospectionQuery(),
  '{ __type(name: "Payment") { name } }',
  '{ ...Hidden } fragment Hidden on Query { __schema { queryType { name } } }',
];

const SLIPS: readonly (readonly [string, Payload])[] = [
  ['a field', { query: '{ paymnts { totalCount } }' }],
  ['a field within', { query: '{ payments { edges { node { statu } } } }' }],
  ['an argument', { query: '{ payments(frist: 1) { totalCount } }' }],
  ['a type', { query: 'query ($id: IDD!) { payment(id: $id) { id } }' }],
  ['a fragment on a type', { query: '{ ...A } fragment A on Qery { __typename }' }],
  ['a directive', { query: '{ __typename @inclde(if: true) }' }],
  ['a value of an enum', { query: '{ payments(filter: { status: SUCCEDED }) { totalCount } }' }],
  ['a field of an input', { query: '{ payments(filter: { statu: SUCCEEDED }) { totalCount } }' }],
  [
    'a value in variables',
    {
      query: 'query ($filter: PaymentFilter) { payments(filter: $filter) { totalCount } }',
      variables: { filter: { status: ['SUCCEDED'] } },
    },
  ],
  [
    'a field in variables',
    {
      query: 'query ($filter: PaymentFilter) { payments(filter: $filter) { totalCount } }',
      variables: { filter: { statu: 'SUCCEEDED' } },
    },
  ],
];

describe.each(TRANSPORTS)('over %s', (_name, ask) => {
  test.each(SLIPS)('no error suggests another name for %s', async (_what, payload) => {
    const { errors } = await ask(production(), payload);
    expect(errors?.length).toBeGreaterThan(0);
    expect(JSON.stringify(errors)).not.toMatch(/did you mean/i);
  });

  test.each(INTROSPECTION)('the schema is for secret keys: %#', async (query) => {
    expect((await ask(production(), { query })).errors).toBeUndefined();
    const { id } = await till.pay({ process: false });
    const { token } = await Payer.of(production(), { paymentId: id });
    const { data, errors } = await ask(production(), { query }, token);
    expect(errors).toMatchObject([{ extensions: { code: 'INTROSPECTION_NOT_ALLOWED' } }]);
    expect(data ?? null).toBeNull();
    expect((await ask(production(), { query: '{ __typename }' }, token)).errors).toBeUndefined();
  });

  test('development suggests names', async () => {
    const { errors } = await ask(development(), { query: '{ paymnts { totalCount } }' });
    expect(errors?.[0]?.message).toContain('Did you mean "payment');
  });
});

test.each(INTROSPECTION)('without a credential the schema is told nowhere: %#', async (query) => {
  expect((await production().request(query, {}, { headers: {} })).status).toBe(401);
});

const opened = ({ url }: { url: string }) => fetch(url, { headers: { accept: 'text/html' } });

test('GraphiQL is for development, unless it is asked for', async () => {
  expect((await opened(development())).status).toBe(200);
  const refused = await opened(production());
  expect(refused.status).not.toBe(200);
  expect(await refused.text()).not.toMatch(/graphiql/i);
});
