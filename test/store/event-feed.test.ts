import pg from 'pg';
import { expect, onTestFinished, test, vi } from 'vitest';
import type { PaymentEvent } from '../../generated/prisma/client.ts';
import { EventFeed } from '../../src/store/event-feed.ts';
import { useGateway } from '../harness/gateway.ts';
import { Till } from '../harness/till.ts';
import { until } from '../harness/until.ts';
import { beginWriter } from '../harness/writer.ts';

/** So long that no test can count on it: what arrives was woken. */
const NEVER_MS = 3_600_000;
const FEED_NAME = 'feed under test';

const gateway = useGateway();
const till = new Till(gateway);

/** A feed on connections of its own, and what it has told so far. */
async function startFeed(pollMs = NEVER_MS) {
  const pool = new pg.Pool({ ...gateway().database.connection, application_name: FEED_NAME });
  pool.on('error', () => undefined);
  pool.on('connect', (client) => client.on('error', () => undefined));
  const errors: Error[] = [];
  const { epoch } = gateway().app.gateway;
  const feed = new EventFeed({ pool, epoch: { current: epoch }, pollMs, onError: (error) => errors.push(error) });
  await feed.start();
  onTestFinished(async () => {
    await feed.stop();
    await pool.end();
  });
  const received: PaymentEvent[] = [];
  const stop = feed.listen((events) => received.push(...events));
  return { feed, pool, received, errors, stop };
}

const positions = (events: readonly PaymentEvent[]) => events.map(({ orderXid, position }) => [orderXid, position]);

const inOrder = (events: readonly PaymentEvent[]): PaymentEvent[] =>
  events.toSorted((a, b) => Number(a.orderXid - b.orderXid || a.position - b.position));

test('a transaction that stays open hides what commits after it; then both come, in order', async () => {
  const early = await till.pay({ process: false });
  const late = await till.pay({ process: false });
  const { pool, feed, received } = await startFeed();
  const first = await beginWriter(gateway(), early.id);
  const second = await beginWriter(gateway(), late.id);
  second.append();
  await second.committed;
  let reads = 0;
  pool.on('acquire', () => reads++);
  feed.appended();
  await until(() => reads > 5);
  expect(received).toEqual([]);
  first.append();
  await first.committed;
  await until(() => received.length === 2);
  expect(received.map(({ paymentId }) => `pay_${paymentId}`)).toEqual([early.id, late.id]);
  expect(positions(received)).toEqual(positions(inOrder(received)));
});

test('two writers of one payment that commit against their transaction ids: its events do not run backwards', async () => {
  const { id } = await till.pay({ process: false });
  const { feed, received } = await startFeed();
  const older = await beginWriter(gateway(), id);
  const newer = await beginWriter(gateway(), id);
  newer.append();
  await newer.committed;
  older.append();
  await older.committed;
  feed.appended();
  await until(() => received.length === 2);
  expect(received.map(({ sequence }) => sequence)).toEqual([2, 3]);
  expect(positions(received)).toEqual(positions(inOrder(received)));
});

test('many writers at once: every event comes once, and each payment’s in its order', async () => {
  const { received } = await startFeed();
  const ids = await Promise.all(Array.from({ length: 12 }, async () => (await till.pay()).id));
  await Promise.all(ids.flatMap((paymentId) => [1, 2, 3].map((amount) => till.refund({ paymentId, amount }))));
  await until(() => received.length === ids.length * 9);
  expect(new Set(received.map(({ id }) => id)).size).toBe(received.length);
  expect(positions(received)).toEqual(positions(inOrder(received)));
  for (const events of Map.groupBy(received, ({ paymentId }) => paymentId).values()) {
    expect(events.map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
  }
});

async function listeningBackend(): Promise<number | undefined> {
  const { rows } = await gateway().app.gateway.database.pool.query<{ pid: number }>(
    `SELECT pid FROM pg_stat_activity
     WHERE datname = current_database() AND application_name = $1 AND query LIKE 'LISTEN%'`,
    [FEED_NAME],
  );
  return rows[0]?.pid;
}

test('a LISTEN connection that is cut is made anew, and nothing is lost meanwhile', async () => {
  const { received } = await startFeed();
  await till.pay({ process: false });
  await until(() => received.length === 1);
  const pid = await until(listeningBackend);
  await gateway().app.gateway.database.pool.query('SELECT pg_terminate_backend($1)', [pid]);
  await till.pay({ process: false });
  await until(async () => {
    const now = await listeningBackend();
    return now !== undefined && now !== pid;
  });
  await until(() => received.length === 2);
  await till.pay({ process: false });
  await until(() => received.length === 3);
  expect(received.map(({ type }) => type)).toEqual(['PAYMENT_CREATED', 'PAYMENT_CREATED', 'PAYMENT_CREATED']);
});

test('a wake-up that is lost is made up for by the slow look', async () => {
  const { id } = await till.pay({ process: false });
  const { received } = await startFeed(100);
  const writer = await beginWriter(gateway(), id);
  writer.append();
  await writer.committed;
  await until(() => received.length > 0);
  expect(received).toMatchObject([{ sequence: 2 }]);
});

test('a feed begins at the end of the log, and who stops listening hears no more', async () => {
  await till.pay();
  const { feed, received } = await startFeed();
  const short: PaymentEvent[] = [];
  const stop = feed.listen((events) => short.push(...events));
  await till.pay({ process: false });
  await until(() => short.length === 1);
  stop();
  await till.pay({ process: false });
  await until(() => received.length === 2);
  expect(short).toHaveLength(1);
});

/** Tells of each statement before it is sent. */
function watchStatements(pool: pg.Pool, before: (text: string) => Promise<void> | void): void {
  const query = pool.query.bind(pool) as (...args: unknown[]) => Promise<unknown>;
  pool.query = (async (...args: unknown[]) => {
    await before((args[0] as { text: string }).text);
    return query(...args);
  }) as typeof pool.query;
}

test('while nobody listens no event is read; who comes hears what is new', async () => {
  const { feed, pool, received, stop } = await startFeed();
  stop();
  const sent: string[] = [];
  watchStatements(pool, (text) => void sent.push(text));
  const { id } = await till.pay({ process: false });
  feed.appended();
  await until(() => sent.length > 0);
  expect(sent).toEqual([expect.stringMatching(/^NOTIFY /)]);
  feed.listen((events) => received.push(...events));
  const writer = await beginWriter(gateway(), id);
  writer.append();
  await writer.committed;
  feed.appended();
  await until(() => received.at(-1)?.sequence === 2);
});

test('who begins to listen while the end of the log is looked for hears what was appended since', async () => {
  const { id } = await till.pay({ process: false });
  const { feed, pool, received, stop } = await startFeed(50);
  stop();
  let looks = 0;
  watchStatements(pool, async (text) => {
    if (!text.startsWith('SELECT epoch, order_xid, position FROM payment_event') || ++looks > 1) return;
    feed.listen((events) => received.push(...events));
    const writer = await beginWriter(gateway(), id);
    writer.append();
    await writer.committed;
  });
  await until(() => received.length > 0);
  expect(received).toMatchObject([{ sequence: 2 }]);
});

test('a listener that throws keeps nothing from the others', async () => {
  const { feed, errors } = await startFeed();
  const after: PaymentEvent[] = [];
  feed.listen(() => {
    throw new Error('a listener’s own fault');
  });
  feed.listen((events) => after.push(...events));
  await till.pay({ process: false });
  await until(() => after.length === 1);
  expect(errors).toHaveLength(1);
});

test('a process is woken by the others and not by itself', async () => {
  const [one, other] = [await startFeed(), await startFeed()];
  const readsOf = ({ pool }: typeof one) => {
    const queries = vi.spyOn(pool, 'query');
    return () => queries.mock.calls.filter(([query]) => (query as { name?: string }).name === 'event_feed_read').length;
  };
  const [reads, readsOfOther] = [readsOf(one), readsOf(other)];
  one.feed.appended();
  await until(() => readsOfOther() === 1);
  // Notifications come in their order: once this one has, that of its own has come.
  other.feed.appended();
  await until(() => reads() > 1 && readsOfOther() > 1);
  expect([reads(), readsOfOther()]).toEqual([2, 2]);
});
