import { randomUUID } from 'node:crypto';
import { beforeAll, expect, test } from 'vitest';
import { only, useGateway } from '../harness/gateway.ts';
import { grant, Payer } from '../harness/payer.ts';
import { card, Till } from '../harness/till.ts';

/** Payers pay what their tokens grant. */

const gateway = useGateway();
const till = new Till(gateway);

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
