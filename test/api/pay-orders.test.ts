import { randomUUID } from 'node:crypto';
import { beforeAll, expect, test } from 'vitest';
import { ClientTokenDocument } from '../../generated/operations/graphql.ts';
import { Backstage } from '../harness/backstage.ts';
import { only, useGateway } from '../harness/gateway.ts';
import { grant, Payer } from '../harness/payer.ts';
import { card, Till } from '../harness/till.ts';

/** Payers pay what their tokens grant. */

const gateway = useGateway();
const till = new Till(gateway);

const backstage = new Backstage(gateway);

let customerId: string;
let otherId: string;

beforeAll(async () => {
  customerId = await till.customer();
  otherId = await till.customer({ email: 'other@example.com' });
});

/** Names of orders that no other test pays. */
function newOrders(count: number): string[] {
  return Array.from({ length: count }, () => `ord_${randomUUID()}`);
}

const newOrder = (): string => `ord_${randomUUID()}`;
const payerOf = (...orders: string[]) => Payer.of(gateway(), { customerId, grants: orders.map((id) => grant(id)) });
const payerOfPayment = (paymentId: string) => Payer.of(gateway(), { paymentId });

test('a payment method of another customer, detached or not, is one that does not exist', async () => {
  const orders = newOrders(1);
  const payer = await Payer.of(gateway(), { customerId, grants: orders.map((id) => grant(id)) });
  const foreign = await till.storedCard(otherId);
  const detached = await till.storedCard(otherId);
  await till.detach(detached);
  const { id: paymentId } = await till.pay({ customerId, process: false });
  const answers: unknown[] = [];
  for (const paymentMethodId of [`pm_${randomUUID()}`, 'pm_nonsense', foreign, detached]) {
    answers.push(await payer.payOrders(orders, { paymentMethodId }));
    answers.push(await payer.process({ paymentId, paymentMethodId }));
    answers.push(await payer.update({ paymentId, paymentMethodId }));
  }
  expect(answers).toEqual(
    answers.map(() => ({
      __typename: 'NotFoundError',
      code: 'NOT_FOUND',
      message: 'There is no such payment method.',
      path: ['input', 'paymentMethodId'],
    })),
  );
});

test('what is wrong is named by a field of payOrders', async () => {
  const [a = '', b = '', c = '', d = ''] = newOrders(4);
  const most = 999_999_999_999;
  const grants = [grant(a), grant(b, 700), grant(c, 500, 'USD'), grant(d, most)];
  const payer = await Payer.of(gateway(), { customerId, grants });
  const stored = await till.storedCard(customerId);
  for (const [orders, given, code, path] of [
    [[], {}, 'INVALID_INPUT', 'orders'],
    [[a, a], {}, 'INVALID_INPUT', 'orders.1'],
    [[a, b, newOrder()], {}, 'NOT_FOUND', 'orders.2'],
    [[a, c], {}, 'INVALID_INPUT', 'orders.1'],
    [[a, d], {}, 'INVALID_INPUT', 'orders'],
    [[a], { card: null }, 'INVALID_INPUT', 'card'],
    [[a], { card: card(), paymentMethodId: stored }, 'INVALID_INPUT', 'card'],
    [[a], { card: card('4242424242424241') }, 'INVALID_INPUT', 'card.number'],
    [[a], { returnUrl: 'javascript:alert(1)' }, 'INVALID_INPUT', 'returnUrl'],
    [[a], { billingAddress: { country: 'Atlantis' } }, 'INVALID_INPUT', 'billingAddress.country'],
    [[a], { idempotencyKey: '' }, 'INVALID_INPUT', 'idempotencyKey'],
  ] as const) {
    expect(await payer.payOrders(orders, given)).toMatchObject({ code, path: ['input', ...path.split('.')] });
  }
  expect(await payer.paid([a, b])).toMatchObject({ status: 'SUCCEEDED', amount: { amount: 1700, currency: 'EUR' } });
});

test('whose payment pays an order already is told to its payer only', async () => {
  const [order = ''] = newOrders(1);
  const [one, other] = await Promise.all(
    [customerId, otherId].map((id) => Payer.of(gateway(), { customerId: id, grants: [grant(order)] })),
  );
  const paid = await one?.paid([order]);
  expect(await one?.payOrders([order])).toMatchObject({ code: 'ALREADY_PAID', paymentId: paid?.id });
  expect(await other?.payOrders([order])).toMatchObject({ code: 'ALREADY_PAID', paymentId: null });
});

test('an order that a payment waits to be paid for is paid with that one, and not with a new one', async () => {
  const [order = ''] = newOrders(1);
  const payer = await Payer.of(gateway(), { customerId, grants: [grant(order)] });
  const destinations = [{ type: 'ORDER', id: order, amount: 4999 }] as const;
  const first = await till.pay({ customerId, process: false, destinations: [...destinations] });
  const second = await till.pay({ customerId, process: false, destinations: [...destinations] });
  expect(await payer.payOrders([order])).toMatchObject({ code: 'ALREADY_PAID', paymentId: first.id });
  only(await payer.process({ paymentId: second.id, card: card() }), 'ProcessPaymentPayload');
  expect(await payer.process({ paymentId: first.id, card: card() })).toMatchObject({
    code: 'ALREADY_PAID',
    path: ['input', 'paymentId'],
    paymentId: second.id,
  });
});

test('a payment says which token made it, and for what', async () => {
  const [a = '', b = ''] = newOrders(2);
  const grants = [{ ...grant(a, 1200), number: 'N-1' }, grant(b, 34), grant(newOrder(), 5)];
  const payer = await Payer.of(gateway(), { customerId, grants });
  const { clientToken } = await gateway().execute(ClientTokenDocument, {}, { key: payer.token });
  const result = only(await payer.payOrders([b, a]), 'PayOrdersPayload');
  expect(result).toMatchObject({
    replayed: false,
    payment: {
      status: 'SUCCEEDED',
      amount: { amount: 1234, currency: 'EUR' },
      destinations: [
        { type: 'ORDER', id: b, number: null, amount: { amount: 34 } },
        { type: 'ORDER', id: a, number: 'N-1', amount: { amount: 1200 } },
      ],
      createdBy: clientToken?.id,
      attempts: [{ createdBy: clientToken?.id }],
    },
  });
  const [created, processing] = result.payment.events.edges;
  expect([created?.node.createdBy, processing?.node.createdBy]).toEqual([clientToken?.id, clientToken?.id]);
  const byKey = await till.pay({ process: false });
  const changed = await payerOfPayment(byKey.id);
  expect(await changed.update({ paymentId: byKey.id, billingAddress: null })).toMatchObject({
    payment: { id: byKey.id },
  });
  const read = `{ payment(id: "${byKey.id}") { createdBy updatedBy } }`;
  expect((await gateway().request(read)).data).toEqual({
    payment: { createdBy: expect.stringMatching(/^key_/), updatedBy: expect.stringMatching(/^ct_/) },
  });
});

test('an amount that a browser sends is no part of the input', async () => {
  const payer = await payerOf(newOrder());
  const document = 'mutation ($input: PayOrdersInput!) { payOrders(input: $input) { __typename } }';
  const input = { idempotencyKey: randomUUID(), orders: [{ id: newOrder() }], card: card() };
  expect((await payer.request(document, { input })).errors).toBeUndefined();
  for (const changed of [
    ...['amount', 'currency', 'destinations', 'captureMethod', 'customerId'].map((field) => ({ ...input, [field]: 1 })),
    { ...input, orders: [{ ...input.orders[0], amount: 1 }] },
  ]) {
    expect((await payer.request(document, { input: changed })).errors?.[0]?.message).toContain('there is no field');
  }
});

test('an order of another kind with the same id is another order', async () => {
  const order = newOrder();
  const payer = await payerOf(order);
  expect(await payer.payOrders([], { orders: [{ type: 'INVOICE', id: order }] })).toMatchObject({ code: 'NOT_FOUND' });
});

test('what is paid or being paid is not paid again, alone or among others; what failed is', async () => {
  const [a = '', b = '', c = ''] = newOrders(3);
  const payer = await payerOf(a, b, c);
  expect(await payer.paid([a, b], { card: card('4000000000000002') })).toMatchObject({ status: 'FAILED' });
  const { id } = await payer.paid([b, a]);
  const again = await payerOf(a, b, c);
  for (const orders of [[a], [b], [c, a], [a, b]]) {
    expect(await again.payOrders(orders)).toMatchObject({
      code: 'ALREADY_PAID',
      path: ['input', 'orders'],
      paymentId: id,
    });
  }
  const returnUrl = 'https://shop.example/back';
  const pending = await payer.paid([c], { card: card('4000000000003220'), returnUrl });
  expect(pending.status).toBe('REQUIRES_ACTION');
  expect(await again.payOrders([c])).toMatchObject({ code: 'ALREADY_PAID', paymentId: pending.id });
});

test('what was given back wholly can be paid again, and not what was given back in part', async () => {
  const order = newOrder();
  const payer = await payerOf(order);
  const { id: paymentId } = await payer.paid([order]);
  only(await till.refund({ paymentId, amount: 999 }), 'RefundPaymentPayload');
  expect(await payer.payOrders([order])).toMatchObject({ code: 'ALREADY_PAID' });
  only(await till.refund({ paymentId }), 'RefundPaymentPayload');
  expect(await payer.paid([order])).toMatchObject({ status: 'SUCCEEDED' });
});

test('a payment that failed is not paid once another has paid its order', async () => {
  const order = newOrder();
  const payer = await payerOf(order);
  const failed = await payer.paid([order], { card: card('4000000000000002') });
  const paid = await payer.paid([order]);
  expect(await payer.process({ paymentId: failed.id, card: card() })).toMatchObject({
    code: 'ALREADY_PAID',
    path: ['input', 'paymentId'],
    paymentId: paid.id,
  });
  expect(await backstage.standing(failed.id)).toEqual([]);
});

test('sent again, with the same token or a renewed one, it is the same payment', async () => {
  const order = newOrder();
  const idempotencyKey = randomUUID();
  const first = only(await (await payerOf(order)).payOrders([order], { idempotencyKey }), 'PayOrdersPayload');
  const renewed = await payerOf(newOrder(), order);
  expect(await renewed.payOrders([order], { idempotencyKey })).toMatchObject({
    replayed: true,
    payment: { id: first.payment.id, createdBy: first.payment.createdBy },
  });
  const dearer = await Payer.of(gateway(), { customerId, grants: [grant(order, 2000)] });
  expect(await dearer.payOrders([order], { idempotencyKey })).toMatchObject({ code: 'IDEMPOTENCY_KEY_REUSED' });
});

test('a stored card of the customer pays', async () => {
  const order = newOrder();
  const paymentMethodId = await till.storedCard(customerId);
  expect(await (await payerOf(order)).paid([order], { paymentMethodId })).toMatchObject({ status: 'SUCCEEDED' });
});

test('a token of one payment pays that one, and no orders', async () => {
  const { id } = await till.pay({ process: false });
  const payer = await payerOfPayment(id);
  expect(await payer.payOrders([newOrder()])).toMatchObject({ code: 'NOT_FOUND', path: ['input', 'orders', '0'] });
  expect(await payer.process({ paymentId: id, card: card() })).toMatchObject({ payment: { status: 'SUCCEEDED' } });
});
