import { beforeAll, expect, it } from 'vitest';
import { useGateway } from '../harness/gateway.ts';
import { card, Till } from '../harness/till.ts';
import { Desk } from './desk.ts';

/** docs/coming-from.md, Flexprice. */

const gateway = useGateway();
const till = new Till(gateway);
const desk = new Desk(gateway);

const NO_FUNDS = '4000000000009995';
const INVOICE = { type: 'INVOICE', id: 'inv_1', number: 'INV-2026-0001', amount: 4999 } as const;

/** Declined at first, and paid with another card then. */
let id: string;
let keyId: string;

beforeAll(async () => {
  const request = { idempotencyKey: 'invoice-1', destinations: [INVOICE], metadata: { run: 'november' } };
  id = (await till.payWith(NO_FUNDS, { ...request, attemptMetadata: { try: 'first' } })).id;
  await till.process({ paymentId: id, card: card(), metadata: { try: 'second' } });
  keyId = (await desk.ask<{ viewer: { keyId: string } }>('{ viewer { keyId } }')).viewer.keyId;
});

it('POST /payments/{id}/process', async () => {
  const waiting = await till.pay({ process: false });
  const processed = await desk.mutate('processPayment', { paymentId: waiting.id }, 'payment { id status }');
  expect(waiting.status).toBe('CREATED');
  expect(processed).toEqual({
    __typename: 'ProcessPaymentPayload',
    payment: { id: waiting.id, status: 'SUCCEEDED' },
  });
});

it('x-api-key', async () => {
  const { keys } = gateway();
  const operation = 'query ($id: ID!) { payment(id: $id) { id } }';
  const withKey = (key: string) => gateway().request(operation, { id }, { headers: { 'x-api-key': key } });
  expect(await withKey(keys.test)).toMatchObject({ status: 200, data: { payment: { id } } });
  expect(await withKey('sk_test_unknown')).toMatchObject({ status: 401 });
});

it('Payment ID', async () => {
  for (const paymentId of ['pay_00000000-0000-7000-8000-000000000000', 'nonsense']) {
    expect(await desk.mutate('processPayment', { paymentId }, 'payment { id }')).toMatchObject({
      __typename: 'NotFoundError',
      path: ['input', 'paymentId'],
    });
  }
});

it('200', async () => {
  const { id: paymentId } = await till.pay({ process: false });
  const input = { idempotencyKey: 'a key', paymentId };
  const operation = `mutation ($input: ProcessPaymentInput!) {
    processPayment(input: $input) { ... on ProcessPaymentPayload { payment { attempts { number } } } }
  }`;
  expect(await gateway().request(operation, { input })).toMatchObject({
    status: 200,
    data: { processPayment: { payment: { attempts: [{ number: 1 }] } } },
  });
});

it('amount', async () => {
  expect(await desk.payment(id, 'amount { amount decimal }')).toEqual({ amount: { amount: 4999, decimal: '49.99' } });
});

it('attempts', async () => {
  expect(await desk.payment(id, 'attempts { status }')).toEqual({
    attempts: [{ status: 'FAILED' }, { status: 'SUCCEEDED' }],
  });
});

it('attempts[].attempt_number', async () => {
  expect(await desk.payment(id, 'attempts { number }')).toEqual({ attempts: [{ number: 1 }, { number: 2 }] });
});

it('attempts[].created_at', async () => {
  type Answer = { createdAt: string; attempts: { createdAt: string }[] };
  const { createdAt, attempts } = await desk.payment<Answer>(id, 'createdAt attempts { createdAt }');
  const [first, second] = attempts.map((attempt) => Date.parse(attempt.createdAt));
  expect(first).toBe(Date.parse(createdAt));
  expect(second).toBeGreaterThan(Date.parse(createdAt));
});

it('attempts[].created_by', async () => {
  expect(await desk.payment(id, 'attempts { createdBy }')).toEqual({
    attempts: [{ createdBy: keyId }, { createdBy: keyId }],
  });
});

it('attempts[].error_message', async () => {
  expect(await desk.payment(id, 'attempts { decline { message } }')).toEqual({
    attempts: [{ decline: { message: 'The card has insufficient funds.' } }, { decline: null }],
  });
});

it('attempts[].id', async () => {
  const { attempts } = await desk.payment<{ attempts: { id: string }[] }>(id, 'attempts { id }');
  const ids = attempts.map((attempt) => attempt.id);
  const found = await desk.ask('query ($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }', { ids });
  expect(found).toEqual({ nodes: ids.map((each) => ({ __typename: 'Attempt', id: each })) });
});

it('attempts[].metadata', async () => {
  expect(await desk.payment(id, 'attempts { metadata }')).toEqual({
    attempts: [{ metadata: { try: 'first' } }, { metadata: { try: 'second' } }],
  });
});

it('attempts[].payment_id', async () => {
  expect(await desk.payment(id, 'attempts { payment { id } }')).toEqual({
    attempts: [{ payment: { id } }, { payment: { id } }],
  });
});

it('attempts[].tenant_id', async () => {
  const operation = 'query ($id: ID!) { viewer { account { name } } payment(id: $id) { attempts { number } } }';
  expect(await desk.ask(operation, { id })).toEqual({
    viewer: { account: { name: 'A shop' } },
    payment: { attempts: [{ number: 1 }, { number: 2 }] },
  });
  expect(await desk.as(gateway().keys.other).ask(operation, { id })).toEqual({
    viewer: { account: { name: 'Another shop' } },
    payment: null,
  });
});

it('attempts[].updated_at', async () => {
  const { attempts } = await desk.payment<{ attempts: { updatedAt: string }[] }>(id, 'attempts { updatedAt }');
  const { PAYMENT_FAILED, PAYMENT_SUCCEEDED } = await desk.times(id);
  expect(attempts).toEqual([{ updatedAt: PAYMENT_FAILED }, { updatedAt: PAYMENT_SUCCEEDED }]);
});

it('attempts[].updated_by', async () => {
  expect(await desk.payment(id, 'attempts { updatedBy }')).toEqual({
    attempts: [{ updatedBy: 'processor' }, { updatedBy: 'processor' }],
  });
});

it('created_at', async () => {
  const { PAYMENT_CREATED } = await desk.times(id);
  expect(await desk.payment(id, 'createdAt')).toEqual({ createdAt: PAYMENT_CREATED });
});

it('created_by', async () => {
  expect(await desk.payment(id, 'createdBy')).toEqual({ createdBy: keyId });
  const token = await desk.tokenFor(await till.customer(), [{ id: 'ord_1', amount: 100, currency: 'EUR' }]);
  const payer = desk.as(token);
  const { clientToken } = await payer.ask<{ clientToken: { id: string } }>('{ clientToken { id } }');
  const input = { orders: [{ id: 'ord_1' }], card: card() };
  expect(await payer.mutate('payOrders', input, 'payment { createdBy attempts { createdBy } }')).toMatchObject({
    payment: { createdBy: clientToken.id, attempts: [{ createdBy: clientToken.id }] },
  });
});

it('currency', async () => {
  expect(await desk.payment(id, 'amount { currency }')).toEqual({ amount: { currency: 'EUR' } });
});

it('destination_id', async () => {
  expect(await desk.payment(id, 'destinations { id }')).toEqual({ destinations: [{ id: 'inv_1' }] });
  const found = await desk.ask('{ payments(filter: { destination: { type: INVOICE, id: "inv_1" } }) { totalCount } }');
  expect(found).toEqual({ payments: { totalCount: 1 } });
});

it('destination_type', async () => {
  expect(await desk.payment(id, 'destinations { type }')).toEqual({ destinations: [{ type: 'INVOICE' }] });
  for (const type of ['ORDER', 'SUBSCRIPTION', 'PURCHASE'] as const) {
    const paid = await till.pay({ destinations: [{ type, id: 'x', amount: 4999 }] });
    expect(await desk.payment(paid.id, 'destinations { type }')).toEqual({ destinations: [{ type }] });
  }
});

it('error_message', async () => {
  const declined = await till.payWith('4000000000009987');
  expect(await desk.payment(declined.id, 'decline { message }')).toEqual({
    decline: { message: 'The card was reported lost.' },
  });
  expect(await desk.payment(id, 'decline { message }')).toEqual({ decline: null });
});

it('failed_at', async () => {
  const declined = await till.payWith(NO_FUNDS);
  const { PAYMENT_FAILED } = await desk.times(declined.id);
  expect(await desk.payment(declined.id, 'failedAt')).toEqual({ failedAt: PAYMENT_FAILED });
  expect(await desk.payment(id, 'failedAt')).toEqual({ failedAt: null });
});

it('id', async () => {
  expect(await desk.payment(id, 'id')).toEqual({ id });
});

it('idempotency_key', async () => {
  expect(await desk.payment(id, 'idempotencyKey')).toEqual({ idempotencyKey: 'invoice-1' });
});

it('invoice_number', async () => {
  expect(await desk.payment(id, 'destinations { number }')).toEqual({ destinations: [{ number: 'INV-2026-0001' }] });
});

it('metadata', async () => {
  expect(await desk.payment(id, 'metadata')).toEqual({ metadata: { run: 'november' } });
});

it('payment_method_id', async () => {
  const paymentMethodId = await till.storedCard(await till.customer());
  const paid = await till.pay({ paymentMethodId });
  expect(await desk.payment(paid.id, 'paymentMethod { id }')).toEqual({ paymentMethod: { id: paymentMethodId } });
});

it('payment_method_type', async () => {
  expect(await desk.payment(id, 'paymentMethodType')).toEqual({ paymentMethodType: 'CARD' });
  const unpaid = await till.pay({ process: false, card: null });
  expect(await desk.payment(unpaid.id, 'paymentMethodType')).toEqual({ paymentMethodType: null });
});

it('payment_status', async () => {
  const waiting = await till.pay({ process: false });
  expect(await desk.payment(waiting.id, 'status')).toEqual({ status: 'CREATED' });
  expect(await desk.payment(id, 'status')).toEqual({ status: 'SUCCEEDED' });
});

it('refunded_at', async () => {
  const { id: paymentId } = await till.pay();
  await till.refund({ paymentId, amount: 4998 });
  expect(await desk.payment(paymentId, 'refundedAt')).toEqual({ refundedAt: null });
  await till.refund({ paymentId });
  const { REFUND_SUCCEEDED } = await desk.times(paymentId);
  expect(await desk.payment(paymentId, 'refundedAt')).toEqual({ refundedAt: REFUND_SUCCEEDED });
});

it('succeeded_at', async () => {
  const { PAYMENT_SUCCEEDED } = await desk.times(id);
  expect(await desk.payment(id, 'succeededAt')).toEqual({ succeededAt: PAYMENT_SUCCEEDED });
});

it('tenant_id', async () => {
  const { test, live, other } = gateway().keys;
  const accounts = await Promise.all(
    [test, live, other].map((key) => desk.as(key).ask('{ viewer { account { id } } }')),
  );
  expect(accounts[0]).toEqual({ viewer: { account: { id: expect.stringMatching(/^acc_[\da-f-]{36}$/) } } });
  expect(accounts[1]).toEqual(accounts[0]);
  expect(accounts[2]).not.toEqual(accounts[0]);
});

it('track_attempts', async () => {
  expect(await desk.payment(id, 'trackAttempts')).toEqual({ trackAttempts: true });
});

it('updated_at', async () => {
  const { PAYMENT_SUCCEEDED } = await desk.times(id);
  expect(await desk.payment(id, 'updatedAt')).toEqual({ updatedAt: PAYMENT_SUCCEEDED });
});

it('updated_by', async () => {
  expect(await desk.payment(id, 'updatedBy')).toEqual({ updatedBy: 'processor' });
  const changed = { paymentId: (await till.pay({ process: false })).id, active: false };
  expect(await desk.mutate('updatePayment', changed, 'payment { updatedBy }')).toMatchObject({
    payment: { updatedBy: keyId },
  });
});
