import { once } from 'node:events';
import { createServer, createConnection, type AddressInfo, type Socket } from 'node:net';
import { join } from 'node:path';
import pg from 'pg';
import { expect, onTestFinished, test } from 'vitest';
import { EventFeed } from '../../src/store/event-feed.ts';
import { Listening } from '../../src/store/listening.ts';
import { useGateway } from '../harness/gateway.ts';
import { Till } from '../harness/till.ts';
import { until } from '../harness/until.ts';

const NEVER_MS = 3_600_000;

const gateway = useGateway();
const till = new Till(gateway);

/** A way to PostgreSQL that can lose all its connections without a word, as networks do, and lets new ones through. */
async function openWire() {
  const { host, port } = gateway().database.connection;
  const pairs = new Set<readonly [Socket, Socket]>();
  let accepted = 0;
  let isOpen = true;
  const server = createServer((client) => {
    if (!isOpen) {
      client.destroy();
      return;
    }
    accepted++;
    const upstream = createConnection(join(host, `.s.PGSQL.${port}`));
    for (const socket of [client, upstream]) socket.on('error', () => {});
    client.pipe(upstream).pipe(client);
    const pair = [client, upstream] as const;
    pairs.add(pair);
    client.once('close', () => {
      upstream.destroy();
      pairs.delete(pair);
    });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => {
    for (const pair of pairs) for (const socket of pair) socket.destroy();
    server.close();
  });
  return {
    port: (server.address() as AddressInfo).port,
    accepted: () => accepted,
    /** Nothing gets through any more, in either direction; neither side is told. */
    freeze() {
      for (const [client, upstream] of pairs) {
        client.unpipe(upstream).pause();
        upstream.unpipe(client).pause();
      }
    },
    /** Whether whoever comes is let through. */
    open(open: boolean) {
      isOpen = open;
    },
  };
}

/** A pool whose connections go over a wire. */
function poolOn(port: number): pg.Pool {
  const pool = new pg.Pool({ ...gateway().database.connection, host: '127.0.0.1', port });
  pool.on('error', () => {});
  pool.on('connect', (client) => client.on('error', () => {}));
  onTestFinished(() => pool.end());
  return pool;
}

test('a connection that says nothing any more is noticed and made anew, and nothing is lost', async () => {
  const wire = await openWire();
  const { epoch } = gateway().app.gateway;
  const options = { pool: poolOn(wire.port), epoch: { current: epoch }, pollMs: NEVER_MS, heartbeatMs: 500 };
  // On a busy machine, half a second may be over before there is a connection: then there is no feed.
  const feed = await until(async () => {
    const each = new EventFeed({ ...options, onError: () => {} });
    onTestFinished(() => each.stop());
    return each.start().then(
      () => each,
      () => undefined,
    );
  });
  const received: string[] = [];
  feed.listen((events) => received.push(...events.map(({ paymentId }) => `pay_${paymentId}`)));
  const first = await till.pay({ process: false });
  await until(() => received.length === 1);
  const before = wire.accepted();
  wire.freeze();
  const second = await till.pay({ process: false });
  await until(() => received.length === 2);
  expect(wire.accepted()).toBeGreaterThan(before);
  const third = await till.pay({ process: false });
  await until(() => received.length === 3);
  expect(received).toEqual([first.id, second.id, third.id]);
});

test('while there is no server it is tried again, ever more seldom, until there is one', async () => {
  const wire = await openWire();
  const failedAt: number[] = [];
  let wakes = 0;
  const listening = new Listening({
    pool: poolOn(wire.port),
    channel: 'a_channel',
    onWake: () => wakes++,
    onError: () => failedAt.push(performance.now()),
    // That it is cut off is told: no question takes too long meanwhile.
    heartbeatMs: NEVER_MS,
  });
  await listening.start();
  onTestFinished(() => listening.stop());
  wire.open(false);
  await gateway().app.gateway.database.pool.query(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND query = 'LISTEN a_channel'`,
  );
  await until(() => failedAt.length === 5);
  const waits = failedAt.slice(1).map((at, index) => at - (failedAt[index] ?? 0));
  // Each is at least half of twice the one before it could at most be, less what clocks round.
  for (const [index, wait] of waits.entries()) expect(wait).toBeGreaterThan(100 * 2 ** index - 5);
  wire.open(true);
  await until(() => wakes === 1);
  await gateway().app.gateway.database.pool.query('NOTIFY a_channel');
  await until(() => wakes === 2);
});

test('one that never could be made is an error, and so none is waited for', async () => {
  const wire = await openWire();
  wire.open(false);
  const options = { pool: poolOn(wire.port), channel: 'a_channel', onWake: () => {}, onError: () => {} };
  await expect(new Listening(options).start()).rejects.toThrow('Connection terminated');
});
