import { expect, test } from 'vitest';
import type { TypedDocumentString } from '../../generated/operations/graphql.ts';
import { useGateway } from '../harness/gateway.ts';
import { subscribeOverEvents, subscribeOverWebSocket, type Subscription } from '../harness/subscription.ts';
import { Till } from '../harness/till.ts';

const gateway = useGateway();
const till = new Till(gateway);

type Told = { paymentEvents: { cursor: string; event: Record<string, unknown> | null } };
type Variables = { more: boolean };

const FEED = `subscription ($more: Boolean!) { paymentEvents { cursor event { id type payment { id } sequence @include(if: $more) } } }`;
const OTHER_FEED = `subscription ($more: Boolean!) { paymentEvents { cursor event { id kind: type sequence @skip(if: $more) } } }`;

const typed = (text: string) => text as unknown as TypedDocumentString<Told, Variables>;

async function eventOf(feed: Subscription<Told>): Promise<Record<string, unknown>> {
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
