import { randomUUID } from 'node:crypto';
import { beforeEach, expect, test } from 'vitest';
import { expireKeys } from '../../src/due/keys.ts';
import { Backstage } from '../harness/backstage.ts';
import { only, useGateway } from '../harness/gateway.ts';
import { Interposed } from '../harness/interposed.ts';
import { answers, doneThenLost, lost } from '../harness/stand-ins.ts';
import { card, Till } from '../harness/till.ts';

const processor = new Interposed();
const gateway = useGateway({ sandbox: { interpose: processor } });
const till = new Till(gateway);
const backstage = new Backstage(gateway);

beforeEach(() => processor.use({}));

/** So many days pass for a key; the payment and its operation stay where they are. */
async function letDaysPass(key: string, days: number): Promise<void> {
  await gateway().app.gateway.database.pool.query(
    `UPDATE idempotency_key SET created_at = created_at - $2 * interval '1 day', expires_at = expires_at - $2 * interval '1 day'
     WHERE key = $1`,
    [key, days],
  );
}

async function isKept(key: string): Promise<boolean> {
  await expireKeys(gateway().app.gateway);
  const { rows } = await gateway().app.gateway.database.pool.query('SELECT 1 FROM idempotency_key WHERE key = $1', [
    key,
  ]);
  return rows.length > 0;
}

function newInput() {
  return { idempotencyKey: randomUUID(), process: true, card: card() };
}

test('a key is kept for 30 days, then it is deleted: the same request is a new one', async () => {
  const input = newInput();
  const first = only(await till.create(input), 'CreatePaymentPayload').payment;
  await backstage.letTimePass(first.id, 31 * 24);
  await letDaysPass(input.idempotencyKey, 29);
  expect(await isKept(input.idempotencyKey)).toBe(true);
  expect(only(await till.create(input), 'CreatePaymentPayload')).toMatchObject({ replayed: true, payment: first });
  await letDaysPass(input.idempotencyKey, 1.01);
  expect(await isKept(input.idempotencyKey)).toBe(false);
  const second = only(await till.create(input), 'CreatePaymentPayload');
  expect(second.replayed).toBe(false);
  expect(second.payment.id).not.toBe(first.id);
  expect((await till.read(first.id)).status).toBe('SUCCEEDED');
});

test('afterwards another input under the same key is no reuse', async () => {
  const input = newInput();
  const { id } = only(await till.create(input), 'CreatePaymentPayload').payment;
  await backstage.letTimePass(id, 48);
  await letDaysPass(input.idempotencyKey, 31);
  expect(await isKept(input.idempotencyKey)).toBe(false);
  expect(only(await till.create({ ...input, amount: 1 }), 'CreatePaymentPayload').payment.amount.amount).toBe(1);
});

test('a key whose operation was completed less than a day ago is kept, whatever its age', async () => {
  const input = newInput();
  const { id } = only(await till.create(input), 'CreatePaymentPayload').payment;
  await letDaysPass(input.idempotencyKey, 100);
  expect(await isKept(input.idempotencyKey)).toBe(true);
  await backstage.letTimePass(id, 23.9);
  expect(await isKept(input.idempotencyKey)).toBe(true);
  await backstage.letTimePass(id, 0.2);
  expect(await isKept(input.idempotencyKey)).toBe(false);
});

test('a key whose operation is open is kept, whatever its age, and so long the request is the same', async () => {
  processor.use({ charge: lost, lookUpCharge: lost });
  const input = newInput();
  const { id } = only(await till.create(input), 'CreatePaymentPayload').payment;
  await letDaysPass(input.idempotencyKey, 100);
  expect(await isKept(input.idempotencyKey)).toBe(true);
  await backstage.letTimePass(id, 50 * 24);
  expect((await till.operationOf(id, 'CHARGE')).status).toBe('RAISED');
  expect(await isKept(input.idempotencyKey)).toBe(true);
  processor.use({});
  expect(only(await till.create(input), 'CreatePaymentPayload')).toMatchObject({ replayed: true, payment: { id } });
});

test('the key of a cancellation is kept while the wish is open', async () => {
  // Nobody finds out before it is asked for: not recovery, either.
  processor.use({ charge: doneThenLost, lookUpCharge: lost });
  const { id } = await till.authorize();
  const cancel = { idempotencyKey: randomUUID(), paymentId: id };
  only(await till.cancel(cancel), 'CancelPaymentPayload');
  await letDaysPass(cancel.idempotencyKey, 100);
  expect(await isKept(cancel.idempotencyKey)).toBe(true);
  processor.use({});
  await backstage.askAgain(id);
  expect((await till.read(id)).status).toBe('CANCELED');
  expect(await isKept(cancel.idempotencyKey)).toBe(false);
});

test('the key of a refund that is pending is kept', async () => {
  const { id } = await till.pay();
  processor.use({
    refund: answers({ kind: 'pending', reference: 'mv' }),
    lookUpMovement: answers({ kind: 'pending', reference: 'mv' }),
  });
  const refund = { idempotencyKey: randomUUID(), paymentId: id, amount: 100 };
  only(await till.refund(refund), 'RefundPaymentPayload');
  await letDaysPass(refund.idempotencyKey, 100);
  expect(await isKept(refund.idempotencyKey)).toBe(true);
  expect(only(await till.refund(refund), 'RefundPaymentPayload').replayed).toBe(true);
});

test('the key of a request that asked no processor goes at its time', async () => {
  const input = { idempotencyKey: randomUUID() };
  only(await till.create(input), 'CreatePaymentPayload');
  expect(await isKept(input.idempotencyKey)).toBe(true);
  await letDaysPass(input.idempotencyKey, 31);
  expect(await isKept(input.idempotencyKey)).toBe(false);
});

test('more keys than one statement deletes', async () => {
  const input = { idempotencyKey: randomUUID() };
  only(await till.create(input), 'CreatePaymentPayload');
  await letDaysPass(input.idempotencyKey, 31);
  const { pool } = gateway().app.gateway.database;
  await pool.query(
    `INSERT INTO idempotency_key
     SELECT (json_populate_record(idempotency_key, json_build_object('key', idempotency_key.key || ' ' || n))).*
     FROM idempotency_key, generate_series(1, 2500) AS n WHERE key = $1`,
    [input.idempotencyKey],
  );
  const [first, second] = await Promise.all([expireKeys(gateway().app.gateway), expireKeys(gateway().app.gateway)]);
  expect(first + second).toBeLessThanOrEqual(2501);
  expect(await isKept(input.idempotencyKey)).toBe(false);
  const { rows } = await pool.query('SELECT 1 FROM idempotency_key WHERE key LIKE $1', [`${input.idempotencyKey}%`]);
  expect(rows).toEqual([]);
});
