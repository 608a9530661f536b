import { randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { PaymentEventsDocument } from '../../generated/operations/graphql.ts';
import { encodeId } from '../../src/domain/ids.ts';
import { newId } from '../../src/new-id.ts';
import { addAccount, addKey } from '../../src/store/access.ts';
import { openDatabase } from '../../src/store/database.ts';
import { Balancer } from '../harness/balancer.ts';
import { tillAt } from '../harness/crash-process.ts';
import { cloneDatabase } from '../harness/database.ts';
import { only, type TestGateway } from '../harness/gateway.ts';
import { subscribeOverEvents, subscribeOverWebSocket, whyEnded, type Subscribe } from '../harness/subscription.ts';
import { until } from '../harness/until.ts';
import { startGateway, type UpGateway } from '../start/gateway-process.ts';
import { contradictions } from './audit.ts';

/** Three replicas behind a load balancer, as an operator runs them, are restarted one after the other under load. */

const REPLICAS = 3;
const WRITERS = 3;

async function setUp() {
  const clone = await cloneDatabase();
  onTestFinished(() => clone.drop());
  const database = openDatabase(clone.connection, { onError: () => undefined, poolSize: 3 });
  onTestFinished(() => database.close());
  const shop = await addAccount(database, { name: 'A shop', newId });
  const key = await addKey(database, { id: newId(), environment: shop.test, name: 'a key' });
  const balancer = new Balancer();
  const url = await balancer.start();
  onTestFinished(() => balancer.stop());
  const variables = {
    DATABASE_URL: clone.connectionString,
    TENDER_SECRET: randomUUID(),
    TENDER_DRAIN_SECONDS: '1',
    TENDER_POOL_SIZE: '8',
    LOG_LEVEL: 'warn',
    NODE_COMPILE_CACHE: join(tmpdir(), 'tender-test-compile-cache'),
  };
  const start = async (): Promise<UpGateway> => {
    const replica = await startGateway(variables);
    balancer.add(replica.url);
    await until(() => balancer.isReady(replica.url));
    return replica;
  };
  const gateway = { url: `${url}/graphql`, keys: { test: key } } as unknown as TestGateway;
  return { database, balancer, start, gateway };
}

/** Pays, refunds and looks again until it is over. @throws at the first request that fails */
async function write(gateway: TestGateway, isOver: () => boolean): Promise<number> {
  const till = tillAt(gateway);
  for (let made = 0; ; made++) {
    if (isOver()) return made;
    const { id, status } = await till.pay({ amount: 1_000 });
    expect(status).toBe('SUCCEEDED');
    only(await till.refund({ paymentId: id, amount: 1 + (made % 1_000) }), 'RefundPaymentPayload');
    expect((await till.read(id)).amountRefunded.amount).toBe(1 + (made % 1_000));
  }
}

interface Followed {
  readonly ids: string[];
  /** Why it was cut off, each time. */
  readonly ends: string[];
}

/** Follows the feed wherever it leads, until a payment is canceled: that is the last thing that happens. */
async function follow(gateway: TestGateway, subscribe: Subscribe, beginning: string): Promise<Followed> {
  const followed: Followed = { ids: [], ends: [] };
  let after = beginning;
  for (;;) {
    const feed: ReturnType<typeof subscribeToEvents> = subscribeToEvents(gateway, subscribe, after);
    try {
      for (;;) {
        const { cursor, event } = (await feed.next()).paymentEvents;
        after = cursor;
        if (event !== null) followed.ids.push(event.id);
        if (event?.type === 'PAYMENT_CANCELED') return followed;
      }
    } catch (error) {
      followed.ends.push(whyEnded(error));
      await feed.stop().catch(() => undefined);
    }
  }
}

function subscribeToEvents(gateway: TestGateway, subscribe: Subscribe, after: string) {
  return subscribe(gateway, PaymentEventsDocument, { after });
}

test('no request fails, no event is lost or comes twice, and the books agree', { timeout: 180_000 }, async () => {
  const { database, balancer, start, gateway } = await setUp();
  const replicas = await Promise.all(Array.from({ length: REPLICAS }, start));
  const { events: beginning } = await tillAt(gateway).events();
  const following = [subscribeOverWebSocket, subscribeOverEvents].map((subscribe) =>
    follow(gateway, subscribe, beginning.cursor),
  );
  let isOver = false;
  const writing = Promise.all(Array.from({ length: WRITERS }, () => write(gateway, () => isOver)));
  // What fails meanwhile is told where it is waited for.
  writing.catch(() => undefined);
  for (const replica of replicas) {
    replica.child.kill('SIGTERM');
    const [ending] = await Promise.all([replica.ended, start()]);
    expect(ending).toMatchObject({ code: 0, stderr: '' });
    balancer.remove(replica.url);
  }
  isOver = true;
  const made = await writing;
  expect(Math.min(...made)).toBeGreaterThan(0);
  const { id } = await tillAt(gateway).pay({ process: false });
  only(await tillAt(gateway).cancel({ paymentId: id }), 'CancelPaymentPayload');
  const followed = await Promise.all(following);
  expect(balancer.failures).toEqual([]);

  const query = async <R extends object>(statement: string): Promise<R[]> =>
    (await database.pool.query<R>(statement)).rows;
  const written = await query<{ id: string }>('SELECT id FROM payment_event ORDER BY epoch, order_xid, position');
  const ids = written.map((event) => encodeId('PaymentEvent', event.id));
  for (const { ids: seen, ends } of followed) {
    expect(seen).toEqual(ids);
    expect(ends.filter((end) => !end.includes('SERVER_STOPPING'))).toEqual([]);
    expect(ends.length).toBeGreaterThan(0);
  }
  expect(await query("SELECT FROM operation WHERE status <> 'COMPLETED'")).toEqual([]);
  expect(await contradictions({ query } as Parameters<typeof contradictions>[0])).toEqual([]);
});
