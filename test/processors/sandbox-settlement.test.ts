import { expect, test } from 'vitest';
import { SETTLE } from '../../src/processors/sandbox/statements.ts';
import { deliverNotifications } from '../../src/processors/sandbox/notifications.ts';
import { AMOUNT, useBench } from './bench.ts';

const GOOD = '4242424242424242';
const CHALLENGED = '4000000000003220';
const PENDING = '4000000000001018';
const CAPTURE_SUCCEEDS_LATER = '4000000000001083';
const CAPTURE_FAILS_LATER = '4000000000001091';
const TAKEN_BACK = '4000000000001109';

const DAY_MS = 24 * 3_600_000;

const bench = useBench();
const hourly = useBench({ settlementMs: 3_600_000 });

const settled = { settledAt: expect.any(Date) };
const open = { settledAt: null };

/** In how many milliseconds a charge, or a movement, is to be paid out. */
async function settlesInMs(of: typeof bench, table: string, key: string): Promise<number> {
  const { rows } = await of().pool.query<{ ms: number | null }>(
    `SELECT extract(epoch FROM settles_at - created_at)::float8 * 1000 AS ms FROM ${table} WHERE key = $1`,
    [key],
  );
  return rows[0]?.ms ?? Number.NaN;
}

test('what is captured with its charge is paid out a day later', async () => {
  const made = await bench().charge(GOOD);
  expect(made.outcome).toMatchObject({ kind: 'approved', ...open });
  expect(await settlesInMs(bench, 'sandbox_charge', made.key)).toBe(DAY_MS);
  await bench().elapse();
  expect(await bench().lookUp(made)).toMatchObject(open);
  await bench().settle();
  const paidOut = await bench().lookUp(made);
  expect(paidOut).toMatchObject({ kind: 'approved', captured: true, ...settled });
  // It was paid out when it was, however often one looks.
  await bench().settle();
  expect(await bench().lookUp(made)).toEqual(paidOut);
});

test('or after what the options say', async () => {
  const { key } = await hourly().charge(GOOD);
  expect(await settlesInMs(hourly, 'sandbox_charge', key)).toBe(DAY_MS / 24);
});

test.each([PENDING, CAPTURE_SUCCEEDS_LATER, CHALLENGED])('%s is paid out a day after its approval', async (number) => {
  const made = await bench().charge(number);
  await bench().settle();
  expect(await bench().lookUp(made)).not.toMatchObject(settled);
  if (number === CHALLENGED) await bench().books.completeAction(made.reference, true);
  else await bench().elapse();
  expect(await settlesInMs(bench, 'sandbox_charge', made.key)).toBeGreaterThanOrEqual(DAY_MS);
  await bench().settle();
  expect(await bench().lookUp(made)).toMatchObject({ kind: 'approved', ...settled });
});

test('captures are paid out one by one, and the authorisation is not', async () => {
  const made = await bench().authorize(GOOD);
  expect(await bench().capture(made, 400n, { key: 'first' })).toMatchObject({ kind: 'succeeded', ...open });
  await bench().settle();
  await bench().capture(made, 100n, { key: 'second' });
  expect(await bench().lookUpMovement('first')).toMatchObject({ kind: 'succeeded', ...settled });
  expect(await bench().lookUpMovement('second')).toMatchObject({ kind: 'succeeded', ...open });
  expect(await bench().lookUp(made)).toMatchObject({ kind: 'approved', captured: false, ...open });
  await bench().settle();
  expect(await bench().lookUpMovement('second')).toMatchObject(settled);
});

test('a capture that is pending is paid out once it has succeeded; one that fails is not', async () => {
  const good = await bench().authorize(CAPTURE_SUCCEEDS_LATER);
  const bad = await bench().authorize(CAPTURE_FAILS_LATER);
  await bench().capture(good, AMOUNT, { key: 'good' });
  await bench().capture(bad, AMOUNT, { key: 'bad' });
  await bench().elapse();
  await bench().settle();
  expect(await bench().lookUpMovement('good')).toMatchObject({ kind: 'succeeded', ...settled });
  expect(await bench().lookUpMovement('bad')).toMatchObject({ kind: 'failed' });
});

test('what is taken back is not paid out, also where both are due when somebody looks', async () => {
  const charged = await bench().charge(TAKEN_BACK);
  const authorized = await bench().authorize(TAKEN_BACK);
  await bench().capture(authorized, AMOUNT, { key: 'taken back' });
  for (const table of ['sandbox_charge', 'sandbox_movement']) {
    await bench().pool.query(
      `UPDATE ${table} SET next_at = now() - interval '2 s', settles_at = now() - interval '1 s' WHERE settles_at IS NOT NULL`,
    );
  }
  await bench().books.advance();
  await bench().settle();
  expect(await bench().lookUp(charged)).toMatchObject({ kind: 'reversed' });
  expect(await bench().lookUpMovement('taken back')).toMatchObject({ kind: 'failed' });
  const { rows } = await bench().pool.query(
    `SELECT settled_at FROM sandbox_charge WHERE key = $1 UNION ALL SELECT settled_at FROM sandbox_movement WHERE key = 'taken back'`,
    [charged.key],
  );
  expect(rows).toEqual([{ settled_at: null }, { settled_at: null }]);
});

test('refunds are another matter: what was captured is paid out all the same', async () => {
  const made = await bench().charge(GOOD);
  await bench().refund(made, AMOUNT, 'refund');
  await bench().settle();
  expect(await bench().lookUp(made)).toMatchObject({ kind: 'approved', ...settled });
  expect(await bench().lookUpMovement('refund')).toMatchObject({ kind: 'succeeded', ...open });
});

test('the gateway is told until it has acknowledged it', async () => {
  const made = await bench().charge(GOOD);
  await deliverNotifications(bench().books, async () => {});
  await bench().settle();
  const told: string[] = [];
  const receive = ({ key }: { key: string }): Promise<void> => {
    if (key !== made.key) return Promise.resolve();
    told.push(key);
    return told.length === 1 ? Promise.reject(new Error('the gateway is down')) : Promise.resolve();
  };
  await expect(deliverNotifications(bench().books, receive)).rejects.toThrow('down');
  await deliverNotifications(bench().books, receive);
  await deliverNotifications(bench().books, receive);
  expect(told).toEqual([made.key, made.key]);
});

test('what is not due is not looked at: it is asked four times a second', async () => {
  const client = await bench().pool.connect();
  try {
    // Of a table this small, it would read every row whatever it could do.
    await client.query('SET enable_seqscan = off');
    for (const statement of SETTLE) {
      const { rows } = await client.query<{ 'QUERY PLAN': string }>(`EXPLAIN ${statement}`);
      expect(rows.map((row) => row['QUERY PLAN']).join('\n')).toContain('Index Cond: (settles_at <= now())');
    }
  } finally {
    client.release(true);
  }
});
