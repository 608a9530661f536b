import { expect, onTestFinished, test } from 'vitest';
import { PaymentEventsDocument, PaymentStatusChangedDocument } from '../../generated/operations/graphql.ts';
import { encodeId } from '../../src/domain/ids.ts';
import { startChild, tillAt } from '../harness/crash-process.ts';
import { only, SECRET, useGateway } from '../harness/gateway.ts';
import { begun, subscribeOverEvents, subscribeOverWebSocket } from '../harness/subscription.ts';
import { Till } from '../harness/till.ts';
import { until } from '../harness/until.ts';

/** A gateway loses the connection on which it listens while another one writes. */

const CUTS = 5;

const gateway = useGateway();
const till = new Till(gateway);
const pool = () => gateway().app.gateway.database.pool;

const LISTENING = `FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'tender' AND query LIKE 'LISTEN%'`;

/** The backends of the connections on which gateways listen. */
async function listening(): Promise<number[]> {
  return (await pool().query<{ pid: number }>(`SELECT pid ${LISTENING}`)).rows.map(({ pid }) => pid);
}

/** Ends them all. @returns those that were cut */
async function cut(): Promise<number[]> {
  return (await pool().query<{ pid: number }>(`SELECT pid, pg_terminate_backend(pid) ${LISTENING}`)).rows.map(
    ({ pid }) => pid,
  );
}

/** Events as the database has them, in their order. */
async function written(paymentId: string | null): Promise<string[]> {
  const { rows } = await pool().query<{ id: string }>(
    `SELECT id FROM payment_event WHERE $1::text IS NULL OR 'pay_' || payment_id = $1 ORDER BY epoch, order_xid, position`,
    [paymentId],
  );
  return rows.map(({ id }) => encodeId('PaymentEvent', id));
}

test('its subscribers miss nothing and see nothing twice, and it listens again', { timeout: 120_000 }, async () => {
  const { id } = await till.pay();
  const before = await written(null);
  const feeds = [subscribeOverWebSocket, subscribeOverEvents].map((subscribe) =>
    subscribe(gateway(), PaymentEventsDocument, {}),
  );
  const payments = [subscribeOverWebSocket, subscribeOverEvents].map((subscribe) =>
    subscribe(gateway(), PaymentStatusChangedDocument, { id }),
  );
  await begun(...feeds);
  // The first tells how it stands.
  await Promise.all(payments.map((payment) => payment.next()));
  const { connection } = gateway().database;
  const other = await startChild({ database: connection, secret: SECRET, keys: gateway().keys });
  onTestFinished(() => other.kill());

  const over = new AbortController();
  const write = async (): Promise<void> => {
    while (!over.signal.aborted) {
      await tillAt(other).pay();
      only(await tillAt(other).refund({ paymentId: id, amount: 1 }), 'RefundPaymentPayload');
    }
  };
  const writing = Promise.all([write(), write()]);
  const gone = new Set<number>();
  for (let cuts = 0; cuts < CUTS; cuts++) {
    for (const pid of await cut()) gone.add(pid);
    await tillAt(other).pay();
    await until(async () => (await listening()).filter((pid) => !gone.has(pid)).length === 2);
  }
  over.abort();
  await writing;
  expect(gone.size).toBeGreaterThanOrEqual(2 * CUTS);

  const all = await written(null);
  const ofPayment = await written(id);
  for (const feed of feeds) {
    const seen = await feed.takeUntil(({ paymentEvents: { event } }) => event?.id === all.at(-1));
    expect(seen.map(({ paymentEvents: { event } }) => event?.id)).toEqual(all.slice(before.length));
  }
  for (const payment of payments) {
    const seen = await payment.takeUntil(({ paymentStatusChanged }) => paymentStatusChanged.id === ofPayment.at(-1));
    expect(seen.map(({ paymentStatusChanged }) => paymentStatusChanged.id)).toEqual(ofPayment.slice(3));
  }
});
