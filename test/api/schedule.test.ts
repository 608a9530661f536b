import { beforeEach, expect, test } from 'vitest';
import { pino } from 'pino';
import { decodeIdOf } from '../../src/domain/ids.ts';
import { startApp } from '../../src/app.ts';
import { Backstage } from '../harness/backstage.ts';
import { only, startGateway, useGateway } from '../harness/gateway.ts';
import { Interposed } from '../harness/interposed.ts';
import { NOW } from '../harness/present.ts';
import { card, Till } from '../harness/till.ts';
import { until } from '../harness/until.ts';

const processor = new Interposed();
const gateway = useGateway({ sandbox: { interpose: processor } });
const till = new Till(gateway);
const backstage = new Backstage(gateway);

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

beforeEach(() => processor.use({}));

function inMs(ms: number): string {
  return new Date(Date.now() + ms).toISOString();
}

async function schedule(input: Parameters<Till['pay']>[0] = {}) {
  return till.pay({ process: false, paymentDate: inMs(HOUR_MS), ...input });
}

async function update(input: Parameters<Till['update']>[0]) {
  return only(await till.update(input), 'UpdatePaymentPayload').payment;
}

test('a payment with a date is SCHEDULED, and nothing is asked of a processor', async () => {
  const paymentDate = inMs(HOUR_MS);
  const calls = processor.calls.length;
  const scheduled = await schedule({ paymentDate });
  expect(scheduled).toMatchObject({ status: 'SCHEDULED', paymentDate, attempts: [] });
  await backstage.runDuePayments();
  expect(await till.read(scheduled.id)).toEqual(scheduled);
  expect(processor.calls).toHaveLength(calls);
});

test('at its date it is charged by itself, once, with nobody there for 3-D Secure', async () => {
  const asked: boolean[] = [];
  processor.use({
    charge: async ({ offSession }, pass) => {
      asked.push(offSession);
      return pass();
    },
  });
  const { id } = await schedule();
  await backstage.letFallDue(id);
  await backstage.letFallDue(id);
  expect(await till.read(id)).toMatchObject({
    status: 'SUCCEEDED',
    attempts: [{ number: 1, kind: 'INITIAL', createdBy: 'gateway' }],
  });
  expect(asked).toEqual([true]);
  expect(await till.eventTypes(id)).toEqual([
    'PAYMENT_CREATED',
    'PAYMENT_SCHEDULED',
    'PAYMENT_PROCESSING',
    'PAYMENT_SUCCEEDED',
  ]);
});

test('its date has come for several processes at once: it is charged once', async () => {
  const { id } = await schedule();
  await Promise.all([1, 2, 3, 4].map(() => backstage.letFallDue(id)));
  expect((await till.read(id)).attempts).toHaveLength(1);
  expect(await backstage.standing(id)).toEqual([4999]);
});

test('the gateway was down at its date: it is charged when it is up again', async () => {
  const first = await startGateway();
  try {
    const { id } = await new Till(() => first).pay({ process: false, paymentDate: inMs(HOUR_MS) });
    const uuid = decodeIdOf('Payment', id) ?? '';
    await first.app.gateway.database.pool.query(
      `UPDATE payment SET payment_date = now() + interval '400 ms', due_at = now() + interval '400 ms' WHERE id = $1`,
      [uuid],
    );
    await first.app.close();
    const dateMs = Date.now() + 400;
    await until(() => Date.now() > dateMs);
    const second = await startApp({
      database: first.database.connection,
      secret: 'a secret of the tests that has more than 32 characters',
      host: '127.0.0.1',
      port: 0,
      log: pino({ level: 'silent' }),
    });
    try {
      const { payment } = second.gateway.database.prisma;
      const charged = await until(async () => {
        const found = await payment.findFirstOrThrow({ where: { id: uuid } });
        return found.status === 'SUCCEEDED' && found;
      });
      expect(charged).toMatchObject({ attemptCount: 1, amountCaptured: 4999n });
    } finally {
      await second.close();
    }
  } finally {
    await first.database.drop();
  }
});

test('a decline at its date is tried again as the schedule of retries says', async () => {
  only(await till.setRetrySchedule(60), 'SetRetrySchedulePayload');
  const { id } = await schedule({ card: card('4000000000009995') });
  await backstage.letFallDue(id);
  only(await till.setRetrySchedule(), 'SetRetrySchedulePayload');
  expect(await till.read(id)).toMatchObject({ status: 'RETRY_SCHEDULED', attempts: [{ kind: 'INITIAL' }] });
});

test('updatePayment moves the date', async () => {
  const { id } = await schedule();
  const paymentDate = inMs(2 * DAY_MS);
  expect(await update({ paymentId: id, paymentDate })).toMatchObject({ status: 'SCHEDULED', paymentDate });
  const { pool } = gateway().app.gateway.database;
  await pool.query(`UPDATE payment SET due_at = ${NOW} WHERE 'pay_' || id = $1`, [id]);
  await backstage.runDuePayments();
  expect(await till.read(id)).toMatchObject({ status: 'SCHEDULED', attempts: [] });
});

test('updatePayment takes the date away: it is CREATED, and waits for whoever made it', async () => {
  const { id } = await schedule();
  expect(await update({ paymentId: id, paymentDate: null })).toMatchObject({ status: 'CREATED', paymentDate: null });
  await backstage.letFallDue(id);
  expect((await till.read(id)).attempts).toEqual([]);
  expect(only(await till.process({ paymentId: id }), 'ProcessPaymentPayload').payment.status).toBe('SUCCEEDED');
});

test('updatePayment gives a payment a date that had none', async () => {
  const { id } = await till.pay({ process: false });
  const paymentDate = inMs(HOUR_MS);
  expect(await update({ paymentId: id, paymentDate })).toMatchObject({ status: 'SCHEDULED', paymentDate });
  await backstage.letFallDue(id);
  expect((await till.read(id)).status).toBe('SUCCEEDED');
});

test('active: false keeps it from being charged at its date; active again, it is charged at once', async () => {
  const { id } = await schedule();
  expect(await update({ paymentId: id, active: false })).toMatchObject({ status: 'SCHEDULED', active: false });
  await backstage.letFallDue(id);
  expect(await till.read(id)).toMatchObject({ status: 'SCHEDULED', attempts: [] });
  await update({ paymentId: id, active: true });
  await until(async () => (await till.read(id)).status === 'SUCCEEDED');
});

test('active: false at its creation keeps it from being charged', async () => {
  const { id } = await schedule({ active: false });
  await backstage.letFallDue(id);
  expect(await till.read(id)).toMatchObject({ status: 'SCHEDULED', active: false, attempts: [] });
});

test('before its date it can be processed by hand, and is not charged again', async () => {
  const { id } = await schedule();
  only(await till.process({ paymentId: id }), 'ProcessPaymentPayload');
  await backstage.letFallDue(id);
  expect(await till.read(id)).toMatchObject({ status: 'SUCCEEDED', attempts: [{ number: 1 }] });
});

test('before its date it can be canceled', async () => {
  const { id } = await schedule();
  expect(only(await till.cancel({ paymentId: id }), 'CancelPaymentPayload').payment.status).toBe('CANCELED');
  await backstage.letFallDue(id);
  expect(await till.read(id)).toMatchObject({ status: 'CANCELED', attempts: [] });
});

test('a stored card that was detached before its date is not charged: CREATED', async () => {
  const paymentMethodId = await till.storedCard(await till.customer());
  const { id } = await schedule({ paymentMethodId });
  await till.detach(paymentMethodId);
  await backstage.letFallDue(id);
  expect(await till.read(id)).toMatchObject({ status: 'CREATED', attempts: [] });
});

test('once it has begun, its date cannot be changed', async () => {
  const { id } = await till.pay();
  for (const paymentDate of [inMs(HOUR_MS), null]) {
    expect(only(await till.update({ paymentId: id, paymentDate }), 'IllegalStateError')).toMatchObject({
      status: 'SUCCEEDED',
      path: ['input', 'paymentDate'],
    });
  }
});

test('an update that changes nothing leaves the payment as it is, sequence and all', async () => {
  const scheduled = await schedule();
  expect(await update({ paymentId: scheduled.id })).toEqual(scheduled);
  expect(await update({ paymentId: scheduled.id, active: true })).toEqual(scheduled);
});
