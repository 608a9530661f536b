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
