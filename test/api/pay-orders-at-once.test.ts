import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { PayOrdersDocument } from '../../generated/operations/graphql.ts';
import { startChild, type GatewayChild } from '../harness/crash-process.ts';
import { SECRET, useGateway } from '../harness/gateway.ts';
import { grant, makeToken } from '../harness/payer.ts';
import { card, Till } from '../harness/till.ts';

/** Several payers pay the same orders at the same moment, at two gateways: each order is charged once. */

const gateway = useGateway();
const till = new Till(gateway);
let other: GatewayChild;

beforeAll(async () => {
  const { database, keys } = gateway();
  other = await startChild({ database: database.connection, secret: SECRET, keys });
});

afterAll(() => other.kill());

interface Try {
  readonly url: string;
  readonly token: string;
  readonly orders: readonly string[];
  readonly idempotencyKey?: string;
}

async function pay({ url, token, orders, idempotencyKey = randomUUID() }: Try): Promise<string> {
  const input = { idempotencyKey, orders: orders.map((id) => ({ id })), card: card() };
  const response = await fetch(url, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ query: String(PayOrdersDocument), variables: { input } }),
  });
  const { data } = (await response.json()) as { data?: { payOrders: { __typename: string } } };
  return data?.payOrders.__typename ?? 'no answer';
}

/** How often each order was charged, by the sandbox's books. */
async function chargesOf(orders: readonly string[]): Promise<number[]> {
  const { rows } = await gateway().app.gateway.database.pool.query<{ order: string }>(
    `SELECT destination_id AS "order" FROM payment_destination AS destination
     JOIN operation ON operation.payment_id = destination.payment_id JOIN sandbox_charge AS charge ON charge.key = processor_key
     WHERE destination_id = ANY ($1) AND charge.amount_captured > 0`,
    [orders],
  );
  return orders.map((order) => rows.filter((row) => row.order === order).length);
}

const newOrders = (count: number) => Array.from({ length: count }, () => `ord_${randomUUID()}`);

async function tokensFor(orders: readonly string[]): Promise<string[]> {
  const grants = orders.map((id) => grant(id));
  const customers = await Promise.all(['a', 'b'].map((name) => till.customer({ email: `${name}@example.com` })));
  return Promise.all(customers.map((customerId) => makeToken(gateway(), { customerId, grants })));
}

test.each([1, 2, 3])('one order, of two customers and many requests (%i)', async () => {
  const orders = newOrders(1);
  const tokens = await tokensFor(orders);
  const tries = [gateway().url, other.url].flatMap((url) => tokens.map((token) => ({ url, token, orders })));
  const answers = await Promise.all([...tries, ...tries, ...tries].map(pay));
  expect(answers.toSorted()).toEqual([...Array.from({ length: 11 }, () => 'AlreadyPaidError'), 'PayOrdersPayload']);
  expect(await chargesOf(orders)).toEqual([1]);
});

test('the same request at both gateways', async () => {
  const orders = newOrders(1);
  const [token = ''] = await tokensFor(orders);
  const idempotencyKey = randomUUID();
  const tries = [gateway().url, other.url].map((url) => ({ url, token, orders, idempotencyKey }));
  const answers = await Promise.all([...tries, ...tries].map(pay));
  expect(answers).toContain('PayOrdersPayload');
  expect(answers).not.toContain('AlreadyPaidError');
  expect(await chargesOf(orders)).toEqual([1]);
});

test('the same request, which looked for its twin before that was written, and at the order after it', async () => {
  const orders = newOrders(1);
  const [token = ''] = await tokensFor(orders);
  const request = { token, orders, idempotencyKey: randomUUID() };
  const { pool } = gateway().app.gateway.database;
  const waiting = async (): Promise<number> => {
    const { rows } = await pool.query<{ count: number }>(
      "SELECT count(*)::int FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
    );
    return rows[0]?.count ?? 0;
  };
  const holder = await pool.connect();
  try {
    // The first has the order's lock, and waits to write.
    await holder.query('BEGIN');
    await holder.query('LOCK TABLE payment_event IN SHARE MODE');
    const first = pay({ ...request, url: gateway().url });
    await vi.waitFor(async () => expect(await waiting()).toBe(1), { timeout: 10_000 });
    // Its twin has found no such key, and waits for the order's lock.
    const twin = pay({ ...request, url: other.url });
    await vi.waitFor(async () => expect(await waiting()).toBe(2), { timeout: 10_000 });
    await holder.query('ROLLBACK');
    expect(await first).toBe('PayOrdersPayload');
    expect(['PayOrdersPayload', 'IdempotencyInProgressError']).toContain(await twin);
    expect(await chargesOf(orders)).toEqual([1]);
  } finally {
    holder.release(true);
  }
});

test.each([1, 2, 3])('orders in groups that overlap, in any order (%i)', async () => {
  const orders = newOrders(3);
  const groups = [[0, 1], [1, 2], [2, 0], [2, 1, 0], [0, 1, 2], [0]];
  const tries = (await tokensFor(orders)).flatMap((token) =>
    groups.flatMap((group) =>
      [gateway().url, other.url].map((url) => ({ url, token, orders: group.map((index) => orders[index] ?? '') })),
    ),
  );
  const answers = await Promise.all(tries.map(pay));
  expect(new Set(answers)).toEqual(new Set(['AlreadyPaidError', 'PayOrdersPayload']));
  const charges = await chargesOf(orders);
  expect(Math.max(...charges)).toBe(1);
  await Promise.all(orders.map((order) => pay({ url: other.url, token: tries[0]?.token ?? '', orders: [order] })));
  expect(await chargesOf(orders)).toEqual([1, 1, 1]);
});
