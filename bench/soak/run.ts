import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createClient } from 'graphql-ws';
import { encodeId } from '../../src/domain/ids.ts';
import { newId } from '../../src/new-id.ts';
import type { Connection } from '../../src/postgres/connection.ts';
import { applyMigrations } from '../../src/postgres/migrations.ts';
import { startTemporaryCluster } from '../../src/postgres/temporary.ts';
import { addAccount, addKey } from '../../src/store/access.ts';
import { openDatabase, type Database } from '../../src/store/database.ts';
import { readBooks } from '../../test/faults/books.ts';
import { checkEventLogs } from '../../test/faults/event-log.ts';
import { reconcile } from '../../test/faults/reconcile.ts';
import { capacity, Shop, steady } from './load.ts';
import { startReplica, type Replica } from './replica.ts';
import { percentiles, slopePerMinute, tableOf, type Sample } from './table.ts';

/**
 * Three replicas at 80% of what they can do, for minutes: what they take, how long it takes, and whether all of it holds.
 * It ends with 1 where something does not.
 *
 *   npm run bench:soak -- [--minutes 3] [--subscribers 30] [--rate <rounds in a second>]
 */
const REPLICAS = 3;
const LOAD = 0.8;
const CAPACITY = { atOnce: 16, seconds: 15 };
/** Each makes the collector go through the whole heap. */
const SAMPLE_MS = 10_000;
/** What a collector leaves for later goes up and down; a leak of a kilobyte for each round is more than this. */
const SLOPE_MAX = 0.05;
/** Of each minute's rounds, two or three requests each: a queue that grows takes longer every minute. */
const P99_MAX_MS = 3_000;
/** How long an event that was written may take to come. It ends a hang, and measures nothing. */
const PATIENCE_MS = 30_000;

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '3' },
    subscribers: { type: 'string', default: '30' },
    rate: { type: 'string' },
  },
});
const [minutes, subscribers] = [Number(values.minutes), Number(values.subscribers)];
if (!(minutes > 0) || !Number.isInteger(subscribers) || subscribers < 0) {
  process.stderr.write('--minutes takes a number above 0, and --subscribers a whole number.\n');
  process.exit(2);
}
const say = (text: string): void => void process.stdout.write(`${text}\n`);

// What it has started ends with its exit, and a signal alone would leave it behind.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));
const cluster = await startTemporaryCluster({ max_connections: '120' });
try {
  await applyMigrations({
    database: cluster.connection,
    directory: join(import.meta.dirname, '../../prisma/migrations'),
  });
  const database = openDatabase(cluster.connection, { onError: () => undefined, poolSize: 2 });
  try {
    process.exitCode = (await soak(database)) ? 0 : 1;
  } finally {
    await database.close();
  }
} finally {
  await cluster.stop();
}

/** @returns whether everything holds */
async function soak(database: Database): Promise<boolean> {
  const shop = await addAccount(database, { name: 'A shop', newId });
  const key = await addKey(database, { id: newId(), environment: shop.test, name: 'a key' });
  const variables = { DATABASE_URL: urlOf(cluster.connection), TENDER_SECRET: randomUUID() };
  const replicas = await Promise.all(Array.from({ length: REPLICAS }, () => startReplica(variables)));
  try {
    return await soakThem(replicas, database, key);
  } finally {
    await Promise.all(replicas.map((replica) => replica.stop()));
  }
}

async function soakThem(replicas: readonly Replica[], database: Database, key: string): Promise<boolean> {
  const load = new Shop(replicas, key);
  const most = await capacity(load, CAPACITY);
  const perSecond = values.rate === undefined ? most * LOAD : Number(values.rate);
  say(`${most.toFixed(1)} rounds in a second at most; now ${perSecond.toFixed(1)} for ${minutes} minutes`);

  const feeds = Array.from({ length: subscribers }, (_, index) => follow(replicas[index % REPLICAS], key));
  await Promise.all(feeds.map(({ begun }) => begun));
  const before = await countEvents(database);
  const startMs = performance.now();
  const samples: Sample[] = [];
  const sampling = setInterval(() => {
    const [atMs, resident] = [performance.now() - startMs, replicas.map((replica) => replica.megabytes())];
    void Promise.all(replicas.map((replica) => replica.heapMegabytes())).then(
      (heap) => samples.push({ atMs, resident, heap }),
      (error: Error) => load.errors.set(error.message, (load.errors.get(error.message) ?? 0) + 1),
    );
  }, SAMPLE_MS);
  const taken = await steady(load, { perSecond, seconds: minutes * 60 });
  clearInterval(sampling);
  say(`\n${tableOf(taken, samples)}\n`);

  const all = await readEvents(database);
  const written = all.slice(before);
  say(`waiting for ${written.length} events at ${subscribers} subscribers`);
  await Promise.all(feeds.map((feed) => feed.until(written.at(-1))));
  say('stopping the replicas');
  const codes = await Promise.all(replicas.map((replica) => replica.stop()));
  const books = await readBooks(database.pool);
  const slopes = Array.from({ length: REPLICAS }, (_, index) => slopePerMinute(samples, index));
  const slowest = percentiles(taken);
  const wrong = feeds.filter(({ ids }) => !isEndOf(all, ids, before)).length;
  const discrepancies = [...reconcile(books), ...checkEventLogs(books.payments)];
  return [
    verdict('errors', [...load.errors].map(([text, count]) => `${count} × ${text}`).join('; ')),
    verdict(
      `99 of 100 rounds in each minute: ${slowest.map((ms) => `${ms.toFixed(0)} ms`).join(', ')}`,
      slowest.some((ms) => ms > P99_MAX_MS) ? `more than ${P99_MAX_MS} ms` : '',
    ),
    verdict(
      `what is in use of each replica's heap, by minute: ${slopes.map((slope) => `${(slope * 100).toFixed(1)}%`).join(', ')}`,
      slopes.some((slope) => slope > SLOPE_MAX) ? `grows by more than ${SLOPE_MAX * 100}%` : '',
    ),
    verdict(
      `${written.length} events, each to ${subscribers} subscribers, in order`,
      wrong === 0 ? '' : `${wrong} subscribers were told something else`,
    ),
    verdict(
      `the books of ${books.payments.length} payments`,
      discrepancies
        .map(({ text }) => text)
        .slice(0, 5)
        .join('; '),
    ),
    verdict('the end of each replica', codes.every((code) => code === 0) ? '' : codes.join()),
  ].every(Boolean);
}

/** Tells whether something holds. @param fault why not; empty if it does */
function verdict(what: string, fault: string): boolean {
  say(`${fault === '' ? 'ok    ' : 'FAILED'}  ${what}${fault === '' ? '' : `: ${fault}`}`);
  return fault === '';
}

interface Feed {
  /** The events so far. */
  readonly ids: string[];
  readonly begun: Promise<void>;
  /** Waits for an event, and leaves. */
  until(last: string | undefined): Promise<void>;
}

function follow(replica: Replica | undefined, key: string): Feed {
  const client = createClient({
    url: `${replica?.url.replace('http', 'ws')}/graphql`,
    connectionParams: { authorization: `Bearer ${key}` },
    retryAttempts: 0,
  });
  const ids: string[] = [];
  const begun = Promise.withResolvers<void>();
  let told: (() => void) | undefined;
  const query = 'subscription { paymentEvents { cursor event { id } } }';
  const take = async (): Promise<void> => {
    for await (const { data } of client.iterate<{ paymentEvents: { event: { id: string } | null } }>({ query })) {
      begun.resolve();
      const id = data?.paymentEvents.event?.id;
      if (id !== undefined) ids.push(id);
      told?.();
    }
  };
  void take().catch((error: unknown) => begun.reject(error));
  return {
    ids,
    begun: begun.promise,
    async until(last) {
      const { promise, resolve } = Promise.withResolvers<void>();
      told = () => (last === undefined || ids.at(-1) === last ? resolve() : undefined);
      told();
      const timer = setTimeout(resolve, PATIENCE_MS);
      await promise;
      clearTimeout(timer);
      await client.dispose();
    },
  };
}

async function countEvents({ pool }: Database): Promise<number> {
  const { rows } = await pool.query<{ count: number }>('SELECT count(*)::int AS count FROM payment_event');
  return rows[0]?.count ?? 0;
}

/** Whether these are all events from some moment on, one after the other: from one before `begun`, when a subscriber was told some. */
function isEndOf(all: readonly string[], ids: readonly string[], begun: number): boolean {
  const from = ids[0] === undefined ? all.length : all.indexOf(ids[0]);
  return from !== -1 && from <= begun && ids.join() === all.slice(from).join();
}

async function readEvents({ pool }: Database): Promise<string[]> {
  const { rows } = await pool.query<{ id: string }>('SELECT id FROM payment_event ORDER BY epoch, order_xid, position');
  return rows.map(({ id }) => encodeId('PaymentEvent', id));
}

function urlOf({ host, port, user, password, database }: Connection): string {
  const url = new URL(`postgresql://localhost:${port}/${database}`);
  url.username = user;
  url.password = password;
  url.searchParams.set('host', host);
  return url.href;
}
