import { expect, test } from 'vitest';
import {
  EventsDocument,
  PaymentEventsDocument,
  PaymentStatusChangedDocument,
} from '../../generated/operations/graphql.ts';
import { findKey } from '../../src/store/access.ts';
import { EventLog, type Kept } from '../../src/store/event-log.ts';
import { useGateway } from '../harness/gateway.ts';
import { begun, subscribeOverWebSocket, told } from '../harness/subscription.ts';
import { Till } from '../harness/till.ts';
import { until } from '../harness/until.ts';
import { beginWriter } from '../harness/writer.ts';

/** The order of events for those who resume, and what is kept for them. */

const gateway = useGateway();
const till = new Till(gateway);

/** What has been committed is told: a transaction of anybody's that is open hides what came after it. */
async function allIsVisible(): Promise<void> {
  const { pool } = gateway().app.gateway.database;
  const hidden = 'SELECT FROM payment_event WHERE order_xid >= pg_snapshot_xmin(pg_current_snapshot())::text::bigint';
  await until(async () => (await pool.query(hidden)).rowCount === 0);
}

/** The end of the events as it is now. */
async function now(): Promise<string> {
  await allIsVisible();
  const feed = subscribeOverWebSocket(gateway(), PaymentEventsDocument, {});
  const [cursor = ''] = await begun(feed);
  await feed.stop();
  return cursor;
}

const eventsAfter = async (after: string) => (await gateway().execute(EventsDocument, { after, first: 100 })).events;

test('an event whose transaction stays open while a later one commits is not missed by who resumes in between', async () => {
  const [early, late] = [await till.pay({ process: false }), await till.pay({ process: false })];
  const start = await now();
  const live = subscribeOverWebSocket(gateway(), PaymentEventsDocument, { after: start });
  const first = await beginWriter(gateway(), early.id);
  const second = await beginWriter(gateway(), late.id);
  second.append();
  await second.committed;
  const between = await eventsAfter(start);
  expect(between.events).toEqual([]);
  first.append();
  await first.committed;
  gateway().app.gateway.eventsAppended();
  await allIsVisible();
  const { events } = await eventsAfter(between.cursor);
  expect(events.map(({ payment }) => payment.id)).toEqual([early.id, late.id]);
  const resumed = subscribeOverWebSocket(gateway(), PaymentEventsDocument, { after: between.cursor });
  for (const subscription of [live, resumed]) {
    const messages = [await subscription.next(), await subscription.next()];
    expect(messages.map(({ paymentEvents }) => told(paymentEvents.event).id)).toEqual(events.map(({ id }) => id));
  }
});

test('a payment whose writers commit against their transaction ids is told in its order, whoever resumes where', async () => {
  const { id } = await till.pay({ process: false });
  const start = await now();
  const older = await beginWriter(gateway(), id);
  const newer = await beginWriter(gateway(), id);
  newer.append();
  await newer.committed;
  older.append();
  await older.committed;
  gateway().app.gateway.eventsAppended();
  await allIsVisible();
  const { events } = await eventsAfter(start);
  expect(events.map(({ sequence }) => sequence)).toEqual([2, 3]);
  const resumed = subscribeOverWebSocket(gateway(), PaymentStatusChangedDocument, {
    id,
    after: events[0]?.cursor ?? '',
  });
  expect((await resumed.next()).paymentStatusChanged.sequence).toBe(3);
  expect((await eventsAfter(events[0]?.cursor ?? '')).events.map(({ sequence }) => sequence)).toEqual([3]);
});

/** What the gateway of the tests has of events. */
async function openLog() {
  const { database, epoch } = gateway().app.gateway;
  const owner = await findKey(database, gateway().keys.test);
  if (owner === undefined) throw new Error('the key of the tests is not known');
  const { environmentId } = owner;
  const log = new EventLog(database.pool, { current: epoch });
  return {
    resume: (after: string, kept: Kept) => log.resume(environmentId, after, kept),
    start: async (since: Date) => log.cursorOf(await log.start(environmentId, { since })),
  };
}

const MINUTE_MS = 60_000;

test('who was away for too long can go on with the oldest event that is kept, and has the time to', async () => {
  const log = await openLog();
  const start = await now();
  await till.pay();
  const since = new Date(Date.now() + 1);
  await until(() => Date.now() > since.getTime());
  const { id: kept } = await till.pay();
  await allIsVisible();
  const resumption = await log.resume(start, { since, takenSince: since });
  if (resumption.ok) throw new Error('it is taken');
  expect(resumption.code).toBe('CURSOR_TOO_OLD');
  const { events } = await eventsAfter(resumption.resumeFrom);
  expect(events.map(({ payment, sequence }) => [payment.id, sequence])).toEqual([1, 2, 3].map((at) => [kept, at]));
  // By then, its first event is not kept any more.
  const later = { since: new Date(), takenSince: new Date(Date.now() - MINUTE_MS) };
  expect(await log.resume(resumption.resumeFrom, later)).toMatchObject({ ok: true });
  expect(await log.resume(resumption.resumeFrom, { ...later, takenSince: later.since })).toMatchObject({ ok: false });
});

test('what is kept begins before all events of its first moment, whatever their ids', async () => {
  const log = await openLog();
  const early = await till.pay({ process: false });
  const late = await till.pay({ process: false });
  const first = await beginWriter(gateway(), early.id);
  const second = await beginWriter(gateway(), late.id);
  const since = new Date();
  // The later transaction's event is there first, and has the lower id.
  second.append();
  await second.committed;
  first.append();
  await first.committed;
  await allIsVisible();
  const { events } = await eventsAfter(await log.start(since));
  expect(events.map(({ payment }) => payment.id)).toEqual([early.id, late.id]);
});
