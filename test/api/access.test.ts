import { expect, test } from 'vitest';
import {
  CustomersDocument,
  PaymentDocument,
  PaymentEventsDocument,
  PaymentsDocument,
  RefundsDocument,
  ViewerDocument,
} from '../../generated/operations/graphql.ts';
import { only, startGateway, useGateway } from '../harness/gateway.ts';
import { subscribeOverEvents } from '../harness/subscription.ts';
import { Till } from '../harness/till.ts';

const gateway = useGateway();
const till = new Till(gateway);

test.each<[string, Record<string, string>]>([
  ['no key', {}],
  ['an empty key', { authorization: '' }],
  ['Bearer and nothing', { authorization: 'Bearer ' }],
  ['an unknown key', { authorization: 'Bearer sk_test_unknown' }],
  ['an unknown x-api-key', { 'x-api-key': 'sk_test_unknown' }],
  ['a key that is far too long', { authorization: `Bearer ${'k'.repeat(5_000)}` }],
])('%s: 401 with a GraphQL error', async (_, headers) => {
  const answer = await gateway().request(ViewerDocument, {}, { headers });
  expect(answer.status).toBe(401);
  expect(answer.data).toBeFalsy();
  expect(answer.errors).toMatchObject([{ extensions: { code: 'UNAUTHENTICATED' } }]);
  expect(answer.headers.get('www-authenticate')).toContain('Bearer');
});

test.each<[string, (key: string) => Record<string, string>]>([
  ['Authorization: Bearer', (key) => ({ authorization: `Bearer ${key}` })],
  ['bearer in small letters', (key) => ({ authorization: `bearer ${key}` })],
  ['the bare key in Authorization', (key) => ({ authorization: key })],
  ['x-api-key', (key) => ({ 'x-api-key': key })],
])('the key as %s', async (_, headers) => {
  const answer = await gateway().request(ViewerDocument, {}, { headers: headers(gateway().keys.test) });
  expect(answer).toMatchObject({ status: 200, data: { viewer: { mode: 'TEST', keyName: 'test' } } });
});

test('server-sent events take no unknown key either', async () => {
  const subscription = subscribeOverEvents(gateway(), PaymentEventsDocument, {}, 'sk_test_unknown');
  await expect(subscription.next()).rejects.toThrow('401');
});

test('a key that was revoked is no key any more', async () => {
  const { keys, app } = gateway();
  await app.gateway.database.prisma.apiKey.updateMany({ where: { name: 'other' }, data: { revokedAt: new Date() } });
  expect((await gateway().request(ViewerDocument, {}, { key: keys.other })).status).toBe(401);
});

test('viewer tells whose key it is, and not the key', async () => {
  const { keys } = gateway();
  for (const [mode, key] of [
    ['TEST', keys.test],
    ['LIVE', keys.live],
  ] as const) {
    const answer = await gateway().request(ViewerDocument, {}, { key });
    expect(answer.data).toMatchObject({
      viewer: {
        mode,
        keyId: expect.stringMatching(/^key_/),
        keyHint: key.slice(-4),
        account: { id: expect.stringMatching(/^acc_/), name: 'A shop' },
      },
    });
    expect(answer.text).not.toContain(key);
  }
});

test('a live key sees nothing of the test environment', async () => {
  const key = gateway().keys.live;
  const customerId = await till.customer();
  const { id } = await till.pay({ customerId });
  only(await till.refund({ paymentId: id, amount: 1 }), 'RefundPaymentPayload');
  expect((await gateway().execute(PaymentDocument, { id }, { key })).payment).toBeNull();
  expect((await gateway().execute(PaymentsDocument, {}, { key })).payments).toMatchObject({ edges: [], totalCount: 0 });
  const ofCustomer = await gateway().execute(PaymentsDocument, { filter: { customerId } }, { key });
  expect(ofCustomer.payments.totalCount).toBe(0);
  expect((await gateway().execute(CustomersDocument, {}, { key })).customers.totalCount).toBe(0);
  expect((await gateway().execute(RefundsDocument, {}, { key })).refunds.totalCount).toBe(0);
  only(await new Till(gateway, 'live').refund({ paymentId: id }), 'NotFoundError');
});

test('an unexpected error tells the caller an id that is in the log, and nothing else', async () => {
  const broken = await startGateway();
  try {
    await broken.app.gateway.database.pool.query('ALTER TABLE payment RENAME TO payment_that_is_gone');
    const answer = await broken.request(PaymentDocument, { id: 'pay_01990000-0000-7000-8000-000000000000' });
    expect(answer.errors).toHaveLength(1);
    const [error] = answer.errors ?? [];
    expect(error).toMatchObject({ path: ['payment'], extensions: { code: 'INTERNAL_SERVER_ERROR' } });
    const errorId = error?.extensions?.['errorId'];
    expect(errorId).toMatch(/^[0-9a-f-]{36}$/);
    expect(broken.logged.filter((line) => line['errorId'] === errorId)).toHaveLength(1);
    expect(answer.text).not.toMatch(/payment_that_is_gone|relation|prisma|node_modules|select/i);
  } finally {
    await broken.close();
  }
});

test('so does an error while the key is looked up', async () => {
  const broken = await startGateway();
  try {
    await broken.app.gateway.database.pool.query('ALTER TABLE api_key RENAME TO api_key_that_is_gone');
    const answer = await broken.request(ViewerDocument);
    expect(answer.errors).toMatchObject([{ extensions: { code: 'INTERNAL_SERVER_ERROR' } }]);
    expect(answer.text).not.toMatch(/api_key|relation|prisma|select/i);
    expect(answer.text).not.toContain(broken.keys.test);
    expect(JSON.stringify(broken.logged)).not.toContain(broken.keys.test);
  } finally {
    await broken.close();
  }
});

test('no log line holds a card number, a CVC or a key', async () => {
  await till.payWith('4000000000001026');
  await till.payWith('4000000000000002');
  const text = JSON.stringify(gateway().logged);
  for (const secret of ['4000000000001026', '4000000000000002', '"123"', gateway().keys.test]) {
    expect(text).not.toContain(secret);
  }
});
