import pg from 'pg';
import { expect, onTestFinished, test } from 'vitest';
import { PaymentEventsDocument, type TypedDocumentString } from '../../generated/operations/graphql.ts';
import { useGateway } from '../harness/gateway.ts';
import { begun, subscribeOverEvents, subscribeOverWebSocket } from '../harness/subscription.ts';
import { recordStatements } from '../harness/statements.ts';
import { Till } from '../harness/till.ts';

// The look at a key that comes by itself is none that an event calls for.
const gateway = useGateway({ settings: { keyLookMs: 3_600_000 } });
const till = new Till(gateway);

test('an event brings its payment, and whether keys are good, for however many are told it', async () => {
  const statements = recordStatements(gateway().app.gateway.database);
  const subscribers = [subscribeOverEvents, subscribeOverWebSocket].flatMap((subscribe) =>
    Array.from({ length: 8 }, () => subscribe(gateway(), PaymentEventsDocument, {})),
  );
  await begun(...subscribers);
  statements.length = 0;
  const { id } = await till.pay({ process: false });
  const told = await Promise.all(subscribers.map((subscriber) => subscriber.next()));
  expect(told.map(({ paymentEvents }) => paymentEvents.event?.payment.id)).toEqual(subscribers.map(() => id));
  expect(statements.filter((text) => text.startsWith('SELECT') && text.includes('FROM payment WHERE'))).toEqual([]);
  // That of who paid.
  const looks = statements.filter((text) => text.includes('"public"."api_key"') || text.includes('FROM api_key'));
  expect(looks).toHaveLength(1);
});

/** Events of all who write from now on are hidden behind a transaction, until it ends. */
async function openTransaction(): Promise<() => Promise<void>> {
  const client = new pg.Client(gateway().database.connection);
  await client.connect();
  let isOpen = true;
  const end = async () => {
    if (isOpen) await client.end();
    isOpen = false;
  };
  onTestFinished(end);
  await client.query('BEGIN; SELECT pg_current_xact_id()');
  return end;
}

type Told = { paymentStatusChanged: { payment: { id: string; status: string; attempts: { number: number }[] } } };
const WITH_ATTEMPTS = `subscription ($id: ID!) {
  paymentStatusChanged(id: $id) { payment { id status attempts { number } } }
}` as unknown as TypedDocumentString<Told, { id: string }>;

test('what is read because of events that are told at the same moment is read at once', async () => {
  const statements = recordStatements(gateway().app.gateway.database);
  const payments = await Promise.all(Array.from({ length: 8 }, () => till.pay({ process: false })));
  const ids = payments.map(({ id }) => id);
  const subscribers = ids.map((id) => subscribeOverWebSocket(gateway(), WITH_ATTEMPTS, { id }));
  for (const subscriber of subscribers) await subscriber.next();
  const end = await openTransaction();
  for (const paymentId of ids) await till.cancel({ paymentId });
  statements.length = 0;
  await end();
  const told = await Promise.all(subscribers.map((subscriber) => subscriber.next()));
  expect(told.map(({ paymentStatusChanged: { payment } }) => payment)).toEqual(
    ids.map((id) => ({ id, status: 'CANCELED', attempts: [] })),
  );
  expect(statements.filter((text) => text.includes('FROM attempt WHERE'))).toHaveLength(1);
  expect(statements.filter((text) => text.startsWith('SELECT') && text.includes('FROM payment WHERE'))).toEqual([]);
});

test('fragments that spread one another twice are gone through once', async () => {
  const { id } = await till.pay({ process: false });
  const levels = 40;
  const fragments = Array.from(
    { length: levels },
    (_, level) => `fragment f${level} on PaymentConnection { ...f${level + 1} ...f${level + 1} }`,
  );
  const text = `subscription ($id: ID!) { paymentStatusChanged(id: $id) { customer { payments(first: 0) { ...f0 } } } }
    ${fragments.join(' ')} fragment f${levels} on PaymentConnection { totalCount }`;
  const document = text as unknown as TypedDocumentString<{ paymentStatusChanged: object }, { id: string }>;
  expect(await subscribeOverWebSocket(gateway(), document, { id }).next()).toEqual({
    paymentStatusChanged: { customer: null },
  });
});
