import { randomUUID } from 'node:crypto';
import { beforeEach, expect, test } from 'vitest';
import type { OperationKind } from '../../generated/operations/graphql.ts';
import { Backstage } from '../harness/backstage.ts';
import { only, useGateway } from '../harness/gateway.ts';
import { Interposed } from '../harness/interposed.ts';
import { doneThenLost, lost } from '../harness/stand-ins.ts';
import { Till } from '../harness/till.ts';
import { until } from '../harness/until.ts';

/** What nobody can find out is raised, and an operator settles it. */

const processor = new Interposed();
const gateway = useGateway({ sandbox: { interpose: processor } });
const till = new Till(gateway);
const backstage = new Backstage(gateway);

const NOTE = "Found in the processor's dashboard.";

beforeEach(() => processor.use({}));

/** The processor takes what it is asked for, and never says what became of it. */
function fallSilent(): void {
  processor.use({
    charge: doneThenLost,
    capture: doneThenLost,
    void: doneThenLost,
    refund: doneThenLost,
    lookUpCharge: lost,
    lookUpMovement: lost,
  });
}

/** The operation, once it was looked for in vain for more than a day. */
async function raised(paymentId: string, kind: OperationKind) {
  await backstage.letTimePass(paymentId, 25);
  const operation = await till.operationOf(paymentId, kind);
  expect(operation.status).toBe('RAISED');
  return operation;
}

async function raisedCharge(input: Parameters<Till['pay']>[0] = {}) {
  fallSilent();
  const { id } = await till.pay(input);
  return { id, operationId: (await raised(id, 'CHARGE')).id, processorReference: await backstage.chargeReference(id) };
}

async function resolve(input: Parameters<Till['resolve']>[0]) {
  return only(await till.resolve(input), 'ResolveOperationPayload').operation;
}

test('before its time it is UNKNOWN, and counted as such', async () => {
  fallSilent();
  const before = await till.recovery();
  const { id } = await till.pay();
  await backstage.letTimePass(id, 23);
  expect((await till.operationOf(id, 'CHARGE')).status).toBe('UNKNOWN');
  const after = await till.recovery();
  expect([after.unknown - before.unknown, after.raised - before.raised]).toEqual([1, 0]);
  expect(after.oldestUnknownAgeSeconds).toBeGreaterThanOrEqual(23 * 3_600);
  expect(await till.operations({ status: ['UNKNOWN'], kind: ['CHARGE'] })).toMatchObject([{ payment: { id } }]);
  processor.use({});
  await backstage.askAgain(id);
  expect(await till.recovery()).toEqual(before);
});

test('after a day it is RAISED: it is listed, counted, logged, and its payment stays as it is', async () => {
  const { id, operationId } = await raisedCharge();
  expect(await till.read(id)).toMatchObject({ status: 'PROCESSING', decline: null, attempts: [{ status: 'UNKNOWN' }] });
  const listed = await till.operations({ status: ['RAISED'] });
  expect(listed.map((operation) => operation.id)).toContain(operationId);
  const recovery = await till.recovery();
  expect(recovery.raised).toBeGreaterThan(0);
  expect(recovery.oldestUnknownAgeSeconds).toBeGreaterThanOrEqual(25 * 3_600);
  expect(Date.parse(recovery.oldestUnknownSince ?? '')).toBeLessThan(Date.now() - 25 * 3_600_000);
  const lines = gateway().logged.filter((line) => JSON.stringify(line).includes(operationId.slice(3)));
  expect(lines.filter(({ msg }) => String(msg).includes('resolve it'))).toHaveLength(1);
});

test('it is still asked about, hourly, and settled when the processor is heard', async () => {
  const { id } = await raisedCharge();
  processor.use({});
  await backstage.letTimePass(id, 0.5);
  expect((await till.operationOf(id, 'CHARGE')).status).toBe('RAISED');
  await backstage.letTimePass(id, 0.6);
  expect((await till.operationOf(id, 'CHARGE')).status).toBe('COMPLETED');
  expect((await till.read(id)).status).toBe('SUCCEEDED');
});

test('a charge that was made: SUCCEEDED, with the reference that refunds need; who said so is kept', async () => {
  const { id, operationId, processorReference } = await raisedCharge();
  const resolved = await resolve({ operationId, outcome: 'SUCCEEDED', processorReference, note: NOTE });
  const { rows } = await gateway().app.gateway.database.pool.query<{ id: string }>(
    `SELECT 'key_' || id AS id FROM api_key WHERE name = 'test'`,
  );
  expect(resolved).toMatchObject({
    status: 'COMPLETED',
    processorReference,
    resolutions: [{ outcome: 'SUCCEEDED', processorReference, note: NOTE, createdBy: rows[0]?.id }],
  });
  expect(await till.read(id)).toMatchObject({
    status: 'SUCCEEDED',
    amountCaptured: { amount: 4999 },
    attempts: [{ status: 'SUCCEEDED', flag: null }],
    captures: [{ status: 'SUCCEEDED' }],
  });
  processor.use({});
  expect(only(await till.refund({ paymentId: id }), 'RefundPaymentPayload').refund.status).toBe('SUCCEEDED');
  expect(await backstage.standing(id)).toEqual([]);
});

test('a charge with manual capture that was made: AUTHORIZED, and it can be captured', async () => {
  const { id, operationId, processorReference } = await raisedCharge({ captureMethod: 'MANUAL' });
  await resolve({ operationId, outcome: 'SUCCEEDED', processorReference, note: NOTE });
  expect((await till.read(id)).status).toBe('AUTHORIZED');
  processor.use({});
  expect(only(await till.capture({ paymentId: id }), 'CapturePaymentPayload').payment.status).toBe('SUCCEEDED');
});

test('a charge that someone wanted canceled meanwhile, and that was made: it is voided', async () => {
  const { id, operationId, processorReference } = await raisedCharge({ captureMethod: 'MANUAL' });
  only(await till.cancel({ paymentId: id }), 'CancelPaymentPayload');
  processor.use({});
  await resolve({ operationId, outcome: 'SUCCEEDED', processorReference, note: NOTE });
  await until(async () => (await till.read(id)).status === 'CANCELED');
  expect(await backstage.standing(id)).toEqual([]);
});

test('a charge that was not made: FAILED, and it can be processed again', async () => {
  processor.use({ charge: lost, lookUpCharge: lost });
  const { id } = await till.pay();
  const { id: operationId } = await raised(id, 'CHARGE');
  const resolved = await resolve({ operationId, outcome: 'FAILED', note: NOTE });
  expect(resolved.resolutions).toMatchObject([{ outcome: 'FAILED', processorReference: null }]);
  expect(await till.read(id)).toMatchObject({ status: 'FAILED', attempts: [{ status: 'FAILED' }] });
  processor.use({});
  const again = only(await till.process({ paymentId: id }), 'ProcessPaymentPayload').payment;
  expect(again.status).toBe('SUCCEEDED');
  expect(await backstage.standing(id)).toEqual([4999]);
});

test('the operator was wrong, and the processor says so later: the charge is taken on as a late success', async () => {
  const { id, operationId } = await raisedCharge();
  await resolve({ operationId, outcome: 'FAILED', note: NOTE });
  processor.use({});
  await backstage.notify(id, 'CHARGE');
  expect(await till.read(id)).toMatchObject({ status: 'SUCCEEDED', attempts: [{ flag: 'LATE_SUCCESS_ADOPTED' }] });
});

test('the operator was wrong, and it was paid otherwise since: the first charge is given back', async () => {
  const { id, operationId } = await raisedCharge();
  await resolve({ operationId, outcome: 'FAILED', note: NOTE });
  processor.use({});
  only(await till.process({ paymentId: id }), 'ProcessPaymentPayload');
  await backstage.notify(id, 'CHARGE');
  expect((await till.read(id)).attempts).toMatchObject([{ flag: 'LATE_SUCCESS_RETURNED' }, { flag: null }]);
  expect(await backstage.standing(id)).toEqual([4999]);
});

test.each([
  ['SUCCEEDED', { status: 'SUCCEEDED', amountCaptured: { amount: 4999 }, captures: [{ status: 'SUCCEEDED' }] }],
  ['FAILED', { status: 'AUTHORIZED', amountCaptured: { amount: 0 }, captures: [{ status: 'FAILED' }] }],
] as const)('a capture: %s', async (outcome, expected) => {
  const { id } = await till.authorize();
  fallSilent();
  only(await till.capture({ paymentId: id }), 'CapturePaymentPayload');
  const { id: operationId } = await raised(id, 'CAPTURE');
  await resolve({ operationId, outcome, processorReference: 'mv_found', note: NOTE });
  expect(await till.read(id)).toMatchObject(expected);
});

test.each([
  ['SUCCEEDED', { refundStatus: 'REFUNDED', amountRefunded: { amount: 4999 }, refunds: [{ status: 'SUCCEEDED' }] }],
  ['FAILED', { refundStatus: 'FAILED', maximumRefundable: { amount: 4999 }, refunds: [{ status: 'FAILED' }] }],
] as const)('a refund: %s', async (outcome, expected) => {
  const { id } = await till.pay();
  fallSilent();
  only(await till.refund({ paymentId: id }), 'RefundPaymentPayload');
  const { id: operationId } = await raised(id, 'REFUND');
  await resolve({ operationId, outcome, processorReference: 'mv_found', note: NOTE });
  expect(await till.read(id)).toMatchObject(expected);
});

test.each([
  ['SUCCEEDED', { status: 'CANCELED', cancelRequestedAt: null }],
  ['FAILED', { status: 'AUTHORIZED', cancelRequestedAt: null, maximumCapturable: { amount: 4999 } }],
] as const)('a void: %s', async (outcome, expected) => {
  const { id } = await till.authorize();
  fallSilent();
  only(await till.cancel({ paymentId: id }), 'CancelPaymentPayload');
  const { id: operationId } = await raised(id, 'VOID');
  await resolve({ operationId, outcome, processorReference: 'mv_found', note: NOTE });
  expect(await till.read(id)).toMatchObject(expected);
});

test('the same request again is replayed, and kept once; with another input it is refused', async () => {
  const { id, operationId, processorReference } = await raisedCharge();
  const input = {
    idempotencyKey: randomUUID(),
    operationId,
    outcome: 'SUCCEEDED',
    processorReference,
    note: NOTE,
  } as const;
  const first = only(await till.resolve(input), 'ResolveOperationPayload');
  const paid = await till.read(id);
  const again = only(await till.resolve(input), 'ResolveOperationPayload');
  expect(again).toEqual({ ...first, replayed: true });
  expect(await till.read(id)).toEqual(paid);
  const other = only(await till.resolve({ ...input, outcome: 'FAILED' }), 'IdempotencyKeyReusedError');
  expect(other.path).toEqual(['input', 'idempotencyKey']);
  const late = only(await till.resolve({ ...input, idempotencyKey: randomUUID() }), 'InvalidInputError');
  expect(late).toMatchObject({ path: ['input', 'operationId'], message: expect.stringContaining('COMPLETED') });
});
