import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { decodeIdOf } from '../../src/domain/ids.ts';
import { conclude } from '../../src/payments/conclude.ts';
import type { ChargeRequest, ProcessorLimits } from '../../src/processors/port.ts';
import { findOperationById } from '../../src/store/operations.ts';
import { Backstage } from '../harness/backstage.ts';
import type { FarBook } from '../harness/far-book.ts';
import { FarProcessor } from '../harness/far-processor.ts';
import { only, useGateway } from '../harness/gateway.ts';
import { MerchantAccounts } from '../harness/merchant-accounts.ts';
import { answers } from '../harness/stand-ins.ts';
import { until } from '../harness/until.ts';

/** What certainly was not sent, and what was kept at the processor before it was made. */

const limits: Partial<ProcessorLimits> = { callTimeoutMs: 20_000, inFlightWindowMs: 200 };
const far = new FarProcessor(limits);
// It tries again by itself only long after a test.
const gateway = useGateway({ connectors: [far], settings: { recoveryDelayMs: 30_000 } });
const accounts = new MerchantAccounts(gateway);
const { till } = accounts;
const backstage = new Backstage(gateway);
const pool = () => gateway().app.gateway.database.pool;
let book: FarBook;
let paymentMethodId: string;

beforeAll(() => till.setRetrySchedule());

beforeEach(async () => {
  const opened = await accounts.openShop(far);
  book = opened.book;
  paymentMethodId = await accounts.token(opened.account.id);
});

afterEach(() => far.calls.use({}));

const notSent = answers({ kind: 'not_sent' });

test('a charge that was not sent has failed, and may be tried again', async () => {
  far.calls.use({ charge: notSent });
  const { id, ...payment } = await till.pay({ paymentMethodId });
  expect(payment).toMatchObject({ status: 'FAILED', decline: { code: 'processor_unavailable', retryable: true } });
  expect(await till.operationOf(id, 'CHARGE')).toMatchObject({ status: 'COMPLETED' });
  far.calls.use({});
  expect(only(await till.process({ paymentId: id }), 'ProcessPaymentPayload').payment.status).toBe('SUCCEEDED');
  expect(book.charges).toMatchObject([{ captured: 4999n }]);
});

test('a charge that was not sent is tried again by itself, as declines are', async () => {
  await till.setRetrySchedule(60);
  far.calls.use({ charge: notSent });
  const { id, status } = await till.pay({ paymentMethodId });
  expect(status).toBe('RETRY_SCHEDULED');
  await till.setRetrySchedule();
  far.calls.use({});
  await backstage.letFallDue(id);
  expect(await till.read(id)).toMatchObject({
    status: 'SUCCEEDED',
    attempts: [{ status: 'FAILED' }, { status: 'SUCCEEDED' }],
  });
});

test.each(['CAPTURE', 'REFUND', 'VOID'] as const)(
  'a %s that was not sent is planned again, ever later, and done once in the end',
  async (kind) => {
    const { id } = kind === 'REFUND' ? await till.pay({ paymentMethodId }) : await till.authorize({ paymentMethodId });
    far.calls.use({ capture: notSent, refund: notSent, void: notSent });
    if (kind === 'CAPTURE') only(await till.capture({ paymentId: id }), 'CapturePaymentPayload');
    if (kind === 'REFUND') only(await till.refund({ paymentId: id }), 'RefundPaymentPayload');
    if (kind === 'VOID') only(await till.cancel({ paymentId: id }), 'CancelPaymentPayload');
    const first = await till.operationOf(id, kind);
    expect(first.status).toBe('PLANNED');
    const waits: number[] = [await waitOf(first.id)];
    for (let tries = 0; tries < 3; tries++) {
      await backstage.askAgain(id);
      waits.push(await waitOf(first.id));
    }
    expect(waits).toEqual(waits.toSorted((a, b) => a - b));
    expect(waits.at(-1)).toBeGreaterThan(2 * (waits[0] ?? 0));
    far.calls.use({});
    await backstage.askAgain(id);
    await until(async () => (await till.operationOf(id, kind)).status === 'COMPLETED');
    expect((await till.operationsOf(id)).filter((each) => each.kind === kind)).toHaveLength(1);
    expect(book.movements).toHaveLength(1);
    expect(await till.read(id)).toMatchObject(
      {
        CAPTURE: { status: 'SUCCEEDED', captures: [{ status: 'SUCCEEDED' }] },
        REFUND: { status: 'SUCCEEDED', refundStatus: 'REFUNDED', refunds: [{ status: 'SUCCEEDED' }] },
        VOID: { status: 'CANCELED' },
      }[kind],
    );
  },
);

/** How many seconds after an operation was planned it is begun. */
async function waitOf(operationId: string): Promise<number> {
  return until(async () => {
    const { rows } = await pool().query<{ status: string; wait: number }>(
      'SELECT status, extract(epoch FROM recover_at - call_deadline)::float8 AS wait FROM operation WHERE id = $1',
      [decodeIdOf('Operation', operationId)],
    );
    return rows[0]?.status === 'PLANNED' && rows[0].wait;
  });
}

test('that an earlier call was not sent says nothing of one that was begun since', async () => {
  const { id } = await till.pay({ paymentMethodId });
  far.calls.use({ refund: notSent });
  only(await till.refund({ paymentId: id }), 'RefundPaymentPayload');
  const { id: operationId } = await till.operationOf(id, 'REFUND');
  const { gateway: wiring } = gateway().app;
  const uuid = decodeIdOf('Operation', operationId) ?? '';
  const { rows } = await pool().query<{ environmentId: string }>(
    'SELECT environment_id AS "environmentId" FROM operation WHERE id = $1',
    [uuid],
  );
  const environmentId = rows[0]?.environmentId ?? '';
  const earlier = await findOperationById(wiring.database, environmentId, uuid);
  if (earlier === undefined) throw new Error('the refund is gone');
  const called = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  far.calls.use({
    refund: async (_, pass) => {
      called.resolve();
      await released.promise;
      return pass();
    },
  });
  await pool().query('UPDATE operation SET recover_at = now() WHERE id = $1', [uuid]);
  await called.promise;
  await conclude(wiring, earlier, { of: 'MOVEMENT', outcome: { kind: 'not_sent' }, askedAtMs: performance.now() });
  expect((await till.operationOf(id, 'REFUND')).status).not.toBe('PLANNED');
  released.resolve();
  await until(async () => (await till.read(id)).refundStatus === 'REFUNDED');
  expect(far.calls.calls.filter(({ call, key }) => call === 'refund' && key === earlier.processorKey)).toHaveLength(2);
});

/** The process dies when the reference is kept: the charge is on record at the processor, and nobody will make it. */
function diesAfterKeeping() {
  const kept = Promise.withResolvers<void>();
  const buried = Promise.withResolvers<void>();
  return {
    kept: kept.promise,
    bury: () => buried.resolve(),
    charge: async (request: ChargeRequest): Promise<{ readonly kind: 'unknown' }> => {
      const keepReference = async (reference: string): Promise<boolean> => {
        await request.keepReference(reference);
        kept.resolve();
        await buried.promise;
        return false;
      };
      await book.charge({ ...request, keepReference });
      return { kind: 'unknown' };
    },
  };
}

test('a process that dies between keeping a charge and making it: nothing is charged, and the payment fails', async () => {
  const dead = diesAfterKeeping();
  far.calls.use({ charge: dead.charge });
  const { payment } = only(await till.create({ paymentMethodId }), 'CreatePaymentPayload');
  const charging = till.process({ paymentId: payment.id });
  await dead.kept;
  const { rows } = await pool().query<{ reference: string }>(
    'SELECT processor_reference AS reference FROM operation WHERE payment_id = $1',
    [decodeIdOf('Payment', payment.id)],
  );
  expect(rows).toEqual([{ reference: book.charges[0]?.reference }]);
  far.calls.use({});
  await backstage.letTimePass(payment.id, 1);
  const failed = await till.read(payment.id);
  expect(failed).toMatchObject({ status: 'FAILED', decline: { code: 'processor_unavailable', retryable: true } });
  dead.bury();
  only(await charging, 'ProcessPaymentPayload');
  expect(await till.read(payment.id)).toEqual(failed);
  expect(only(await till.process({ paymentId: payment.id }), 'ProcessPaymentPayload').payment.status).toBe('SUCCEEDED');
  expect(book.charges).toMatchObject([{ state: 'GIVEN_UP', captured: 0n }, { captured: 4999n }]);
});

test('a charge whose deadline has passed when it is kept is not made', async () => {
  far.calls.use({
    charge: async (_, pass) => {
      await pool().query(`UPDATE operation SET call_deadline = now() - interval '1 ms' WHERE status = 'DISPATCHED'`);
      return pass();
    },
  });
  const { id } = await till.pay({ paymentMethodId });
  expect(book.charges).toMatchObject([{ state: 'KEPT', captured: 0n }]);
  far.calls.use({});
  await backstage.letTimePass(id, 1);
  expect(await till.read(id)).toMatchObject({ status: 'FAILED', decline: { code: 'processor_unavailable' } });
});

test('a charge that recovery has given up is not made when it is kept', async () => {
  far.calls.use({
    charge: async (_, pass) => {
      await pool().query(`UPDATE operation SET status = 'UNKNOWN' WHERE status = 'DISPATCHED'`);
      return pass();
    },
  });
  const { id } = await till.pay({ paymentMethodId });
  expect(await till.read(id)).toMatchObject({ status: 'FAILED' });
  expect(book.charges).toMatchObject([{ captured: 0n }]);
});
