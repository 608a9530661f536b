import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { only, useGateway } from '../harness/gateway.ts';
import { card, Till } from '../harness/till.ts';

const gateway = useGateway();
const till = new Till(gateway);

test('a request that is sent again needs no second token', async () => {
  const input = { idempotencyKey: randomUUID(), process: true, card: card() };
  const first = only(await till.create(input), 'CreatePaymentPayload');
  const { pool } = gateway().app.gateway.database;
  const tokens = async () => (await pool.query('SELECT 1 FROM sandbox_card')).rows.length;
  const before = await tokens();
  const again = only(await till.create(input), 'CreatePaymentPayload');
  expect(again).toMatchObject({ replayed: true, payment: { id: first.payment.id } });
  expect(await tokens()).toBe(before);
});

test('two mutations of one document: the second one reads nothing of before', async () => {
  const paid = await till.payWith('4242424242424242');
  const refund = (name: string) =>
    `${name}: refundPayment(input: { idempotencyKey: "${randomUUID()}", paymentId: "${paid.id}", amount: 100 }) {
      ... on RefundPaymentPayload { payment { refunds { id } } }
    }`;
  const { data } = await gateway().request<Record<'a' | 'b', { payment: { refunds: unknown[] } }>>(
    `mutation { ${refund('a')} ${refund('b')} }`,
  );
  expect([data?.a.payment.refunds.length, data?.b.payment.refunds.length]).toEqual([1, 2]);
});

test('a document with a card number is refused, and does not come back', async () => {
  const { data, errors, text } = await gateway().request(
    'mutation { createPaymentMethod(input: { customerId: "cus_", card: { number: "4242 4242 4242 4242", expMonth: 1, expYear: 2040, cvc: "123" } }) { __typename } }',
  );
  expect(data).toBeFalsy();
  expect(errors?.map(({ extensions }) => extensions?.['code'])).toEqual(['CARD_IN_DOCUMENT']);
  expect(text).not.toMatch(/4242/);
});

test("a final capture and a void release at the processor too: the sandbox's books say the same", async () => {
  const { pool } = gateway().app.gateway.database;
  const open = async (captureMethod: 'MANUAL') =>
    only(await till.create({ process: true, card: card(), captureMethod }), 'CreatePaymentPayload').payment.id;
  const first = await open('MANUAL');
  only(await till.capture({ paymentId: first, amount: 1000, final: true }), 'CapturePaymentPayload');
  const second = await open('MANUAL');
  only(await till.capture({ paymentId: second, amount: 999, final: false }), 'CapturePaymentPayload');
  only(await till.cancel({ paymentId: second }), 'CancelPaymentPayload');
  const { rows } = await pool.query<{ amount_captured: string; amount_released: string }>(
    'SELECT amount_captured, amount_released FROM sandbox_charge WHERE amount_released > 0 ORDER BY amount_captured',
  );
  expect(rows).toEqual([
    { amount_captured: '999', amount_released: '4000' },
    { amount_captured: '1000', amount_released: '3999' },
  ]);
});
