import { expect, onTestFinished, test, vi } from 'vitest';
import type { PaymentEvent } from '../../generated/prisma/client.ts';
import type { EventPosition } from '../../src/domain/event-cursor.ts';
import { createContext } from '../../src/schema/context.ts';
import { EventStream, LOOK_HOLDS_MS, type StreamOptions } from '../../src/schema/event-stream.ts';
import { findKey } from '../../src/store/access.ts';
import type { EventFeed } from '../../src/store/event-feed.ts';
import { useGateway } from '../harness/gateway.ts';
import { until } from '../harness/until.ts';

/** Keys are looked at for events alone: a look of the gateway's own would be counted with them. */
const gateway = useGateway({ settings: { keyLookMs: 3_600_000 } });
/** By how much the clock of subscribers is ahead. */
let aheadMs = 0;

/** A feed whose events are told by hand, and a subscriber of it that takes them by hand. */
async function subscriber(options: Partial<StreamOptions> = {}, secret = gateway().keys.test) {
  const { gateway: app } = gateway().app;
  const key = await findKey(app.database, secret);
  if (key === undefined) throw new Error('the key of the tests is not known');
  const listeners = new Set<(events: readonly PaymentEvent[]) => void>();
  const feed = {
    listen(listener: (events: readonly PaymentEvent[]) => void) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    whenDismissed: () => () => undefined,
    log: { cursorOf: ({ position }: EventPosition) => String(position) },
  };
  const context = createContext({ ...app, now: () => new Date(Date.now() + aheadMs) }, feed as unknown as EventFeed, {
    kind: 'key',
    key,
  });
  const told = new EventStream(context, {
    fits: () => true,
    opening: () => Promise.resolve({ after: at(0), first: { cursor: '0', event: null } }),
    backlog: null,
    ...options,
  });
  const stream = told[Symbol.asyncIterator]();
  return {
    told,
    stream,
    listeners,
    /** The cursor of the next message. */
    take: async (): Promise<string> => {
      const { done, value } = await stream.next();
      if (done === true) throw new Error('the stream ended');
      return value.cursor;
    },
    tell: (from: number, to: number, events = between(from, to)) => {
      for (const listener of listeners) listener(events);
    },
  };
}

function between(from: number, to: number): PaymentEvent[] {
  return Array.from({ length: to - from + 1 }, (_, index) => at(from + index));
}

/** An event, of which only its place counts here. */
function at(position: number): PaymentEvent {
  return { epoch: 1, orderXid: 1n, position: BigInt(position) } as PaymentEvent;
}

test('who does not take what happens is cut off with the last cursor that it was told', async () => {
  const { stream, take, tell, listeners } = await subscriber();
  expect((await stream.next()).value).toMatchObject({ cursor: '0', event: null });
  tell(1, 3);
  expect([await take(), await take()]).toEqual(['1', '2']);
  tell(4, 2_000);
  // What was on its way still comes.
  let last = '2';
  const failure = await (async () => {
    for (;;) last = await take();
  })().catch((error: unknown) => error);
  expect(failure).toMatchObject({ extensions: { code: 'SUBSCRIBER_TOO_SLOW', cursor: last } });
  expect(Number(last)).toBeLessThanOrEqual(3);
  expect(listeners.size).toBe(0);
});

test('who takes what happens is told all of it, however much it is', async () => {
  const { stream, take, tell } = await subscriber();
  await stream.next();
  const cursors: string[] = [];
  for (let from = 1; from <= 5_000; from += 1_000) {
    tell(from, from + 999);
    for (let taken = 0; taken < 1_000; taken++) cursors.push(await take());
  }
  expect(cursors).toEqual(Array.from({ length: 5_000 }, (_, index) => String(index + 1)));
  await stream.return?.();
});

test('what overflows while it catches up is read from the log', async () => {
  const log = Array.from({ length: 3_000 }, (_, index) => at(index + 1));
  let end = 100;
  let pages = 0;
  const { stream, take, tell } = await subscriber({
    opening: () => Promise.resolve({ after: at(0), first: null }),
    backlog: ({ position }) => {
      if (++pages === 1) {
        tell(101, 3_000);
        end = 3_000;
      }
      const events = log.slice(Number(position), Math.min(Number(position) + 100, pages === 1 ? 100 : end));
      const last = events.at(-1) ?? at(Number(position));
      return Promise.resolve({ events, end: last, hasMore: pages > 1 && last.position < BigInt(end) });
    },
  });
  const cursors: string[] = [];
  for (let taken = 0; taken < 3_000; taken++) cursors.push(await take());
  expect(cursors).toEqual(log.map(({ position }) => String(position)));
  await stream.return?.();
});

test('a fault while it is being opened ends it, and nobody listens any more', async () => {
  const { stream, listeners } = await subscriber({ opening: () => Promise.reject(new Error('no database')) });
  await expect(stream.next()).rejects.toThrow('no database');
  expect(await until(() => listeners.size === 0)).toBe(true);
});

test('what waited for a subscriber is not told any more once its key is revoked, though others were told it in time', async () => {
  const { prisma } = gateway().app.gateway.database;
  const [quick, slow] = [await subscriber({}, gateway().keys.live), await subscriber({}, gateway().keys.live)];
  const first = { cursor: '1', event: at(1) };
  const late = await subscriber({ opening: () => Promise.resolve({ after: at(1), first }) }, gateway().keys.live);
  const events = between(1, 3);
  for (const { stream, tell } of [quick, slow]) {
    await stream.next();
    tell(1, 3, events);
  }
  expect([await quick.take(), await quick.take(), await quick.take(), await slow.take()]).toEqual(['1', '2', '3', '1']);
  await prisma.apiKey.updateMany({ where: { name: 'live' }, data: { revokedAt: new Date() } });
  aheadMs = LOOK_HOLDS_MS + 1_000;
  await expect(slow.take()).rejects.toMatchObject({ extensions: { code: 'UNAUTHENTICATED', cursor: '1' } });
  // What it was not told comes after the cursor that it is told.
  await expect(late.take()).rejects.toMatchObject({ extensions: { code: 'UNAUTHENTICATED', cursor: null } });
  expect([slow.listeners.size, late.listeners.size]).toEqual([0, 0]);
});

test('what an event comes to is found out while the key is looked at, and told only where that is still good', async () => {
  const { prisma } = gateway().app.gateway.database;
  const { told, tell } = await subscriber();
  const [answered, taken]: [string[], string[]] = [[], []];
  const ended = told
    .tell({
      answer: ({ cursor }) => {
        answered.push(cursor);
        return cursor;
      },
      take: (cursor) => void taken.push(cursor),
    })
    .catch((error: unknown) => error);
  await until(() => taken.length === 1);
  tell(1, 1);
  expect([answered, taken]).toEqual([['0', '1'], ['0']]);
  await until(() => taken.length === 2);
  await prisma.apiKey.updateMany({ where: { name: 'test' }, data: { revokedAt: new Date() } });
  onTestFinished(
    async () => void (await prisma.apiKey.updateMany({ where: { name: 'test' }, data: { revokedAt: null } })),
  );
  tell(2, 2);
  expect(await ended).toMatchObject({ extensions: { code: 'UNAUTHENTICATED', cursor: '1' } });
  expect([answered, taken]).toEqual([
    ['0', '1', '2'],
    ['0', '1'],
  ]);
});

test('thousands who ask at the same moment whether their key is good ask once', async () => {
  const { pool } = gateway().app.gateway.database;
  const asked = vi.spyOn(pool, 'query');
  onTestFinished(() => asked.mockRestore());
  const all = await Promise.all(Array.from({ length: 20 }, () => subscriber()));
  for (const { stream } of all) await stream.next();
  asked.mockClear();
  for (const { tell } of all) tell(1, 1);
  expect(await Promise.all(all.map(({ take }) => take()))).toEqual(all.map(() => '1'));
  const questions = asked.mock.calls.filter(([query]) => (query as { name?: string }).name === 'read_key_end');
  expect(questions).toHaveLength(1);
  for (const { stream } of all) await stream.return?.();
});

test('a feed of which much waits looks at its key once for all that had happened, and again for what happens then', async () => {
  const feed = await subscriber();
  const query = vi.spyOn(gateway().app.gateway.database.pool, 'query');
  onTestFinished(() => query.mockRestore());
  const looks = () => query.mock.calls.filter(([asked]) => (asked as { name?: string }).name === 'read_key_end').length;
  await feed.stream.next();
  feed.tell(1, 500, between(1, 500));
  const before = looks();
  for (let taken = 0; taken < 500; taken++) await feed.take();
  // The clock goes on meanwhile.
  expect(looks() - before).toBeLessThan(100);
  feed.tell(501, 501, between(501, 501));
  const then = looks();
  await feed.take();
  expect(looks()).toBe(then + 1);
});
