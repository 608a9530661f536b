import { expect, test } from 'vitest';
import { only, useGateway } from '../harness/gateway.ts';
import { Till } from '../harness/till.ts';

const till = new Till(useGateway());

test('manual capture: authorised first, then captured in full', async () => {
  const authorized = await till.authorize();
  expect(authorized).toMatchObject({
    status: 'AUTHORIZED',
    amountAuthorized: { amount: 4999 },
    amountCaptured: { amount: 0 },
    maximumCapturable: { amount: 4999 },
    attempts: [{ status: 'AUTHORIZED' }],
    captures: [],
  });
  const captured = only(await till.capture({ paymentId: authorized.id }), 'CapturePaymentPayload');
  expect(captured).toMatchObject({
    replayed: false,
    capture: { status: 'SUCCEEDED', amount: { amount: 4999 } },
    payment: {
      status: 'SUCCEEDED',
      amountCaptured: { amount: 4999 },
      maximumCapturable: { amount: 0 },
      attempts: [{ status: 'SUCCEEDED' }],
    },
  });
});

test('several partial captures: AUTHORIZED until nothing is left', async () => {
  const { id } = await till.authorize({ amount: 1000 });
  const first = only(await till.capture({ paymentId: id, amount: 300 }), 'CapturePaymentPayload').payment;
  expect(first).toMatchObject({
    status: 'AUTHORIZED',
    amountCaptured: { amount: 300 },
    maximumCapturable: { amount: 700 },
    maximumRefundable: { amount: 300 },
  });
  const second = only(await till.capture({ paymentId: id, amount: 200 }), 'CapturePaymentPayload').payment;
  expect(second).toMatchObject({ status: 'AUTHORIZED', amountCaptured: { amount: 500 } });
  const rest = only(await till.capture({ paymentId: id }), 'CapturePaymentPayload').payment;
  expect(rest).toMatchObject({ status: 'SUCCEEDED', amountCaptured: { amount: 1000 } });
  expect(rest.captures.map(({ amount }) => amount.amount)).toEqual([300, 200, 500]);
});

test('final: true releases what the capture leaves', async () => {
  const { id } = await till.authorize({ amount: 1000 });
  const captured = only(await till.capture({ paymentId: id, amount: 400, final: true }), 'CapturePaymentPayload');
  expect(captured.payment).toMatchObject({
    status: 'SUCCEEDED',
    amountCaptured: { amount: 400 },
    maximumCapturable: { amount: 0 },
    captures: [{ final: true, amount: { amount: 400 } }],
  });
  const more = only(await till.capture({ paymentId: id, amount: 1 }), 'IllegalStateError');
  expect(more).toMatchObject({ code: 'ILLEGAL_STATE', status: 'SUCCEEDED', path: ['input', 'paymentId'] });
});

test('more than is left is refused, and the answer says how much is left', async () => {
  const { id } = await till.authorize({ amount: 1000 });
  only(await till.capture({ paymentId: id, amount: 300 }), 'CapturePaymentPayload');
  const refused = only(await till.capture({ paymentId: id, amount: 701 }), 'CaptureTooLargeError');
  expect(refused).toMatchObject({
    code: 'AMOUNT_TOO_LARGE',
    path: ['input', 'amount'],
    maximumCapturable: { amount: 700, currency: 'EUR', decimal: '7.00' },
  });
  expect(refused.message).toContain('700');
  expect(await till.read(id)).toMatchObject({
    maximumCapturable: { amount: 700 },
    captures: [{ status: 'SUCCEEDED' }],
  });
});

test('what is not authorised cannot be captured', async () => {
  const created = await till.pay({ process: false });
  expect(only(await till.capture({ paymentId: created.id }), 'IllegalStateError').status).toBe('CREATED');
  const paid = await till.pay();
  expect(only(await till.capture({ paymentId: paid.id }), 'IllegalStateError').status).toBe('SUCCEEDED');
});

test('of two captures of everything at the same time one is made', async () => {
  const { id } = await till.authorize({ amount: 1000 });
  const results = await Promise.all([till.capture({ paymentId: id }), till.capture({ paymentId: id })]);
  expect(results.filter((result) => result.__typename === 'CapturePaymentPayload')).toHaveLength(1);
  const payment = await till.read(id);
  expect(payment).toMatchObject({ status: 'SUCCEEDED', amountCaptured: { amount: 1000 } });
  expect(payment.captures).toHaveLength(1);
});
