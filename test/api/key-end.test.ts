import { afterAll, beforeAll, expect, test } from 'vitest';
import { PaymentEventsDocument, ViewerDocument } from '../../generated/operations/graphql.ts';
import { only, startGateway, type TestGateway } from '../harness/gateway.ts';
import { KeyRing, type MadeKey } from '../harness/key-ring.ts';
import { subscribeOverEvents, subscribeOverWebSocket, whyEnded } from '../harness/subscription.ts';
import { Till } from '../harness/till.ts';
import { until } from '../harness/until.ts';

/** What a key's end ends, and when a key was used last. */

/** It looks at keys so seldom that only what it knows of a key from the beginning can end anything here. */
let patient: TestGateway;
/** Another process on the same database. It looks again at once. */
let watchful: TestGateway;

beforeAll(async () => {
  patient = await startGateway({ settings: { keyLookMs: 3_600_000 } });
  watchful = await startGateway({ settings: { keyLookMs: 50 } }, patient);
});
afterAll(async () => {
  await watchful.app.close();
  await patient.close();
});

const ring = new KeyRing(() => patient);

const SUBSCRIBE = [
  ['WebSocket', subscribeOverWebSocket],
  ['server-sent events', subscribeOverEvents],
] as const;

/** Subscribes with a key, and waits until it is told where the feed begins. */
async function begin(on: TestGateway, { secret }: Pick<MadeKey, 'secret'>, subscribe = subscribeOverWebSocket) {
  const subscription = subscribe(on, PaymentEventsDocument, {}, secret);
  await subscription.next();
  return subscription;
}

const ended = (subscription: { next(): Promise<unknown> }) =>
  subscription.next().then(
    () => 'told something',
    (error: unknown) => whyEnded(error),
  );

test.each(SUBSCRIBE)('over %s, a subscription ends with its key, though nothing happens', async (_, subscribe) => {
  // Not before the subscription has begun, however slow the machine is.
  const key = await ring.makeWith({ expiresAt: new Date(Date.now() + 8_000).toISOString() });
  const subscription = await begin(patient, key, subscribe);
  expect(await ended(subscription)).toContain('UNAUTHENTICATED');
  expect((await patient.request(ViewerDocument, {}, { key: key.secret })).status).toBe(401);
});

const ENDS: [string, (key: MadeKey) => Promise<void>][] = [
  ['was revoked', async ({ id }) => void only(await ring.revoke(id), 'RevokeApiKeyPayload')],
  [
    'was rolled away',
    async ({ id }) => void only(await ring.roll({ keyId: id, overlapSeconds: 0 }), 'RollApiKeyPayload'),
  ],
  [
    'was rolled, after the overlap',
    async ({ id }) => {
      only(await ring.roll({ keyId: id, overlapSeconds: 1 }), 'RollApiKeyPayload');
      await until(async () => (await ring.read(id)).status === 'EXPIRED');
    },
  ],
];

test.each(ENDS)('a subscription ends when its key %s in another process, though nothing happens', async (_, end) => {
  const key = await ring.make('READ');
  const subscription = await begin(watchful, key);
  await end(key);
  expect(await ended(subscription)).toContain('UNAUTHENTICATED');
});

test.each(ENDS)('a subscription ends in place of the next event when its key %s', async (_, end) => {
  const key = await ring.make('READ');
  const subscription = await begin(patient, key);
  await end(key);
  await new Till(() => patient).pay();
  expect(await ended(subscription)).toContain('UNAUTHENTICATED');
});

test('during the overlap a subscription goes on', async () => {
  const key = await ring.make('READ');
  const subscription = await begin(watchful, key);
  only(await ring.roll({ keyId: key.id, overlapSeconds: 3_600 }), 'RollApiKeyPayload');
  const { id } = await new Till(() => watchful).pay();
  const told = await subscription.takeUntil(({ paymentEvents: { event } }) => event?.payment.id === id);
  expect(told.length).toBeGreaterThan(0);
});

test('subscribers of one key end together, and those of another go on', async () => {
  const [key, other] = [await ring.make('READ'), await ring.make('READ')];
  const [first, second, third] = [await begin(watchful, key), await begin(watchful, key), await begin(watchful, other)];
  // Who leaves takes nobody along.
  await (await begin(watchful, key)).stop();
  await ring.revoke(key.id);
  expect([await ended(first), await ended(second)]).toEqual([
    expect.stringContaining('UNAUTHENTICATED'),
    expect.stringContaining('UNAUTHENTICATED'),
  ]);
  await new Till(() => watchful).pay();
  expect(await third.next()).toMatchObject({ paymentEvents: { event: {} } });
});

test('it is told when a key was used last, which a subscription does as well', async () => {
  const [used, listening, idle] = [await ring.make('READ'), await ring.make('READ'), await ring.make('READ')];
  const before = Date.now();
  expect((await patient.request(ViewerDocument, {}, { key: used.secret })).status).toBe(200);
  await begin(patient, listening);
  await patient.app.gateway.keyUses.write(new Date(), { all: true });
  for (const { id } of [used, listening]) {
    // The gateway's own round may have been writing it.
    const lastUsedAt = await until(async () => (await ring.read(id)).lastUsedAt ?? undefined);
    expect(Date.parse(lastUsedAt)).toBeGreaterThanOrEqual(before - 1);
  }
  expect((await ring.read(idle.id)).lastUsedAt).toBeNull();
});
