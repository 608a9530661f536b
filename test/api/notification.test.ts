import { beforeEach, expect, test } from 'vitest';
import { decline } from '../../src/domain/decline.ts';
import { receiveNotification } from '../../src/due/notifications.ts';
import type { ChargeOutcome } from '../../src/processors/port.ts';
import { Backstage } from '../harness/backstage.ts';
import { only, useGateway } from '../harness/gateway.ts';
import { Interposed } from '../harness/interposed.ts';
import { countRows } from '../harness/rows.ts';
import { answers, halted, lost } from '../harness/stand-ins.ts';
import { card, Till } from '../harness/till.ts';
import { until } from '../harness/until.ts';

/** A notification is a reason to look, and nothing else: it may come twice, late, out of order, or not at all. */

const processor = new Interposed();
/** Nothing that is unknown or pending is asked about before a test has it asked, however slow the machine is. */
const gateway = useGateway({ sandbox: { interpose: processor }, settings: { recoveryDelayMs: 30_000 } });
const till = new Till(gateway);
const backstage = new Backstage(gateway);

beforeEach(() => {
  processor.use({});
  processor.notifies = true;
});

const APPROVED = {
  kind: 'approved',
  reference: 'ch',
  networkTransactionId: null,
  captured: false,
  expiresAt: null,
  settledAt: null,
} as const;
const failed = { kind: 'failed', reference: 'mv', code: 'stale', message: 'An old answer.' } as const;

test.each(['CHARGE', 'CAPTURE', 'REFUND', 'VOID'] as const)(
  'a %s that is told three times at once changes nothing twice',
  async (kind) => {
    const { id } = kind === 'VOID' || kind === 'CAPTURE' ? await till.authorize() : await till.pay();
    if (kind === 'CAPTURE') only(await till.capture({ paymentId: id }), 'CapturePaymentPayload');
    if (kind === 'REFUND') only(await till.refund({ paymentId: id }), 'RefundPaymentPayload');
    if (kind === 'VOID') only(await till.cancel({ paymentId: id }), 'CancelPaymentPayload');
    const payment = await till.read(id);
    const before = await countRows(gateway());
    await Promise.all([1, 2, 3].map(() => backstage.notify(id, kind)));
    await backstage.notify(id, kind);
    expect(await till.read(id)).toEqual(payment);
    expect(await countRows(gateway())).toEqual(before);
  },
);

test('a pending charge that is told three times at once succeeds once', async () => {
  processor.notifies = false;
  const { id } = await till.payWith('4000000000001018');
  expect((await till.read(id)).status).toBe('PROCESSING');
  await until(async () => (await backstage.charges(id))[0]?.status === 'approved');
  await Promise.all([1, 2, 3].map(() => backstage.notify(id, 'CHARGE')));
  expect((await till.read(id)).captures).toHaveLength(1);
  expect(await till.eventTypes(id)).toEqual(['PAYMENT_CREATED', 'PAYMENT_PROCESSING', 'PAYMENT_SUCCEEDED']);
});

test('notifications that never come: recovery finds the result', async () => {
  processor.notifies = false;
  const { id } = await till.payWith('4000000000001018');
  await until(async () => (await backstage.charges(id))[0]?.status === 'approved');
  await backstage.askAgain(id);
  expect((await till.read(id)).status).toBe('SUCCEEDED');
});

test('a notification about a charge that is still under way takes effect before its own answer', async () => {
  const own = halted<ChargeOutcome>();
  processor.use({ charge: own.standIn });
  const { id } = await till.pay({ process: false });
  const processing = till.process({ paymentId: id });
  await own.done;
  await backstage.notify(id, 'CHARGE');
  const told = await till.read(id);
  expect(told.status).toBe('SUCCEEDED');
  own.release();
  expect(only(await processing, 'ProcessPaymentPayload').payment).toEqual(told);
});

test('a decline that is told after the success is old: nothing changes', async () => {
  const paid = await till.pay();
  processor.use({
    lookUpCharge: answers({ kind: 'declined', reference: 'ch', decline: decline('generic_decline') }),
  });
  await backstage.notify(paid.id, 'CHARGE');
  expect(await till.read(paid.id)).toEqual(paid);
});

test.each(['pending', 'not_found'] as const)(
  '%s that is told after the success is old: nothing changes',
  async (kind) => {
    const paid = await till.pay();
    const refunded = only(await till.refund({ paymentId: paid.id, amount: 100 }), 'RefundPaymentPayload').payment;
    const answer = kind === 'pending' ? ({ kind, reference: 'old' } as const) : ({ kind } as const);
    processor.use({ lookUpCharge: answers(answer), lookUpMovement: answers(answer) });
    await backstage.notify(paid.id, 'CHARGE');
    await backstage.notify(paid.id, 'REFUND');
    expect(await till.read(paid.id)).toEqual(refunded);
  },
);

test('a notification about what the processor could not be asked is not taken: it comes again', async () => {
  const paid = await till.pay();
  processor.use({ lookUpCharge: lost });
  await expect(backstage.notify(paid.id, 'CHARGE')).rejects.toThrow(/could not be looked up/);
  expect(await till.read(paid.id)).toEqual(paid);
});

test('a look that was put down while the processor was being asked is not called off by that answer', async () => {
  const { id } = await till.authorize();
  const older = halted<ChargeOutcome>();
  const questions = [() => older.standIn(undefined, answers(APPROVED))];
  const voided = answers({ kind: 'voided', reference: 'ch' });
  processor.use({ void: answers(failed), lookUpCharge: () => (questions.pop() ?? voided)() });
  const notifying = backstage.notify(id, 'CHARGE');
  await older.done;
  // It was voided elsewhere meanwhile. There is nothing to void any more: why not, the charge is to be asked.
  only(await till.cancel({ paymentId: id }), 'CancelPaymentPayload');
  older.release();
  await notifying;
  await until(async () => (await till.read(id)).status !== 'AUTHORIZED');
  expect(await till.read(id)).toMatchObject({ status: 'CANCELED', attempts: [{ status: 'CANCELED' }] });
});

test('a success that is told after the decline is a late success, and not lost', async () => {
  const { id } = await till.payWith('4000000000000119');
  processor.use({
    lookUpCharge: answers({ ...APPROVED, captured: true }),
  });
  await backstage.notify(id, 'CHARGE');
  expect(await till.read(id)).toMatchObject({ status: 'SUCCEEDED', attempts: [{ flag: 'LATE_SUCCESS_ADOPTED' }] });
});

test('a failure of a void that had succeeded, or of a refund that had failed, is old', async () => {
  const { id: voided } = await till.authorize();
  const canceled = only(await till.cancel({ paymentId: voided }), 'CancelPaymentPayload').payment;
  const { id: paid } = await till.pay();
  processor.use({ refund: answers(failed), lookUpMovement: answers(failed) });
  const unrefunded = only(await till.refund({ paymentId: paid }), 'RefundPaymentPayload').payment;
  expect(unrefunded).toMatchObject({ refundStatus: 'FAILED', maximumRefundable: { amount: 4999 } });
  await backstage.notify(voided, 'VOID');
  await backstage.notify(paid, 'REFUND');
  expect(await till.read(voided)).toEqual(canceled);
  expect(await till.read(paid)).toEqual(unrefunded);
});

test('a refund that is told as done after it was told as returned stays returned', async () => {
  const { id } = await till.pay();
  only(await till.refund({ paymentId: id }), 'RefundPaymentPayload');
  processor.use({ lookUpMovement: answers(failed) });
  await backstage.notify(id, 'REFUND');
  const returned = await till.read(id);
  expect(returned).toMatchObject({ refundStatus: 'FAILED', refunds: [{ status: 'FAILED' }] });
  processor.use({});
  await backstage.notify(id, 'REFUND');
  expect(await till.read(id)).toEqual(returned);
});

test('the notification of an earlier attempt changes nothing about a later one', async () => {
  const { id } = await till.payWith('4000000000000002');
  const paid = only(await till.process({ paymentId: id, card: card() }), 'ProcessPaymentPayload').payment;
  await backstage.notify(id, 'CHARGE');
  expect(await till.read(id)).toEqual(paid);
});

test('a notification about what is not known is not taken: it comes again', async () => {
  const { rows } = await gateway().app.gateway.database.pool.query<{ id: string }>(
    'SELECT id FROM environment LIMIT 1',
  );
  const notification = { processor: 'sandbox', merchant: rows[0]?.id ?? '', key: 'nobody knows this key' };
  await expect(receiveNotification(gateway().app.gateway, notification)).rejects.toThrow(/not known yet/);
});
