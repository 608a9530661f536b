import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { PaymentEvent } from '../../generated/prisma/client.ts';
import type { Context } from '../../src/schema/context.ts';
import { shareLoaders } from '../../src/schema/event-loaders.ts';

/** Who shares what is read because of an event. Nothing is read here. */

function at(position: bigint): PaymentEvent {
  return { epoch: 1, orderXid: 1n, position } as PaymentEvent;
}

/** A subscriber of a feed that has told everything up to a position. */
function subscriber(
  database: object,
  upTo: bigint | undefined,
  environmentId = 'one',
  payments: { id: string }[] = [],
) {
  const readAlong = { payments: new Map(payments.map((payment) => [payment.id, payment])) };
  const feed = { position: upTo === undefined ? undefined : at(upTo), readAlong };
  const context = { gateway: { database }, feed, caller: { environmentId } } as unknown as Context;
  return (event: PaymentEvent) => {
    shareLoaders(context, event);
    return context.loaders;
  };
}

test('whoever is told an event shares its loaders, also later', async () => {
  const database = {};
  const event = at(1n);
  const first = subscriber(database, 1n)(event);
  await setImmediate();
  expect(subscriber(database, 9n)(event)).toBe(first);
});

test('events that are told at the same moment share them', () => {
  const database = {};
  const first = subscriber(database, 3n)(at(1n));
  expect([at(2n), at(3n), at(1n)].map(subscriber(database, 3n))).toEqual([first, first, first]);
});

test('an event of which nobody knew when they were made does not: what they have read may be older', () => {
  const database = {};
  const first = subscriber(database, 3n)(at(3n));
  const next = subscriber(database, 4n)(at(4n));
  expect(next).not.toBe(first);
  expect(subscriber(database, 4n)(at(2n))).toBe(next);
});

test('an event ahead of the feed shares them with no other: those before it may not have happened yet', () => {
  const database = {};
  const ahead = subscriber(database, 1n)(at(3n));
  expect(subscriber(database, 1n)(at(2n))).not.toBe(ahead);
  const elsewhere = {};
  const unbegun = subscriber(elsewhere, undefined)(at(1n));
  expect(subscriber(elsewhere, undefined)(at(1n))).not.toBe(unbegun);
});

test('a later moment, another environment and another database have their own', async () => {
  const database = {};
  const first = subscriber(database, 9n)(at(1n));
  expect(subscriber(database, 9n, 'other')(at(2n))).not.toBe(first);
  expect(subscriber({}, 9n)(at(2n))).not.toBe(first);
  await setImmediate();
  expect(subscriber(database, 9n)(at(2n))).not.toBe(first);
});

test('what was read along with an event need not be read, and what is of another environment is not there', () => {
  const [own, foreign] = [
    { id: 'a', environmentId: 'one' },
    { id: 'b', environmentId: 'other' },
  ];
  const asked: unknown[] = [];
  const database = { pool: { query: (query: object) => (asked.push(query), new Promise(() => {})) } };
  const loadersOf = subscriber(database, 2n, 'one', [own, foreign]);
  const { payment } = loadersOf({ ...at(1n), paymentId: 'a' });
  expect(payment.load('a')).toBe(own);
  expect(loadersOf({ ...at(2n), paymentId: 'b' }).payment.load('b')).toBeInstanceOf(Promise);
  expect(asked).toEqual([]);
});
