import { randomUUID } from 'node:crypto';
import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { expireKeys } from '../../src/due/keys.ts';
import { Backstage } from '../harness/backstage.ts';
import { FarProcessor } from '../harness/far-processor.ts';
import { only, useGateway } from '../harness/gateway.ts';
import { MerchantAccounts, notify, type Account } from '../harness/merchant-accounts.ts';
import { grant, Payer } from '../harness/payer.ts';
import { Routes, ruleTo } from '../harness/routes.ts';
import { card, Till } from '../harness/till.ts';
import { until } from '../harness/until.ts';

/** What comes between two attempts of one request, while the payment is FAILED and the next processor is given the card. */

const far = new FarProcessor();
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

/** Does something once, before the second processor is given the card. */
function between(happens: () => Promise<unknown>): void {
  let cards = 0;
  far.beforeCard = async () => {
    if (++cards === 2) await happens();
  };
}

/** The id of the one payment that failed and was not tried elsewhere yet. */
async function failedId(): Promise<string> {
  const { rows } = await gateway().app.gateway.database.pool.query<{ id: string }>(
    `SELECT 'pay_' || id AS id FROM payment WHERE status = 'FAILED' ORDER BY created_at DESC LIMIT 1`,
  );
  return rows[0]?.id ?? '';
}

test.each(['the payer', 'the merchant'])(
  'an order that is paid anew meanwhile: what %s began is not charged',
  async (by) => {
    const order = `ord_${randomUUID()}`;
    const customerId = await till.customer({ email: `${order}@example.com` });
    const payer = await Payer.of(gateway(), { customerId, grants: [grant(order)] });
    let other: string | undefined;
    between(async () => (other = (await payer.paid([order])).id));
    const began =
      by === 'the payer'
        ? await payer.paid([order])
        : await till.pay({ amount: 1000, destinations: [{ type: 'ORDER', id: order, amount: 1000 }] });
    expect(other).not.toBe(began.id);
    expect((await till.read(began.id)).status).toBe('FAILED');
    expect((await till.read(other ?? '')).status).toBe('SUCCEEDED');
    expect(standing().flat()).toEqual([1000n]);
  },
);

test('canceled meanwhile, it is not charged', async () => {
  between(async () => till.cancel({ paymentId: await failedId() }));
  expect((await till.pay()).status).toBe('CANCELED');
  expect(standing()).toEqual([[], []]);
});

test('processed meanwhile by someone else, it is charged once', async () => {
  between(async () => till.process({ paymentId: await failedId(), card: card('5555555555554444') }));
  const { id, status } = await till.pay();
  expect(status).toBe('SUCCEEDED');
  expect((await routes.attempts(id)).attempts).toMatchObject([{ kind: 'INITIAL' }, { kind: 'RESUBMISSION' }]);
  expect(standing()).toEqual([[4999n], []]);
});

test('expired meanwhile, it is not charged', async () => {
  between(async () => backstage.letFallDue(await failedId()));
  const expiresAt = new Date(Date.now() + 3_600_000).toISOString();
  expect((await till.pay({ expiresAt })).status).toBe('EXPIRED');
  expect(standing()).toEqual([[], []]);
});

test('a retry that begins meanwhile is the one charge', async () => {
  await till.setRetrySchedule(3_600);
  between(async () => {
    const { rows } = await gateway().app.gateway.database.pool.query<{ id: string }>(
      `SELECT 'pay_' || id AS id FROM payment WHERE status = 'RETRY_SCHEDULED'`,
    );
    await backstage.letFallDue(rows[0]?.id ?? '');
  });
  const { id, status } = await till.pay();
  await till.setRetrySchedule();
  expect(status).toBe('SUCCEEDED');
  expect((await routes.attempts(id)).attempts).toMatchObject([{ kind: 'INITIAL' }, { kind: 'SCHEDULED_RETRY' }]);
  expect(standing()).toEqual([[4999n], []]);
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

test('the first processor made it after all, and says so meanwhile: it is taken on, and not charged elsewhere', async () => {
  const made = madeAndDenied();
  let id = '';
  between(async () => {
    id = await failedId();
    await notify(first, far.notification([made.reference]));
    await until(async () => (await till.read(id)).status === 'SUCCEEDED');
  });
  expect(await till.pay()).toMatchObject({ status: 'SUCCEEDED', attempts: [{ flag: 'LATE_SUCCESS_ADOPTED' }] });
  expect(standing()).toEqual([[4999n], []]);
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
