import { expect, test } from 'vitest';
import { decline } from '../../src/domain/decline.ts';
import { behaviorOf, TEST_CARD_NUMBERS } from '../../src/processors/sandbox/cards.ts';
import { only, useGateway } from '../harness/gateway.ts';
import { Interposed } from '../harness/interposed.ts';
import { lost } from '../harness/stand-ins.ts';
import { card, Till } from '../harness/till.ts';
import { until } from '../harness/until.ts';

const processor = new Interposed();
const till = new Till(useGateway({ sandbox: { interpose: processor } }));

test('a payment is created first and processed later', async () => {
  const created = await till.pay({ process: false });
  expect(created).toMatchObject({
    status: 'CREATED',
    refundStatus: 'NONE',
    amount: { amount: 4999, currency: 'EUR', decimal: '49.99' },
    amountCaptured: { amount: 0 },
    decline: null,
    attempts: [],
    sequence: 1,
  });
  const processed = only(await till.process({ paymentId: created.id }), 'ProcessPaymentPayload');
  expect(processed).toMatchObject({
    replayed: false,
    payment: {
      id: created.id,
      status: 'SUCCEEDED',
      amountAuthorized: { amount: 4999 },
      amountCaptured: { amount: 4999 },
      maximumRefundable: { amount: 4999 },
      maximumCapturable: { amount: 0 },
      attempts: [{ number: 1, kind: 'INITIAL', status: 'SUCCEEDED', decline: null }],
      captures: [{ status: 'SUCCEEDED', final: true, amount: { amount: 4999 } }],
    },
  });
  expect(await till.read(created.id)).toEqual(processed.payment);
});

test('a payment that was created with no card is processed with the one that comes then', async () => {
  const created = only(await till.create(), 'CreatePaymentPayload').payment;
  const refused = only(await till.process({ paymentId: created.id }), 'InvalidInputError');
  expect(refused.path).toEqual(['input', 'paymentMethodId']);
  const processed = only(await till.process({ paymentId: created.id, card: card() }), 'ProcessPaymentPayload');
  expect(processed.payment.status).toBe('SUCCEEDED');
});

test('process: true does both in one step', async () => {
  expect(await till.pay()).toMatchObject({ status: 'SUCCEEDED', amountCaptured: { amount: 4999 } });
});

test('a currency with other decimals keeps its minor units', async () => {
  expect((await till.pay({ amount: 500, currency: 'jpy' })).amount).toEqual({
    amount: 500,
    currency: 'JPY',
    decimal: '500',
  });
  expect((await till.pay({ amount: 1234, currency: 'KWD' })).amount.decimal).toBe('1.234');
});

const numbersThat = (kind: NonNullable<ReturnType<typeof behaviorOf>>['kind']) =>
  TEST_CARD_NUMBERS.filter((number) => behaviorOf(number)?.kind === kind);

test('the sandbox has every card that its documentation promises', () => {
  expect(numbersThat('approve')).toHaveLength(6);
  expect(numbersThat('decline')).toHaveLength(9);
  expect(numbersThat('approve_with_refunds')).toHaveLength(2);
  expect(numbersThat('approve_with_captures')).toHaveLength(3);
  expect(numbersThat('approve_later')).toHaveLength(1);
  expect(numbersThat('decline_later')).toHaveLength(1);
  expect(numbersThat('hold_briefly')).toHaveLength(1);
  expect(numbersThat('challenge')).toHaveLength(5);
  expect(numbersThat('drop_connection')).toHaveLength(2);
});

test.each([...numbersThat('approve'), ...numbersThat('approve_with_refunds')])('%s is approved', async (number) => {
  expect(await till.payWith(number)).toMatchObject({ status: 'SUCCEEDED', decline: null });
});

test.each([
  ['4000000000000002', 'generic_decline', false],
  ['4000000000009995', 'insufficient_funds', true],
  ['4000000000009987', 'lost_card', false],
  ['4000000000009979', 'stolen_card', false],
  ['4000000000006975', 'card_velocity_exceeded', false],
  ['4000000000000069', 'expired_card', false],
  ['4000000000000127', 'incorrect_cvc', false],
  ['4000000000000119', 'processing_error', true],
  ['4000000000001000', 'do_not_honor', false],
] as const)('%s is declined: %s, retryable: %s', async (number, code, retryable) => {
  expect(decline(code).retryable).toBe(retryable);
  const reason = { code, retryable, message: decline(code).message };
  expect(await till.payWith(number)).toMatchObject({
    status: 'FAILED',
    amountAuthorized: { amount: 0 },
    amountCaptured: { amount: 0 },
    decline: reason,
    attempts: [{ number: 1, status: 'FAILED', decline: reason }],
    captures: [],
  });
});

test('a payment that failed is processed again with another card, as a second attempt', async () => {
  const failed = await till.payWith('4000000000009995');
  const again = only(await till.process({ paymentId: failed.id, card: card() }), 'ProcessPaymentPayload').payment;
  expect(again).toMatchObject({
    id: failed.id,
    status: 'SUCCEEDED',
    decline: null,
    attempts: [
      { number: 1, kind: 'INITIAL', status: 'FAILED', decline: { code: 'insufficient_funds' } },
      { number: 2, kind: 'RESUBMISSION', status: 'SUCCEEDED', decline: null },
    ],
  });
  const third = only(await till.process({ paymentId: failed.id, card: card() }), 'IllegalStateError');
  expect(third).toMatchObject({ code: 'ILLEGAL_STATE', status: 'SUCCEEDED', path: ['input', 'paymentId'] });
  expect(third.allowedTransitions).toContain('REFUND_STARTED');
});

test('an asynchronous result: PROCESSING at first, SUCCEEDED when the notification comes', async () => {
  // The result is there soon: nobody hears of it before it is let through.
  processor.notifies = false;
  processor.use({ lookUpCharge: lost });
  const pending = await till.payWith('4000000000001018');
  expect(pending).toMatchObject({
    status: 'PROCESSING',
    amountCaptured: { amount: 0 },
    attempts: [{ status: 'PENDING' }],
  });
  const again = only(await till.process({ paymentId: pending.id, card: card() }), 'IllegalStateError');
  expect(again.status).toBe('PROCESSING');
  processor.use({});
  processor.notifies = true;
  const settled = await until(async () => {
    const payment = await till.read(pending.id);
    return payment.status !== 'PROCESSING' && payment;
  });
  expect(settled).toMatchObject({
    status: 'SUCCEEDED',
    amountCaptured: { amount: 4999 },
    attempts: [{ number: 1, status: 'SUCCEEDED' }],
    captures: [{ status: 'SUCCEEDED' }],
  });
});

test('an asynchronous result of a payment with manual capture ends AUTHORIZED', async () => {
  const { id } = await till.payWith('4000000000001018', { captureMethod: 'MANUAL' });
  const settled = await until(async () => {
    const payment = await till.read(id);
    return payment.status !== 'PROCESSING' && payment;
  });
  expect(settled).toMatchObject({ status: 'AUTHORIZED', maximumCapturable: { amount: 4999 }, captures: [] });
});
