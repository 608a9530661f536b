import { beforeEach, describe, expect, test } from 'vitest';
import {
  EventsDocument,
  PaymentEventsDocument,
  PaymentStatusChangedDocument,
  type EventsQueryVariables,
} from '../../generated/operations/graphql.ts';
import { encodeCursor } from '../../src/domain/event-cursor.ts';
import { useGateway } from '../harness/gateway.ts';
import { countListeners } from '../harness/listeners.ts';
import { begun, subscribeOverEvents, subscribeOverWebSocket, told } from '../harness/subscription.ts';
import { card, Till } from '../harness/till.ts';
import { until } from '../harness/until.ts';

const listeners = countListeners();
const gateway = useGateway();
const till = new Till(gateway);
/** Nothing is kept for its feed. */
const forgetful = useGateway({ settings: { eventRetentionMs: 1 } });

beforeEach(() => until(() => listeners() === 0));

async function events(variables: EventsQueryVariables = {}) {
  return (await gateway().execute(EventsDocument, variables)).events;
}

/** All that was written is told from now on: for as long as it is open, a transaction of the gateway's own hides what is newer. */
async function untilAllIsTold(): Promise<void> {
  await until(async () => {
    const { rowCount } = await pool().query(
      'SELECT FROM payment_event WHERE order_xid >= pg_snapshot_xmin(pg_current_snapshot())::text::bigint',
    );
    return rowCount === 0;
  });
}

/** The present end of the events. */
async function now(): Promise<string> {
  await untilAllIsTold();
  let after: string | null = null;
  for (;;) {
    const page: Awaited<ReturnType<typeof events>> = await events({ after, first: 100 });
    after = page.cursor;
    if (!page.hasMore) return after;
  }
}

const pool = () => gateway().app.gateway.database.pool;
const epoch = () => gateway().app.gateway.epoch;

describe.each([
  ['WebSocket', subscribeOverWebSocket],
  ['server-sent events', subscribeOverEvents],
])('over %s', (_, subscribe) => {
  test('a feed goes on after its cursor: what was missed first, then what happens', async () => {
    const first = subscribe(gateway(), PaymentEventsDocument, {});
    const [cursor] = await begun(first);
    await first.stop();
    const { id } = await till.pay();
    await till.refund({ paymentId: id });
    const second = subscribe(gateway(), PaymentEventsDocument, { after: cursor ?? null });
    const missed = await second.takeUntil(({ paymentEvents: { event } }) => event?.type === 'REFUND_SUCCEEDED');
    const { id: next } = await till.pay({ process: false });
    const { paymentEvents } = await second.next();
    expect(missed.map(({ paymentEvents: { event } }) => [event?.payment.id, event?.sequence])).toEqual(
      [1, 2, 3, 4, 5].map((sequence) => [id, sequence]),
    );
    expect(paymentEvents.event).toMatchObject({ type: 'PAYMENT_CREATED', payment: { id: next } });
  });

  test('resumed at any of its cursors, a feed tells the rest, none left out and none twice', async () => {
    const start = await now();
    await Promise.all(Array.from({ length: 4 }, () => till.pay()));
    await untilAllIsTold();
    const { events: all } = await events({ after: start, first: 100 });
    expect(all).toHaveLength(12);
    for (const at of [0, 5, 10]) {
      const feed = subscribe(gateway(), PaymentEventsDocument, { after: all[at]?.cursor ?? '' });
      const rest = await feed.takeUntil(({ paymentEvents: { event } }) => event?.id === all.at(-1)?.id);
      expect(rest.map(({ paymentEvents: { event } }) => event?.id)).toEqual(all.slice(at + 1).map(({ id }) => id));
      await feed.stop();
    }
  });

  test('while it catches up, what happens waits its turn', async () => {
    const start = await now();
    await Promise.all(Array.from({ length: 80 }, () => till.pay({ process: false })));
    const feed = subscribe(gateway(), PaymentEventsDocument, { after: start });
    const paid = Array.from({ length: 20 }, () => till.pay());
    const seen: string[] = [];
    let succeeded = 0;
    await feed.takeUntil(({ paymentEvents: { event } }) => {
      seen.push(told(event).id);
      if (event?.type === 'PAYMENT_SUCCEEDED') succeeded++;
      return succeeded === 20;
    });
    await Promise.all(paid);
    const expected: string[] = [];
    for (let after = start, more = true; more;) {
      const page = await events({ after, first: 100 });
      expected.push(...page.events.map(({ id }) => id));
      ({ cursor: after, hasMore: more } = page);
    }
    expect(seen).toEqual(expected);
  });

  test('a payment goes on after a cursor of its own', async () => {
    const { id } = await till.pay({ process: false });
    const first = subscribe(gateway(), PaymentStatusChangedDocument, { id });
    const { cursor } = (await first.next()).paymentStatusChanged;
    await first.stop();
    await till.process({ paymentId: id, card: card() });
    const second = subscribe(gateway(), PaymentStatusChangedDocument, { id, after: cursor });
    const missed = [await second.next(), await second.next()];
    await till.refund({ paymentId: id });
    const rest = await second.takeUntil(({ paymentStatusChanged: { type } }) => type === 'REFUND_SUCCEEDED');
    expect([...missed, ...rest].map(({ paymentStatusChanged: { sequence } }) => sequence)).toEqual([2, 3, 4, 5]);
  });

  test.each<[string, string, () => string]>([
    ['that is none', 'CURSOR_UNKNOWN', () => 'evc_nonsense'],
    [
      'of the future',
      'CURSOR_UNKNOWN',
      () => encodeCursor({ epoch: epoch(), orderXid: 2n ** 60n, position: 1n }, epoch()),
    ],
    ['of an epoch to come', 'CURSOR_UNKNOWN', () => encodeCursor({ epoch: 1, orderXid: 1n, position: 1n }, 999)],
    ['of another epoch', 'CURSOR_OF_ANOTHER_EPOCH', () => encodeCursor({ epoch: 0, orderXid: 0n, position: 0n }, 0)],
  ])('a cursor %s is refused, and says from where to go on', async (_name, code, cursor) => {
    const { id } = await till.pay({ process: false });
    for (const subscription of [
      subscribe(gateway(), PaymentEventsDocument, { after: cursor() }),
      subscribe(gateway(), PaymentStatusChangedDocument, { id, after: cursor() }),
    ]) {
      const failure = await subscription.next().then(String, String);
      expect(failure).toContain(code);
      const resumeFrom = /evc_[\w-]+/.exec(failure.slice(failure.indexOf('resumeFrom')))?.[0] ?? '';
      await expect(events({ after: resumeFrom })).resolves.toBeDefined();
    }
  });
});

test('a cursor from before what is kept is refused for the feed, never for a payment', async () => {
  const shop = new Till(forgetful);
  const { id } = await shop.pay({ process: false });
  const before = encodeCursor({ epoch: 0, orderXid: 0n, position: 0n }, forgetful().app.gateway.epoch);
  const payment = subscribeOverEvents(forgetful(), PaymentStatusChangedDocument, { id, after: before });
  expect((await payment.next()).paymentStatusChanged).toMatchObject({ sequence: 1 });
  const refused = await until(async () => (await forgetful().request(EventsDocument, { after: before })).errors);
  expect(refused).toMatchObject([{ extensions: { code: 'CURSOR_TOO_OLD' } }]);
  const after = String(refused[0]?.extensions?.['resumeFrom']);
  expect((await forgetful().execute(EventsDocument, { after })).events).toMatchObject({ events: [], hasMore: false });
});

test('an event that commits late is told after those that it hid, and to who resumes, too', async () => {
  const start = await now();
  const open = await pool().connect();
  try {
    await open.query('BEGIN');
    await open.query('SELECT pg_current_xact_id()');
    const { id } = await till.pay({ process: false });
    const hidden = await events({ after: start });
    expect(hidden.events).toEqual([]);
    await open.query('COMMIT');
    await untilAllIsTold();
    const shown = await events({ after: hidden.cursor });
    expect(shown.events).toMatchObject([{ type: 'PAYMENT_CREATED', payment: { id } }]);
  } finally {
    open.release();
  }
});

test('events by what they are for', async () => {
  const start = await now();
  const live = subscribeOverEvents(gateway(), PaymentEventsDocument, {
    filter: { destination: { type: 'ORDER', id: 'o-1' } },
  });
  await begun(live);
  const destination = { type: 'ORDER', id: 'o-1', amount: 4999 } as const;
  await till.pay({ process: false });
  const { id } = await till.pay({ destinations: [destination] });
  await till.pay({ destinations: [{ ...destination, type: 'INVOICE' }] });
  await untilAllIsTold();
  const filter = { destination: { type: 'ORDER', id: 'o-1' } } as const;
  const { events: found } = await events({ after: start, filter });
  expect(found.map(({ payment }) => payment.id)).toEqual([id, id, id]);
  const seen = await live.takeUntil(({ paymentEvents: { event } }) => event?.type === 'PAYMENT_SUCCEEDED');
  expect(seen.map(({ paymentEvents: { event } }) => event?.id)).toEqual(found.map((event) => event.id));
  expect((await events({ after: start, filter: { type: ['PAYMENT_SUCCEEDED'] } })).events).toHaveLength(2);
});

test.each([0, 101, -1])('a page of %d events is refused', async (first) => {
  const { errors } = await gateway().request(EventsDocument, { first });
  expect(errors).toMatchObject([{ extensions: { code: 'BAD_USER_INPUT' } }]);
});
