import { beforeEach, expect, test } from 'vitest';
import { Backstage } from '../harness/backstage.ts';
import { only, useGateway } from '../harness/gateway.ts';
import { Interposed } from '../harness/interposed.ts';
import { answers, lost } from '../harness/stand-ins.ts';
import { Till } from '../harness/till.ts';

/** The payer has to act, and does so just when their time is over. */

const processor = new Interposed();
/** Nothing that is unknown or pending is asked about before a test has it asked, however slow the machine is. */
const gateway = useGateway({ sandbox: { interpose: processor }, settings: { recoveryDelayMs: 30_000 } });
const till = new Till(gateway);
const backstage = new Backstage(gateway);

const refused = { kind: 'failed', reference: null, code: 'not_yet', message: 'Not now.' } as const;

beforeEach(() => processor.use({}));

/** A payment that waits for its payer. The sandbox has made the charge already, so that the payer's act is there to find. */
async function waiting(captureMethod: 'AUTOMATIC' | 'MANUAL') {
  processor.use({
    charge: async (_, pass) => {
      const made = await pass();
      const reference = 'reference' in made ? (made.reference ?? '') : '';
      const expiresAt = new Date(Date.now() + 600_000);
      return { kind: 'action_required', reference, url: 'https://bank.example/3ds', expiresAt };
    },
  });
  const payment = await till.pay({ captureMethod });
  expect(payment).toMatchObject({
    status: 'REQUIRES_ACTION',
    nextAction: { redirectUrl: 'https://bank.example/3ds', expiresAt: expect.any(String) },
    attempts: [{ status: 'REQUIRES_ACTION' }],
  });
  processor.use({});
  return payment.id;
}

test('the payer does not act: the charge is voided, EXPIRED', async () => {
  const id = await waiting('MANUAL');
  await backstage.letFallDue(id);
  expect(await till.read(id)).toMatchObject({ status: 'EXPIRED', nextAction: null, attempts: [{ status: 'EXPIRED' }] });
  expect(await till.operationsOf(id)).toMatchObject([
    { kind: 'CHARGE', status: 'COMPLETED' },
    { kind: 'VOID', status: 'COMPLETED' },
  ]);
});

test('the payer is canceled: the charge is voided, CANCELED', async () => {
  const id = await waiting('MANUAL');
  const canceled = only(await till.cancel({ paymentId: id }), 'CancelPaymentPayload').payment;
  expect(canceled).toMatchObject({ status: 'CANCELED', nextAction: null });
});

test('the payer acts in time', async () => {
  const id = await waiting('AUTOMATIC');
  await backstage.notify(id, 'CHARGE');
  await backstage.letFallDue(id);
  expect(await till.read(id)).toMatchObject({ status: 'SUCCEEDED', nextAction: null });
});

test('the payer has acted before the void: it is refused, and the charge says that it succeeded', async () => {
  const id = await waiting('AUTOMATIC');
  // It was captured: the sandbox itself refuses the void. The charge is asked about at once, by the gateway's own round.
  processor.use({ lookUpCharge: lost });
  await backstage.letFallDue(id);
  expect(await till.read(id)).toMatchObject({ status: 'REQUIRES_ACTION', expiryRequestedAt: null });
  processor.use({});
  await backstage.askAgain(id);
  expect(await till.read(id)).toMatchObject({ status: 'SUCCEEDED', amountCaptured: { amount: 4999 } });
  expect(await backstage.standing(id)).toEqual([4999]);
});

test('the void is refused while the payer may still act: their time stays, and it is asked again an hour later', async () => {
  const id = await waiting('MANUAL');
  processor.use({ void: answers(refused), lookUpCharge: lost });
  await backstage.letFallDue(id);
  const { nextAction } = await till.read(id);
  expect(Date.parse(nextAction?.expiresAt ?? '')).toBeLessThanOrEqual(Date.now());
  expect(Math.abs(((await backstage.dueInMs(id)) ?? 0) - 3_600_000)).toBeLessThan(30_000);
  processor.use({ lookUpCharge: lost });
  await backstage.letFallDue(id);
  expect(await till.read(id)).toMatchObject({ status: 'EXPIRED', nextAction: null });
});

test('what was postponed is over with the state that it was postponed in', async () => {
  const id = await waiting('MANUAL');
  processor.use({ void: answers(refused), lookUpCharge: lost });
  await backstage.letFallDue(id);
  const inTenMinutes = new Date(Date.now() + 600_000);
  processor.use({
    lookUpCharge: answers({
      kind: 'approved',
      reference: 'ch',
      networkTransactionId: null,
      captured: false,
      expiresAt: inTenMinutes,
      settledAt: null,
    }),
  });
  await backstage.askAgain(id);
  expect(await till.read(id)).toMatchObject({
    status: 'AUTHORIZED',
    authorizationExpiresAt: inTenMinutes.toISOString(),
  });
  expect(await backstage.dueInMs(id)).toBeLessThanOrEqual(600_000);
});

test('the payer has acted, and the void was quicker to hold: EXPIRED, and nothing is held', async () => {
  const id = await waiting('MANUAL');
  processor.use({ void: lost });
  await backstage.letFallDue(id);
  await backstage.notify(id, 'CHARGE');
  expect(await till.read(id)).toMatchObject({ status: 'AUTHORIZED', expiryRequestedAt: expect.any(String) });
  processor.use({});
  await backstage.letTimePass(id, 0.5);
  await backstage.askAgain(id);
  expect(await till.read(id)).toMatchObject({ status: 'EXPIRED', maximumCapturable: { amount: 0 } });
  expect((await till.operationsOf(id)).filter(({ kind }) => kind === 'VOID')).toHaveLength(1);
  expect(await backstage.standing(id)).toEqual([]);
});

test('the payer has acted while the void was on its way, and the void came too late: SUCCEEDED wins', async () => {
  const id = await waiting('AUTOMATIC');
  processor.use({ void: lost });
  await backstage.letFallDue(id);
  await backstage.notify(id, 'CHARGE');
  const paid = await till.read(id);
  expect(paid).toMatchObject({ status: 'SUCCEEDED', expiryRequestedAt: null });
  expect((await till.eventTypes(id)).slice(-2)).toEqual(['PAYMENT_SUCCEEDED', 'PAYMENT_EXPIRY_REFUSED']);
  processor.use({});
  await backstage.letTimePass(id, 0.5);
  await backstage.askAgain(id);
  expect(await till.read(id)).toEqual(paid);
  expect((await till.operationOf(id, 'VOID')).status).toBe('COMPLETED');
  expect(await backstage.standing(id)).toEqual([4999]);
});

test('the processor voids what was captured, as long as it was not settled: the capture is told as taken back', async () => {
  const id = await waiting('AUTOMATIC');
  processor.use({ void: lost });
  await backstage.letFallDue(id);
  await backstage.notify(id, 'CHARGE');
  processor.use({
    lookUpMovement: answers({ kind: 'succeeded', reference: 'mv_void', settledAt: null }),
    lookUpCharge: answers({ kind: 'voided', reference: 'ch' }),
  });
  await backstage.askAgain(id);
  await backstage.askAgain(id);
  expect(await till.read(id)).toMatchObject({
    status: 'SUCCEEDED',
    amountReversed: { amount: 4999 },
    maximumRefundable: { amount: 0 },
    captures: [{ status: 'SUCCEEDED', reversal: { failureCode: 'voided' } }],
  });
});

test('the payer came back and the processor has not decided: PROCESSING, until it does', async () => {
  const id = await waiting('AUTOMATIC');
  processor.use({ lookUpCharge: answers({ kind: 'pending', reference: 'ch' }) });
  await backstage.notify(id, 'CHARGE');
  expect(await till.read(id)).toMatchObject({
    status: 'PROCESSING',
    nextAction: null,
    attempts: [{ status: 'PENDING' }],
  });
  processor.use({});
  await backstage.notify(id, 'CHARGE');
  expect((await till.read(id)).status).toBe('SUCCEEDED');
});

test('the processor says that the payer was too late: EXPIRED', async () => {
  const id = await waiting('MANUAL');
  processor.use({ lookUpCharge: answers({ kind: 'expired', reference: 'ch' }) });
  await backstage.notify(id, 'CHARGE');
  expect(await till.read(id)).toMatchObject({ status: 'EXPIRED', nextAction: null, attempts: [{ status: 'EXPIRED' }] });
});
