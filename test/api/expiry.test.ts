import { beforeEach, expect, test } from 'vitest';
import { Backstage } from '../harness/backstage.ts';
import { only, useGateway } from '../harness/gateway.ts';
import { Interposed } from '../harness/interposed.ts';
import { answers, doneThenLost, lost } from '../harness/stand-ins.ts';
import { card, Till } from '../harness/till.ts';

/** A payment's own time, and the time of an authorisation, are over. */

const processor = new Interposed();
/** Nothing that is unknown or pending is asked about before a test has it asked, however slow the machine is. */
const gateway = useGateway({ sandbox: { interpose: processor }, settings: { recoveryDelayMs: 30_000 } });
const till = new Till(gateway);
const backstage = new Backstage(gateway);

const refused = { kind: 'failed', reference: null, code: 'not_yet', message: 'Not now.' } as const;

beforeEach(() => processor.use({}));

function inAnHour(): string {
  return new Date(Date.now() + 3_600_000).toISOString();
}

async function cancel(paymentId: string) {
  return only(await till.cancel({ paymentId }), 'CancelPaymentPayload').payment;
}

async function voidsOf(id: string) {
  return (await till.operationsOf(id)).filter(({ kind }) => kind === 'VOID');
}

test('CREATED expires at its time, with no processor asked, for good', async () => {
  const expiresAt = inAnHour();
  const created = await till.pay({ process: false, expiresAt });
  expect(created).toMatchObject({ status: 'CREATED', expiresAt });
  await backstage.letFallDue(created.id);
  const expired = await till.read(created.id);
  expect(expired).toMatchObject({ status: 'EXPIRED', expiredAt: expect.any(String), attempts: [] });
  expect((await till.eventTypes(created.id)).at(-1)).toBe('PAYMENT_EXPIRED');
  const again = only(await till.process({ paymentId: created.id, card: card() }), 'IllegalStateError');
  expect(again).toMatchObject({ status: 'EXPIRED', allowedTransitions: [] });
  only(await till.cancel({ paymentId: created.id }), 'IllegalStateError');
  expect(await till.read(created.id)).toEqual(expired);
});

test('FAILED expires at its time, and cannot be processed any more', async () => {
  const { id } = await till.payWith('4000000000009995', { expiresAt: inAnHour() });
  await backstage.letFallDue(id);
  expect((await till.read(id)).status).toBe('EXPIRED');
  only(await till.process({ paymentId: id, card: card() }), 'IllegalStateError');
});

test('a payment that was paid in time does not expire', async () => {
  const { id } = await till.pay({ expiresAt: inAnHour() });
  await backstage.letFallDue(id);
  expect((await till.read(id)).status).toBe('SUCCEEDED');
});

test('an authorisation whose time is over is voided: EXPIRED', async () => {
  const { id } = await till.authorize();
  await backstage.letFallDue(id);
  expect(await till.read(id)).toMatchObject({
    status: 'EXPIRED',
    expiryRequestedAt: null,
    amountCaptured: { amount: 0 },
    maximumCapturable: { amount: 0 },
    attempts: [{ status: 'EXPIRED' }],
  });
  expect(await backstage.charges(id)).toMatchObject([{ status: 'voided' }]);
  expect((await till.eventTypes(id)).slice(-2)).toEqual(['PAYMENT_EXPIRY_REQUESTED', 'PAYMENT_EXPIRED']);
});

test('a part was captured: the remainder is released, and the payment has succeeded', async () => {
  const { id } = await till.authorize({ amount: 1000 });
  only(await till.capture({ paymentId: id, amount: 300 }), 'CapturePaymentPayload');
  await backstage.letFallDue(id);
  expect(await till.read(id)).toMatchObject({
    status: 'SUCCEEDED',
    expiredAt: null,
    amountAuthorized: { amount: 1000 },
    amountCaptured: { amount: 300 },
    maximumCapturable: { amount: 0 },
    maximumRefundable: { amount: 300 },
    attempts: [{ status: 'SUCCEEDED' }],
  });
  only(await till.capture({ paymentId: id, amount: 1 }), 'IllegalStateError');
});

test('a part was captured, and the processor let the remainder go by itself: the same', async () => {
  const { id } = await till.authorize({ amount: 1000 });
  only(await till.capture({ paymentId: id, amount: 300 }), 'CapturePaymentPayload');
  processor.use({ lookUpCharge: answers({ kind: 'expired', reference: 'ch' }) });
  await backstage.notify(id, 'CHARGE');
  expect(await till.read(id)).toMatchObject({ status: 'SUCCEEDED', maximumCapturable: { amount: 0 } });
});

test('the void loses its answer: the expiry is asked for until it is known', async () => {
  const { id } = await till.authorize();
  processor.use({ void: doneThenLost });
  await backstage.letFallDue(id);
  expect(await till.read(id)).toMatchObject({ status: 'AUTHORIZED', expiryRequestedAt: expect.any(String) });
  expect(only(await till.capture({ paymentId: id }), 'IllegalStateError').message).toMatch(/under way/);
  await backstage.letFallDue(id);
  expect(await voidsOf(id)).toHaveLength(1);
  await backstage.askAgain(id);
  expect((await till.read(id)).status).toBe('EXPIRED');
});

test('the processor refuses to let go: it stays AUTHORIZED, and is asked again an hour later, as a new request', async () => {
  const { id } = await till.authorize();
  processor.use({ void: answers(refused) });
  await backstage.letFallDue(id);
  const kept = await till.read(id);
  expect(kept).toMatchObject({ status: 'AUTHORIZED', expiryRequestedAt: null, maximumCapturable: { amount: 4999 } });
  expect(Math.abs(((await backstage.dueInMs(id)) ?? 0) - 3_600_000)).toBeLessThan(30_000);
  expect((await till.eventTypes(id)).at(-1)).toBe('PAYMENT_EXPIRY_REFUSED');
  await backstage.askAgain(id);
  await backstage.runDuePayments();
  expect(await voidsOf(id)).toHaveLength(1);
  processor.use({});
  await backstage.letFallDue(id);
  expect((await till.read(id)).status).toBe('EXPIRED');
  expect(new Set((await voidsOf(id)).map(({ processorKey }) => processorKey)).size).toBe(2);
});

test('however often it is refused, the time that is told is the processor’s', async () => {
  const { id } = await till.authorize();
  processor.use({ void: answers(refused) });
  await backstage.letFallDue(id);
  const { authorizationExpiresAt } = await till.read(id);
  expect(Date.parse(authorizationExpiresAt ?? '')).toBeLessThanOrEqual(Date.now());
  await backstage.letFallDue(id);
  expect((await till.eventTypes(id)).filter((type) => type === 'PAYMENT_EXPIRY_REFUSED')).toHaveLength(2);
  expect(await till.read(id)).toMatchObject({ status: 'AUTHORIZED', authorizationExpiresAt });
  expect(Math.abs(((await backstage.dueInMs(id)) ?? 0) - 3_600_000)).toBeLessThan(30_000);
});

test('refused, and then captured: SUCCEEDED', async () => {
  const { id } = await till.authorize();
  processor.use({ void: answers(refused) });
  await backstage.letFallDue(id);
  expect(only(await till.capture({ paymentId: id }), 'CapturePaymentPayload').payment.status).toBe('SUCCEEDED');
});

test.each(['notification', 'look'] as const)(
  'the processor let it go by itself, told by a %s: EXPIRED',
  async (told) => {
    const { id } = await till.authorize();
    processor.use({ void: answers(refused), lookUpCharge: answers({ kind: 'expired', reference: 'ch' }) });
    if (told === 'notification') await backstage.notify(id, 'CHARGE');
    else {
      // The void is refused because there is nothing to void any more; the charge then says why.
      await backstage.letFallDue(id);
      await backstage.askAgain(id);
    }
    expect(await till.read(id)).toMatchObject({ status: 'EXPIRED', attempts: [{ status: 'EXPIRED' }] });
  },
);

test('someone voided it at the processor: CANCELED', async () => {
  const { id } = await till.authorize();
  processor.use({ lookUpCharge: answers({ kind: 'voided', reference: 'ch' }) });
  await backstage.notify(id, 'CHARGE');
  expect(await till.read(id)).toMatchObject({ status: 'CANCELED', attempts: [{ status: 'CANCELED' }] });
});

test('a capture is under way when its time is over: the capture comes first', async () => {
  const { id } = await till.authorize();
  processor.use({ capture: doneThenLost });
  only(await till.capture({ paymentId: id }), 'CapturePaymentPayload');
  await backstage.letFallDue(id);
  expect(await voidsOf(id)).toEqual([]);
  await backstage.askAgain(id);
  expect(await till.read(id)).toMatchObject({ status: 'SUCCEEDED', amountCaptured: { amount: 4999 } });
});

test('a capture is under way when the processor says that it let go: what the capture says is what holds', async () => {
  const { id } = await till.authorize();
  processor.use({
    capture: lost,
    lookUpCharge: answers({ kind: 'expired', reference: 'ch' }),
    lookUpMovement: answers({ kind: 'failed', reference: null, code: 'expired', message: 'It had expired.' }),
  });
  only(await till.capture({ paymentId: id }), 'CapturePaymentPayload');
  await backstage.notify(id, 'CHARGE');
  expect(await till.read(id)).toMatchObject({ status: 'AUTHORIZED', captures: [{ status: 'PENDING' }] });
  await backstage.notify(id, 'CAPTURE');
  expect(await till.read(id)).toMatchObject({ status: 'AUTHORIZED', captures: [{ status: 'FAILED' }] });
  await backstage.askAgain(id);
  expect(await till.read(id)).toMatchObject({ status: 'EXPIRED', amountCaptured: { amount: 0 } });
});

test('several processes let it expire: it is voided once', async () => {
  const { id } = await till.authorize();
  await Promise.all([1, 2, 3, 4].map(() => backstage.letFallDue(id)));
  expect(await voidsOf(id)).toHaveLength(1);
  expect((await till.read(id)).status).toBe('EXPIRED');
});

test('a cancellation while the expiry is under way: the one void does for both, and the end is CANCELED', async () => {
  const { id } = await till.authorize();
  processor.use({ void: doneThenLost });
  await backstage.letFallDue(id);
  expect((await till.read(id)).expiryRequestedAt).not.toBeNull();
  expect(await cancel(id)).toMatchObject({ status: 'AUTHORIZED', cancelRequestedAt: expect.any(String) });
  await backstage.askAgain(id);
  expect(await till.read(id)).toMatchObject({ status: 'CANCELED', expiryRequestedAt: null, expiredAt: null });
  expect(await voidsOf(id)).toHaveLength(1);
});

test('a cancellation while the expiry is under way, and the void is refused: both are told so', async () => {
  const { id } = await till.authorize();
  processor.use({ void: lost, lookUpMovement: answers(refused) });
  await backstage.letFallDue(id);
  expect((await till.read(id)).expiryRequestedAt).not.toBeNull();
  await cancel(id);
  await backstage.askAgain(id);
  expect(await till.read(id)).toMatchObject({
    status: 'AUTHORIZED',
    cancelRequestedAt: null,
    expiryRequestedAt: null,
  });
  expect((await till.eventTypes(id)).slice(-2)).toEqual(['PAYMENT_CANCEL_REFUSED', 'PAYMENT_EXPIRY_REFUSED']);
});
