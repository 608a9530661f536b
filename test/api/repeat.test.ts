import { beforeEach, expect, test } from 'vitest';
import { Backstage } from '../harness/backstage.ts';
import { only, useGateway } from '../harness/gateway.ts';
import { Interposed } from '../harness/interposed.ts';
import { answers, delayed, halted, doneThenLost, lost } from '../harness/stand-ins.ts';
import { Till } from '../harness/till.ts';
import { until } from '../harness/until.ts';

/** A capture, void or refund whose answer is lost: it was made, or it is made again under the same key. */

const processor = new Interposed();
// It looks by itself only long after a test: until then, what an answer was lost of stays UNKNOWN.
const gateway = useGateway({ sandbox: { interpose: processor }, settings: { recoveryDelayMs: 30_000 } });
const till = new Till(gateway);
const backstage = new Backstage(gateway);

beforeEach(() => processor.use({}));

/** Each kind of movement: how it is asked for, what it is called at the processor, and what shows that it is done. */
const MOVEMENTS = {
  capture: {
    kind: 'CAPTURE',
    prepare: () => till.authorize(),
    ask: (paymentId: string) => till.capture({ paymentId }),
    open: { status: 'AUTHORIZED', captures: [{ status: 'PENDING' }] },
    done: { status: 'SUCCEEDED', amountCaptured: { amount: 4999 }, captures: [{ status: 'SUCCEEDED' }] },
    booked: { status: 'approved', captured: 4999, refunded: 0 },
    untouched: { status: 'approved', captured: 0, refunded: 0 },
  },
  void: {
    kind: 'VOID',
    prepare: () => till.authorize(),
    ask: (paymentId: string) => till.cancel({ paymentId }),
    open: { status: 'AUTHORIZED', cancelRequestedAt: expect.any(String) },
    done: { status: 'CANCELED', cancelRequestedAt: null },
    booked: { status: 'voided', captured: 0, refunded: 0 },
    untouched: { status: 'approved', captured: 0, refunded: 0 },
  },
  refund: {
    kind: 'REFUND',
    prepare: () => till.pay(),
    ask: (paymentId: string) => till.refund({ paymentId }),
    open: { refundStatus: 'PENDING', amountRefundPending: { amount: 4999 }, maximumRefundable: { amount: 0 } },
    done: { refundStatus: 'REFUNDED', amountRefunded: { amount: 4999 }, refunds: [{ status: 'SUCCEEDED' }] },
    booked: { status: 'approved', captured: 4999, refunded: 4999 },
    untouched: { status: 'approved', captured: 4999, refunded: 0 },
  },
} as const;

const CALLS = ['capture', 'void', 'refund'] as const;

/** The keys under which the processor was asked for a movement of this payment. */
async function keysOf(call: (typeof CALLS)[number], id: string): Promise<string[]> {
  const { processorKey } = await till.operationOf(id, MOVEMENTS[call].kind);
  return processor.calls.filter((made) => made.call === call && made.key === processorKey).map(({ key }) => key);
}

test.each(CALLS)('a %s whose answer was lost is found, and not made again', async (call) => {
  const { kind, prepare, ask, open, done, booked } = MOVEMENTS[call];
  const { id } = await prepare();
  processor.use({ [call]: doneThenLost });
  await ask(id);
  expect(await till.read(id)).toMatchObject(open);
  expect((await till.operationOf(id, kind)).status).toBe('UNKNOWN');
  await backstage.askAgain(id);
  expect(await till.read(id)).toMatchObject(done);
  expect(await keysOf(call, id)).toHaveLength(1);
  expect(await backstage.charges(id)).toEqual([booked]);
});

test.each(CALLS)('a %s that never reached the processor is made again under its key until it is done', async (call) => {
  const { kind, prepare, ask, open, done, booked, untouched } = MOVEMENTS[call];
  const { id } = await prepare();
  processor.use({ [call]: () => Promise.reject(new Error('the connection broke')) });
  await ask(id);
  for (const times of [2, 3]) {
    await backstage.letTimePass(id, 0.5);
    expect(await till.read(id)).toMatchObject(open);
    expect(await backstage.charges(id)).toEqual([untouched]);
    // It is PLANNED again now, and whoever comes first begins it.
    await backstage.askAgain(id);
    await until(async () => (await keysOf(call, id)).length === times);
    await until(async () => (await till.operationOf(id, kind)).status === 'UNKNOWN');
  }
  processor.use({});
  await backstage.letTimePass(id, 0.5);
  await backstage.askAgain(id);
  await until(async () => (await till.operationOf(id, kind)).status === 'COMPLETED');
  expect(await till.read(id)).toMatchObject(done);
  expect(await keysOf(call, id)).toHaveLength(4);
  expect(await backstage.charges(id)).toEqual([booked]);
  expect((await till.operationsOf(id)).filter((operation) => operation.kind === kind)).toHaveLength(1);
});

test.each(CALLS)('a %s is not made again while it may still be on its way', async (call) => {
  const { kind, prepare, ask } = MOVEMENTS[call];
  const { id } = await prepare();
  processor.use({ [call]: lost });
  await ask(id);
  await backstage.askAgain(id);
  expect((await till.operationOf(id, kind)).status).toBe('UNKNOWN');
  expect(await keysOf(call, id)).toHaveLength(1);
});

test.each(CALLS)('a %s that was made again and arrives twice is booked once', async (call) => {
  const { prepare, ask, done, booked } = MOVEMENTS[call];
  const { id } = await prepare();
  const late = delayed();
  processor.use({ [call]: late.standIn });
  await ask(id);
  processor.use({});
  await backstage.letTimePass(id, 0.5);
  await backstage.askAgain(id);
  await until(async () => (await keysOf(call, id)).length === 2);
  await until(async () => (await till.operationOf(id, MOVEMENTS[call].kind)).status === 'COMPLETED');
  await late.arrive();
  await backstage.notify(id, MOVEMENTS[call].kind);
  expect(await till.read(id)).toMatchObject(done);
  expect(await backstage.charges(id)).toEqual([booked]);
});

test.each(CALLS)(
  'a %s whose own call is still under way when an inquiry finds it done takes effect once',
  async (call) => {
    const { kind, prepare, ask, done, booked } = MOVEMENTS[call];
    const { id } = await prepare();
    const own = halted<object>();
    processor.use({ [call]: own.standIn });
    const asking = ask(id);
    await own.done;
    await backstage.notify(id, kind);
    const found = await till.read(id);
    expect(found).toMatchObject(done);
    own.release();
    await asking;
    expect(await till.read(id)).toEqual(found);
    expect(await backstage.charges(id)).toEqual([booked]);
  },
);

test.each(CALLS)('a %s that recovery finds refused is refused, as if the processor had answered so', async (call) => {
  const { prepare, ask, untouched } = MOVEMENTS[call];
  const { id, status } = await prepare();
  processor.use({
    [call]: lost,
    lookUpMovement: answers({ kind: 'failed', reference: null, code: 'refused', message: 'Refused.' }),
  });
  await ask(id);
  await backstage.askAgain(id);
  expect(await till.read(id)).toMatchObject({ status, amountRefundPending: { amount: 0 }, cancelRequestedAt: null });
  processor.use({});
  await backstage.letTimePass(id, 0.5);
  expect(await backstage.charges(id)).toEqual([untouched]);
  expect(await keysOf(call, id)).toHaveLength(1);
});

test('past the time for which the processor knows its keys nothing is made again: an operator is told', async () => {
  const { id } = await till.pay();
  processor.use({ refund: lost });
  only(await till.refund({ paymentId: id }), 'RefundPaymentPayload');
  await backstage.letTimePass(id, 31 * 24);
  await backstage.askAgain(id);
  expect((await till.operationOf(id, 'REFUND')).status).toBe('RAISED');
  expect(await keysOf('refund', id)).toHaveLength(1);
});

test('a void that is planned, and not needed any more when its turn comes, is never made', async () => {
  processor.use({
    charge: doneThenLost,
    void: lost,
  });
  const { id } = await till.pay();
  only(await till.cancel({ paymentId: id }), 'CancelPaymentPayload');
  await backstage.askAgain(id);
  expect(await till.read(id)).toMatchObject({ status: 'SUCCEEDED', cancelRequestedAt: null });
  expect((await till.operationsOf(id)).filter(({ kind }) => kind === 'VOID')).toEqual([]);
});
