import { randomUUID } from 'node:crypto';
import { beforeAll, expect, test } from 'vitest';
import {
  ClientTokenDocument,
  CreateClientTokenDocument,
  type CreateClientTokenInput,
} from '../../generated/operations/graphql.ts';
import { useGateway } from '../harness/gateway.ts';
import { grant, makeToken } from '../harness/payer.ts';
import { Till } from '../harness/till.ts';

/** What a backend may ask of a client token. */

const gateway = useGateway();
const till = new Till(gateway);

let customerId: string;
let paymentId: string;

beforeAll(async () => {
  customerId = await till.customer();
  ({ id: paymentId } = await till.pay({ process: false }));
});

const create = async (input: Partial<CreateClientTokenInput>, key = gateway().keys.test) =>
  (await gateway().execute(CreateClientTokenDocument, { input }, { key })).createClientToken;

type Refusal = [what: string, input: () => Partial<CreateClientTokenInput>, path: string, code?: string];

const long = 'x'.repeat(255);

const INVALID: Refusal[] = [
  ['nobody', () => ({}), 'customerId'],
  ['a customer and a payment', () => ({ customerId, paymentId }), 'customerId'],
  ['a customer that does not exist', () => ({ customerId: `cus_${randomUUID()}` }), 'customerId', 'NOT_FOUND'],
  ['a payment as a customer', () => ({ customerId: paymentId }), 'customerId', 'NOT_FOUND'],
  ['a payment that does not exist', () => ({ paymentId: `pay_${randomUUID()}` }), 'paymentId', 'NOT_FOUND'],
  ['a customer as a payment', () => ({ paymentId: customerId }), 'paymentId', 'NOT_FOUND'],
  ['59 seconds', () => ({ customerId, expiresInSeconds: 59 }), 'expiresInSeconds'],
  ['a day and a second', () => ({ customerId, expiresInSeconds: 86_401 }), 'expiresInSeconds'],
  ['no scope', () => ({ customerId, scopes: [] }), 'scopes'],
  ['grants for one payment', () => ({ paymentId, grants: [grant('a')] }), 'grants'],
  ['grants for who may not pay', () => ({ customerId, scopes: ['READ'], grants: [grant('a')] }), 'grants'],
  ['21 grants', () => ({ customerId, grants: Array.from({ length: 21 }, (_, i) => grant(String(i))) }), 'grants'],
  ['the same twice', () => ({ customerId, grants: [grant('a'), grant('b'), grant('a', 7)] }), 'grants.2.id'],
  ['an amount of nothing', () => ({ customerId, grants: [grant('a'), grant('b', 0)] }), 'grants.1.amount'],
  ['an amount below nothing', () => ({ customerId, grants: [grant('a', -1)] }), 'grants.0.amount'],
  ['too large an amount', () => ({ customerId, grants: [grant('a', 1_000_000_000_000)] }), 'grants.0.amount'],
  ['no currency', () => ({ customerId, grants: [grant('a', 1, 'XYZ')] }), 'grants.0.currency'],
  ['an empty id', () => ({ customerId, grants: [grant('')] }), 'grants.0.id'],
  ['an id of 256 characters', () => ({ customerId, grants: [grant(`${long}x`)] }), 'grants.0.id'],
  ['a card number', () => ({ customerId, grants: [{ ...grant('a'), number: '4242424242424242' }] }), 'grants.0.number'],
  [
    'more text than a request can carry',
    () => ({
      customerId,
      grants: Array.from({ length: 20 }, (_, i) => ({
        ...grant(`${i}${long.slice(2)}`),
        number: long,
        invoiceId: long,
      })),
    }),
    'grants',
  ],
];

test.each<Refusal>(INVALID)('no token comes of %s', async (_, input, path, code = 'INVALID_INPUT') => {
  expect(await create(input())).toMatchObject({ code, path: ['input', ...path.split('.')] });
});

test('the longest ids that 20 grants can have make a token that is taken', async () => {
  const grants = Array.from({ length: 20 }, (_, index) => grant(`${index}${long.slice(3)}`));
  const token = await makeToken(gateway(), { customerId, grants });
  expect(token.length).toBeGreaterThan(7_000);
  const { clientToken } = await gateway().execute(ClientTokenDocument, {}, { key: token });
  expect(clientToken?.grants).toHaveLength(20);
});

test('another environment’s customer or payment is one that does not exist', async () => {
  for (const key of [gateway().keys.live, gateway().keys.other]) {
    expect(await create({ customerId }, key)).toEqual(await create({ customerId: `cus_${randomUUID()}` }, key));
    expect(await create({ paymentId }, key)).toEqual(await create({ paymentId: `pay_${randomUUID()}` }, key));
  }
});
