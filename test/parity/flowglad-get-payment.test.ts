import { beforeAll, expect, it } from 'vitest';
import { Backstage } from '../harness/backstage.ts';
import { useGateway } from '../harness/gateway.ts';
import { Till } from '../harness/till.ts';
import { Desk } from './desk.ts';

/** docs/coming-from.md, Flowglad. */

const gateway = useGateway({ commit: 'c0ffee' });
const till = new Till(gateway);
const backstage = new Backstage(gateway);
const desk = new Desk(gateway);

const TAX = { subtotal: 4201, amount: 798, type: 'VAT', country: 'DE', state: 'Berlin', rate: '19.0' } as const;

/** A period of a subscription that was paid, with everything that may be said of it. */
let id: string;
let customerId: string;
let paymentMethodId: string;

beforeAll(async () => {
  customerId = await till.customer();
  paymentMethodId = await till.storedCard(customerId);
  id = await paid();
});

async function paid(): Promise<string> {
  const belongsTo = { invoiceId: 'inv_1', purchaseId: 'pur_1', subscriptionId: 'sub_1', billingPeriodId: 'per_1' };
  const payment = await till.pay({
    currency: 'USD',
    customerId,
    paymentMethodId,
    description: 'November',
    destinations: [{ type: 'SUBSCRIPTION', id: 'sub_1', amount: 4999, ...belongsTo }],
    tax: TAX,
    applicationFee: 150,
  });
  return payment.id;
}

it('GET /api/v1/payments/{id}', async () => {
  const operation = 'query ($id: ID!) { payment(id: $id) { id status } }';
  expect(await gateway().request(operation, { id })).toMatchObject({
    status: 200,
    data: { payment: { id, status: 'SUCCEEDED' } },
  });
});

it('Authorization: <api-key>', async () => {
  const operation = 'query ($id: ID!) { payment(id: $id) { id } }';
  const withKey = (authorization: string) => gateway().request(operation, { id }, { headers: { authorization } });
  expect(await withKey(gateway().keys.test)).toMatchObject({ status: 200, data: { payment: { id } } });
  expect(await withKey('sk_test_unknown')).toMatchObject({ status: 401 });
});

it('id', async () => {
  expect(await desk.payment(id, 'id')).toEqual({ id });
});

it('createdAt', async () => {
  const { PAYMENT_CREATED } = await desk.times(id);
  expect(await desk.payment(id, 'createdAt')).toEqual({ createdAt: PAYMENT_CREATED });
});

it('updatedAt', async () => {
  const { PAYMENT_SUCCEEDED } = await desk.times(id);
  expect(await desk.payment(id, 'updatedAt')).toEqual({ updatedAt: PAYMENT_SUCCEEDED });
});

it('createdByCommit', async () => {
  expect(await desk.payment(id, 'createdByCommit')).toEqual({ createdByCommit: 'c0ffee' });
});

it('updatedByCommit', async () => {
  const { id: paymentId } = await till.pay({ process: false });
  const { pool } = gateway().app.gateway.database;
  await pool.query(`UPDATE payment SET updated_by_commit = 'an earlier build' WHERE 'pay_' || id = $1`, [paymentId]);
  await till.update({ paymentId, active: false });
  expect(await desk.payment(paymentId, 'updatedByCommit')).toEqual({ updatedByCommit: 'c0ffee' });
});

it('invoiceId', async () => {
  expect(await desk.payment(id, 'destinations { invoiceId }')).toEqual({ destinations: [{ invoiceId: 'inv_1' }] });
});

it('amount', async () => {
  expect(await desk.payment(id, 'amount { amount }')).toEqual({ amount: { amount: 4999 } });
});

it('paymentMethod', async () => {
  expect(await desk.payment(id, 'paymentMethodType')).toEqual({ paymentMethodType: 'CARD' });
});

it('currency', async () => {
  expect(await desk.payment(id, 'amount { currency }')).toEqual({ amount: { currency: 'USD' } });
});

it('status', async () => {
  expect(await desk.payment(id, 'status')).toEqual({ status: 'SUCCEEDED' });
});

it('status: canceled', async () => {
  const { id: paymentId } = await till.authorize();
  await till.cancel({ paymentId });
  const { PAYMENT_CANCELED } = await desk.times(paymentId);
  expect(await desk.payment(paymentId, 'status canceledAt')).toEqual({
    status: 'CANCELED',
    canceledAt: PAYMENT_CANCELED,
  });
});

it('chargeDate', async () => {
  const { PAYMENT_SUCCEEDED } = await desk.times(id);
  expect(await desk.payment(id, 'chargedAt')).toEqual({ chargedAt: PAYMENT_SUCCEEDED });
  const unpaid = await till.payWith('4000000000000002');
  expect(await desk.payment(unpaid.id, 'chargedAt')).toEqual({ chargedAt: null });
});

it('description', async () => {
  expect(await desk.payment(id, 'description')).toEqual({ description: 'November' });
});

it('customerId', async () => {
  expect(await desk.payment(id, 'customer { id }')).toEqual({ customer: { id: customerId } });
});

it('purchaseId', async () => {
  expect(await desk.payment(id, 'destinations { purchaseId }')).toEqual({ destinations: [{ purchaseId: 'pur_1' }] });
});

it('subscriptionId', async () => {
  expect(await desk.payment(id, 'destinations { subscriptionId }')).toEqual({
    destinations: [{ subscriptionId: 'sub_1' }],
  });
});

it('paymentMethodId', async () => {
  expect(await desk.payment(id, 'paymentMethod { id }')).toEqual({ paymentMethod: { id: paymentMethodId } });
});

it('billingPeriodId', async () => {
  expect(await desk.payment(id, 'destinations { billingPeriodId }')).toEqual({
    destinations: [{ billingPeriodId: 'per_1' }],
  });
});

it('taxAmount', async () => {
  expect(await desk.payment(id, 'tax { amount { amount currency } }')).toEqual({
    tax: { amount: { amount: 798, currency: 'USD' } },
  });
});

it('subtotal', async () => {
  expect(await desk.payment(id, 'tax { subtotal { amount } }')).toEqual({ tax: { subtotal: { amount: 4201 } } });
});

it('subtotal + taxAmount = amount', async () => {
  const input = { amount: 4999, currency: 'USD', tax: { ...TAX, subtotal: 4200 } };
  expect(await desk.mutate('createPayment', input, 'payment { id }')).toEqual({
    __typename: 'InvalidInputError',
    code: 'INVALID_INPUT',
    message: "Subtotal and tax add up to 4998 minor units, not to the payment's amount.",
    path: ['input', 'tax', 'subtotal'],
  });
});

it('taxType', async () => {
  expect(await desk.payment(id, 'tax { type }')).toEqual({ tax: { type: 'VAT' } });
  const amusing = await till.pay({ tax: { ...TAX, type: 'AMUSEMENT_TAX' } });
  expect(await desk.payment(amusing.id, 'tax { type }')).toEqual({ tax: { type: 'AMUSEMENT_TAX' } });
});

it('taxCountry', async () => {
  expect(await desk.payment(id, 'tax { country }')).toEqual({ tax: { country: 'DE' } });
});

it('taxState', async () => {
  expect(await desk.payment(id, 'tax { state }')).toEqual({ tax: { state: 'Berlin' } });
});

it('taxRatePercentage', async () => {
  expect(await desk.payment(id, 'tax { rate }')).toEqual({ tax: { rate: '19.0' } });
});

it('applicationFee', async () => {
  expect(await desk.payment(id, 'applicationFee { amount }')).toEqual({ applicationFee: { amount: 150 } });
});

it('refunded', async () => {
  const paymentId = await paid();
  await till.refund({ paymentId, amount: 4998 });
  expect(await desk.payment(paymentId, 'refundStatus')).toEqual({ refundStatus: 'PARTIALLY_REFUNDED' });
  await till.refund({ paymentId });
  expect(await desk.payment(paymentId, 'refundStatus')).toEqual({ refundStatus: 'REFUNDED' });
});

it('refundedAmount', async () => {
  const paymentId = await paid();
  await till.refund({ paymentId, amount: 1500 });
  await till.refund({ paymentId, amount: 500 });
  expect(await desk.payment(paymentId, 'amountRefunded { amount }')).toEqual({ amountRefunded: { amount: 2000 } });
});

it('refundedAt', async () => {
  const paymentId = await paid();
  expect(await desk.payment(paymentId, 'refundedAt')).toEqual({ refundedAt: null });
  await till.refund({ paymentId });
  const { REFUND_SUCCEEDED } = await desk.times(paymentId);
  expect(await desk.payment(paymentId, 'refundedAt')).toEqual({ refundedAt: REFUND_SUCCEEDED });
});

it('failureMessage', async () => {
  const declined = await till.payWith('4000000000000069');
  expect(await desk.payment(declined.id, 'decline { message }')).toEqual({
    decline: { message: 'The card has expired.' },
  });
});

it('failureCode', async () => {
  const declined = await till.payWith('4000000000000069');
  expect(await desk.payment(declined.id, 'decline { code }')).toEqual({ decline: { code: 'expired_card' } });
});

it('receiptNumber', async () => {
  const { humanId } = await desk.payment<{ humanId: string }>(id, 'humanId');
  expect(await desk.payment(id, 'receiptNumber')).toEqual({ receiptNumber: `R-${humanId}` });
  const unpaid = await till.pay({ process: false });
  expect(await desk.payment(unpaid.id, 'receiptNumber')).toEqual({ receiptNumber: null });
});

it('receiptURL', async () => {
  const { receiptUrl, humanId } = await desk.payment<{ receiptUrl: string; humanId: string }>(id, 'receiptUrl humanId');
  const page = await fetch(receiptUrl);
  expect(page.status).toBe(200);
  expect(page.headers.get('content-type')).toMatch(/^text\/html/);
  const html = await page.text();
  expect(html).toContain(`R-${humanId}`);
  expect(html).toContain('49.99');
  expect((await fetch(`${receiptUrl.slice(0, -1)}${receiptUrl.endsWith('A') ? 'B' : 'A'}`)).status).toBe(404);
});

it('settlementDate', async () => {
  const paymentId = await paid();
  expect(await desk.payment(paymentId, 'settledAt')).toEqual({ settledAt: null });
  const [settledAt] = await backstage.letSettle(paymentId);
  expect(await desk.payment(paymentId, 'settledAt')).toEqual({ settledAt: settledAt?.toISOString() });
  expect(await desk.times(paymentId)).toHaveProperty('PAYMENT_SETTLED');
});
