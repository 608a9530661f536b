import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { CreatePaymentDocument, NodesDocument } from '../../generated/operations/graphql.ts';
import { useGateway } from '../harness/gateway.ts';
import { Hooks } from '../harness/hooks.ts';
import { Receiver, verified, type Received } from '../harness/receiver.ts';
import { countStatements } from '../harness/statements.ts';
import { card, Till } from '../harness/till.ts';
import { until } from '../harness/until.ts';

const gateway = useGateway({ settings: { webhookPrivateNetworks: true } });
const till = new Till(gateway);
const hooks = new Hooks(gateway);
const receiver = new Receiver();

beforeAll(() => receiver.start());
afterAll(() => receiver.stop());
beforeEach(() => {
  receiver.received.length = 0;
  receiver.answer({ status: 204 });
});

function typesOf(secret: string, received: readonly Received[]): string[] {
  return received.map((each) => verified(secret, each).type);
}

test('every event of a payment arrives, signed, and says what it is about', async () => {
  const { secret } = await hooks.endpoint(receiver.url('all'));
  const customerId = await till.customer({ email: 'jenny@example.com', firstName: 'Jenny' });
  const { id } = await till.pay({ amount: 4999, customerId, description: 'two chairs' });
  const refunded = await till.refund({ paymentId: id, amount: 1000 });
  if (refunded.__typename !== 'RefundPaymentPayload') throw new Error('it was not refunded');
  const happened = await till.eventTypes(id);
  const received = await receiver.wait('all', happened.length);
  expect(received).toHaveLength(happened.length);
  const messages = received
    .map((each) => verified(secret, each))
    .toSorted((a, b) => Number(a.data['sequence']) - Number(b.data['sequence']));
  expect(messages.map(({ type }) => type)).toEqual(happened.map((type) => type.toLowerCase().replace('_', '.')));
  expect(messages.at(-1)).toEqual({
    type: 'refund.succeeded',
    timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
    data: {
      eventId: expect.stringMatching(/^evt_/),
      sequence: happened.length,
      paymentId: id,
      status: 'SUCCEEDED',
      refundStatus: 'PARTIALLY_REFUNDED',
      currency: 'EUR',
      amount: 4999,
      amountAuthorized: 4999,
      amountCaptured: 4999,
      amountRefunded: 1000,
      amountRefundPending: 0,
      amountReversed: 0,
      attemptId: expect.stringMatching(/^att_/),
      captureId: null,
      refundId: refunded.refund.id,
    },
  });
  const all = received.map(({ body }) => body).join();
  for (const personal of ['jenny', 'Jenny', 'chairs', '4242']) expect(all).not.toContain(personal);
});

test('the headers are those of the standard, and the id is that of the delivery', async () => {
  const { id: endpointId } = await hooks.endpoint(receiver.url('headers'), ['PAYMENT_SUCCEEDED']);
  const { id: paymentId } = await till.pay();
  const [request] = await receiver.wait('headers', 1);
  const delivery = await until(async () => {
    const [found] = await hooks.deliveries({ endpointId });
    return found?.status === 'SUCCEEDED' && found;
  });
  expect(request?.method).toBe('POST');
  expect(request?.headers).toMatchObject({
    'content-type': 'application/json',
    'webhook-id': delivery.id,
    'webhook-timestamp': expect.stringMatching(/^\d{10}$/),
    'webhook-signature': expect.stringMatching(/^v1,[A-Za-z0-9+/]{43}=$/),
  });
  expect(delivery).toMatchObject({
    type: 'payment.succeeded',
    body: request?.body,
    payment: { id: paymentId },
    event: { type: 'PAYMENT_SUCCEEDED' },
    endpoint: { id: endpointId },
    failure: null,
    nextAttemptAt: null,
    attempts: [{ number: 1, responseStatus: 204, responseBody: '', error: null }],
  });
  const { nodes } = await gateway().execute(NodesDocument, { ids: [endpointId, delivery.id] });
  expect(nodes).toEqual([
    { __typename: 'WebhookEndpoint', id: endpointId },
    { __typename: 'WebhookDelivery', id: delivery.id },
  ]);
});

test('an endpoint is told of what it asks for, and of nothing else', async () => {
  const { secret } = await hooks.endpoint(receiver.url('some'), ['PAYMENT_SUCCEEDED', 'REFUND_SUCCEEDED']);
  const { id: allId, secret: allSecret } = await hooks.endpoint(receiver.url('everything'));
  const { id } = await till.pay();
  await till.refund({ paymentId: id });
  const happened = await till.eventTypes(id);
  const everything = await receiver.wait('everything', happened.length);
  expect(typesOf(allSecret, everything)).toHaveLength(happened.length);
  expect(typesOf(secret, await receiver.wait('some', 2)).toSorted()).toEqual(['payment.succeeded', 'refund.succeeded']);
  // Nobody takes another's messages for their own.
  expect(() => verified(secret, everything[0] as Received)).toThrow(/signature/);
  expect(await hooks.deliveries({ endpointId: allId })).toHaveLength(happened.length);
});

test('neither the live environment nor another account is told', async () => {
  const { id } = await hooks.endpoint(receiver.url('mine'));
  const others = [new Hooks(gateway, 'live'), new Hooks(gateway, 'other')];
  for (const each of others) await each.endpoint(receiver.url('theirs'));
  const payment = await till.pay();
  await receiver.wait('mine', (await till.eventTypes(payment.id)).length);
  for (const each of others) {
    expect(await each.deliveries({})).toEqual([]);
    expect(await each.deliveries({ endpointId: id })).toEqual([]);
    expect(await each.read(id)).toBeNull();
  }
  expect(receiver.at('theirs')).toEqual([]);
});

test('a payment that was refused and rolled back tells nobody', async () => {
  const { id: endpointId } = await hooks.endpoint(receiver.url('rolled-back'));
  expect((await till.create({ amount: -1 })).__typename).toBe('InvalidInputError');
  const { id } = await till.create().then((made) => {
    if (made.__typename !== 'CreatePaymentPayload') throw new Error('it was refused');
    return made.payment;
  });
  expect((await till.capture({ paymentId: id })).__typename).toBe('IllegalStateError');
  const deliveries = await hooks.deliveries({ endpointId });
  expect(deliveries.map(({ type }) => type)).toEqual(['payment.created']);
});

test('deliveries are listed by endpoint, payment and status, the newest first', async () => {
  receiver.answer(({ path }) => ({ status: path === '/bad' ? 500 : 200 }));
  const good = await hooks.endpoint(receiver.url('good'), ['PAYMENT_CREATED']);
  const bad = await hooks.endpoint(receiver.url('bad'), ['PAYMENT_CREATED']);
  const first = await till.pay();
  const second = await till.pay();
  await receiver.wait('good', 2);
  await receiver.wait('bad', 2);
  await until(async () => (await hooks.deliveries({ endpointId: good.id, status: ['SUCCEEDED'] })).length === 2);
  const listed = await hooks.deliveries({ endpointId: good.id });
  expect(listed.map(({ payment }) => payment?.id)).toEqual([second.id, first.id]);
  expect(await hooks.deliveries({ paymentId: first.id })).toHaveLength(2);
  expect(await hooks.deliveries({ endpointId: bad.id, status: ['SUCCEEDED', 'FAILED'] })).toEqual([]);
  expect(await hooks.deliveries({ endpointId: bad.id, status: ['PENDING'] })).toHaveLength(2);
  expect(await hooks.deliveries({ endpointId: good.id, paymentId: first.id, status: ['SUCCEEDED'] })).toHaveLength(1);
  expect(await hooks.deliveries({ endpointId: 'whe_nothing' })).toEqual([]);
});

test('a test message says so, and is sent once', async () => {
  receiver.answer({ status: 500 });
  const { id: endpointId, secret } = await hooks.endpoint(receiver.url('test'), ['REFUND_FAILED']);
  const delivery = await hooks.over(await hooks.sendTest(endpointId));
  expect(delivery).toMatchObject({
    type: 'tender.test',
    status: 'FAILED',
    failure: 'EXHAUSTED',
    event: null,
    payment: null,
  });
  const [request] = await receiver.wait('test', 1);
  expect(verified(secret, request as Received)).toEqual({
    type: 'tender.test',
    timestamp: expect.any(String),
    data: { endpointId },
  });
  expect(delivery.attempts).toHaveLength(1);
  receiver.answer({ status: 200 });
  await hooks.resend(delivery.id);
  await receiver.wait('test', 2);
  expect((await hooks.over(delivery.id)).status).toBe('SUCCEEDED');
});

test('webhooks take no statement of their own where a payment is made', async () => {
  const counted = await countStatements(gateway());
  const statements = async () => {
    const input = { idempotencyKey: crypto.randomUUID(), amount: 100, currency: 'EUR', process: true, card: card() };
    return (await counted.run(CreatePaymentDocument, { input })).statements.length;
  };
  await statements();
  const without = await statements();
  await hooks.endpoint(receiver.url('counted'));
  expect(await statements()).toBe(without);
  await counted.close();
});
