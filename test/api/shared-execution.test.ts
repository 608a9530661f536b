import { expect, onTestFinished, test } from 'vitest';
import type { TypedDocumentString } from '../../generated/operations/graphql.ts';
import { newId } from '../../src/new-id.ts';
import { addKey } from '../../src/store/access.ts';
import { only, useGateway } from '../harness/gateway.ts';
import { makeToken } from '../harness/payer.ts';
import {
  connect,
  subscribeOverEvents,
  subscribeOverWebSocket,
  whyEnded,
  type Subscription,
} from '../harness/subscription.ts';
import { Till } from '../harness/till.ts';

const gateway = useGateway();
const till = new Till(gateway);

type Event = Record<string, unknown>;
type Told = { paymentEvents: { cursor: string; event: Event | null } };
type Variables = { more: boolean };

const FEED = `subscription ($more: Boolean!) { paymentEvents { cursor event { id type payment { id } sequence @include(if: $more) } } }`;
const OTHER_FEED = `subscription ($more: Boolean!) { paymentEvents { cursor event { id kind: type sequence @skip(if: $more) } } }`;

const typed = (text: string) => text as unknown as TypedDocumentString<Told, Variables>;

async function eventOf(feed: Subscription<Told>): Promise<Event> {
  const { event } = (await feed.next()).paymentEvents;
  if (event === null) throw new Error('a message without an event');
  return event;
}

test('each subscriber of an event gets what it asked for, whoever else is told it', async () => {
  const feeds = [
    subscribeOverWebSocket(gateway(), typed(FEED), { more: true }),
    subscribeOverWebSocket(gateway(), typed(FEED), { more: true }),
    subscribeOverEvents(gateway(), typed(FEED), { more: true }),
    subscribeOverWebSocket(gateway(), typed(FEED), { more: false }),
    subscribeOverWebSocket(gateway(), typed(OTHER_FEED), { more: false }),
  ];
  for (const feed of feeds) expect((await feed.next()).paymentEvents.event).toBeNull();
  const { id } = await till.pay();
  const [one, same, overEvents, less, other] = await Promise.all(feeds.map(eventOf));
  expect(one).toEqual({ id: expect.any(String), type: 'PAYMENT_CREATED', payment: { id }, sequence: 1 });
  expect([same, overEvents]).toEqual([one, one]);
  expect(less).toEqual({ id: one?.['id'], type: 'PAYMENT_CREATED', payment: { id } });
  expect(other).toEqual({ id: one?.['id'], kind: 'PAYMENT_CREATED', sequence: 1 });
});

/** What came of an event, data and errors. @returns once the feed has begun, what tells it */
async function nextOf(credential: string, query: string, operationName?: string) {
  const client = connect(gateway(), { authorization: `Bearer ${credential}` });
  onTestFinished(async () => client.dispose());
  const source = client.iterate<Told>({ query, ...(operationName !== undefined && { operationName }) });
  await source.next();
  return async () => {
    const { data, errors } = (await source.next()).value as { data: Told; errors?: { path: string[] }[] };
    return { ...data.paymentEvents.event, refused: errors?.map(({ path }) => path.at(-1)).toSorted() };
  };
}

test('who may see less is told less, though others ask for the same in the same words', async () => {
  const customerId = await till.customer();
  const { id } = await till.pay({ customerId, process: false });
  const query = 'subscription { paymentEvents { event { customer { id } payment { id idempotencyKey } } } }';
  const ofCustomer = await makeToken(gateway(), { customerId });
  const ofPayment = await makeToken(gateway(), { paymentId: id });
  const { test: key } = gateway().keys;
  const feeds = [];
  for (const credential of [key, ofCustomer, ofPayment, key]) feeds.push(await nextOf(credential, query));
  only(await till.cancel({ paymentId: id }), 'CancelPaymentPayload');
  const [merchant, customer, payment, merchantToo] = await Promise.all(feeds.map((next) => next()));
  const all = { customer: { id: customerId }, payment: { id, idempotencyKey: expect.any(String) }, refused: undefined };
  expect([merchant, merchantToo]).toEqual([all, all]);
  const less = { ...all, payment: { id, idempotencyKey: null } };
  expect(customer).toEqual({ ...less, refused: ['idempotencyKey'] });
  expect(payment).toEqual({ ...less, customer: null, refused: ['customer', 'idempotencyKey'] });
});

test('of two operations in one document, each subscriber is told its own', async () => {
  const query = `subscription one { paymentEvents { event { type } } } subscription other { paymentEvents { event { sequence } } }`;
  const { test: key } = gateway().keys;
  const [one, other] = [await nextOf(key, query, 'one'), await nextOf(key, query, 'other')];
  await till.pay({ process: false });
  expect(await Promise.all([one(), other()])).toEqual([{ type: 'PAYMENT_CREATED' }, { sequence: 1 }]);
});

test('a key that is revoked is told nothing more, though another of the same account is', async () => {
  const { database } = gateway().app.gateway;
  const { environmentId } = await database.prisma.apiKey.findFirstOrThrow({ where: { name: 'test' } });
  const environment = { id: environmentId, mode: 'TEST' } as const;
  const lost = await addKey(database, { id: newId(), environment, name: 'lost' });
  const feeds = [lost, gateway().keys.test, lost].map((key) =>
    subscribeOverWebSocket(gateway(), typed(FEED), { more: true }, key),
  );
  for (const feed of feeds) await feed.next();
  await database.prisma.apiKey.updateMany({ where: { name: 'lost' }, data: { revokedAt: new Date() } });
  const { id } = await till.pay({ process: false });
  const [first, kept, last] = await Promise.all(feeds.map((feed) => eventOf(feed).catch(whyEnded)));
  expect(kept).toMatchObject({ payment: { id } });
  expect([first, last]).toEqual([
    expect.stringContaining('UNAUTHENTICATED'),
    expect.stringContaining('UNAUTHENTICATED'),
  ]);
});
