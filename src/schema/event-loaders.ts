import type { PaymentEvent as EventRow } from '../../generated/prisma/client.ts';
import { isAfter, type EventPosition } from '../domain/event-cursor.ts';
import type { Database } from '../store/database.ts';
import { createLoaders, type Loaders } from '../store/loaders.ts';
import type { Context } from './context.ts';

/** Loaders that were made in this turn of the event loop. */
interface OfThisTurn {
  readonly loaders: Loaders;
  /** Up to where it was known by then what had happened: all that they read is after it. */
  readonly upTo: EventPosition | undefined;
}

/** By environment. */
interface Turn {
  made: Map<string, OfThisTurn> | undefined;
}

const ofEvents = new WeakMap<EventRow, Loaders>();
const turns = new WeakMap<Database, Turn>();

/**
 * What is read because of an event is read after it, and once for all subscribers that are told it: they share the loaders,
 * and none sees a payment that is older than the event. Events that are told at the same moment share them too: with 500 in
 * a second, each for another subscriber, a statement read three payments in place of one.
 */
export function shareLoaders(context: Context, event: EventRow): void {
  const shared = ofEvents.get(event) ?? loadersAfter(event, context);
  ofEvents.set(event, shared);
  // The event's own and not all that were read: who is slow keeps its events, and they keep this.
  const payment = context.feed.readAlong?.payments.get(event.paymentId);
  if (payment?.environmentId === context.caller.environmentId) shared.payment.bring(payment.id, payment);
  context.loaders = shared;
}

function loadersAfter(event: EventRow, { gateway: { database }, feed, caller: { environmentId } }: Context): Loaders {
  const turn = turns.get(database) ?? { made: undefined };
  turns.set(database, turn);
  const known = turn.made?.get(environmentId);
  if (known?.upTo !== undefined && !isAfter(event, known.upTo)) return known.loaders;
  const loaders = createLoaders(database, environmentId);
  // A Map of its own for each turn: one that is cleared again and again is a chain of tables to V8's scavenger.
  if (turn.made === undefined) setImmediate(() => (turn.made = undefined));
  turn.made ??= new Map();
  turn.made.set(environmentId, { loaders, upTo: feed.position });
  return loaders;
}
