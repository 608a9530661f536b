import { beforeEach, expect, test } from 'vitest';
import { Backstage } from '../harness/backstage.ts';
import { only, useGateway } from '../harness/gateway.ts';
import { Interposed } from '../harness/interposed.ts';
import { answers, doneThenLost, halted, lost } from '../harness/stand-ins.ts';
import { card, Till } from '../harness/till.ts';

/** What a processor has accepted, and what it says of it later, or never. */

const processor = new Interposed();
const gateway = useGateway({ sandbox: { interpose: processor } });
const till = new Till(gateway);
const backstage = new Backstage(gateway);

const ACTION = {
  kind: 'action_required',
  reference: 'ch_1',
  url: 'https://processor.example/3ds',
  expiresAt: new Date(Date.now() + 7 * 24 * 3_600_000),
} as const;
const PENDING = { kind: 'pending', reference: 'ch_1' } as const;

const soon = (minutes: number) => new Date(Date.now() + minutes * 60_000).toISOString();

beforeEach(() => processor.use({}));

test('one look that is lost does not raise what was accepted, however old it is', async () => {
  processor.use({ charge: answers(PENDING), lookUpCharge: lost });
  const { id } = await till.pay();
  await backstage.letTimePass(id, 25);
  expect((await till.operationOf(id, 'CHARGE')).status).toBe('PENDING');
});

test('what the processor had accepted and has no trace of is raised once it no longer knows its keys', async () => {
  processor.use({ charge: answers(PENDING), lookUpCharge: answers({ kind: 'not_found' }) });
  const { id } = await till.pay();
  await backstage.letTimePass(id, 29 * 24);
  expect((await till.operationOf(id, 'CHARGE')).status).toBe('PENDING');
  await backstage.letTimePass(id, 2 * 24);
  expect((await till.operationOf(id, 'CHARGE')).status).toBe('RAISED');
});

test('a charge that an operator says failed is not tried again by itself, and is looked for once more', async () => {
  await till.setRetrySchedule(1);
  processor.use({ charge: doneThenLost, lookUpCharge: lost });
  const { id } = await till.pay();
  await backstage.letTimePass(id, 25);
  const { id: operationId } = await till.operationOf(id, 'CHARGE');
  only(await till.resolve({ operationId, outcome: 'FAILED', note: 'Not found.' }), 'ResolveOperationPayload');
  expect((await till.read(id)).status).toBe('FAILED');
  processor.use({});
  await backstage.letTimePass(id, 2);
  expect(await till.read(id)).toMatchObject({ status: 'SUCCEEDED', attempts: [{ flag: 'LATE_SUCCESS_ADOPTED' }] });
  await till.setRetrySchedule();
});

test('a payer who takes days is waited for: looks that are lost in between change nothing', async () => {
  processor.use({ charge: answers(ACTION), lookUpCharge: lost });
  const { id } = await till.pay();
  await backstage.letTimePass(id, 25);
  processor.use({ lookUpCharge: answers(ACTION) });
  await backstage.letTimePass(id, 1);
  expect(await till.read(id)).toMatchObject({
    status: 'REQUIRES_ACTION',
    nextAction: { redirectUrl: ACTION.url },
    attempts: [{ status: 'REQUIRES_ACTION' }],
  });
});

test('the payer has acted: an answer from before, that they must, comes too late', async () => {
  processor.use({ charge: answers(ACTION) });
  const { id } = await till.pay();
  const slow = halted<typeof ACTION>();
  processor.use({ lookUpCharge: (request) => slow.standIn(request, () => Promise.resolve(ACTION)) });
  const asking = backstage.notify(id, 'CHARGE');
  await slow.done;
  processor.use({ lookUpCharge: answers(PENDING) });
  await backstage.notify(id, 'CHARGE');
  slow.release();
  await asking;
  expect(await till.read(id)).toMatchObject({ status: 'PROCESSING', nextAction: null });
});

test('a refund that was told as failed and was made after all is reported', async () => {
  const { id } = await till.pay();
  processor.use({ refund: doneThenLost, lookUpMovement: lost });
  only(await till.refund({ paymentId: id }), 'RefundPaymentPayload');
  await backstage.letTimePass(id, 25);
  const { id: operationId } = await till.operationOf(id, 'REFUND');
  only(await till.resolve({ operationId, outcome: 'FAILED', note: 'Not found.' }), 'ResolveOperationPayload');
  processor.use({});
  await backstage.notify(id, 'REFUND');
  expect((await till.read(id)).refundStatus).toBe('FAILED');
  expect(gateway().logged.filter(({ msg }) => String(msg).includes('was done after all'))).toHaveLength(1);
});

test('a last capture whose acceptance was lost, and that failed: FAILED, and nothing is held any more', async () => {
  const { id } = await till.payWith('4000000000001091', { captureMethod: 'MANUAL' });
  processor.use({ capture: doneThenLost, lookUpMovement: lost });
  only(await till.capture({ paymentId: id, final: true }), 'CapturePaymentPayload');
  const notPaid = { kind: 'failed', reference: 'mv_1', code: 'not_paid', message: 'Not paid.' } as const;
  processor.use({ lookUpMovement: answers(notPaid) });
  await backstage.letTimePass(id, 1);
  expect(await till.read(id)).toMatchObject({ status: 'FAILED', maximumCapturable: { amount: 0 } });
  // The log tells of every state: it was accepted before it failed.
  expect((await till.eventTypes(id)).slice(-3)).toEqual(['PAYMENT_CAPTURED', 'CAPTURE_FAILED', 'PAYMENT_FAILED']);
});

test('a capture that the processor refused was never accepted: the authorisation stays', async () => {
  const { id } = await till.authorize();
  processor.use({ capture: answers({ kind: 'failed', reference: null, code: 'no', message: 'No.' }) });
  only(await till.capture({ paymentId: id, final: true }), 'CapturePaymentPayload');
  processor.use({});
  expect(await till.read(id)).toMatchObject({ status: 'AUTHORIZED', maximumCapturable: { amount: 4999 } });
});

test('nothing is charged after its end: neither at its date, nor when it is active again, nor by hand', async () => {
  const input = { paymentDate: soon(30), expiresAt: soon(60), process: false, card: card(), active: false };
  const { id } = await till.pay(input);
  await gateway().app.gateway.database.pool.query(
    `UPDATE payment SET payment_date = now() - interval '2 hours', expires_at = now() - interval '1 hour',
       due_at = now() + interval '1 hour' WHERE 'pay_' || id = $1`,
    [id],
  );
  const refused = only(await till.process({ paymentId: id }), 'InvalidInputError');
  expect(refused.message).toBe('The payment has expired.');
  await till.update({ paymentId: id, active: true });
  await backstage.letFallDue(id);
  await backstage.letFallDue(id);
  expect(await till.read(id)).toMatchObject({ status: 'EXPIRED', attempts: [] });
});
