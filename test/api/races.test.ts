import { beforeEach, expect, test } from 'vitest';
import { Backstage } from '../harness/backstage.ts';
import { only, useGateway } from '../harness/gateway.ts';
import { Interposed } from '../harness/interposed.ts';
import { delayed } from '../harness/stand-ins.ts';
import { card, Till } from '../harness/till.ts';
import { until } from '../harness/until.ts';

/** Two things happen to one payment at the same moment: one comes first, and the other is told what it found. */

const processor = new Interposed();
const gateway = useGateway({ sandbox: { interpose: processor } });
const till = new Till(gateway);
const backstage = new Backstage(gateway);

/** Each race is run a few times: which of the two is first is left to chance. */
const TIMES = [1, 2, 3, 4, 5, 6];

beforeEach(async () => {
  processor.use({});
  only(await till.setRetrySchedule(60, 60), 'SetRetrySchedulePayload');
});

test.each(TIMES)(
  'a payment is processed by hand when its retry falls due: one of the two charges it (%i)',
  async () => {
    const { id } = await till.pay({ card: card('4000000000009995') });
    const [result] = await Promise.all([till.process({ paymentId: id, card: card() }), backstage.letFallDue(id)]);
    const payment = await till.read(id);
    if (result.__typename === 'IllegalStateError') expect(payment.status).toBe('RETRY_SCHEDULED');
    else expect(payment.status).toBe('SUCCEEDED');
    const charged = (await till.operationsOf(id)).filter(({ kind }) => kind === 'CHARGE');
    expect(charged).toHaveLength(payment.attempts.length);
    expect((await backstage.standing(id)).length).toBeLessThanOrEqual(1);
  },
);

test.each(TIMES)('it is canceled when its retry falls due: nothing stands, or it has succeeded (%i)', async () => {
  let declines = 1;
  processor.use({
    charge: async (_, pass) => (declines-- > 0 ? { kind: 'declined', reference: null, decline: RETRYABLE } : pass()),
  });
  const { id } = await till.pay();
  const [canceled] = await Promise.all([till.cancel({ paymentId: id }), backstage.letFallDue(id)]);
  const { status } = await till.read(id);
  expect(['CANCELED', 'SUCCEEDED']).toContain(status);
  if (canceled.__typename === 'IllegalStateError') expect(status).toBe('SUCCEEDED');
  expect(await backstage.standing(id)).toEqual(status === 'CANCELED' ? [] : [4999]);
});

const RETRYABLE = { code: 'processing_error', message: 'The processor had an error.', retryable: true } as const;

test.each(TIMES)('an authorisation is captured when its time is over: what the processor says (%i)', async () => {
  const { id } = await till.authorize();
  const [captured] = await Promise.all([till.capture({ paymentId: id }), backstage.letFallDue(id)]);
  const { status } = await till.read(id);
  expect(status).toBe(captured.__typename === 'CapturePaymentPayload' ? 'SUCCEEDED' : 'EXPIRED');
  expect(await backstage.standing(id)).toEqual(status === 'SUCCEEDED' ? [4999] : []);
});

test.each(TIMES)('an authorisation is captured and canceled: one of the two is refused (%i)', async () => {
  const { id } = await till.authorize();
  const [captured, canceled] = await Promise.all([till.capture({ paymentId: id }), till.cancel({ paymentId: id })]);
  const { status } = await till.read(id);
  expect([captured.__typename, canceled.__typename]).toEqual(
    status === 'SUCCEEDED'
      ? ['CapturePaymentPayload', 'IllegalStateError']
      : ['IllegalStateError', 'CancelPaymentPayload'],
  );
  expect(await backstage.standing(id)).toEqual(status === 'SUCCEEDED' ? [4999] : []);
});

test.each(TIMES)('it is canceled while its charge is made: nothing stands, or it has succeeded (%i)', async (time) => {
  const captureMethod = time % 2 === 0 ? 'AUTOMATIC' : 'MANUAL';
  const { id } = await till.pay({ process: false, captureMethod });
  const [, canceled] = await Promise.all([till.process({ paymentId: id }), till.cancel({ paymentId: id })]);
  const { status } = await until(async () => {
    const payment = await till.read(id);
    return payment.cancelRequestedAt === null && payment;
  });
  expect(['CANCELED', 'SUCCEEDED', 'AUTHORIZED']).toContain(status);
  if (captureMethod === 'MANUAL' && canceled.__typename === 'CancelPaymentPayload') expect(status).toBe('CANCELED');
  expect(await backstage.standing(id)).toEqual(status === 'CANCELED' ? [] : [4999]);
});

test.each(TIMES)('a late success and a new attempt: one charge stands (%i)', async () => {
  only(await till.setRetrySchedule(), 'SetRetrySchedulePayload');
  const late = delayed();
  processor.use({ charge: late.standIn });
  const { id } = await till.pay();
  processor.use({});
  await backstage.letTimePass(id, 0.5);
  await late.arrive();
  await Promise.all([till.process({ paymentId: id, card: card() }), backstage.notify(id, 'CHARGE')]);
  await backstage.askAgain(id);
  const payment = await till.read(id);
  expect(payment).toMatchObject({ status: 'SUCCEEDED', amountCaptured: { amount: 4999 } });
  expect(await backstage.standing(id)).toEqual([4999]);
});
