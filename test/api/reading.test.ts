import { randomUUID } from 'node:crypto';
import { beforeAll, expect, test } from 'vitest';
import {
  CustomersDocument,
  OperationsDocument,
  PaymentsDocument,
  RefundsDocument,
  type OperationsQueryVariables,
  type PaymentFilter,
  type PaymentOrder,
  type PaymentsQueryVariables,
} from '../../generated/operations/graphql.ts';
import { only, useGateway } from '../harness/gateway.ts';
import { Till } from '../harness/till.ts';

const gateway = useGateway();
const till = new Till(gateway);

const PAYMENTS = 23;
let customerId: string;
let refunded: string;
let failed: string;

beforeAll(async () => {
  for (let amount = 1; amount <= PAYMENTS; amount++) await till.create({ amount: Math.ceil(amount / 2) });
  // Seven of them have the same moment of creation: the id decides among those.
  await gateway().app.gateway.database.pool.query(
    `UPDATE payment SET created_at = '2026-01-01T00:00:00Z' WHERE id IN (SELECT id FROM payment ORDER BY id LIMIT 7)`,
  );
  customerId = await till.customer();
  const destinations = [{ type: 'ORDER' as const, id: 'ord_7', amount: 900 }];
  refunded = (await till.pay({ customerId, amount: 900, destinations })).id;
  only(await till.refund({ paymentId: refunded, amount: 5 }), 'RefundPaymentPayload');
  only(await till.refund({ paymentId: refunded, amount: 6 }), 'RefundPaymentPayload');
  failed = (await till.payWith('4000000000000002', { currency: 'USD' })).id;
});

async function page(variables: PaymentsQueryVariables) {
  return (await gateway().execute(PaymentsDocument, variables)).payments;
}

async function operations(variables: OperationsQueryVariables) {
  return (await gateway().execute(OperationsDocument, variables)).operations;
}

async function walk(orderBy: PaymentOrder | null, direction: 'forward' | 'backward'): Promise<string[]> {
  const ids: string[] = [];
  let cursor: string | null = null;
  for (;;) {
    const forward = direction === 'forward';
    const bounds: PaymentsQueryVariables = forward ? { first: 4, after: cursor } : { last: 4, before: cursor };
    const { edges, pageInfo } = await page({ orderBy, ...bounds });
    const found = edges.map(({ node }) => node.id);
    ids.splice(forward ? ids.length : 0, 0, ...found);
    expect(pageInfo.startCursor).toBe(edges[0]?.cursor);
    expect(pageInfo.endCursor).toBe(edges.at(-1)?.cursor);
    cursor = forward ? pageInfo.endCursor : pageInfo.startCursor;
    if (!(forward ? pageInfo.hasNextPage : pageInfo.hasPreviousPage)) return ids;
  }
}

test.each<PaymentOrder | null>([
  null,
  { field: 'CREATED_AT', direction: 'ASC' },
  { field: 'CREATED_AT', direction: 'DESC' },
  { field: 'AMOUNT', direction: 'ASC' },
  { field: 'AMOUNT', direction: 'DESC' },
])('all pages in both directions are the whole list, ordered by %o', async (orderBy) => {
  const whole = (await page({ orderBy, first: 100 })).edges.map(({ node }) => node.id);
  expect(whole).toHaveLength(PAYMENTS + 2);
  expect(new Set(whole).size).toBe(whole.length);
  expect(await walk(orderBy, 'forward')).toEqual(whole);
  expect(await walk(orderBy, 'backward')).toEqual(whole);
});

test('pages of operations are the whole list, the newest first', async () => {
  const whole = (await operations({})).edges.map(({ node }) => node);
  expect(whole.map(({ kind }) => kind)).toEqual(['CHARGE', 'REFUND', 'REFUND', 'CHARGE']);
  expect(whole.map(({ payment }) => payment.id)).toEqual([failed, refunded, refunded, refunded]);
  const first = await operations({ first: 3 });
  const rest = await operations({ first: 3, after: first.pageInfo.endCursor });
  expect([first.pageInfo.hasNextPage, rest.pageInfo.hasNextPage]).toEqual([true, false]);
  expect([...first.edges, ...rest.edges].map(({ node }) => node)).toEqual(whole);
});

test('the order is what it says', async () => {
  const amounts = (await page({ first: 100, orderBy: { field: 'AMOUNT', direction: 'ASC' } })).edges.map(
    ({ node }) => node.amount.amount,
  );
  expect(amounts).toEqual(amounts.toSorted((a, b) => a - b));
  expect((await page({ first: 1 })).edges[0]?.node.id).toBe(failed);
});

test('a page without a size has 20 entries, and an empty one is possible', async () => {
  expect((await page({})).edges).toHaveLength(20);
  expect((await page({ first: 0 })).edges).toEqual([]);
});

test.each<[string, PaymentsQueryVariables]>([
  ['101 entries', { first: 101 }],
  ['101 entries from the end', { last: 101 }],
  ['a negative number of entries', { first: -1 }],
  ['both ends at once', { first: 1, last: 1 }],
  ['a cursor that is none', { after: 'nonsense' }],
  ['a cursor with another number of parts', { after: Buffer.from('["1"]').toString('base64url') }],
  [
    'a cursor with no moment',
    { after: Buffer.from(`["2026-99-99T99:99:99.999Z","${randomUUID()}"]`).toString('base64url') },
  ],
  ['a currency that does not exist', { filter: { currency: 'XYZ' } }],
])('refuses %s', async (_, variables) => {
  const answer = await gateway().request(PaymentsDocument, variables);
  expect(answer.data).toBeFalsy();
  expect(answer.errors?.map(({ path, extensions }) => [path, extensions?.['code']])).toEqual([
    [['payments'], 'BAD_USER_INPUT'],
  ]);
});

test('a cursor of another order is refused', async () => {
  const { pageInfo } = await page({ first: 1, orderBy: { field: 'AMOUNT', direction: 'ASC' } });
  const answer = await gateway().request(PaymentsDocument, { after: pageInfo.endCursor });
  expect(answer.errors?.[0]?.extensions?.['code']).toBe('BAD_USER_INPUT');
});

async function matching(filter: PaymentFilter): Promise<string[]> {
  const { edges, totalCount } = await page({ filter, first: 100 });
  expect(totalCount).toBe(edges.length);
  return edges.map(({ node }) => node.id);
}

test('filters', async () => {
  expect(await matching({ customerId })).toEqual([refunded]);
  expect(await matching({ status: ['FAILED'] })).toEqual([failed]);
  expect(await matching({ status: ['FAILED', 'SUCCEEDED'] })).toEqual([failed, refunded]);
  expect(await matching({ refundStatus: ['PARTIALLY_REFUNDED'] })).toEqual([refunded]);
  expect(await matching({ currency: 'usd' })).toEqual([failed]);
  expect(await matching({ destination: { type: 'ORDER', id: 'ord_7' } })).toEqual([refunded]);
  expect(await matching({ destination: { type: 'INVOICE', id: 'ord_7' } })).toEqual([]);
  expect(await matching({ createdTo: '2026-01-01T00:00:00.001Z' })).toHaveLength(7);
  expect(await matching({ createdFrom: '2026-01-01T00:00:00Z', createdTo: '2026-01-01T00:00:00Z' })).toEqual([]);
  expect(await matching({ customerId, status: ['FAILED'] })).toEqual([]);
  for (const id of ['nonsense', `cus_${randomUUID()}`, refunded])
    expect(await matching({ customerId: id })).toEqual([]);
});

test('a text that the database cannot hold is refused', async () => {
  const filter = { destination: { type: 'ORDER', id: '\u0000' } } as const;
  const answer = await gateway().request(PaymentsDocument, { filter });
  expect(answer.errors?.[0]?.extensions?.['code']).toBe('BAD_USER_INPUT');
});

test('customers and refunds are lists of the same kind', async () => {
  const email = `${randomUUID()}@example.com`;
  const added = [await till.customer({ email }), await till.customer({ email }), await till.customer({ email })];
  const first = (await gateway().execute(CustomersDocument, { filter: { email }, first: 2 })).customers;
  expect(first).toMatchObject({ totalCount: 3, pageInfo: { hasNextPage: true } });
  const after = first.pageInfo.endCursor;
  const second = (await gateway().execute(CustomersDocument, { filter: { email }, first: 2, after })).customers;
  const ids = [...first.edges, ...second.edges].map(({ node }) => node.id);
  expect(ids).toEqual(added.toReversed());
  const { refunds } = await gateway().execute(RefundsDocument, { filter: { paymentId: refunded } });
  expect(refunds).toMatchObject({ totalCount: 2 });
  expect((await gateway().execute(RefundsDocument, { filter: { status: ['FAILED'] } })).refunds.totalCount).toBe(0);
});
