import { expect, it } from 'vitest';
import { startGateway, useGateway } from '../harness/gateway.ts';
import { card, Till } from '../harness/till.ts';
import { Desk, mutation } from './desk.ts';

/** docs/coming-from.md, Payments API V3. */

const gateway = useGateway();
const till = new Till(gateway);
const desk = new Desk(gateway);

const UNKNOWN = 'pay_00000000-0000-7000-8000-000000000000';
const READ = 'query ($id: ID!) { payment(id: $id) { id } }';

/** What they create: 29.99 dollars for a subscription. */
const input = { amount: 2999, currency: 'usd', description: 'Monthly subscription', card: card(), process: true };

const create = (more: object, payload: string) => desk.mutate('createPayment', { ...input, ...more }, payload);
const subscribe = () => till.pay({ ...input });

/** The answer to an operation of somebody whose key is not known. */
const asNobody = (operation: string, variables: object) =>
  gateway().request(operation, variables, { key: 'sk_test_1a2b3c4d5e6f' });

const UNAUTHENTICATED = { status: 401, errors: [{ extensions: { code: 'UNAUTHENTICATED' } }] };

/** The answer to an operation while the database is broken: a fault of the server's. */
async function withFault(operation: string, variables: object) {
  const broken = await startGateway();
  try {
    await broken.app.gateway.database.pool.query('ALTER TABLE payment RENAME TO payment_that_is_gone');
    return await broken.request(operation, variables);
  } finally {
    await broken.close();
  }
}

const FAULT = {
  errors: [{ extensions: { code: 'INTERNAL_SERVER_ERROR', errorId: expect.stringMatching(/^[\da-f-]{36}$/) } }],
};

it('create: Authorization: Bearer', async () => {
  const { operation, variables } = mutation('createPayment', input, 'payment { status }');
  const headers = { authorization: `Bearer ${gateway().keys.test}` };
  const answer = await gateway().request(operation, variables, { headers });
  expect(answer).toMatchObject({ status: 200, data: { createPayment: { payment: { status: 'SUCCEEDED' } } } });
});

it('create: amount', async () => {
  expect(await create({ amount: 2999 }, 'payment { amount { amount } }')).toMatchObject({
    payment: { amount: { amount: 2999 } },
  });
});

it('create: currency', async () => {
  expect(await create({ currency: 'usd' }, 'payment { amount { currency } }')).toMatchObject({
    payment: { amount: { currency: 'USD' } },
  });
});

it('create: customer', async () => {
  const customerId = await till.customer();
  expect(await create({ customerId }, 'payment { customer { id } }')).toMatchObject({
    payment: { customer: { id: customerId } },
  });
});

it('create: description', async () => {
  expect(await create({ description: 'Monthly subscription' }, 'payment { description }')).toMatchObject({
    payment: { description: 'Monthly subscription' },
  });
});

it('create: payment created successfully', async () => {
  expect(await create({}, 'replayed payment { status }')).toEqual({
    __typename: 'CreatePaymentPayload',
    replayed: false,
    payment: { status: 'SUCCEEDED' },
  });
});

it('create: invalid request parameters', async () => {
  expect(await create({ amount: 0 }, 'payment { id }')).toEqual({
    __typename: 'InvalidInputError',
    code: 'INVALID_INPUT',
    message: 'An amount is from 1 to 999999999999 minor units.',
    path: ['input', 'amount'],
  });
  const { operation, variables } = mutation('createPayment', { ...input, amount: '29.99' }, 'payment { id }');
  expect(await gateway().request(operation, variables)).toMatchObject({
    errors: [{ extensions: { code: 'BAD_USER_INPUT', inputPath: ['input', 'amount'] } }],
  });
});

it('create: authentication failed', async () => {
  const { operation, variables } = mutation('createPayment', input, 'payment { id }');
  expect(await asNobody(operation, variables)).toMatchObject(UNAUTHENTICATED);
});

it('create: internal server error', async () => {
  const { operation, variables } = mutation('createPayment', input, 'payment { id }');
  expect(await withFault(operation, variables)).toMatchObject(FAULT);
});

it('get: Authorization: Bearer', async () => {
  const { id } = await subscribe();
  const headers = { authorization: `Bearer ${gateway().keys.test}` };
  expect(await gateway().request(READ, { id }, { headers })).toMatchObject({ status: 200, data: { payment: { id } } });
});

it('get: the payment ID', async () => {
  const { id } = await subscribe();
  const node = 'query ($id: ID!) { node(id: $id) { __typename id } }';
  expect(await desk.payment(id, 'id')).toEqual({ id });
  expect(await desk.ask(node, { id })).toEqual({ node: { __typename: 'Payment', id } });
});

it('get: authentication failed', async () => {
  expect(await asNobody(READ, { id: UNKNOWN })).toMatchObject(UNAUTHENTICATED);
});

it('get: payment not found', async () => {
  expect(await gateway().request(READ, { id: UNKNOWN })).toMatchObject({ status: 200, data: { payment: null } });
});

it('get: internal server error', async () => {
  expect(await withFault(READ, { id: UNKNOWN })).toMatchObject({ ...FAULT, data: { payment: null } });
});

it('refund: Authorization: Bearer', async () => {
  const { id: paymentId } = await subscribe();
  const { operation, variables } = mutation('refundPayment', { paymentId }, 'refund { status }');
  const headers = { authorization: `Bearer ${gateway().keys.test}` };
  const answer = await gateway().request(operation, variables, { headers });
  expect(answer).toMatchObject({ status: 200, data: { refundPayment: { refund: { status: 'SUCCEEDED' } } } });
});

it('refund: the payment ID to refund', async () => {
  const { id: paymentId } = await subscribe();
  expect(await desk.mutate('refundPayment', { paymentId }, 'payment { id refundStatus }')).toMatchObject({
    payment: { id: paymentId, refundStatus: 'REFUNDED' },
  });
});

it('refund: amount', async () => {
  const { id: paymentId } = await subscribe();
  const refunded = 'refund { amount { amount } } payment { refundStatus amountRefunded { amount } }';
  expect(await desk.mutate('refundPayment', { paymentId, amount: 1500 }, refunded)).toMatchObject({
    refund: { amount: { amount: 1500 } },
    payment: { refundStatus: 'PARTIALLY_REFUNDED', amountRefunded: { amount: 1500 } },
  });
});

it('refund: the full amount if none is provided', async () => {
  const { id: paymentId } = await subscribe();
  expect(await desk.mutate('refundPayment', { paymentId }, 'refund { amount { amount } }')).toMatchObject({
    refund: { amount: { amount: 2999 } },
  });
});

it('refund: reason', async () => {
  const { id: paymentId } = await subscribe();
  const reason = 'Customer requested refund';
  expect(await desk.mutate('refundPayment', { paymentId, reason }, 'refund { reason }')).toMatchObject({
    refund: { reason },
  });
});

it('refund: payment refunded successfully', async () => {
  const { id: paymentId } = await subscribe();
  const payload = 'payment { id amount { amount currency } status description refundStatus }';
  expect(await desk.mutate('refundPayment', { paymentId }, payload)).toEqual({
    __typename: 'RefundPaymentPayload',
    payment: {
      id: paymentId,
      amount: { amount: 2999, currency: 'USD' },
      status: 'SUCCEEDED',
      description: 'Monthly subscription',
      refundStatus: 'REFUNDED',
    },
  });
});

it('refund: invalid refund request', async () => {
  const { id: paymentId } = await subscribe();
  const refund = (more: object) => desk.mutate('refundPayment', { paymentId, ...more }, 'refund { id }');
  expect(await refund({ amount: 0 })).toMatchObject({ __typename: 'InvalidInputError', path: ['input', 'amount'] });
  expect(await refund({ amount: 3000 })).toMatchObject({
    __typename: 'RefundTooLargeError',
    path: ['input', 'amount'],
  });
  const unpaid = { paymentId: (await till.pay({ process: false })).id };
  expect(await refund(unpaid)).toMatchObject({ __typename: 'IllegalStateError', path: ['input', 'paymentId'] });
});

it('refund: authentication failed', async () => {
  const { operation, variables } = mutation('refundPayment', { paymentId: UNKNOWN }, 'refund { id }');
  expect(await asNobody(operation, variables)).toMatchObject(UNAUTHENTICATED);
});

it('refund: payment not found', async () => {
  expect(await desk.mutate('refundPayment', { paymentId: UNKNOWN }, 'refund { id }')).toMatchObject({
    __typename: 'NotFoundError',
    code: 'NOT_FOUND',
    path: ['input', 'paymentId'],
  });
});

it('refund: internal server error', async () => {
  const { operation, variables } = mutation('refundPayment', { paymentId: UNKNOWN }, 'refund { id }');
  expect(await withFault(operation, variables)).toMatchObject(FAULT);
});

it('Unique identifier for the payment', async () => {
  const { id } = await subscribe();
  expect(id).toMatch(/^pay_[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/);
  expect(await desk.payment(id, 'id')).toEqual({ id });
});

it('Payment amount in cents', async () => {
  const { id } = await subscribe();
  expect(await desk.payment(id, 'amount { amount }')).toEqual({ amount: { amount: 2999 } });
});

it('Three-letter ISO currency code', async () => {
  const { id } = await subscribe();
  expect(await desk.payment(id, 'amount { currency }')).toEqual({ amount: { currency: 'USD' } });
});

it('Current status of the payment', async () => {
  const declined = await till.payWith('4000000000000002');
  expect(await desk.payment((await subscribe()).id, 'status')).toEqual({ status: 'SUCCEEDED' });
  expect(await desk.payment(declined.id, 'status')).toEqual({ status: 'FAILED' });
});

it('ID of the customer associated with this payment', async () => {
  const customerId = await till.customer();
  const { id } = await till.pay({ ...input, customerId });
  expect(await desk.payment(id, 'customer { id }')).toEqual({ customer: { id: customerId } });
});

it('Description of the payment', async () => {
  const { id } = await subscribe();
  expect(await desk.payment(id, 'description')).toEqual({ description: 'Monthly subscription' });
});

it('Timestamp when the payment was created', async () => {
  const { id } = await subscribe();
  const { PAYMENT_CREATED } = await desk.times(id);
  expect(PAYMENT_CREATED).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  expect(await desk.payment(id, 'createdAt')).toEqual({ createdAt: PAYMENT_CREATED });
});
