import { expect, test } from 'vitest';
import { PaymentEventsDocument } from '../../generated/operations/graphql.ts';
import { useGateway } from '../harness/gateway.ts';
import { begun, subscribeOverEvents, subscribeOverWebSocket } from '../harness/subscription.ts';
import { recordStatements } from '../harness/statements.ts';
import { Till } from '../harness/till.ts';

// The look at a key that comes by itself is none that an event calls for.
const gateway = useGateway({ settings: { keyLookMs: 3_600_000 } });
const till = new Till(gateway);

test('what is read because of an event is read once, however many are told it', async () => {
  const statements = recordStatements(gateway().app.gateway.database);
  const subscribers = [subscribeOverEvents, subscribeOverWebSocket].flatMap((subscribe) =>
    Array.from({ length: 8 }, () => subscribe(gateway(), PaymentEventsDocument, {})),
  );
  await begun(...subscribers);
  statements.length = 0;
  const { id } = await till.pay({ process: false });
  const told = await Promise.all(subscribers.map((subscriber) => subscriber.next()));
  expect(told.map(({ paymentEvents }) => paymentEvents.event?.payment.id)).toEqual(subscribers.map(() => id));
  const reads = statements.filter((text) => text.startsWith('SELECT') && text.includes('FROM payment WHERE'));
  expect(reads).toHaveLength(1);
  // The credential, too: once for whom it is told to, and once for who paid.
  const looks = statements.filter((text) => text.includes('"public"."api_key"') || text.includes('FROM api_key'));
  expect(looks).toHaveLength(2);
});
