import { afterEach, beforeEach, expect, test } from 'vitest';
import { decodeIdOf } from '../../src/domain/ids.ts';
import { applyNotifications, forgetNotifications } from '../../src/due/processor-notifications.ts';
import { TOKENS, type FarBook } from '../harness/far-book.ts';
import { FarProcessor, sign } from '../harness/far-processor.ts';
import { only, useGateway } from '../harness/gateway.ts';
import { MerchantAccounts, notify, type Account } from '../harness/merchant-accounts.ts';
import { lost } from '../harness/stand-ins.ts';
import { until } from '../harness/until.ts';

/** Longer than every wait between two tries, so that the two can be told apart. */
const LEASE_MS = 3_600_000;

const far = new FarProcessor({ callTimeoutMs: 60_000 });
const gateway = useGateway({ connectors: [far], settings: { recoveryDelayMs: 30_000, leaseMs: LEASE_MS } });
const accounts = new MerchantAccounts(gateway);
const { till } = accounts;
const pool = () => gateway().app.gateway.database.pool;
let account: Account;
let book: FarBook;

beforeEach(async () => {
  ({ account, book } = await accounts.openShop(far));
});

afterEach(async () => {
  far.calls.use({});
  await pool().query('UPDATE processor_notification SET next_at = NULL');
});

interface Kept {
  readonly eventId: string;
  readonly tries: number;
  readonly appliedAt: Date | null;
  readonly nextAt: Date | null;
}

/** The notifications that are kept of the test's account. */
async function kept(): Promise<Kept[]> {
  const { rows } = await pool().query<Kept>(
    `SELECT event_id AS "eventId", tries, applied_at AS "appliedAt", next_at AS "nextAt"
     FROM processor_notification WHERE processor_account_id = $1 ORDER BY received_at, id`,
    [decodeIdOf('ProcessorAccount', account.id)],
  );
  return rows;
}

async function applied(count = 1): Promise<Kept[]> {
  return until(async () => {
    const all = await kept();
    return all.filter(({ appliedAt }) => appliedAt !== null).length === count && all;
  });
}

/** A charge that the processor has accepted, and what it is called there. */
async function pending() {
  const { id } = await accounts.pay(account, { token: TOKENS.pending });
  const { reference = '' } = book.charges.at(-1) ?? {};
  return { id, reference };
}

test('what changed is looked up and takes effect, and the notification is kept as it came', async () => {
  const { id, reference } = await pending();
  book.decide(reference);
  const told = far.notification([reference], { id: 'evt_1' });
  expect(await notify(account, told)).toBe(200);
  await until(async () => (await till.read(id)).status === 'SUCCEEDED');
  expect(await applied()).toMatchObject([{ eventId: 'evt_1', tries: 1, nextAt: null }]);
  const { rows } = await pool().query<{ body: Buffer }>('SELECT body FROM processor_notification WHERE event_id = $1', [
    'evt_1',
  ]);
  expect(rows[0]?.body.equals(told.body)).toBe(true);
});

test('what a notification says is not believed', async () => {
  const { id, reference } = await pending();
  const body = Buffer.from(
    JSON.stringify({ id: 'evt_lie', type: 'charge.succeeded', references: [reference], captured: true }),
  );
  expect(await notify(account, sign(body))).toBe(200);
  await applied();
  expect((await till.read(id)).status).toBe('PROCESSING');
});

test('the same one again, and ten at once, are kept once', async () => {
  const { id, reference } = await pending();
  book.decide(reference);
  const told = far.notification([reference]);
  const statuses = await Promise.all(Array.from({ length: 10 }, () => notify(account, told)));
  expect(new Set(statuses)).toEqual(new Set([200]));
  await applied();
  expect(await notify(account, told)).toBe(200);
  expect(await kept()).toHaveLength(1);
  expect((await till.read(id)).status).toBe('SUCCEEDED');
  expect(await till.eventTypes(id)).toEqual(['PAYMENT_CREATED', 'PAYMENT_PROCESSING', 'PAYMENT_SUCCEEDED']);
});

test('one that comes before its payment’s transaction has ended is kept, and applied when it has', async () => {
  const released = Promise.withResolvers<void>();
  const called = Promise.withResolvers<void>();
  far.calls.use({
    charge: async (_, pass) => {
      const outcome = await pass();
      called.resolve();
      await released.promise;
      return outcome;
    },
  });
  // The reference is not told before the end: to the gateway, the charge has none yet.
  const keeping = pool().query(`CREATE OR REPLACE FUNCTION forget_reference() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN IF new.status = 'DISPATCHED' THEN new.processor_reference := NULL; END IF; RETURN new; END $$`);
  await keeping;
  await pool().query(
    'CREATE TRIGGER forget BEFORE UPDATE ON operation FOR EACH ROW EXECUTE FUNCTION forget_reference()',
  );
  try {
    const paymentMethodId = await accounts.token(account.id, TOKENS.pending);
    const paying = till.pay({ paymentMethodId });
    await called.promise;
    const { reference = '' } = book.charges.at(-1) ?? {};
    book.decide(reference);
    expect(await notify(account, far.notification([reference]))).toBe(200);
    const waiting = await until(async () => {
      const [one] = await kept();
      return one !== undefined && one.tries > 0 && one;
    });
    expect(waiting).toMatchObject({ appliedAt: null, nextAt: expect.any(Date) });
    released.resolve();
    const { id, status } = await paying;
    expect(status).toBe('PROCESSING');
    await pool().query('UPDATE processor_notification SET next_at = now() WHERE next_at IS NOT NULL');
    await until(async () => (await till.read(id)).status === 'SUCCEEDED');
    await applied();
  } finally {
    await pool().query('DROP TRIGGER forget ON operation');
  }
});

test('one about nothing known is looked at ever more seldom, and given up', async () => {
  expect(await notify(account, far.notification(['ch_of_another_business']))).toBe(200);
  let tries = 0;
  let triedMs = Date.now();
  for (;;) {
    const [one] = await until(async () => {
      const now = await kept();
      return now[0] !== undefined && now[0].tries > tries && isSettled(now[0]) && now;
    });
    tries = one?.tries ?? 0;
    if (one?.nextAt == null) break;
    expect(one.nextAt.getTime() - triedMs).toBeGreaterThanOrEqual(waitAfter(tries));
    triedMs = Date.now();
    await pool().query('UPDATE processor_notification SET next_at = now() WHERE next_at IS NOT NULL');
  }
  expect(tries).toBe(11);
  expect(await kept()).toMatchObject([{ appliedAt: null }]);
});

/** How long a notification waits that was tried so often: twice as long each time. */
function waitAfter(tries: number): number {
  return 1_000 * 2 ** (tries - 1);
}

/** It waits for its next try, or for none: while it is looked at, it has a lease. */
function isSettled({ nextAt, tries }: Kept): boolean {
  return nextAt === null || nextAt.getTime() - Date.now() <= waitAfter(tries);
}

test('one about nothing of ours is kept, and never looked at', async () => {
  expect(await notify(account, far.notification([]))).toBe(200);
  expect(await kept()).toMatchObject([{ tries: 0, appliedAt: null, nextAt: null }]);
});

test('late, and in the wrong order: the books are what counts', async () => {
  const { id, reference } = await pending();
  const [accepted, paid] = [far.notification([reference]), far.notification([reference])];
  book.decide(reference);
  expect(await notify(account, paid)).toBe(200);
  await until(async () => (await till.read(id)).status === 'SUCCEEDED');
  only(await till.refund({ paymentId: id }), 'RefundPaymentPayload');
  const before = await till.read(id);
  expect(await notify(account, accepted)).toBe(200);
  await applied(2);
  expect(await till.read(id)).toEqual(before);
});

test('a disabled account’s are taken all the same', async () => {
  const { id, reference } = await pending();
  await accounts.change(account.id, { enabled: false });
  book.decide(reference);
  expect(await notify(account, far.notification([reference]))).toBe(200);
  await until(async () => (await till.read(id)).status === 'SUCCEEDED');
});

test('what another account’s notification names there is not looked up here', async () => {
  const { id, reference } = await pending();
  const { account: other } = await accounts.openShop(far);
  book.decide(reference);
  expect(await notify(other, far.notification([reference]))).toBe(200);
  await applyNotifications(gateway().app.gateway);
  expect((await till.read(id)).status).toBe('PROCESSING');
});

test('one that was tried without end does not stop the others', async () => {
  expect(await notify(account, far.notification(['ch_of_nobody'], { id: 'evt_endless' }))).toBe(200);
  await pool().query(`UPDATE processor_notification SET tries = 32767, next_at = now() WHERE event_id = 'evt_endless'`);
  const { id, reference } = await pending();
  book.decide(reference);
  expect(await notify(account, far.notification([reference]))).toBe(200);
  await until(async () => (await till.read(id)).status === 'SUCCEEDED');
  await until(async () => (await kept()).every(({ nextAt }) => nextAt === null));
});

test('one about what the processor could not be asked waits, and is looked into when it answers', async () => {
  const { id, reference } = await pending();
  far.calls.use({ lookUpCharge: lost });
  book.decide(reference);
  expect(await notify(account, far.notification([reference]))).toBe(200);
  await until(async () => {
    const [one] = await kept();
    return one !== undefined && one.tries > 0 && isSettled(one);
  });
  expect(await kept()).toMatchObject([{ appliedAt: null, nextAt: expect.any(Date) }]);
  far.calls.use({});
  await until(async () => (await till.read(id)).status === 'SUCCEEDED');
  await applied();
});

test('one whose look-up breaks each time is given up in the end', async () => {
  const { reference } = await pending();
  await pool().query(`CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no'; END $$`);
  await pool().query('CREATE TRIGGER refuse BEFORE UPDATE ON operation FOR EACH ROW EXECUTE FUNCTION refuse()');
  try {
    book.decide(reference);
    expect(await notify(account, far.notification([reference], { id: 'evt_broken' }))).toBe(200);
    await until(async () => ((await kept())[0]?.tries ?? 0) >= 1);
    await pool().query(`UPDATE processor_notification SET tries = 10, next_at = now() WHERE event_id = 'evt_broken'`);
    await until(async () => (await kept())[0]?.nextAt === null);
    expect(await kept()).toMatchObject([{ tries: 11, appliedAt: null }]);
  } finally {
    await pool().query('DROP TRIGGER refuse ON operation');
  }
});

test('what is over is deleted after 30 days, and what waits is not', async () => {
  for (const id of ['evt_over', 'evt_new', 'evt_open']) {
    expect(await notify(account, far.notification([], { id: `${id}_${account.name}` }))).toBe(200);
  }
  await pool().query(
    `UPDATE processor_notification SET received_at = now() - interval '31 days' WHERE event_id NOT LIKE 'evt_new%'`,
  );
  await pool().query(
    `UPDATE processor_notification SET next_at = now() + interval '1 day' WHERE event_id LIKE 'evt_open%'`,
  );
  await forgetNotifications(gateway().app.gateway);
  expect((await kept()).map(({ eventId }) => eventId)).toEqual([`evt_open_${account.name}`, `evt_new_${account.name}`]);
});
