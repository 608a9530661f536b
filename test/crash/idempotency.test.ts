import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startChild, tillAt, type GatewayChild } from '../harness/crash-process.ts';
import { cloneDatabase, openPool } from '../harness/database.ts';
import { only } from '../harness/gateway.ts';
import { card, type Till } from '../harness/till.ts';
import { until } from '../harness/until.ts';

/** Several gateways, each a process of its own, on one database. */
const PROCESSES = 3;
const REQUESTS = 50;
const ROUNDS = 20;

const ends = new AsyncDisposableStack();
let children: readonly GatewayChild[] = [];
let pool: pg.Pool;

beforeAll(async () => {
  const database = await cloneDatabase();
  ends.defer(() => database.drop());
  const { connection } = database;
  pool = openPool(connection, 2);
  ends.defer(() => pool.end());
  const options = { database: connection, secret: 'a secret of the crash tests that has more than 32 characters' };
  const first = await startChild(options);
  const others = Array.from({ length: PROCESSES - 1 }, () => startChild({ ...options, keys: first.keys }));
  children = [first, ...(await Promise.all(others))];
  for (const child of children) ends.defer(() => child.kill());
});
afterAll(() => ends.disposeAsync());

/** A merchant whose requests go to one of the processes. */
function at(process: number, key?: Parameters<typeof tillAt>[1]): Till {
  const child = children[process % PROCESSES];
  if (child === undefined) throw new Error('the gateways are asked for before they were started');
  return tillAt(child, key);
}

type Result = Awaited<ReturnType<Till['create' | 'process' | 'capture' | 'cancel' | 'refund']>>;
type Send = (till: Till) => Promise<Result>;

/** Whether a request of `spread` is the other one: neighbours differ in the process, and threes in what they send. */
function isOther(index: number): boolean {
  return Math.floor(index / PROCESSES) % 2 === 1;
}

/** Sends requests at once, spread over the processes. */
function spread(send: Send, other: Send = send): Promise<Result[]> {
  return Promise.all(Array.from({ length: REQUESTS }, (_, index) => (isOther(index) ? other : send)(at(index))));
}

/** Asks again, here and there, as long as it is told that the first request is still running. */
async function answered(send: Send): Promise<Result> {
  let asked = 0;
  return until(async () => {
    const result = await send(at(asked++));
    return result.__typename !== 'IdempotencyInProgressError' && result;
  });
}

/** What a request made: the payment, capture or refund. @throws for an answer that is an error */
function resourceOf(result: Result): string {
  if (!('payment' in result)) throw new Error(`refused: ${JSON.stringify(result)}`);
  if ('capture' in result) return result.capture.id;
  return 'refund' in result ? result.refund.id : result.payment.id;
}

const ROWS = `SELECT
  (SELECT count(*) FROM payment)::int AS payments, (SELECT count(*) FROM attempt)::int AS attempts,
  (SELECT count(*) FROM capture)::int AS captures, (SELECT count(*) FROM refund)::int AS refunds,
  (SELECT count(*) FROM operation)::int AS operations, (SELECT count(*) FROM idempotency_key)::int AS keys,
  (SELECT count(*) FROM payment_method)::int AS methods,
  (SELECT count(*) FROM sandbox_charge)::int AS charges, (SELECT count(*) FROM sandbox_movement)::int AS movements`;

type Rows = Readonly<Record<string, number>>;

/** How many rows are added while something is done. */
async function added(act: () => Promise<void>): Promise<Rows> {
  const count = async () => (await pool.query<Rows>(ROWS)).rows[0] ?? {};
  const before = await count();
  await act();
  const after = await count();
  const grown = Object.entries(after).map(([table, rows]) => [table, rows - (before[table] ?? 0)] as const);
  return Object.fromEntries(grown.filter(([, rows]) => rows !== 0));
}

interface Mutation {
  /** Two requests under one key that differ in their input. */
  readonly arrange: () => Promise<{ readonly send: Send; readonly other: Send }>;
  /** The rows that one request adds. */
  readonly adds: Rows;
}

const CHARGE = { attempts: 1, operations: 1, charges: 1, keys: 1, captures: 1 };

const MUTATIONS: Readonly<Record<string, Mutation>> = {
  createPayment: {
    arrange: () => {
      const input = { idempotencyKey: randomUUID(), amount: 1000, process: true, card: card() };
      return Promise.resolve({
        send: (till) => till.create(input),
        other: (till) => till.create({ ...input, amount: 2000 }),
      });
    },
    adds: { ...CHARGE, payments: 1, methods: 1 },
  },
  processPayment: {
    async arrange() {
      const { id } = await at(0).pay({ process: false });
      const input = { idempotencyKey: randomUUID(), paymentId: id };
      const another = await at(0).pay({ process: false });
      return {
        send: (till) => till.process(input),
        other: (till) => till.process({ ...input, paymentId: another.id }),
      };
    },
    adds: CHARGE,
  },
  capturePayment: {
    async arrange() {
      const { id } = await at(0).authorize({ amount: 1000 });
      const input = { idempotencyKey: randomUUID(), paymentId: id, amount: 300 };
      return { send: (till) => till.capture(input), other: (till) => till.capture({ ...input, amount: 200 }) };
    },
    adds: { captures: 1, operations: 1, movements: 1, keys: 1 },
  },
  cancelPayment: {
    async arrange() {
      const [{ id }, another] = [await at(0).authorize(), await at(0).authorize()];
      const input = { idempotencyKey: randomUUID(), paymentId: id };
      return { send: (till) => till.cancel(input), other: (till) => till.cancel({ ...input, paymentId: another.id }) };
    },
    adds: { operations: 1, movements: 1, keys: 1 },
  },
  refundPayment: {
    async arrange() {
      const { id } = await at(0).pay({ amount: 1000 });
      const input = { idempotencyKey: randomUUID(), paymentId: id, amount: 300 };
      return { send: (till) => till.refund(input), other: (till) => till.refund({ ...input, amount: 200 }) };
    },
    adds: { refunds: 1, operations: 1, movements: 1, keys: 1 },
  },
};

const mutations = Object.entries(MUTATIONS);

test.each(mutations)('%s: 50 requests at once under one key have one effect', async (_, { arrange, adds }) => {
  const { send } = await arrange();
  const rows = await added(async () => {
    const results = await spread(send);
    for (const result of results) {
      if (result.__typename !== 'IdempotencyInProgressError') continue;
      expect(result.retryAfterMs).toBeGreaterThanOrEqual(0);
      expect(result.retryAfterMs).toBeLessThanOrEqual(500);
    }
    const definite = results.filter(({ __typename }) => __typename !== 'IdempotencyInProgressError');
    expect(definite.filter((result) => 'replayed' in result && !result.replayed)).toHaveLength(1);
    const again = await Promise.all(results.map(() => answered(send)));
    expect(again.every((result) => 'replayed' in result && result.replayed)).toBe(true);
    expect(new Set([...definite, ...again].map(resourceOf)).size).toBe(1);
  });
  expect(rows).toEqual(adds);
});

test.each(mutations)('%s: of two inputs under one key, one wins', async (_, { arrange, adds }) => {
  const { send, other } = await arrange();
  const rows = await added(async () => {
    const results = await spread(send, other);
    const theirs = results.filter((_result, index) => isOther(index));
    const refused = results.filter(({ __typename }) => __typename === 'IdempotencyKeyReusedError');
    const [first] = refused;
    const [winner, loser] = first !== undefined && theirs.includes(first) ? [send, other] : [other, send];
    // All of one input, and none of the other.
    expect(refused).toEqual(loser === other ? theirs : results.filter((_result, index) => !isOther(index)));
    expect((await answered(loser)).__typename).toBe('IdempotencyKeyReusedError');
    const won = results.filter((result) => 'payment' in result);
    expect(new Set([...won, await answered(winner)].map(resourceOf)).size).toBe(1);
  });
  expect(rows).toEqual(adds);
});

test('an input that was refused does not burn its key, in any process', async () => {
  const idempotencyKey = randomUUID();
  only(await at(0).create({ idempotencyKey, amount: 0 }), 'InvalidInputError');
  const created = only(await at(1).create({ idempotencyKey, amount: 1000 }), 'CreatePaymentPayload');
  expect(created).toMatchObject({ replayed: false, payment: { amount: { amount: 1000 } } });

  const { id } = await at(2).authorize({ amount: 1000 });
  const capture = { idempotencyKey: randomUUID(), paymentId: id };
  only(await at(0).capture({ ...capture, amount: 1001 }), 'CaptureTooLargeError');
  const captured = only(await at(1).capture({ ...capture, amount: 1000 }), 'CapturePaymentPayload');
  expect(captured).toMatchObject({ replayed: false, payment: { status: 'SUCCEEDED' } });
});

test('a payment that was declined is replayed as it stands', async () => {
  const input = { idempotencyKey: randomUUID(), process: true, card: card('4000000000009995') };
  const declined = only(await at(0).create(input), 'CreatePaymentPayload');
  expect(declined.payment).toMatchObject({ status: 'FAILED', decline: { code: 'insufficient_funds' } });
  expect(await at(1).create(input)).toEqual({ ...declined, replayed: true });
  only(await at(2).process({ paymentId: declined.payment.id, card: card() }), 'ProcessPaymentPayload');
  const replayed = only(await at(0).create(input), 'CreatePaymentPayload');
  const now = { id: declined.payment.id, status: 'SUCCEEDED', decline: null };
  expect(replayed).toMatchObject({ replayed: true, payment: now });
  expect(replayed.payment.attempts).toHaveLength(2);
});

test('a key of another environment, or of another mutation, is another key', async () => {
  const input = { idempotencyKey: randomUUID(), amount: 1000, card: card() };
  const { payment } = only(await at(0).create(input), 'CreatePaymentPayload');
  const theirs = only(await at(1, 'other').create(input), 'CreatePaymentPayload');
  expect(theirs.replayed).toBe(false);
  expect(theirs.payment.id).not.toBe(payment.id);
  const live = only(await at(2, 'live').create({ ...input, card: null }), 'CreatePaymentPayload');
  expect(live.replayed).toBe(false);

  const same = { idempotencyKey: input.idempotencyKey, paymentId: payment.id };
  expect(only(await at(1).process(same), 'ProcessPaymentPayload').replayed).toBe(false);
  expect(only(await at(2).refund(same), 'RefundPaymentPayload').replayed).toBe(false);
});

test('of two refunds at once that together exceed what was captured, one is refused', async () => {
  for (let round = 0; round < ROUNDS; round++) {
    const { id } = await at(round).pay({ amount: 1000 });
    const [first, second] = await Promise.all([
      at(round).refund({ paymentId: id, amount: 600 }),
      at(round + 1).refund({ paymentId: id, amount: 600 }),
    ]);
    const [given, refused] = first.__typename === 'RefundPaymentPayload' ? [first, second] : [second, first];
    expect(only(given, 'RefundPaymentPayload').refund).toMatchObject({ status: 'SUCCEEDED', amount: { amount: 600 } });
    expect(only(refused, 'RefundTooLargeError').maximumRefundable.amount).toBe(400);
    const payment = await at(round + 2).read(id);
    expect(payment).toMatchObject({ amountRefunded: { amount: 600 }, maximumRefundable: { amount: 400 } });
    const { rows } = await pool.query(
      `SELECT amount_captured::int AS captured, amount_refunded::int AS refunded FROM sandbox_charge
       JOIN operation ON processor_key = key WHERE 'pay_' || payment_id = $1`,
      [id],
    );
    expect(rows).toEqual([{ captured: 1000, refunded: 600 }]);
  }
});
