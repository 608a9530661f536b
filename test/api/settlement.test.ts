import { beforeEach, expect, test } from 'vitest';
import { SettlementDocument } from '../../generated/operations/graphql.ts';
import { Backstage } from '../harness/backstage.ts';
import { only, useGateway } from '../harness/gateway.ts';
import { Interposed } from '../harness/interposed.ts';
import { answers, doneThenLost, lost } from '../harness/stand-ins.ts';
import { Till } from '../harness/till.ts';
import { until } from '../harness/until.ts';

/** When a payment's money was paid out: it changes nothing else, whenever and however often it is told. */

const processor = new Interposed();
/** Nothing that is unknown or pending is asked about before a test has it asked, however slow the machine is. */
const gateway = useGateway({ sandbox: { interpose: processor }, settings: { recoveryDelayMs: 30_000 } });
const till = new Till(gateway);
const backstage = new Backstage(gateway);

const AT = new Date('2026-11-01T10:00:00.000Z');
const LATER = new Date('2026-11-02T10:00:00.000Z');
const TAKEN_BACK = '4000000000001109';

const returned = { kind: 'failed', reference: 'mv', code: 'bank_return', message: 'The bank did not pay.' } as const;

beforeEach(() => {
  processor.use({});
  processor.notifies = true;
});

async function read(id: string) {
  const { payment } = await gateway().execute(SettlementDocument, { id });
  if (payment === null) throw new Error(`there is no payment ${id}`);
  return payment;
}

async function capture(paymentId: string, amount?: number, final = false): Promise<string> {
  const input = { paymentId, final, ...(amount !== undefined && { amount }) };
  return only(await till.capture(input), 'CapturePaymentPayload').capture.id;
}

/** The processor says that a capture was paid out. */
async function tellPaidOut(paymentId: string, settledAt: Date): Promise<void> {
  processor.use({ lookUpMovement: answers({ kind: 'succeeded', reference: 'mv', settledAt }) });
  await backstage.notify(paymentId, 'CAPTURE');
  processor.use({});
}

/** When a payment was settled, and how often that was told. */
async function settlementOf(id: string) {
  const { status, settledAt } = await read(id);
  const told = (await till.eventTypes(id)).filter((type) => type === 'PAYMENT_SETTLED').length;
  return { status, settledAt, told };
}

const OPEN = { settledAt: null, told: 0 };

/** One event, and no other status than a payment has that has succeeded. */
const settled = (at: Date | undefined) => ({ status: 'SUCCEEDED', settledAt: at?.toISOString(), told: 1 });

test('a charge: the processor pays it out, and says so', async () => {
  const paid = await till.pay();
  expect(await settlementOf(paid.id)).toMatchObject(OPEN);
  const [at] = await backstage.letSettle(paid.id);
  expect(await settlementOf(paid.id)).toEqual(settled(at));
  expect((await read(paid.id)).captures).toMatchObject([{ settledAt: at?.toISOString() }]);
  expect(await till.read(paid.id)).toEqual({ ...paid, sequence: paid.sequence + 1 });
  expect((await till.eventTypes(paid.id)).at(-1)).toBe('PAYMENT_SETTLED');
});

test('told again, from everywhere at once, it is told once', async () => {
  const { id } = await till.pay();
  processor.notifies = false;
  const [at] = await backstage.payOut(id);
  await Promise.all([1, 2, 3].map(() => backstage.notify(id, 'CHARGE')));
  processor.notifies = true;
  const before = await read(id);
  await backstage.notify(id, 'CHARGE');
  await backstage.letSettle(id);
  expect(await settlementOf(id)).toEqual(settled(at));
  expect(await read(id)).toEqual(before);
});

test('an operation that has ended stays so, and nobody is told of a problem', async () => {
  const { id: charged } = await till.pay();
  const { id: captured } = await till.authorize();
  await capture(captured);
  const reports = gateway().logged.length;
  const before = [...(await till.operationsOf(charged)), ...(await till.operationsOf(captured))];
  await Promise.all([backstage.letSettle(charged), backstage.letSettle(captured)]);
  const after = [...(await till.operationsOf(charged)), ...(await till.operationsOf(captured))];
  expect(after).toEqual(before);
  expect(after.map(({ status }) => status)).toEqual(['COMPLETED', 'COMPLETED', 'COMPLETED']);
  const WARN = 40;
  expect(
    gateway()
      .logged.slice(reports)
      .filter(({ level }) => Number(level) >= WARN),
  ).toEqual([]);
});

test('captures in parts: it is settled with the last of them, and not while more can be captured', async () => {
  const { id } = await till.authorize({ amount: 1000 });
  const first = await capture(id, 300);
  await backstage.letSettle(id, first);
  expect(await settlementOf(id)).toMatchObject(OPEN);
  const last = await capture(id);
  expect(await settlementOf(id)).toMatchObject(OPEN);
  const [at] = await backstage.letSettle(id, last);
  expect(await settlementOf(id)).toEqual(settled(at));
});

test('paid out in another order, the last moment counts', async () => {
  const { id } = await till.authorize({ amount: 1000 });
  const first = await capture(id, 300);
  const second = await capture(id);
  const [last] = await backstage.letSettle(id, second);
  expect(await settlementOf(id)).toMatchObject(OPEN);
  // Long before, and it is told now only.
  await tellPaidOut(id, AT);
  expect(await settlementOf(id)).toEqual(settled(last));
  expect((await read(id)).captures).toMatchObject([
    { id: first, settledAt: AT.toISOString() },
    { id: second, settledAt: last?.toISOString() },
  ]);
});

test.each(['void', 'expiry'])(
  'what is left is let go (%s) after the rest was paid out: now it is settled',
  async (how) => {
    const { id } = await till.authorize({ amount: 1000 });
    const [at] = await backstage.letSettle(id, await capture(id, 300));
    expect(await settlementOf(id)).toMatchObject(OPEN);
    if (how === 'void') only(await till.cancel({ paymentId: id }), 'CancelPaymentPayload');
    else await backstage.letFallDue(id);
    expect(await settlementOf(id)).toEqual(settled(at));
  },
);

test('the last capture fails after the first was paid out: now it is settled', async () => {
  const { id } = await till.authorize({ amount: 1000 });
  const [at] = await backstage.letSettle(id, await capture(id, 300));
  processor.use({ capture: answers({ kind: 'pending', reference: 'mv' }), lookUpMovement: answers(returned) });
  await capture(id);
  expect(await settlementOf(id)).toMatchObject(OPEN);
  const operation = (await till.operationsOf(id)).at(-1);
  expect(operation).toMatchObject({ kind: 'CAPTURE', status: 'PENDING' });
  processor.use({
    lookUpMovement: (request, pass) => (request.reference === 'mv' ? Promise.resolve(returned) : pass()),
  });
  await backstage.notify(id, 'CAPTURE');
  expect(await settlementOf(id)).toEqual(settled(at));
});

test('an answer that was lost is found with its payment out already', async () => {
  processor.use({ charge: doneThenLost, lookUpCharge: lost });
  const { id } = await till.pay();
  processor.notifies = false;
  const [at] = await backstage.payOut(id);
  processor.use({});
  await backstage.askAgain(id);
  expect(await settlementOf(id)).toEqual(settled(at));
  expect((await till.eventTypes(id)).slice(-2)).toEqual(['PAYMENT_SUCCEEDED', 'PAYMENT_SETTLED']);
});

test('a capture whose answer was lost is found paid out already', async () => {
  const { id } = await till.authorize();
  processor.use({ capture: lost, lookUpMovement: lost });
  await capture(id);
  await tellPaidOut(id, AT);
  expect(await settlementOf(id)).toEqual(settled(AT));
});

test('the processor cannot be asked: it says so again, and is asked again', async () => {
  const { id } = await till.pay();
  const asked = Promise.withResolvers<void>();
  processor.use({
    lookUpCharge: () => {
      asked.resolve();
      return lost();
    },
  });
  const [at] = await backstage.payOut(id);
  await asked.promise;
  expect(await settlementOf(id)).toMatchObject(OPEN);
  processor.use({});
  await until(async () => (await read(id)).settledAt !== null);
  expect(await settlementOf(id)).toEqual(settled(at));
});

test('refunded before: it is settled all the same, for refunds are taken off elsewhere', async () => {
  const { id } = await till.pay();
  only(await till.refund({ paymentId: id }), 'RefundPaymentPayload');
  const [at] = await backstage.letSettle(id);
  expect(await settlementOf(id)).toEqual(settled(at));
  expect(await till.read(id)).toMatchObject({ refundStatus: 'REFUNDED', amountRefunded: { amount: 4999 } });
});

test('refunded after: it stays settled', async () => {
  const { id } = await till.pay();
  const [at] = await backstage.letSettle(id);
  only(await till.refund({ paymentId: id, amount: 100 }), 'RefundPaymentPayload');
  expect(await settlementOf(id)).toEqual(settled(at));
});

test('taken back before: it is never settled', async () => {
  const { id } = await till.payWith(TAKEN_BACK);
  await until(async () => {
    // Told so soon after the charge, it may have been put off.
    await backstage.askAgain(id);
    return (await till.read(id)).amountReversed.amount === 4999;
  });
  expect(await backstage.letSettle(id)).toEqual([]);
  expect(await settlementOf(id)).toMatchObject(OPEN);
});

test('taken back after: it stays settled, and the reversal says the rest', async () => {
  const { id } = await till.pay();
  const [at] = await backstage.letSettle(id);
  const reversed = { ...returned, kind: 'reversed', reference: 'ch', networkTransactionId: null } as const;
  processor.use({ lookUpCharge: answers(reversed) });
  await backstage.notify(id, 'CHARGE');
  expect(await settlementOf(id)).toEqual(settled(at));
  expect(await till.read(id)).toMatchObject({ amountReversed: { amount: 4999 } });
});

test('an old answer that it was paid out, after it was taken back, says nothing', async () => {
  const { id } = await till.authorize();
  await capture(id);
  processor.use({ lookUpMovement: answers(returned) });
  await backstage.notify(id, 'CAPTURE');
  await tellPaidOut(id, AT);
  expect(await settlementOf(id)).toMatchObject(OPEN);
  expect((await read(id)).captures).toMatchObject([{ settledAt: null }]);
});

test('one of two captures is taken back: the other one’s payment settles it, in either order', async () => {
  const before = await till.authorize({ amount: 1000 });
  const after = await till.authorize({ amount: 1000 });
  for (const { id } of [before, after]) {
    const lostOne = await capture(id, 300);
    const kept = await capture(id);
    const take = async () => {
      const operations = await till.operationsOf(id);
      const { processorReference } = operations.find(({ kind }) => kind === 'CAPTURE') ?? {};
      processor.use({
        lookUpMovement: (request, pass) =>
          request.reference === processorReference ? Promise.resolve(returned) : pass(),
      });
      await backstage.notify(id, 'CAPTURE');
    };
    if (id === before.id) await take();
    const [at] = await backstage.letSettle(id, kept);
    if (id === after.id) {
      expect(await settlementOf(id)).toMatchObject(OPEN);
      await take();
    }
    expect(await settlementOf(id)).toEqual(settled(at));
    processor.use({});
    expect((await read(id)).captures.find((each) => each.id === lostOne)).toMatchObject({ settledAt: null });
  }
});

test('a later date than the first is no news', async () => {
  const { id } = await till.authorize();
  await capture(id);
  await tellPaidOut(id, AT);
  await tellPaidOut(id, LATER);
  expect(await settlementOf(id)).toEqual(settled(AT));
});

test('a charge that is given back because it came too late settles nothing', async () => {
  const { id } = await till.payWith('4000000000000119');
  only(await till.cancel({ paymentId: id }), 'CancelPaymentPayload');
  processor.use({
    lookUpCharge: answers({
      kind: 'approved',
      reference: 'ch',
      networkTransactionId: null,
      captured: true,
      expiresAt: null,
      settledAt: AT,
    }),
    refund: answers({ kind: 'succeeded', reference: 'mv', settledAt: null }),
  });
  await backstage.notify(id, 'CHARGE');
  await backstage.notify(id, 'CHARGE');
  expect(await till.read(id)).toMatchObject({ status: 'CANCELED', attempts: [{ flag: 'LATE_SUCCESS_RETURNED' }] });
  expect(await settlementOf(id)).toMatchObject(OPEN);
});
