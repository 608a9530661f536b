import { randomUUID } from 'node:crypto';
import { beforeAll, expect, test } from 'vitest';
import {
  NodeDocument,
  NodesDocument,
  RefundDocument,
  RelationsDocument,
  type RelationsQuery,
} from '../../generated/operations/graphql.ts';
import { only, useGateway } from '../harness/gateway.ts';
import { Till } from '../harness/till.ts';

const gateway = useGateway();
const till = new Till(gateway);

let payment: NonNullable<RelationsQuery['payment']>;
let customerId: string;

beforeAll(async () => {
  customerId = await till.customer();
  const { id } = await till.authorize({
    paymentMethodId: await till.storedCard(customerId),
    amount: 1000,
    destinations: [{ type: 'INVOICE', id: 'inv_1', number: '2026-1', amount: 1000 }],
  });
  only(await till.capture({ paymentId: id, amount: 400 }), 'CapturePaymentPayload');
  only(await till.capture({ paymentId: id }), 'CapturePaymentPayload');
  only(await till.refund({ paymentId: id, amount: 700 }), 'RefundPaymentPayload');
  const read = await gateway().execute(RelationsDocument, { id });
  if (read.payment === null) throw new Error('the payment is gone');
  payment = read.payment;
});

/** One id of every type that is a node. */
function idsByType(): Record<string, string | undefined> {
  return {
    Payment: payment.id,
    Customer: customerId,
    PaymentMethod: payment.paymentMethod?.id,
    Attempt: payment.attempts[0]?.id,
    Capture: payment.captures[0]?.id,
    Refund: payment.refunds[0]?.id,
    PaymentEvent: payment.events.edges[0]?.node.id,
  };
}

test('node and nodes find every type by its id', async () => {
  const entries = Object.entries(idsByType());
  const ids = entries.map(([, id]) => String(id));
  const { nodes } = await gateway().execute(NodesDocument, { ids });
  expect(nodes).toEqual(entries.map(([__typename, id]) => ({ __typename, id })));
  for (const [__typename, id] of entries) {
    expect((await gateway().execute(NodeDocument, { id: String(id) })).node).toEqual({ __typename, id });
  }
});

test('an id in capitals is the same id', async () => {
  const [prefix, uuid = ''] = payment.id.split('_');
  const { node } = await gateway().execute(NodeDocument, { id: `${prefix}_${uuid.toUpperCase()}` });
  expect(node?.id).toBe(payment.id);
});

test('ids that are malformed, unknown or another environment’s give null, each in its place', async () => {
  const wrong = ['', 'nonsense', 'pay_', 'pay_1', `pay_${randomUUID()}`, `xyz_${randomUUID()}`, `pay_${payment.id}`];
  const { nodes } = await gateway().execute(NodesDocument, { ids: [...wrong, payment.id] });
  expect(nodes).toEqual([...wrong.map(() => null), { __typename: 'Payment', id: payment.id }]);
  for (const key of [gateway().keys.other, gateway().keys.live]) {
    const ids = Object.values(idsByType()).map(String);
    const foreign = await gateway().execute(NodesDocument, { ids }, { key });
    expect(foreign.nodes).toEqual(ids.map(() => null));
  }
});

test('101 ids at once are refused', async () => {
  const answer = await gateway().request(NodesDocument, { ids: Array.from({ length: 101 }, () => payment.id) });
  expect(answer.errors?.[0]).toMatchObject({ path: ['nodes'], extensions: { code: 'BAD_USER_INPUT' } });
});

test('refund(id) finds refunds only', async () => {
  const id = String(payment.refunds[0]?.id);
  expect((await gateway().execute(RefundDocument, { id })).refund).toMatchObject({ id, amount: { amount: 700 } });
  expect((await gateway().execute(RefundDocument, { id: payment.id })).refund).toBeNull();
});

test('every relation leads back to where it came from', () => {
  const { id, attempts, captures, refunds } = payment;
  const here = { id };
  const [attempt] = attempts;
  expect(payment.customer?.payments.edges).toEqual([{ node: here }]);
  expect(payment.customer?.paymentMethods).toEqual([{ id: payment.paymentMethod?.id }]);
  expect(payment.paymentMethod).toMatchObject({
    customer: { id: customerId },
    payments: { edges: [{ node: here }] },
    attempts: { edges: [{ node: { id: attempt?.id } }] },
  });
  expect(payment.destinations).toEqual([
    { id: 'inv_1', type: 'INVOICE', number: '2026-1', amount: { amount: 1000, currency: 'EUR' }, payment: here },
  ]);
  expect(attempt).toMatchObject({
    payment: here,
    paymentMethod: { id: payment.paymentMethod?.id },
    captures: captures.map(({ id: captureId }) => ({ id: captureId })),
    refunds: refunds.map(({ id: refundId }) => ({ id: refundId })),
  });
  expect(captures).toHaveLength(2);
  for (const capture of captures) {
    expect(capture).toMatchObject({ payment: here, attempt: { id: attempt?.id }, refunds: [{ id: refunds[0]?.id }] });
    expect(capture.events.map(({ type }) => type)).toContain('CAPTURE_SUCCEEDED');
  }
  expect(refunds).toMatchObject([{ payment: here, attempt: { id: attempt?.id }, captures: [{}, {}] }]);
  expect(refunds[0]?.events.map(({ type }) => type)).toEqual(['REFUND_PENDING', 'REFUND_SUCCEEDED']);
});

test('events lead to what they are about', () => {
  const events = payment.events.edges.map(({ node }) => node);
  expect(events.map(({ sequence }) => sequence)).toEqual(events.map((_, index) => index + 1));
  expect(payment.events.totalCount).toBe(events.length);
  for (const event of events) {
    expect(event.payment.id).toBe(payment.id);
    expect(event.customer?.id).toBe(customerId);
    expect(event.attempt === null).toBe(event.type === 'PAYMENT_CREATED');
    expect(event.refund !== null).toBe(event.type.startsWith('REFUND_'));
  }
  expect(events.find(({ type }) => type === 'CAPTURE_SUCCEEDED')?.capture?.id).toBe(payment.captures[0]?.id);
});
