import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { decodeId } from '../../src/domain/ids.ts';
import { only, useGateway } from '../harness/gateway.ts';
import { countRows } from '../harness/rows.ts';
import { card, Till } from '../harness/till.ts';

const gateway = useGateway();
const till = new Till(gateway);

/** What the processor's own books say of a payment: the truth about how often it was charged. */
async function charges(paymentId: string): Promise<number> {
  const { rows } = await gateway().app.gateway.database.pool.query<{ count: number }>(
    `SELECT count(*)::int AS count FROM sandbox_charge JOIN operation ON operation.processor_key = sandbox_charge.key
     WHERE 'pay_' || operation.payment_id = $1`,
    [paymentId],
  );
  return rows[0]?.count ?? 0;
}

test('the same key with the same input is the same payment', async () => {
  const input = { idempotencyKey: randomUUID(), process: true, card: card() };
  const first = only(await till.create(input), 'CreatePaymentPayload');
  const before = await countRows(gateway());
  const second = only(await till.create(input), 'CreatePaymentPayload');
  expect([first.replayed, second.replayed]).toEqual([false, true]);
  expect(second.payment).toEqual(first.payment);
  expect(await countRows(gateway())).toEqual(before);
  expect(await charges(first.payment.id)).toBe(1);
});

test('sent again over an upgrade that knows more fields, it is the same payment', async () => {
  const { pool } = gateway().app.gateway.database;
  // As the last version kept it: of the same input, in another form.
  const older = `UPDATE idempotency_key SET fingerprint = '\\x00', fingerprint_version = 2 WHERE key = $1`;
  const input = { idempotencyKey: randomUUID(), process: true, card: card() };
  const { payment } = only(await till.create(input), 'CreatePaymentPayload');
  await pool.query(older, [input.idempotencyKey]);
  expect(only(await till.create(input), 'CreatePaymentPayload')).toMatchObject({
    replayed: true,
    payment: { id: payment.id },
  });
  expect(await charges(payment.id)).toBe(1);
});

/**
 * Where the fingerprint of an input changes, because a field is new or left out, what is expected here changes, and
 * FINGERPRINT_VERSION is raised.
 */
test('what goes into the fingerprint of a version', async () => {
  const given = { idempotencyKey: randomUUID(), process: true, card: card(undefined, { expYear: 2040 }) };
  only(
    await till.create({ ...given, destinations: [{ type: 'ORDER', id: '1', amount: 4999 }] }),
    'CreatePaymentPayload',
  );
  const { rows } = await gateway().app.gateway.database.pool.query(
    `SELECT encode(fingerprint, 'base64') AS fingerprint, fingerprint_version AS version FROM idempotency_key WHERE key = $1`,
    [given.idempotencyKey],
  );
  expect(rows).toEqual([{ version: 3, fingerprint: 'HKF1XxGrgaLMZzlWYZpzNfyF0pdmm2rve7VIOssB9J4=' }]);
});

test('a replay shows the payment as it stands now', async () => {
  const input = { idempotencyKey: randomUUID(), process: true, card: card() };
  const { payment } = only(await till.create(input), 'CreatePaymentPayload');
  only(await till.refund({ paymentId: payment.id }), 'RefundPaymentPayload');
  const replayed = only(await till.create(input), 'CreatePaymentPayload');
  expect(replayed).toMatchObject({ replayed: true, payment: { id: payment.id, refundStatus: 'REFUNDED' } });
});

test('a request that is sent again is answered though its payment is locked by someone who does not go on', async () => {
  const { id: paymentId } = await till.pay();
  const input = { idempotencyKey: randomUUID(), paymentId, amount: 100 };
  const first = only(await till.refund(input), 'RefundPaymentPayload');
  const holder = await gateway().app.gateway.database.pool.connect();
  try {
    await holder.query('BEGIN');
    await holder.query('SELECT FROM payment WHERE id = $1 FOR UPDATE', [decodeId(paymentId)?.uuid]);
    expect(only(await till.refund(input), 'RefundPaymentPayload')).toEqual({ ...first, replayed: true });
  } finally {
    await holder.query('ROLLBACK');
    holder.release();
  }
});

test('a payment that was declined is replayed as it stands, and not charged again', async () => {
  const input = { idempotencyKey: randomUUID(), process: true, card: card('4000000000009995') };
  const first = only(await till.create(input), 'CreatePaymentPayload');
  const second = only(await till.create(input), 'CreatePaymentPayload');
  expect(second).toEqual({ ...first, replayed: true });
  expect(second.payment).toMatchObject({ status: 'FAILED', decline: { code: 'insufficient_funds' } });
  expect(second.payment.attempts).toHaveLength(1);
});

test.each([
  ['amount', { amount: 5000 }],
  ['currency', { currency: 'USD' }],
  ['card', { card: card('5555555555554444') }],
  ['expiry', { card: card(undefined, { expMonth: 11 }) }],
  ['description', { description: 'another' }],
  ['metadata', { metadata: { order: '2' } }],
  ['process', { process: false }],
])('the same key with another %s is refused', async (_, other) => {
  const input = { idempotencyKey: randomUUID(), process: true, card: card() };
  only(await till.create(input), 'CreatePaymentPayload');
  const before = await countRows(gateway());
  const refused = only(await till.create({ ...input, ...other }), 'IdempotencyKeyReusedError');
  expect(refused).toMatchObject({ code: 'IDEMPOTENCY_KEY_REUSED', path: ['input', 'idempotencyKey'] });
  expect(await countRows(gateway())).toEqual(before);
});

test('the order of the metadata does not count, nor does a CVC that was typed anew', async () => {
  const input = { idempotencyKey: randomUUID(), process: true, card: card(), metadata: { a: '1', b: '2' } };
  only(await till.create(input), 'CreatePaymentPayload');
  const other = { ...input, card: card(undefined, { cvc: '321' }), metadata: { b: '2', a: '1' } };
  expect(only(await till.create(other), 'CreatePaymentPayload').replayed).toBe(true);
});

test('20 requests at once under one key make one charge', async () => {
  const input = { idempotencyKey: randomUUID(), process: true, card: card() };
  const results = await Promise.all(Array.from({ length: 20 }, () => till.create(input)));
  const ids = new Set<string>();
  for (const result of results) {
    if (result.__typename === 'IdempotencyInProgressError') {
      expect(result.retryAfterMs).toBeLessThanOrEqual(500);
      expect(result.code).toBe('IDEMPOTENCY_IN_PROGRESS');
    } else ids.add(only(result, 'CreatePaymentPayload').payment.id);
  }
  expect(ids.size).toBe(1);
  const made = results.filter((result) => result.__typename === 'CreatePaymentPayload' && !result.replayed);
  expect(made).toHaveLength(1);
  const [id = ''] = ids;
  expect(await charges(id)).toBe(1);
  expect((await till.read(id)).attempts).toHaveLength(1);
});

test('20 refunds at once under one key give back once', async () => {
  const { id } = await till.pay({ amount: 1000 });
  const input = { idempotencyKey: randomUUID(), paymentId: id, amount: 100 };
  const results = await Promise.all(Array.from({ length: 20 }, () => till.refund(input)));
  const names = new Set(results.map((result) => result.__typename));
  expect([...names].filter((name) => name !== 'IdempotencyInProgressError')).toEqual(['RefundPaymentPayload']);
  expect(await till.read(id)).toMatchObject({ amountRefunded: { amount: 100 }, maximumRefundable: { amount: 900 } });
});

test('an input that was refused leaves the key free', async () => {
  const idempotencyKey = randomUUID();
  only(await till.create({ idempotencyKey, amount: 0 }), 'InvalidInputError');
  only(await till.create({ idempotencyKey, customerId: `cus_${randomUUID()}` }), 'NotFoundError');
  only(await till.create({ idempotencyKey, process: true, card: card('4000000000000010') }), 'CardRefusedError');
  expect(only(await till.create({ idempotencyKey }), 'CreatePaymentPayload').replayed).toBe(false);
});

test('a refund that was refused leaves the key free', async () => {
  const { id } = await till.pay({ amount: 1000 });
  const idempotencyKey = randomUUID();
  only(await till.refund({ idempotencyKey, paymentId: id, amount: 1001 }), 'RefundTooLargeError');
  const given = only(await till.refund({ idempotencyKey, paymentId: id, amount: 1000 }), 'RefundPaymentPayload');
  expect(given.replayed).toBe(false);
});

test('captures, refunds, cancellations and processing are replayed with what they made', async () => {
  const { id } = await till.authorize({ amount: 1000 });
  const capture = { idempotencyKey: randomUUID(), paymentId: id, amount: 600 };
  const captured = only(await till.capture(capture), 'CapturePaymentPayload');
  expect(only(await till.capture(capture), 'CapturePaymentPayload')).toEqual({ ...captured, replayed: true });
  const refund = { idempotencyKey: randomUUID(), paymentId: id, amount: 100 };
  const refunded = only(await till.refund(refund), 'RefundPaymentPayload');
  expect(only(await till.refund(refund), 'RefundPaymentPayload')).toEqual({ ...refunded, replayed: true });
  const cancel = { idempotencyKey: randomUUID(), paymentId: id };
  const canceled = only(await till.cancel(cancel), 'CancelPaymentPayload');
  expect(only(await till.cancel(cancel), 'CancelPaymentPayload')).toEqual({ ...canceled, replayed: true });
  const created = await till.pay({ process: false });
  const process = { idempotencyKey: randomUUID(), paymentId: created.id };
  const processed = only(await till.process(process), 'ProcessPaymentPayload');
  expect(only(await till.process(process), 'ProcessPaymentPayload')).toEqual({ ...processed, replayed: true });
});

test('a key belongs to one mutation', async () => {
  const idempotencyKey = randomUUID();
  const { payment } = only(await till.create({ idempotencyKey, card: card() }), 'CreatePaymentPayload');
  const processed = only(await till.process({ idempotencyKey, paymentId: payment.id }), 'ProcessPaymentPayload');
  const refunded = only(await till.refund({ idempotencyKey, paymentId: payment.id }), 'RefundPaymentPayload');
  expect([processed.replayed, refunded.replayed]).toEqual([false, false]);
  const other = await till.pay();
  only(await till.refund({ idempotencyKey, paymentId: other.id }), 'IdempotencyKeyReusedError');
});

test('a key belongs to one environment', async () => {
  const input = { idempotencyKey: randomUUID(), amount: 700 };
  const mine = only(await till.create(input), 'CreatePaymentPayload');
  for (const key of ['live', 'other'] as const) {
    const theirs = only(await new Till(gateway, key).create(input), 'CreatePaymentPayload');
    expect(theirs.replayed).toBe(false);
    expect(theirs.payment.id).not.toBe(mine.payment.id);
  }
});

test.each([
  ['', 'an empty key'],
  ['k'.repeat(256), 'a key of 256 characters'],
])('refuses %#: %s', async (key) => {
  const refused = only(await till.create({ idempotencyKey: key }), 'InvalidInputError');
  expect(refused.path).toEqual(['input', 'idempotencyKey']);
});

test('a key of 255 characters is taken', async () => {
  const idempotencyKey = `${randomUUID()}${'k'.repeat(219)}`;
  expect(only(await till.create({ idempotencyKey }), 'CreatePaymentPayload').replayed).toBe(false);
});
