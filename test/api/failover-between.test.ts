import { randomUUID } from 'node:crypto';
import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { decodeIdOf, encodeId } from '../../src/domain/ids.ts';
import { expireKeys } from '../../src/due/keys.ts';
import { Backstage } from '../harness/backstage.ts';
import { FarProcessor } from '../harness/far-processor.ts';
import { only, useGateway } from '../harness/gateway.ts';
import { MerchantAccounts, notify, type Account } from '../harness/merchant-accounts.ts';
import { grant, Payer } from '../harness/payer.ts';
import { Routes, ruleTo } from '../harness/routes.ts';
import { card, Till } from '../harness/till.ts';
import { until } from '../harness/until.ts';

/** What comes between two attempts of one request: while the next processor is given the card, and the payment is FAILED. */

/** What comes between may take its time: no call is over for it. */
const far = new FarProcessor({ callTimeoutMs: 60_000 });
const gateway = useGateway({ connectors: [far] });
const accounts = new MerchantAccounts(gateway);
const routes = new Routes(gateway);
const till = new Till(gateway);
const backstage = new Backstage(gateway);

let first: Account;
let second: Account;
/** Whose books there each test begins anew. */
let merchants: readonly [string, string];

beforeAll(async () => {
  first = await accounts.open({ rawCards: true });
  second = await accounts.open({ rawCards: true });
  await routes.hold([ruleTo('both', [first, second])]);
});

beforeEach(async () => {
  merchants = [randomUUID(), randomUUID()];
  await accounts.change(first.id, { secretKey: `sk_test_${merchants[0]}_0000` });
  await accounts.change(second.id, { secretKey: `sk_test_${merchants[1]}_0000` });
  // The first charge was not sent, and those after it are made.
  let charges = 0;
  far.calls.use({ charge: (_, pass) => (charges++ === 0 ? Promise.resolve({ kind: 'not_sent' }) : pass()) });
});

afterEach(() => {
  far.calls.use({});
  far.beforeCard = () => Promise.resolve();
});

/** What payers are out of pocket, at each of the two. */
const standing = (): bigint[][] =>
  merchants.map((merchant) =>
    far
      .book(merchant)
      .charges.map(({ captured, refunded }) => captured - refunded)
      .filter((amount) => amount > 0n),
  );

/** Does something once, while the second processor is given the card. */
function meanwhile(happens: (id: string) => Promise<unknown>): void {
  let cards = 0;
  far.beforeCard = async () => {
    if (++cards !== 2) return;
    const { rows } = await pool().query<{ id: string }>(`SELECT id FROM payment WHERE status = 'PROCESSING'`);
    await happens(encodeId('Payment', rows[0]?.id ?? ''));
  };
}

const pool = () => gateway().app.gateway.database.pool;

/**
 * Does something once, between the end of the first attempt and the beginning of the second. Both need the payment's row,
 * and so does this: it stands between them in the queue for it.
 */
function between(happens: (id: string) => Promise<unknown>): () => Promise<unknown> {
  let happening: Promise<unknown> | undefined;
  meanwhile(async (id) => {
    const client = await pool().connect();
    await client.query('BEGIN');
    await client.query('SELECT FROM payment WHERE id = $1 FOR UPDATE', [decodeIdOf('Payment', id)]);
    happening = (async () => {
      await until(() => waiting(1));
      const happened = happens(id);
      await until(() => waiting(2));
      await client.query('COMMIT');
      client.release();
      return happened;
    })();
  });
  return async () => happening;
}

async function waiting(count: number): Promise<boolean> {
  const { rows } = await pool().query(
    `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
  );
  return rows.length >= count;
}

async function payerOf(order: string): Promise<Payer> {
  const customerId = await till.customer({ email: `${order}@example.com` });
  return Payer.of(gateway(), { customerId, grants: [grant(order)] });
}

test('an order that the merchant charges anew meanwhile: what the payer began is not charged', async () => {
  const order = `ord_${randomUUID()}`;
  meanwhile(() => till.pay({ amount: 1000, destinations: [{ type: 'ORDER', id: order, amount: 1000 }] }));
  const began = await (await payerOf(order)).paid([order]);
  expect(began.status).toBe('FAILED');
  expect(standing()).toEqual([[1000n], []]);
});

test('an order cannot be paid anew while the next processor is given the card: nothing has failed yet', async () => {
  const order = `ord_${randomUUID()}`;
  const payer = await payerOf(order);
  let other: Awaited<ReturnType<typeof payer.payOrders>> | undefined;
  meanwhile(async () => (other = await payer.payOrders([order])));
  expect((await payer.paid([order])).status).toBe('SUCCEEDED');
  expect(other?.__typename).toBe('AlreadyPaidError');
  expect(standing()).toEqual([[], [1000n]]);
});

test('the same request again, while the next processor is given the card: it is still running', async () => {
  const input = { idempotencyKey: randomUUID(), process: true, card: card() };
  let again: Awaited<ReturnType<typeof till.create>> | undefined;
  meanwhile(async () => (again = await till.create(input)));
  expect(only(await till.create(input), 'CreatePaymentPayload').payment.status).toBe('SUCCEEDED');
  expect(again?.__typename).toBe('IdempotencyInProgressError');
});

test('canceled while the next processor is given the card, it is not charged', async () => {
  meanwhile((paymentId) => till.cancel({ paymentId }));
  expect((await till.pay()).status).toBe('CANCELED');
  expect(standing()).toEqual([[], []]);
});

test('canceled between two attempts, it is charged only if that came first', async () => {
  const done = between((paymentId) => till.cancel({ paymentId }));
  const { id } = await till.pay();
  await done();
  const { status } = await till.read(id);
  expect(standing().flat()).toEqual(status === 'CANCELED' ? [] : [4999n]);
});

test('processed between two attempts by someone else, it is charged once', async () => {
  const done = between((paymentId) => till.process({ paymentId, card: card('5555555555554444') }));
  const { id, status } = await till.pay();
  await done();
  expect(status).not.toBe('FAILED');
  expect(await till.read(id)).toMatchObject({ status: 'SUCCEEDED', attempts: [{}, {}] });
  expect(standing().flat()).toEqual([4999n]);
});

test('expired while the next processor is given the card, it is not charged', async () => {
  meanwhile((id) => pool().query('UPDATE payment SET expires_at = now() WHERE id = $1', [decodeIdOf('Payment', id)]));
  const { id } = await till.pay({ expiresAt: new Date(Date.now() + 3_600_000).toISOString() });
  // Its end has come: a round of the gateway's own takes it on, and nobody knows when.
  await until(async () => (await till.read(id)).status === 'EXPIRED');
  expect(standing()).toEqual([[], []]);
});

test('a retry that falls due between two attempts: one of the two is made', async () => {
  await till.setRetrySchedule(3_600);
  const done = between((id) => backstage.letFallDue(id));
  const { id } = await till.pay();
  await done();
  await till.setRetrySchedule();
  expect((await till.read(id)).status).toBe('SUCCEEDED');
  expect(standing().flat()).toEqual([4999n]);
});

/** The first processor says that it was not sent, and has made it. */
function madeAndDenied(): { reference: string } {
  const made = { reference: '' };
  let charges = 0;
  far.calls.use({
    charge: async (_, pass) => {
      const outcome = await pass();
      if (charges++ > 0) return outcome;
      made.reference = 'reference' in outcome ? (outcome.reference ?? '') : '';
      return { kind: 'not_sent' };
    },
  });
  return made;
}

test('the first processor made it after all, and says so in time: it is not charged elsewhere', async () => {
  const made = madeAndDenied();
  meanwhile(async (id) => {
    await notify(first, far.notification([made.reference]));
    await until(async () => (await till.read(id)).status === 'SUCCEEDED');
  });
  expect(await till.pay()).toMatchObject({ status: 'SUCCEEDED', attempts: [{ flag: null }] });
  expect(standing()).toEqual([[4999n], []]);
});

test('the first processor made it after all, and says so between two attempts: one of the two stands', async () => {
  const made = madeAndDenied();
  const done = between(() => notify(first, far.notification([made.reference])));
  const { id, status } = await till.pay();
  await done();
  expect(status).not.toBe('FAILED');
  await until(() => standing().flat().length === 1);
  await until(async () => (await till.read(id)).status === 'SUCCEEDED');
});

test('the first processor made it after all, and says so afterwards: that charge is given back', async () => {
  const made = madeAndDenied();
  const { id, status } = await till.pay();
  expect(status).toBe('SUCCEEDED');
  expect(standing()).toEqual([[4999n], [4999n]]);
  await notify(first, far.notification([made.reference]));
  await until(async () => (await till.read(id)).attempts[0]?.flag === 'LATE_SUCCESS_RETURNED');
  expect(standing()).toEqual([[], [4999n]]);
  expect(await till.read(id)).toMatchObject({ status: 'SUCCEEDED', amountCaptured: { amount: 4999 } });
});

test('the same request again, while the second charge is made: it is still running', async () => {
  const input = { idempotencyKey: randomUUID(), process: true, card: card() };
  let charges = 0;
  let again: Awaited<ReturnType<typeof till.create>> | undefined;
  far.calls.use({
    charge: async (_, pass) => {
      if (charges++ === 0) return { kind: 'not_sent' };
      again = await till.create(input);
      return pass();
    },
  });
  expect(only(await till.create(input), 'CreatePaymentPayload').payment.status).toBe('SUCCEEDED');
  expect(again?.__typename).toBe('IdempotencyInProgressError');
});

test.each(['created', 'processed'])(
  'the key of a payment that was %s is kept while the second charge is not known',
  async (how) => {
    const paymentId = how === 'created' ? '' : (await till.pay({ process: false })).id;
    let charges = 0;
    far.calls.use({
      charge: () => Promise.resolve({ kind: charges++ === 0 ? 'not_sent' : 'unknown' }),
      lookUpCharge: () => Promise.resolve({ kind: 'unknown' }),
    });
    const idempotencyKey = randomUUID();
    const send = async () =>
      how === 'created'
        ? only(await till.create({ idempotencyKey, process: true, card: card() }), 'CreatePaymentPayload')
        : only(await till.process({ idempotencyKey, paymentId, card: card() }), 'ProcessPaymentPayload');
    const { payment } = await send();
    expect(payment.status).toBe('PROCESSING');
    await gateway().app.gateway.database.pool.query(
      `UPDATE idempotency_key SET expires_at = now() - interval '1 day' WHERE key = $1`,
      [idempotencyKey],
    );
    await backstage.letTimePass(payment.id, 48);
    await expireKeys(gateway().app.gateway);
    expect(await send()).toMatchObject({ replayed: true, payment: { id: payment.id } });
  },
);
