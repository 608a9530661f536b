import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { clientAt, startChild, tillAt, type GatewayChild } from '../harness/crash-process.ts';
import type { CrashPoint } from '../harness/crash-points.ts';
import { cloneDatabase, openPool } from '../harness/database.ts';
import { Hooks } from '../harness/hooks.ts';
import { Receiver, verified } from '../harness/receiver.ts';
import { card } from '../harness/till.ts';
import { until } from '../harness/until.ts';

/** Gateways in processes of their own, on one database, that tell of events and are killed meanwhile. */

const receiver = new Receiver();
beforeAll(() => receiver.start());
afterAll(() => receiver.stop());

let ends: AsyncDisposableStack;
let pool: pg.Pool;
let options: Parameters<typeof startChild>[0];

beforeEach(async () => {
  receiver.received.length = 0;
  receiver.answer({ status: 204 });
  ends = new AsyncDisposableStack();
  const database = await cloneDatabase();
  ends.defer(() => database.drop());
  pool = openPool(database.connection, 2);
  ends.defer(() => pool.end());
  options = {
    database: database.connection,
    secret: 'a secret of the crash tests that has more than 32 characters',
    settings: { webhookPrivateNetworks: true },
  };
});
afterEach(() => ends.disposeAsync());

async function start(keys?: GatewayChild['keys']): Promise<GatewayChild> {
  const child = await startChild(keys === undefined ? options : { ...options, keys });
  ends.defer(() => child.kill());
  return child;
}

/** An endpoint at the receiver. @returns its secret */
async function endpoint(child: GatewayChild, path: string): Promise<string> {
  const created = await new Hooks(() => clientAt(child)).create({ url: receiver.url(path) });
  if (created.__typename !== 'CreateWebhookEndpointPayload') throw new Error('it was refused');
  return created.secret;
}

async function eventIds(): Promise<string[]> {
  const { rows } = await pool.query<{ id: string }>(`SELECT 'evt_' || id AS id FROM payment_event ORDER BY sequence`);
  return rows.map(({ id }) => id);
}

/** PostgreSQL has noticed that a gateway is dead, and ended what it was asked for last: it claims nothing any more. */
async function areItsConnectionsOver(): Promise<boolean> {
  const { rowCount } = await pool.query(
    `SELECT FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'tender'`,
  );
  return rowCount === 0;
}

describe.each<CrashPoint>(['begun_uncommitted', 'begun', 'concluded_uncommitted', 'concluded'])(
  'a gateway is killed, %s',
  (at) => {
    test('the next one tells of everything that has happened', async () => {
      const child = await start();
      const secret = await endpoint(child, at);
      await child.order({ crash: { at, kinds: {}, count: 1 } });
      const input = { idempotencyKey: randomUUID(), amount: 1000, process: true, card: card() };
      await expect(tillAt(child).create(input)).rejects.toThrow('fetch failed');
      expect(await child.ended).toBe('SIGKILL');
      await until(areItsConnectionsOver);

      // What is committed of events is committed of their deliveries.
      const happened = await eventIds();
      const { rows } = await pool.query<{ id: string }>(`SELECT 'evt_' || event_id AS id FROM webhook_delivery`);
      expect(new Set(rows.map(({ id }) => id))).toEqual(new Set(happened));

      // Its leases are over, for what it was sending and for what it asked the processor.
      await pool.query(`UPDATE webhook_delivery SET next_attempt_at = now() WHERE status = 'PENDING'`);
      await pool.query(
        `UPDATE operation SET recover_at = now(), call_deadline = least(call_deadline, now() - interval '1 hour')
         WHERE recover_at IS NOT NULL`,
      );
      const next = await start(child.keys);
      // A request of the same key may be answered before recovery has learnt what became of the charge: PROCESSING.
      await until(async () => {
        const result = await tillAt(next).create(input);
        return result.__typename === 'CreatePaymentPayload' && result.payment.status !== 'PROCESSING';
      });
      const events = await eventIds();
      const told = await until(() => {
        const data = receiver.at(at).map((each) => verified(secret, each).data);
        return events.every((id) => data.some(({ eventId }) => eventId === id)) && data;
      });
      expect(new Set(told.map(({ eventId }) => eventId))).toEqual(new Set(events));
      expect(await eventIds()).toEqual(events);
      expect(events.slice(0, happened.length)).toEqual(happened);
    });
  },
);

test('what a gateway was sending when it was killed is sent again, under the same id', async () => {
  receiver.answer('never');
  const child = await start();
  const secret = await endpoint(child, 'cut-short');
  await tillAt(child).create();
  const [first] = await receiver.wait('cut-short', 1);
  await child.kill();
  await until(areItsConnectionsOver);
  receiver.answer({ status: 204 });
  const next = await start(child.keys);
  const { rows } = await pool.query(
    `SELECT 1 FROM webhook_delivery WHERE status = 'PENDING' AND next_attempt_at > now()`,
  );
  expect(rows).toHaveLength(1);
  await pool.query('UPDATE webhook_delivery SET next_attempt_at = now()');
  const [, second] = await receiver.wait('cut-short', 2);
  if (first === undefined || second === undefined) throw new Error('it did not arrive');
  expect(second.headers['webhook-id']).toBe(first.headers['webhook-id']);
  expect(verified(secret, second)).toEqual(verified(secret, first));
  const delivery = await new Hooks(() => clientAt(next)).over(first.headers['webhook-id'] ?? '');
  // Nobody knows what came of the first.
  expect(delivery).toMatchObject({ status: 'SUCCEEDED', attempts: [{ number: 2 }] });
});

test('two gateways make each attempt once', async () => {
  const PAYMENTS = 40;
  // The second attempt is an hour off, however busy the machine is.
  receiver.answer({ status: 429, headers: { 'retry-after': '3600' } });
  const one = await start();
  const two = await start(one.keys);
  await endpoint(one, 'shared');
  await Promise.all(Array.from({ length: PAYMENTS }, (_, index) => tillAt(index % 2 === 0 ? one : two).create()));
  const attempted = (times: number) =>
    until(async () => {
      const { rows } = await pool.query('SELECT 1 FROM webhook_attempt WHERE number = $1', [times]);
      return rows.length === PAYMENTS;
    });
  const timesEach = () => {
    const byId = Map.groupBy(receiver.at('shared'), ({ headers }) => headers['webhook-id']);
    return [...byId.values()].map(({ length }) => length);
  };
  await attempted(1);
  expect(timesEach()).toEqual(Array.from({ length: PAYMENTS }, () => 1));
  receiver.answer({ status: 204 });
  await pool.query('UPDATE webhook_delivery SET next_attempt_at = now()');
  await attempted(2);
  expect(timesEach()).toEqual(Array.from({ length: PAYMENTS }, () => 2));
});
