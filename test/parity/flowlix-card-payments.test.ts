import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { decline, type DeclineCode } from '../../src/domain/decline.ts';
import { expireKeys } from '../../src/due/keys.ts';
import { Backstage } from '../harness/backstage.ts';
import { useGateway } from '../harness/gateway.ts';
import { Interposed } from '../harness/interposed.ts';
import { answers, lost } from '../harness/stand-ins.ts';
import { card, Till } from '../harness/till.ts';
import { until } from '../harness/until.ts';
import { Desk, mutation } from './desk.ts';

/** docs/coming-from.md, Flowlix. */

const processor = new Interposed();
const gateway = useGateway({ sandbox: { interpose: processor } });
const till = new Till(gateway);
const backstage = new Backstage(gateway);
const desk = new Desk(gateway);

const CHALLENGED = '4000000000003220';
const MOMENT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

/** What they create. */
const ORDER = {
  amount: 4999,
  currency: 'eur',
  process: true,
  card: card('4111111111111111', { holderName: 'Jenny Rosen' }),
  customer: {
    email: 'jenny@example.com',
    firstName: 'Jenny',
    lastName: 'Rosen',
    phone: '+491701234567',
    address: { line1: 'Kurfuerstendamm 21', city: 'Berlin', postalCode: '10719', country: 'DE' },
  },
  description: 'Order #1234',
  metadata: { order_id: 'ord_1234', sku: 'WIDGET-XL' },
};

const create = <R = unknown>(more: object, payload: string) =>
  desk.mutate<R>('createPayment', { ...ORDER, ...more }, payload);

/** The refusal of an order that is theirs but for one thing. */
const refusal = (more: object) => create(more, 'payment { id }');
const refused = (...path: string[]) => ({ __typename: 'InvalidInputError', path: ['input', ...path] });

/** The order, paid: everything that is only read is read of it. */
let id: string;

beforeAll(async () => {
  id = (await create<{ payment: { id: string } }>({}, 'payment { id }')).payment.id;
});

beforeEach(() => {
  processor.use({});
  processor.notifies = true;
});

describe('Create a Direct API payment', () => {
  it('POST /v1/payments', async () => {
    expect(await create({}, 'payment { status amount { amount currency } }')).toEqual({
      __typename: 'CreatePaymentPayload',
      payment: { status: 'SUCCEEDED', amount: { amount: 4999, currency: 'EUR' } },
    });
  });

  it('Authorization: Bearer', async () => {
    const withKey = (authorization: string) =>
      gateway().request('{ viewer { mode } }', {}, { headers: { authorization } });
    const answer = await withKey(`Bearer ${gateway().keys.test}`);
    expect(answer).toMatchObject({ status: 200, data: { viewer: { mode: 'TEST' } } });
    expect(await withKey('Bearer fl_test_sk_abc123def456')).toMatchObject({ status: 401 });
  });

  it('Authorization: test and live mode keys', async () => {
    const { test, live } = gateway().keys;
    expect(test).toMatch(/^sk_test_/);
    expect(live).toMatch(/^sk_live_/);
    const modeOf = (key: string) => desk.as(key).ask('{ viewer { mode } }');
    expect([await modeOf(test), await modeOf(live)]).toEqual([
      { viewer: { mode: 'TEST' } },
      { viewer: { mode: 'LIVE' } },
    ]);
    expect(await desk.as(live).payment(id, 'id')).toBeNull();
    expect(await desk.as(live).mutate('refundPayment', { paymentId: id }, 'payment { id }')).toMatchObject({
      __typename: 'NotFoundError',
    });
  });

  it('Content-Type: application/json', async () => {
    const { operation, variables } = mutation('createPayment', ORDER, 'payment { status }');
    const send = (type: string) =>
      gateway().request(operation, variables, {
        headers: { authorization: `Bearer ${gateway().keys.test}`, 'content-type': type },
      });
    expect(await send('application/json')).toMatchObject({ status: 200 });
    expect(await send('text/plain')).toMatchObject({ status: 415 });
  });

  it('Idempotency-Key', async () => {
    const request = { idempotencyKey: 'checkout-1' };
    type Answer = { replayed: boolean; payment: { id: string } };
    const first = await create<Answer>(request, 'replayed payment { id }');
    const again = await create<Answer>(request, 'replayed payment { id }');
    expect(again).toEqual({ ...first, replayed: true });
    expect(await backstage.charges(first.payment.id)).toHaveLength(1);
    expect(await create({ ...request, amount: 1 }, 'payment { id }')).toMatchObject({
      __typename: 'IdempotencyKeyReusedError',
    });
  });

  it('Idempotency-Key: what was refused is not cached', async () => {
    const request = { idempotencyKey: 'checkout-2' };
    expect(await create({ ...request, amount: 0 }, 'payment { id }')).toMatchObject(refused('amount'));
    expect(await create(request, 'replayed')).toEqual({ __typename: 'CreatePaymentPayload', replayed: false });
  });

  it('Idempotency-Key: kept for 24 hours', async () => {
    const request = { idempotencyKey: 'checkout-3' };
    const { payment } = await create<{ payment: { id: string } }>(request, 'payment { id }');
    await backstage.letTimePass(payment.id, 24);
    const { pool } = gateway().app.gateway.database;
    await pool.query(
      `UPDATE idempotency_key SET created_at = created_at - interval '1 day', expires_at = expires_at - interval '1 day'
       WHERE key = $1`,
      [request.idempotencyKey],
    );
    await expireKeys(gateway().app.gateway);
    expect(await create(request, 'replayed payment { id }')).toMatchObject({ replayed: true, payment });
  });

  it('Idempotency-Key: deterministic for a business operation', async () => {
    const { id: paymentId } = await till.pay();
    const input = { idempotencyKey: 'refund-order-1234', paymentId };
    const first = await desk.mutate<object>('refundPayment', input, 'replayed refund { id }');
    expect(await desk.mutate('refundPayment', input, 'replayed refund { id }')).toEqual({ ...first, replayed: true });
    expect(await desk.payment(paymentId, 'refunds { status }')).toEqual({ refunds: [{ status: 'SUCCEEDED' }] });
  });

  it('Idempotency-Key: at most 255 characters', async () => {
    expect(await create({ idempotencyKey: 'k'.repeat(255) }, 'replayed')).toMatchObject({ replayed: false });
    expect(await refusal({ idempotencyKey: 'k'.repeat(256) })).toMatchObject(refused('idempotencyKey'));
  });

  it('body.amount', async () => {
    expect(await create({ amount: 1 }, 'payment { amount { decimal } }')).toMatchObject({
      payment: { amount: { decimal: '0.01' } },
    });
  });

  it('body.amount >= 1', async () => {
    expect(await refusal({ amount: 0 })).toMatchObject(refused('amount'));
    expect(await refusal({ amount: -4999 })).toMatchObject(refused('amount'));
  });

  it('body.currency', async () => {
    for (const currency of ['eur', 'usd', 'gbp']) {
      expect(await create({ currency }, 'payment { amount { currency } }')).toMatchObject({
        payment: { amount: { currency: currency.toUpperCase() } },
      });
    }
    expect(await refusal({ currency: 'eux' })).toMatchObject(refused('currency'));
  });

  it('body.card.number', async () => {
    expect(await refusal({ card: card('4111111111111112') })).toMatchObject(refused('card', 'number'));
    expect(await create({}, 'payment { paymentMethod { card { last4 } } }')).toMatchObject({
      payment: { paymentMethod: { card: { last4: '1111' } } },
    });
  });

  it('body.card.exp_month', async () => {
    expect(await refusal({ card: card(undefined, { expMonth: 13 }) })).toMatchObject(refused('card', 'expMonth'));
    expect(await create({ card: card(undefined, { expMonth: 1 }) }, MASKED)).toMatchObject(masked({ expMonth: 1 }));
  });

  it('body.card.exp_year', async () => {
    const expYear = new Date().getUTCFullYear();
    expect(await refusal({ card: card(undefined, { expYear: expYear - 1 }) })).toMatchObject(
      refused('card', 'expYear'),
    );
    const next = { expYear: expYear + 1 };
    expect(await create({ card: card(undefined, next) }, MASKED)).toMatchObject(masked(next));
  });

  it('body.card.cvc', async () => {
    expect(await refusal({ card: card(undefined, { cvc: '31' }) })).toMatchObject(refused('card', 'cvc'));
    expect(await create({ card: card(undefined, { cvc: '314' }) }, 'payment { status }')).toMatchObject({
      payment: { status: 'SUCCEEDED' },
    });
  });

  it('body.card.holder_name', async () => {
    expect(await create({}, MASKED)).toMatchObject(masked({ holderName: 'Jenny Rosen' }));
  });

  it('body.customer', async () => {
    const customer = { ...ORDER.customer, email: 'found@example.com' };
    type Answer = { payment: { customer: { id: string } } };
    const first = await create<Answer>({ customer }, 'payment { customer { id } }');
    const second = await create<Answer>({ customer: { email: customer.email } }, 'payment { customer { id } }');
    expect(second).toEqual(first);
    expect(await desk.ask('{ customers(filter: { email: "found@example.com" }) { totalCount } }')).toEqual({
      customers: { totalCount: 1 },
    });
  });

  it('body.customer.email', async () => {
    expect(await refusal({ customer: { email: 'jenny' } })).toMatchObject(refused('customer', 'email'));
    expect(await ofCustomer('email')).toEqual({ email: 'jenny@example.com' });
  });

  it('body.customer.first_name', async () => {
    expect(await ofCustomer('firstName')).toEqual({ firstName: 'Jenny' });
  });

  it('body.customer.last_name', async () => {
    expect(await ofCustomer('lastName')).toEqual({ lastName: 'Rosen' });
  });

  it('body.customer.country', async () => {
    expect(await ofCustomer('address { country }')).toEqual({ address: { country: 'DE' } });
  });

  it('body.customer.phone', async () => {
    expect(await ofCustomer('phone')).toEqual({ phone: '+491701234567' });
  });

  it('body.customer.address', async () => {
    expect(await ofCustomer('address { line1 }')).toEqual({ address: { line1: 'Kurfuerstendamm 21' } });
  });

  it('body.customer.city', async () => {
    expect(await ofCustomer('address { city }')).toEqual({ address: { city: 'Berlin' } });
  });

  it('body.customer.zip', async () => {
    expect(await ofCustomer('address { postalCode }')).toEqual({ address: { postalCode: '10719' } });
  });

  it('body.description', async () => {
    expect(await create({ description: 'Order #1235' }, 'payment { description }')).toMatchObject({
      payment: { description: 'Order #1235' },
    });
  });

  it('body.description: at most 500 characters', async () => {
    const description = 'd'.repeat(500);
    expect(await create({ description }, 'payment { description }')).toMatchObject({ payment: { description } });
    expect(await refusal({ description: `${description}d` })).toMatchObject(refused('description'));
  });

  it('body.metadata', async () => {
    expect(await create({ metadata: { order_id: 'ord_1' } }, 'payment { metadata }')).toMatchObject({
      payment: { metadata: { order_id: 'ord_1' } },
    });
  });

  it('body.metadata: at most 50 keys', async () => {
    expect(await create({ metadata: keys(50) }, 'payment { metadata }')).toMatchObject({
      payment: { metadata: keys(50) },
    });
    expect(await refusal({ metadata: keys(51) })).toMatchObject(refused('metadata'));
  });

  it('body.metadata: values of up to 500 characters', async () => {
    const metadata = { sku: 'v'.repeat(500) };
    expect(await create({ metadata }, 'payment { metadata }')).toMatchObject({ payment: { metadata } });
    expect(await refusal({ metadata: { sku: 'v'.repeat(501) } })).toMatchObject(refused('metadata', 'sku'));
  });

  it('body.metadata: keys of up to 40 characters', async () => {
    const metadata = { ['k'.repeat(40)]: 'v' };
    expect(await create({ metadata }, 'payment { metadata }')).toMatchObject({ payment: { metadata } });
    expect(await refusal({ metadata: { ['k'.repeat(41)]: 'v' } })).toMatchObject(refused('metadata'));
  });

  it('body.return_url', async () => {
    const challenged = await till.payWith(CHALLENGED, { returnUrl: 'https://shop.example/back?cart=7' });
    const back = await act(challenged.nextAction?.redirectUrl, 'complete');
    expect(back.status).toBe(303);
    const location = back.headers.get('location') ?? '';
    expect(location.startsWith(`https://shop.example/back?cart=7&payment=${challenged.id}`)).toBe(true);
    const abandoned = await till.payWith(CHALLENGED);
    const failed = await act(abandoned.nextAction?.redirectUrl, 'fail');
    expect(failed.headers.get('location')).toContain(`https://shop.example/back?payment=${abandoned.id}`);
  });

  it('body.return_url: https or http://localhost', async () => {
    for (const returnUrl of ['https://shop.example/back', 'http://localhost:3000/back']) {
      expect(await create({ returnUrl }, 'payment { returnUrl }')).toMatchObject({ payment: { returnUrl } });
    }
    for (const returnUrl of ['http://shop.example/back', 'http://localhost.example', 'ftp://localhost', 'back']) {
      expect(await refusal({ returnUrl })).toMatchObject(refused('returnUrl'));
    }
  });

  it('body.return_url: required when 3DS is triggered', async () => {
    expect(await create({ card: card(CHALLENGED) }, 'payment { status decline { code } }')).toMatchObject({
      payment: { status: 'FAILED', decline: { code: 'return_url_missing' } },
    });
  });
});

const MASKED = 'payment { paymentMethod { card { expMonth expYear holderName } } }';
const keys = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, 'v']));
const masked = (of: object) => ({ payment: { paymentMethod: { card: of } } });

/** What is stored of the customer of the order. */
async function ofCustomer(fields: string): Promise<unknown> {
  return (await desk.payment<{ customer: unknown }>(id, `customer { ${fields} }`)).customer;
}

/** What the payer does on the page of their bank. */
async function act(url: string | undefined, result: 'complete' | 'fail'): Promise<Response> {
  return fetch(url ?? '', { method: 'POST', body: new URLSearchParams({ result }), redirect: 'manual' });
}

describe('Response', () => {
  it('A Payment object', async () => {
    expect(await desk.payment(id, 'status attempts { number status } captures { status }')).toEqual({
      status: 'SUCCEEDED',
      attempts: [{ number: 1, status: 'SUCCEEDED' }],
      captures: [{ status: 'SUCCEEDED' }],
    });
  });

  it('id', async () => {
    expect(id).toMatch(/^pay_[a-fA-F0-9]{8}-[a-fA-F0-9]{4}-[a-fA-F0-9]{4}-[a-fA-F0-9]{4}-[a-fA-F0-9]{12}$/);
    expect(await desk.payment(id, 'id')).toEqual({ id });
  });

  it('object', async () => {
    expect(await desk.payment(id, '__typename')).toEqual({ __typename: 'Payment' });
  });

  it('amount', async () => {
    expect(await desk.payment(id, 'amount { amount }')).toEqual({ amount: { amount: 4999 } });
  });

  it('currency', async () => {
    expect(await desk.payment(id, 'amount { currency }')).toEqual({ amount: { currency: 'EUR' } });
  });

  it('status: pending', async () => {
    processor.use({ charge: lost });
    expect(await create({}, 'payment { status }')).toMatchObject({ payment: { status: 'PROCESSING' } });
  });

  it('status: succeeded', async () => {
    const { id: paymentId } = await till.pay();
    expect(await desk.payment(paymentId, 'status')).toEqual({ status: 'SUCCEEDED' });
    await till.refund({ paymentId });
    expect(await desk.payment(paymentId, 'status')).toEqual({ status: 'SUCCEEDED' });
  });

  it('status: failed', async () => {
    expect(await create({ card: card('4000000000000002') }, 'payment { status }')).toMatchObject({
      payment: { status: 'FAILED' },
    });
  });

  it('status: requires_action', async () => {
    const challenged = await till.payWith(CHALLENGED);
    expect(await desk.payment(challenged.id, 'status')).toEqual({ status: 'REQUIRES_ACTION' });
  });

  it('status: expired', async () => {
    const challenged = await till.payWith(CHALLENGED);
    await backstage.letFallDue(challenged.id);
    expect(await desk.payment(challenged.id, 'status nextAction { redirectUrl }')).toEqual({
      status: 'EXPIRED',
      nextAction: null,
    });
  });

  it('status: canceled', async () => {
    const { id: paymentId } = await till.pay({ process: false });
    expect(await desk.mutate('cancelPayment', { paymentId }, 'payment { status }')).toMatchObject({
      payment: { status: 'CANCELED' },
    });
  });

  it('created', async () => {
    const { PAYMENT_CREATED } = await desk.times(id);
    expect(PAYMENT_CREATED).toMatch(MOMENT);
    expect(await desk.payment(id, 'createdAt')).toEqual({ createdAt: PAYMENT_CREATED });
  });

  it('livemode', async () => {
    expect(await desk.payment(id, 'livemode')).toEqual({ livemode: false });
    const live = desk.as(gateway().keys.live);
    const input = { amount: 4999, currency: 'EUR' };
    expect(await live.mutate('createPayment', input, 'payment { livemode }')).toMatchObject({
      payment: { livemode: true },
    });
  });

  it('description', async () => {
    expect(await desk.payment(id, 'description')).toEqual({ description: 'Order #1234' });
  });

  it('card.brand', async () => {
    expect(await ofCard('brand')).toEqual({ brand: 'VISA' });
  });

  it('card.last4', async () => {
    expect(await ofCard('last4')).toEqual({ last4: '1111' });
  });

  it('card.exp_month', async () => {
    expect(await ofCard('expMonth')).toEqual({ expMonth: 12 });
  });

  it('card.exp_year', async () => {
    expect(await ofCard('expYear')).toEqual({ expYear: ORDER.card.expYear });
  });

  it('card.country', async () => {
    expect(await ofCard('country')).toEqual({ country: 'US' });
  });

  it('card: null for HPP payments that have not yet been completed', async () => {
    const hosted = await till.create();
    expect(hosted).toMatchObject({ __typename: 'CreatePaymentPayload' });
    const paymentId = 'payment' in hosted ? hosted.payment.id : '';
    expect(await desk.payment(paymentId, 'paymentMethod { card { last4 } }')).toEqual({ paymentMethod: null });
  });

  it('customer.email', async () => {
    expect(await desk.payment(id, 'customer { email }')).toEqual({ customer: { email: 'jenny@example.com' } });
  });

  it('customer.name', async () => {
    expect(await desk.payment(id, 'customer { name }')).toEqual({ customer: { name: 'Jenny Rosen' } });
  });

  it('metadata', async () => {
    expect(await desk.payment(id, 'metadata')).toEqual({ metadata: { order_id: 'ord_1234', sku: 'WIDGET-XL' } });
  });

  it('decline_code: insufficient_funds', async () => {
    expect(await declineOf('4000000000009995')).toEqual('insufficient_funds');
  });

  it('decline_code: expired_card', async () => {
    expect(await declineOf('4000000000000069')).toEqual('expired_card');
  });

  it('decline_code: lost_card', async () => {
    expect(await declineOf('4000000000009987')).toEqual('lost_card');
  });

  it('decline_code: stolen_card', async () => {
    expect(await declineOf('4000000000009979')).toEqual('stolen_card');
  });

  it('decline_code: do_not_honor', async () => {
    expect(await declineOf('4000000000001000')).toEqual('do_not_honor');
  });

  it('decline_code: three_d_secure_failed', async () => {
    const challenged = await till.payWith(CHALLENGED);
    await act(challenged.nextAction?.redirectUrl, 'fail');
    await until(async () => (await till.read(challenged.id)).status === 'FAILED');
    expect(await desk.payment(challenged.id, 'decline { code }')).toEqual({
      decline: { code: 'three_d_secure_failed' },
    });
  });

  it('decline_code: three_d_secure_timeout', async () => {
    expect(await declineBy('three_d_secure_timeout')).toEqual('three_d_secure_timeout');
  });

  it('decline_code: three_d_secure_not_supported', async () => {
    expect(await declineBy('three_d_secure_not_supported')).toEqual('three_d_secure_not_supported');
  });

  it('decline_code: three_d_secure_error', async () => {
    expect(await declineBy('three_d_secure_error')).toEqual('three_d_secure_error');
  });

  it('decline_message', async () => {
    expect(await create({ card: card('4000000000001000') }, 'payment { decline { message } }')).toMatchObject({
      payment: { decline: { message: 'The issuer declined the payment and gave no reason.' } },
    });
    expect(await desk.payment(id, 'decline { message }')).toEqual({ decline: null });
  });

  it('redirect_url', async () => {
    const input = { amount: 4999, currency: 'EUR', description: 'Order #1236' };
    type Answer = { payment: { id: string; hostedPaymentUrl: string } };
    const { payment } = await desk.mutate<Answer>('createPayment', input, 'payment { id hostedPaymentUrl }');
    const page = await fetch(payment.hostedPaymentUrl);
    expect(page.status).toBe(200);
    expect(page.headers.get('content-type')).toMatch(/^text\/html/);
    const html = await page.text();
    expect(html).toContain('49.99 EUR');
    const nonce = /name="nonce" value="([\w-]+)"/.exec(html)?.[1] ?? '';
    const expiry = `12/${String(ORDER.card.expYear).slice(2)}`;
    const body = new URLSearchParams({ nonce, number: ORDER.card.number, expiry, cvc: '314', name: 'Jenny Rosen' });
    await fetch(payment.hostedPaymentUrl, { method: 'POST', body, redirect: 'manual' });
    expect(await desk.payment(payment.id, 'status paymentMethod { card { last4 } }')).toEqual({
      status: 'SUCCEEDED',
      paymentMethod: { card: { last4: '1111' } },
    });
  });

  it('redirect_url: null for direct API payments', async () => {
    expect(await desk.payment(id, 'hostedPaymentUrl')).toEqual({ hostedPaymentUrl: null });
  });

  it('refunded_at', async () => {
    const { id: paymentId } = await till.pay();
    await till.refund({ paymentId, amount: 4998 });
    expect(await desk.payment(paymentId, 'refundedAt')).toEqual({ refundedAt: null });
    await till.refund({ paymentId, amount: 1 });
    const { REFUND_SUCCEEDED } = await desk.times(paymentId);
    expect(await desk.payment(paymentId, 'refundedAt')).toEqual({ refundedAt: REFUND_SUCCEEDED });
  });

  it('succeeded_at', async () => {
    const { PAYMENT_SUCCEEDED } = await desk.times(id);
    expect(await desk.payment(id, 'succeededAt')).toEqual({ succeededAt: PAYMENT_SUCCEEDED });
    const waiting = await till.pay({ process: false });
    expect(await desk.payment(waiting.id, 'succeededAt')).toEqual({ succeededAt: null });
  });

  it('failed_at', async () => {
    const declined = await till.payWith('4000000000000002');
    const { PAYMENT_FAILED } = await desk.times(declined.id);
    expect(await desk.payment(declined.id, 'failedAt')).toEqual({ failedAt: PAYMENT_FAILED });
    expect(await desk.payment(id, 'failedAt')).toEqual({ failedAt: null });
  });

  it('next_action', async () => {
    const challenged = await till.payWith(CHALLENGED);
    type Answer = { nextAction: { redirectUrl: string; expiresAt: string } };
    const { nextAction } = await desk.payment<Answer>(challenged.id, 'nextAction { redirectUrl expiresAt }');
    expect(Date.parse(nextAction.expiresAt)).toBeGreaterThan(Date.now());
    expect(await (await fetch(nextAction.redirectUrl)).text()).toContain('Complete authentication');
    await act(nextAction.redirectUrl, 'complete');
    await until(async () => (await till.read(challenged.id)).status === 'SUCCEEDED');
    expect(await desk.payment(challenged.id, 'nextAction { redirectUrl }')).toEqual({ nextAction: null });
  });

  it('refunded_amount', async () => {
    const { id: paymentId } = await till.payWith('4000000000007726');
    processor.notifies = false;
    await till.refund({ paymentId, amount: 1500 });
    const amounts = 'amountRefunded { amount } amountRefundPending { amount }';
    expect(await desk.payment(paymentId, amounts)).toEqual({
      amountRefunded: { amount: 0 },
      amountRefundPending: { amount: 1500 },
    });
    processor.notifies = true;
    await until(async () => (await till.read(paymentId)).refunds.every(({ status }) => status === 'SUCCEEDED'));
    expect(await desk.payment(paymentId, amounts)).toEqual({
      amountRefunded: { amount: 1500 },
      amountRefundPending: { amount: 0 },
    });
  });

  it('provider_transaction_id', async () => {
    expect(await desk.payment(id, 'attempts { processorTransactionId }')).toEqual({
      attempts: [{ processorTransactionId: await backstage.chargeReference(id) }],
    });
    processor.use({ charge: lost });
    expect(await create({}, 'payment { attempts { processorTransactionId } }')).toMatchObject({
      payment: { attempts: [{ processorTransactionId: null }] },
    });
  });

  it('refunds', async () => {
    const { id: paymentId } = await till.pay();
    for (const amount of [1500, 20, 3]) await till.refund({ paymentId, amount });
    expect(await desk.payment(paymentId, 'refunds { status amount { amount } }')).toEqual({
      refunds: [1500, 20, 3].map((amount) => ({ status: 'SUCCEEDED', amount: { amount } })),
    });
  });

  it('refunds[].status', async () => {
    const fields = 'refunds { status }';
    for (const [number, first, later] of [
      ['4000000000007726', 'PENDING', 'SUCCEEDED'],
      ['4000000000005126', 'SUCCEEDED', 'FAILED'],
    ] as const) {
      const { id: paymentId } = await till.payWith(number);
      processor.notifies = false;
      await till.refund({ paymentId });
      expect(await desk.payment(paymentId, fields)).toEqual({ refunds: [{ status: first }] });
      processor.notifies = true;
      await until(async () => (await till.read(paymentId)).refunds[0]?.status === later);
      expect(await desk.payment(paymentId, fields)).toEqual({ refunds: [{ status: later }] });
    }
  });

  it('POST /v1/payments/{id}/refund', async () => {
    const { id: paymentId } = await till.pay();
    expect(
      await desk.mutate('refundPayment', { paymentId, amount: 99 }, 'refund { status amount { amount } }'),
    ).toEqual({
      __typename: 'RefundPaymentPayload',
      refund: { status: 'SUCCEEDED', amount: { amount: 99 } },
    });
  });
});

/** What is known of the card of the order. */
async function ofCard(fields: string): Promise<unknown> {
  type Answer = { paymentMethod: { card: unknown } };
  return (await desk.payment<Answer>(id, `paymentMethod { card { ${fields} } }`)).paymentMethod.card;
}

interface Declined {
  payment: { decline: { code: string } | null };
}

/** How the sandbox declines a card. */
async function declineOf(number: string): Promise<string | undefined> {
  return (await create<Declined>({ card: card(number) }, 'payment { decline { code } }')).payment.decline?.code;
}

/** The same of a processor that declines so: none of the sandbox's cards is. */
async function declineBy(code: DeclineCode): Promise<string | undefined> {
  processor.use({ charge: answers({ kind: 'declined', reference: null, decline: decline(code) }) });
  return declineOf('4242424242424242');
}
