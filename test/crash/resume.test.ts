import { randomInt } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { PaymentEventsDocument, type PaymentEventFilter } from '../../generated/operations/graphql.ts';
import { encodeId } from '../../src/domain/ids.ts';
import { Random } from '../faults/random.ts';
import { startChild, tillAt, type ChildOptions, type GatewayChild } from '../harness/crash-process.ts';
import { cloneDatabase, openPool } from '../harness/database.ts';
import { only, type TestGateway } from '../harness/gateway.ts';
import { subscribeOverEvents, subscribeOverWebSocket } from '../harness/subscription.ts';
import { card, type Till } from '../harness/till.ts';
import { until } from '../harness/until.ts';

/**
 * Subscribers are cut off and resume at random, over both transports, while payments are made through two gateways that
 * are killed and started again, and transactions that stay open hide what commits behind them. In the end each has seen
 * every event of its filter once, in order. RESUME_SEED repeats the choices of a run.
 */
const SEED = Number(process.env['RESUME_SEED'] ?? randomInt(2 ** 31));
const PROCESSES = 2;
const WRITERS = 4;
const PAYMENTS_OF_EACH = 25;
const KILLS = 4;

/**
 * What the killed have left is due at once: their calls are over, and so are the leases of what they had taken on. Waited
 * for, that would take longer than `until` is patient.
 */
const MINUTES_PASS = `
  UPDATE operation SET created_at = created_at - minutes, call_deadline = call_deadline - minutes,
    recover_at = recover_at - minutes
  FROM (SELECT interval '2 minutes' AS minutes)
  WHERE id IN (SELECT id FROM operation WHERE status <> 'COMPLETED' FOR UPDATE SKIP LOCKED)`;

const leftovers = new AsyncDisposableStack();
let options: ChildOptions;
let children: GatewayChild[] = [];
let pool: pg.Pool;

beforeAll(async () => {
  const database = await cloneDatabase();
  leftovers.defer(() => database.drop());
  pool = openPool(database.connection, 4);
  leftovers.defer(() => pool.end());
  const secret = 'a secret of the crash tests that has more than 32 characters';
  options = { database: database.connection, secret };
  const first = await startChild(options);
  options = { ...options, keys: first.keys };
  children = [first, await startChild(options)];
  leftovers.defer(() => Promise.all(children.map((child) => child.kill())).then(() => undefined));
});
afterAll(() => leftovers.disposeAsync());

function anyOf(random: Random): GatewayChild {
  return random.pick(children);
}

/** Makes payments, at one gateway or the other; a request that nobody answered is not sent again. */
async function write(random: Random, customerId: string): Promise<void> {
  for (let made = 0; made < PAYMENTS_OF_EACH;) {
    try {
      await payOnce(tillAt(anyOf(random)), random, customerId);
      made++;
    } catch {
      // It was killed meanwhile: the other one is there, or the next will be.
    }
    await pause(random.integer(0, 30));
  }
}

async function payOnce(till: Till, random: Random, customerId: string): Promise<void> {
  const number = random.pick(['4242424242424242', '4000000000000002', '4000000000001018']);
  const destinations = random.chance(0.3) ? [{ type: 'ORDER' as const, id: 'o-1', amount: 4999 }] : [];
  const created = await till.create({
    process: true,
    card: card(number),
    destinations,
    ...(random.chance(0.5) && { customerId }),
  });
  const { id, status } = only(created, 'CreatePaymentPayload').payment;
  if (status === 'SUCCEEDED' && random.chance(0.5)) await till.refund({ paymentId: id, amount: random.integer(1, 99) });
}

/** Holds transactions open: as long as one is, nothing that began after it may be told. */
async function hide(random: Random, isOver: () => boolean): Promise<void> {
  const client = await pool.connect();
  try {
    while (!isOver()) {
      await client.query('BEGIN');
      await client.query('SELECT pg_current_xact_id()');
      await pause(random.integer(0, 120));
      await client.query('COMMIT');
      await pause(random.integer(0, 60));
    }
  } finally {
    client.release();
  }
}

async function kill(random: Random): Promise<void> {
  for (let kills = 0; kills < KILLS; kills++) {
    await pause(random.integer(300, 900));
    const at = random.integer(0, PROCESSES - 1);
    await children[at]?.kill();
    children[at] = await startChild(options);
  }
}

/** Follows the feed, and loses its connection again and again, until it has seen the event that is the last. */
async function follow(random: Random, filter: PaymentEventFilter, start: string, end: End): Promise<string[]> {
  const seen: string[] = [];
  let after = start;
  while (!end.isReached(seen)) {
    const subscribe = random.pick([subscribeOverEvents, subscribeOverWebSocket]);
    const subscription = subscribe(anyOf(random) as unknown as TestGateway, PaymentEventsDocument, { filter, after });
    try {
      for (let left = random.integer(1, 20); left > 0 && !end.isReached(seen); left--) {
        const message: Awaited<ReturnType<typeof subscription.next>> | 'known' = await end.orKnown(subscription.next());
        // What may have come in this moment comes again: the cursor is still the one before it.
        if (message === 'known') break;
        const { cursor, event } = message.paymentEvents;
        if (event !== null) seen.push(event.id);
        after = cursor;
      }
    } catch {
      await pause(50);
    }
    await subscription.stop().catch(() => undefined);
  }
  return seen;
}

/** The last event of a filter, which is known once nothing is written any more. */
class End {
  #last: string | undefined;
  readonly #known = Promise.withResolvers<'known'>();
  #isKnown = false;

  tell(last: string | undefined): void {
    this.#last = last;
    this.#isKnown = true;
    this.#known.resolve('known');
  }

  isReached(seen: readonly string[]): boolean {
    return this.#isKnown && seen.at(-1) === this.#last;
  }

  /** Nothing may come any more: who waits when the end gets known looks whether it is reached. */
  async orKnown<T>(next: Promise<T>): Promise<T | 'known'> {
    return this.#isKnown ? next : Promise.race([next, this.#known.promise]);
  }
}

/** What there is to be seen, as the database has it. */
async function written(condition: string, values: readonly unknown[] = []): Promise<string[]> {
  const { rows } = await pool.query<{ id: string }>(
    `SELECT id FROM payment_event AS event
     WHERE environment_id = (SELECT environment_id FROM payment LIMIT 1) AND ${condition}
     ORDER BY epoch, order_xid, position`,
    [...values],
  );
  return rows.map(({ id }) => encodeId('PaymentEvent', id));
}

test(`every subscriber sees every event of its filter once, in order (RESUME_SEED=${SEED})`, async () => {
  const random = new Random(SEED);
  const customerId = await tillAt(anyOf(random)).customer();
  const filters: readonly { filter: PaymentEventFilter; condition: string; values?: readonly unknown[] }[] = [
    { filter: {}, condition: 'true' },
    { filter: {}, condition: 'true' },
    {
      filter: { customerId },
      condition: `'cus_' || customer_id = $1`,
      values: [customerId],
    },
    {
      filter: { type: ['PAYMENT_SUCCEEDED', 'REFUND_SUCCEEDED'] },
      condition: `type IN ('PAYMENT_SUCCEEDED', 'REFUND_SUCCEEDED')`,
    },
    { filter: { status: ['FAILED'] }, condition: `status = 'FAILED'` },
    {
      filter: { destination: { type: 'ORDER', id: 'o-1' } },
      condition: 'EXISTS (SELECT FROM payment_destination AS of WHERE of.payment_id = event.payment_id)',
    },
  ];
  const { events: beginning } = await tillAt(anyOf(random)).events();
  const ends = filters.map(() => new End());
  let writing = true;
  const followers = filters.map(({ filter }, index) =>
    follow(random.fork(), filter, beginning.cursor, ends[index] ?? new End()),
  );
  const hiding = hide(random.fork(), () => !writing);
  await Promise.all([kill(random.fork()), ...Array.from({ length: WRITERS }, () => write(random.fork(), customerId))]);
  await pool.query(MINUTES_PASS);
  await until(async () => (await pool.query("SELECT FROM operation WHERE status <> 'COMPLETED'")).rowCount === 0);
  writing = false;
  await hiding;
  const expected = await Promise.all(filters.map(({ condition, values }) => written(condition, values)));
  for (const [index, ids] of expected.entries()) ends[index]?.tell(ids.at(-1));
  const seen = await Promise.all(followers);
  for (const [index, ids] of expected.entries()) {
    expect(ids.length).toBeGreaterThan(0);
    expect(seen[index]).toEqual(ids);
  }
}, 240_000);
