import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  CapturePaymentDocument,
  CreatePaymentDocument,
  CustomersWithPaymentsDocument,
  PaymentsWithRelationsDocument,
  RefundPaymentDocument,
} from '../../generated/operations/graphql.ts';
import { only, useGateway } from '../harness/gateway.ts';
import { countStatements, type CountedGraphQL } from '../harness/statements.ts';
import { card, Till } from '../harness/till.ts';

const PAYMENTS = 100;
const AT_ONCE = 8;

const gateway = useGateway();
const till = new Till(gateway);
let counted: CountedGraphQL;

/** A payment of a customer of its own, with a stored card, two destinations and a refund. */
async function payInFull(): Promise<void> {
  const customerId = await till.customer();
  const { id } = await till.pay({
    paymentMethodId: await till.storedCard(customerId),
    amount: 1000,
    destinations: [
      { type: 'ORDER', id: '1', amount: 400 },
      { type: 'INVOICE', id: '2', amount: 600 },
    ],
  });
  only(await till.refund({ paymentId: id, amount: 100 }), 'RefundPaymentPayload');
}

beforeAll(async () => {
  for (let made = 0; made < PAYMENTS; made += AT_ONCE) {
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, PAYMENTS - made) }, payInFull));
  }
  counted = await countStatements(gateway());
});

afterAll(() => counted.close());

test.each([
  // The key, the payments, and one for each of six relations.
  [5, 8],
  // Asked again: the key, and all the rest in one.
  [100, 2],
])('%i payments with every relation take %i statements', async (first, expected) => {
  const { data, statements } = await counted.run(PaymentsWithRelationsDocument, { first });
  const nodes = data.payments.edges.map(({ node }) => node);
  expect(nodes).toHaveLength(first);
  for (const node of nodes) {
    expect(node.customer?.email).toBe('jenny@example.com');
    expect(node.paymentMethod?.card.last4).toBe('4242');
    expect(node.destinations.map(({ amount }) => amount.amount)).toEqual([400, 600]);
    expect([node.attempts.length, node.captures.length, node.refunds.length]).toEqual([1, 1, 1]);
  }
  expect(statements).toHaveLength(expected);
});

test.each([5, 100])('%i customers with pages of payments with pages of events take 15 statements', async (first) => {
  const { data, statements } = await counted.run(CustomersWithPaymentsDocument, { first });
  expect(data.customers.edges).toHaveLength(first);
  for (const { node } of data.customers.edges) {
    expect(node.payments.totalCount).toBe(1);
    expect(node.payments.edges[0]?.node.events).toMatchObject({ totalCount: 5, edges: [{}, {}, {}] });
    expect(node.payments.edges[0]?.node.refunds[0]?.captures).toHaveLength(1);
    expect(node.payments.edges[0]?.node.captures[0]?.refunds).toHaveLength(1);
  }
  // The key, the customers, and one for each of eleven relations and two counts.
  expect(statements).toHaveLength(15);
});

test('what charges, captures and refunds need only now and then is not read each time', async () => {
  const seldom = /retry_delays|SELECT capture_id FROM capture_reversal/;
  const amounts = { amount: 1000, currency: 'EUR', captureMethod: 'MANUAL' } as const;
  const charge = { idempotencyKey: randomUUID(), process: true, card: card(), ...amounts };
  const charged = await counted.run(CreatePaymentDocument, { input: charge });
  const { payment } = only(charged.data.createPayment, 'CreatePaymentPayload');
  const input = { paymentId: payment.id, amount: 400 };
  const captured = await counted.run(CapturePaymentDocument, { input: { ...input, idempotencyKey: randomUUID() } });
  only(captured.data.capturePayment, 'CapturePaymentPayload');
  const refunded = await counted.run(RefundPaymentDocument, { input: { ...input, idempotencyKey: randomUUID() } });
  only(refunded.data.refundPayment, 'RefundPaymentPayload');
  const statements = [charged, captured, refunded].flatMap((each) => each.statements);
  expect(statements.length).toBeGreaterThan(20);
  expect(statements.filter((text) => seldom.test(text))).toEqual([]);
  const declined = await counted.run(CreatePaymentDocument, {
    input: { ...charge, idempotencyKey: randomUUID(), card: card('4000000000009995') },
  });
  expect(declined.statements.filter((text) => seldom.test(text))).toHaveLength(1);
});

test('totalCount is counted only when it is asked for', async () => {
  const { statements } = await counted.run(PaymentsWithRelationsDocument, { first: 5 });
  expect(statements.filter((text) => /count\(/i.test(text))).toEqual([]);
});
