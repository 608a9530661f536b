import { afterEach, expect, test } from 'vitest';
import type { MovementOutcome } from '../../src/processors/port.ts';
import { only, useGateway } from '../harness/gateway.ts';
import { Backstage } from '../harness/backstage.ts';
import { Interposed } from '../harness/interposed.ts';
import { halted, lost } from '../harness/stand-ins.ts';
import { Till } from '../harness/till.ts';
import { until } from '../harness/until.ts';

/** The sandbox's cards whose results come later: told by its own notifications, with nobody asking. */

const processor = new Interposed();
// Recovery asks, too, but so late that it finds nothing left to ask.
const gateway = useGateway({ sandbox: { interpose: processor }, settings: { recoveryDelayMs: 30_000 } });
const till = new Till(gateway);
const backstage = new Backstage(gateway);

afterEach(() => processor.use({}));

type Payment = Awaited<ReturnType<Till['read']>>;

async function once(id: string, fits: (payment: Payment) => boolean): Promise<Payment> {
  return until(async () => {
    const payment = await till.read(id);
    return fits(payment) && payment;
  });
}

/** What is answered before the result is told: however long the answer takes, nothing is told meanwhile. */
async function before<T>(act: () => Promise<T>): Promise<T> {
  processor.notifies = false;
  try {
    return await act();
  } finally {
    processor.notifies = true;
  }
}

async function capture(paymentId: string, amount?: number): Promise<Payment> {
  const input = { paymentId, ...(amount !== undefined && { amount }) };
  return only(await till.capture(input), 'CapturePaymentPayload').payment;
}

test('4000000000001067: PROCESSING, then declined', async () => {
  const { id, status } = await before(() => till.payWith('4000000000001067'));
  expect(status).toBe('PROCESSING');
  const declined = await once(id, (payment) => payment.status !== 'PROCESSING');
  expect(declined).toMatchObject({ status: 'FAILED', decline: { code: 'generic_decline' } });
});

test('4000000000001075: the authorisation expires by itself', async () => {
  const { id } = await till.payWith('4000000000001075', { captureMethod: 'MANUAL' });
  const expired = await once(id, (payment) => payment.status !== 'AUTHORIZED');
  expect(expired).toMatchObject({
    status: 'EXPIRED',
    maximumCapturable: { amount: 0 },
    attempts: [{ status: 'EXPIRED' }],
  });
});

test('4000000000001075: a part was captured, and the remainder expires: SUCCEEDED', async () => {
  const { id } = await till.payWith('4000000000001075', { captureMethod: 'MANUAL', amount: 1000 });
  const result = await till.capture({ paymentId: id, amount: 300 });
  const payment = await once(id, ({ status }) => status !== 'AUTHORIZED');
  // If it had expired already, there was nothing to capture.
  const isCaptured = result.__typename === 'CapturePaymentPayload' && result.capture.status === 'SUCCEEDED';
  expect(payment).toMatchObject({
    status: isCaptured ? 'SUCCEEDED' : 'EXPIRED',
    amountCaptured: { amount: isCaptured ? 300 : 0 },
    maximumCapturable: { amount: 0 },
  });
});

test('4000000000001083: the capture is pending, then it succeeds', async () => {
  const { id } = await till.payWith('4000000000001083', { captureMethod: 'MANUAL' });
  const accepted = await before(() => capture(id));
  expect(accepted).toMatchObject({ status: 'CAPTURED', amountCaptured: { amount: 0 } });
  const paid = await once(id, ({ status }) => status !== 'CAPTURED');
  expect(paid).toMatchObject({ status: 'SUCCEEDED', amountCaptured: { amount: 4999 } });
});

test('4000000000001083: a part that is pending leaves it AUTHORIZED; the next part waits for it', async () => {
  const { id } = await till.payWith('4000000000001083', { captureMethod: 'MANUAL', amount: 1000 });
  const accepted = await before(() => capture(id, 300));
  expect(accepted).toMatchObject({ status: 'AUTHORIZED', captures: [{ status: 'PENDING' }] });
  await once(id, ({ amountCaptured }) => amountCaptured.amount === 300);
  await capture(id);
  const paid = await once(id, ({ status }) => status === 'SUCCEEDED');
  expect(paid).toMatchObject({ amountCaptured: { amount: 1000 }, captures: [{ final: false }, {}] });
});

test('4000000000001091: the capture is pending, then it fails', async () => {
  const { id } = await till.payWith('4000000000001091', { captureMethod: 'MANUAL' });
  expect((await before(() => capture(id))).status).toBe('CAPTURED');
  const failed = await once(id, ({ status }) => status !== 'CAPTURED');
  expect(failed).toMatchObject({
    status: 'FAILED',
    amountCaptured: { amount: 0 },
    maximumRefundable: { amount: 0 },
    captures: [{ status: 'FAILED' }],
  });
});

test('4000000000001091: a part that fails leaves the authorisation as it was', async () => {
  const { id } = await till.payWith('4000000000001091', { captureMethod: 'MANUAL', amount: 1000 });
  expect((await before(() => capture(id, 300))).maximumCapturable.amount).toBe(700);
  const failed = await once(id, ({ maximumCapturable }) => maximumCapturable.amount === 1000);
  expect(failed).toMatchObject({ status: 'AUTHORIZED', captures: [{ status: 'FAILED' }] });
});

test('4000000000001109: the capture is taken back after it had succeeded', async () => {
  const { id } = await till.payWith('4000000000001109', { captureMethod: 'MANUAL' });
  expect((await capture(id)).status).toBe('SUCCEEDED');
  const reversed = await once(id, ({ amountReversed }) => amountReversed.amount > 0);
  expect(reversed).toMatchObject({
    status: 'SUCCEEDED',
    amountCaptured: { amount: 4999 },
    amountReversed: { amount: 4999 },
    maximumRefundable: { amount: 0 },
    captures: [{ status: 'SUCCEEDED', reversal: { failureCode: expect.any(String) } }],
  });
});

test('4000000000001109: a charge that was captured at once is taken back', async () => {
  const { id } = await till.payWith('4000000000001109');
  const reversed = await once(id, ({ amountReversed }) => amountReversed.amount > 0);
  expect(reversed).toMatchObject({ status: 'SUCCEEDED', maximumRefundable: { amount: 0 } });
  only(await till.refund({ paymentId: id, amount: 1 }), 'RefundTooLargeError');
});

test('4000000000001109: parts are taken back one by one; what is left can be captured, and refunded once it was', async () => {
  const { id } = await till.payWith('4000000000001109', { captureMethod: 'MANUAL', amount: 1000 });
  await capture(id, 300);
  const open = await once(id, ({ amountReversed }) => amountReversed.amount === 300);
  expect(open).toMatchObject({
    status: 'AUTHORIZED',
    maximumCapturable: { amount: 700 },
    maximumRefundable: { amount: 0 },
  });
  expect(await capture(id)).toMatchObject({
    status: 'SUCCEEDED',
    amountCaptured: { amount: 1000 },
    captures: [{ reversal: { failureCode: expect.any(String) } }, {}],
  });
  const gone = await once(id, ({ amountReversed }) => amountReversed.amount === 1000);
  expect(gone.maximumRefundable.amount).toBe(0);
});

test.each([
  { movement: 'refund', number: '4000000000005126', done: { refunds: [{ status: 'SUCCEEDED' }] } },
  { movement: 'capture', number: '4000000000001109', done: { captures: [{ status: 'SUCCEEDED', reversal: null }] } },
] as const)(
  'a $movement that comes back is not lost, though the processor could not be asked, and its own older answer came last',
  async ({ movement, number, done }) => {
    const { id } = await till.payWith(number, movement === 'refund' ? {} : { captureMethod: 'MANUAL' });
    const own = halted<MovementOutcome>();
    let isAsked = false;
    const unheard: typeof lost = () => {
      isAsked = true;
      return lost();
    };
    processor.use({ [movement]: own.standIn, lookUpCharge: unheard, lookUpMovement: unheard });
    const begun = movement === 'refund' ? till.refund({ paymentId: id }) : till.capture({ paymentId: id });
    await own.done;
    await until(async () => isAsked && (await backstage.movements(id)).includes('failed'));
    own.release();
    await begun;
    expect(await till.read(id)).toMatchObject(done);
    processor.use({});
    await once(id, ({ refundStatus, amountReversed }) => refundStatus === 'FAILED' || amountReversed.amount > 0);
  },
);
