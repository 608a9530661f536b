import { randomUUID } from 'node:crypto';
import { beforeEach, expect, test } from 'vitest';
import { decline } from '../../src/domain/decline.ts';
import { Backstage } from '../harness/backstage.ts';
import { only, useGateway } from '../harness/gateway.ts';
import { Interposed } from '../harness/interposed.ts';
import { answers, doneThenLost, lost } from '../harness/stand-ins.ts';
import { card, Till } from '../harness/till.ts';
import { until } from '../harness/until.ts';

/** Cancelling is a wish until the processor has answered. */

const processor = new Interposed();
/** Nothing that is unknown or pending is asked about before a test has it asked, however slow the machine is. */
const gateway = useGateway({ sandbox: { interpose: processor }, settings: { recoveryDelayMs: 30_000 } });
const till = new Till(gateway);
const backstage = new Backstage(gateway);

beforeEach(() => processor.use({}));

async function cancel(paymentId: string) {
  return only(await till.cancel({ paymentId }), 'CancelPaymentPayload').payment;
}

/** A payment whose charge was made, or not, and whose answer was lost; canceled since. */
async function canceledWhileUnknown(made: boolean, input: Parameters<Till['pay']>[0] = {}): Promise<string> {
  processor.use({
    charge: async (_, pass) => {
      if (made) await pass();
      return { kind: 'unknown' };
    },
  });
  const { id } = await till.pay(input);
  processor.use({});
  expect(await cancel(id)).toMatchObject({
    status: 'PROCESSING',
    cancelRequestedAt: expect.any(String),
    attempts: [{ status: 'UNKNOWN' }],
  });
  expect(await till.operationsOf(id)).toMatchObject([{ kind: 'CHARGE' }]);
  return id;
}

test('the charge turns out to have been declined: CANCELED, and not tried again', async () => {
  only(await till.setRetrySchedule(60), 'SetRetrySchedulePayload');
  const id = await canceledWhileUnknown(true, { card: card('4000000000009995') });
  await backstage.askAgain(id);
  expect(await till.read(id)).toMatchObject({
    status: 'CANCELED',
    cancelRequestedAt: null,
    retryAt: null,
    attempts: [{ status: 'FAILED', decline: { code: 'insufficient_funds' } }],
  });
  only(await till.setRetrySchedule(), 'SetRetrySchedulePayload');
});

test('the charge turns out to hold the amount: it is voided, CANCELED', async () => {
  const id = await canceledWhileUnknown(true, { captureMethod: 'MANUAL' });
  await backstage.askAgain(id);
  expect(await till.read(id)).toMatchObject({
    status: 'CANCELED',
    cancelRequestedAt: null,
    attempts: [{ status: 'CANCELED' }],
  });
  expect(await backstage.charges(id)).toMatchObject([{ status: 'voided' }]);
  expect(await till.eventTypes(id)).toEqual([
    'PAYMENT_CREATED',
    'PAYMENT_PROCESSING',
    'PAYMENT_CANCEL_REQUESTED',
    'PAYMENT_AUTHORIZED',
    'PAYMENT_CANCELED',
  ]);
});

test('the charge turns out to have taken the amount: it has succeeded, and that wins', async () => {
  const id = await canceledWhileUnknown(true);
  await backstage.askAgain(id);
  expect(await till.read(id)).toMatchObject({
    status: 'SUCCEEDED',
    cancelRequestedAt: null,
    amountCaptured: { amount: 4999 },
  });
  expect(await till.eventTypes(id)).toEqual([
    'PAYMENT_CREATED',
    'PAYMENT_PROCESSING',
    'PAYMENT_CANCEL_REQUESTED',
    'PAYMENT_SUCCEEDED',
    'PAYMENT_CANCEL_REFUSED',
  ]);
  expect(await till.operationsOf(id)).toMatchObject([{ kind: 'CHARGE', status: 'COMPLETED' }]);
});

test('the charge was never executed: CANCELED', async () => {
  const id = await canceledWhileUnknown(false);
  await backstage.letTimePass(id, 0.5);
  expect(await till.read(id)).toMatchObject({ status: 'CANCELED', attempts: [{ status: 'FAILED' }] });
  expect(await backstage.charges(id)).toEqual([]);
});

test('while the charge is on its way the wish is kept: what it brings is voided', async () => {
  const reached = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  processor.use({
    charge: async (_, pass) => {
      reached.resolve();
      await released.promise;
      return pass();
    },
  });
  const { id } = await till.pay({ process: false, captureMethod: 'MANUAL' });
  const processing = till.process({ paymentId: id });
  await reached.promise;
  expect((await cancel(id)).status).toBe('PROCESSING');
  released.resolve();
  only(await processing, 'ProcessPaymentPayload');
  await until(async () => (await till.read(id)).status === 'CANCELED');
  expect(await backstage.standing(id)).toEqual([]);
});

test('a charge that is pending has a reference: it is voided at once', async () => {
  processor.use({ charge: async (_, pass) => ({ kind: 'pending', reference: referenceOf(await pass()) }) });
  const { id } = await till.pay({ captureMethod: 'MANUAL' });
  expect(await cancel(id)).toMatchObject({ status: 'CANCELED', attempts: [{ status: 'CANCELED' }] });
  expect(await backstage.standing(id)).toEqual([]);
  expect((await till.operationOf(id, 'CHARGE')).status).toBe('COMPLETED');
});

function referenceOf(answer: object): string {
  return 'reference' in answer ? String(answer.reference) : '';
}

test('an approval that was on its way when the void succeeded brings nothing back to life', async () => {
  const asked = Promise.withResolvers<void>();
  const answered = Promise.withResolvers<void>();
  let looks = 0;
  processor.use({
    charge: async (_, pass) => ({ kind: 'pending', reference: referenceOf(await pass()) }),
    lookUpCharge: async (_, pass) => {
      const answer = await pass();
      if (++looks === 1) {
        asked.resolve();
        await answered.promise;
      }
      return answer;
    },
  });
  const { id } = await till.pay({ captureMethod: 'MANUAL' });
  const old = backstage.notify(id, 'CHARGE');
  await asked.promise;
  const canceled = await cancel(id);
  expect(canceled.status).toBe('CANCELED');
  answered.resolve();
  await old;
  await backstage.askAgain(id);
  await until(() => looks > 1);
  expect(await till.read(id)).toEqual(canceled);
  expect(await till.operationsOf(id)).toHaveLength(2);
});

test('the processor refuses the void: the payment goes on as it was, and can be canceled again', async () => {
  const { id } = await till.authorize();
  processor.use({ void: answers({ kind: 'failed', reference: null, code: 'busy', message: 'Not now.' }) });
  expect(await cancel(id)).toMatchObject({
    status: 'AUTHORIZED',
    cancelRequestedAt: null,
    maximumCapturable: { amount: 4999 },
  });
  expect(await till.eventTypes(id)).toContain('PAYMENT_CANCEL_REFUSED');
  processor.use({});
  await backstage.askAgain(id);
  expect((await till.read(id)).status).toBe('AUTHORIZED');
  expect((await cancel(id)).status).toBe('CANCELED');
  const voids = (await till.operationsOf(id)).filter(({ kind }) => kind === 'VOID');
  expect(new Set(voids.map(({ processorKey }) => processorKey)).size).toBe(2);
});

test('the void loses its answer: the wish stays, and recovery finds that it was done', async () => {
  const { id } = await till.authorize();
  processor.use({ void: doneThenLost });
  expect(await cancel(id)).toMatchObject({ status: 'AUTHORIZED', cancelRequestedAt: expect.any(String) });
  const busy = only(await till.capture({ paymentId: id }), 'IllegalStateError');
  expect(busy.message).toMatch(/cancellation/);
  await backstage.askAgain(id);
  expect(await till.read(id)).toMatchObject({ status: 'CANCELED', cancelRequestedAt: null });
});

test('a second wish is refused while the first one is open; the first one sent again is replayed', async () => {
  const id = await canceledWhileUnknown(false, { captureMethod: 'MANUAL' });
  expect(only(await till.cancel({ paymentId: id }), 'IllegalStateError')).toMatchObject({
    code: 'ILLEGAL_STATE',
    status: 'PROCESSING',
    path: ['input', 'paymentId'],
  });
  expect((await till.eventTypes(id)).filter((type) => type === 'PAYMENT_CANCEL_REQUESTED')).toHaveLength(1);
});

test.each(['UNKNOWN', 'AUTHORIZED'] as const)('%s: the same key is the same wish, before and after', async (state) => {
  processor.use(state === 'UNKNOWN' ? { charge: lost } : { void: lost });
  const { id } = await till.authorize();
  const input = { paymentId: id, idempotencyKey: randomUUID() };
  const first = only(await till.cancel(input), 'CancelPaymentPayload');
  expect(first.replayed).toBe(false);
  expect(only(await till.cancel(input), 'CancelPaymentPayload')).toEqual({ ...first, replayed: true });
  processor.use({});
  await backstage.letTimePass(id, 0.5);
  await backstage.askAgain(id);
  const after = only(await till.cancel(input), 'CancelPaymentPayload');
  expect(after).toMatchObject({ replayed: true, payment: { status: 'CANCELED' } });
});

test('while a capture is under way nothing is canceled', async () => {
  const { id } = await till.authorize();
  processor.use({ capture: doneThenLost });
  only(await till.capture({ paymentId: id }), 'CapturePaymentPayload');
  expect(only(await till.cancel({ paymentId: id }), 'IllegalStateError').message).toMatch(/capture/);
  await backstage.askAgain(id);
  expect(await till.read(id)).toMatchObject({ status: 'SUCCEEDED', cancelRequestedAt: null });
});

test('a retry that waits is called off: CANCELED at once, with no processor asked', async () => {
  only(await till.setRetrySchedule(60), 'SetRetrySchedulePayload');
  processor.use({ charge: answers({ kind: 'declined', reference: null, decline: decline('processing_error') }) });
  const { id } = await till.pay();
  only(await till.setRetrySchedule(), 'SetRetrySchedulePayload');
  const calls = processor.calls.length;
  expect(await cancel(id)).toMatchObject({ status: 'CANCELED', retryAt: null });
  await backstage.letFallDue(id);
  expect(processor.calls).toHaveLength(calls);
});
