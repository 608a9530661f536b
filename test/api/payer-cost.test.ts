import { expect, test } from 'vitest';
import { PaymentsDocument, RelationsDocument, type TypedDocumentString } from '../../generated/operations/graphql.ts';
import { useGateway } from '../harness/gateway.ts';
import { Payer } from '../harness/payer.ts';
import { subscribeOverEvents, subscribeOverWebSocket, whyEnded } from '../harness/subscription.ts';
import { Till } from '../harness/till.ts';

/** A payer's few lines cannot ask for more than the gateway can hold. */

const gateway = useGateway();
const till = new Till(gateway);

/** So many levels of events of the payment of the events of … */
const nested = (levels: number): string =>
  levels === 0 ? 'id' : `events(first: 100) { edges { node { payment { ${nested(levels - 1)} } } } }`;

const aliases = Array.from(
  { length: 40 },
  (_, index) => `a${index}: payments(first: 100) { edges { node { id status attempts { id status } } } }`,
);
const doubling = Array.from(
  { length: 8 },
  (_, index) =>
    `fragment F${index} on Payment { a: attempts { payment { ...F${index + 1} } } b: attempts { payment { ...F${index + 1} } } }`,
).join('\n');

const documents: readonly (readonly [string, (id: string) => string])[] = [
  ['circles', (id) => `{ payment(id: "${id}") { ${nested(4)} } }`],
  [
    'circles by variables',
    (id) => `query ($n: Int = 100) { payment(id: "${id}") { ${nested(4).replaceAll('100', '$n')} } }`,
  ],
  ['many names', () => `{ ${aliases.join(' ')} }`],
  [
    'circles beside a page of less than nothing',
    (id) => `query ($never: Boolean = false) { payment(id: "${id}") { ${nested(4)} }
      payments(first: -2147483648) @include(if: $never) { edges { node { ${nested(4)} } } } }`,
  ],
  ['fragments in fragments', (id) => `{ payment(id: "${id}") { ...F0 } } ${doubling} fragment F8 on Payment { id }`],
];

test.each(documents)('%s are refused to payers', async (_, document) => {
  const { id } = await till.pay();
  const payer = await Payer.of(gateway(), { paymentId: id });
  const { errors, data } = await payer.request(document(id));
  expect(errors).toMatchObject([{ extensions: { code: 'QUERY_TOO_LARGE' } }]);
  expect(data ?? null).toBeNull();
});

test.each([subscribeOverWebSocket, subscribeOverEvents])('a subscription is held to the same', async (subscribe) => {
  const { id } = await till.pay();
  const { token } = await Payer.of(gateway(), { paymentId: id });
  const text = `subscription { paymentStatusChanged(id: "${id}") { payment { ${nested(4)} } } }`;
  const document = text as unknown as TypedDocumentString<unknown, Record<string, never>>;
  expect(await subscribe(gateway(), document, {}, token).next().catch(whyEnded)).toContain('QUERY_TOO_LARGE');
});

test('what a page of a shop asks for is not; and the merchant may ask for more', async () => {
  const customerId = await till.customer();
  const { id } = await till.pay({ customerId });
  const { token: key } = await Payer.of(gateway(), { customerId });
  expect((await gateway().execute(PaymentsDocument, { first: 100 }, { key })).payments.totalCount).toBe(1);
  const page = `{ payments(first: 100) { edges { node { id status amount { decimal currency } decline { code message }
    attempts { status decline { message } paymentMethod { card { brand last4 } } } refunds { amount { decimal } }
    destinations { id number } events { edges { node { type createdAt } } } } } } }`;
  expect((await gateway().request(page, {}, { key })).errors).toBeUndefined();
  const large = `{ payments(first: 100) { edges { node { events(first: 20) { edges { node { payment {
    attempts { id number status } } } } } } } } }`;
  expect((await gateway().request(large, {}, { key })).errors).toMatchObject([
    { extensions: { code: 'QUERY_TOO_LARGE', limit: 50_000, found: 68_301 } },
  ]);
  expect((await gateway().request(large)).errors).toBeUndefined();
  expect((await gateway().execute(RelationsDocument, { id })).payment?.id).toBe(id);
});
