import type { Pool } from 'pg';
import type { Payment, PaymentEvent } from '../../generated/prisma/client.ts';
import { decodeCursor, encodeCursor, isAfter, LOG_START, type EventPosition } from '../domain/event-cursor.ts';
import { uuidv7 } from '../domain/ids.ts';
import { fromRow, ROW_TYPES } from './columns.ts';
import type { PresentEpoch } from './epoch.ts';
import { allOf } from './rows.ts';
import { statementName } from './statement-name.ts';

/** Which events of an environment: those that fit everything that is given. */
export interface EventFilter {
  readonly paymentId?: string | undefined;
  readonly customerId?: string | undefined;
  readonly type?: readonly PaymentEvent['type'][] | undefined;
  readonly status?: readonly PaymentEvent['status'][] | undefined;
  /** For this invoice, order, … of the merchant's own. */
  readonly destination?: { readonly type: string; readonly id: string } | undefined;
}

type PaymentKey = Pick<Payment, 'environmentId' | 'id'>;

/** A stretch of the log. */
export interface EventPage {
  readonly events: readonly PaymentEvent[];
  /** Where the next page begins: everything before it was looked at, whether it fitted or not. */
  readonly end: EventPosition;
  /** There is more already. */
  readonly hasMore: boolean;
}

/** How far back a feed is told. */
export interface Kept {
  /** Events since then are. */
  readonly since: Date;
  /** Cursors are taken since a little earlier: who is told where the oldest events are has to have the time to go there. */
  readonly takenSince: Date;
}

/** Where a client goes on, or why it cannot, and from where it can. */
export type Resumption =
  | { readonly ok: true; readonly after: EventPosition }
  | {
      readonly ok: false;
      readonly code: 'CURSOR_UNKNOWN' | 'CURSOR_OF_ANOTHER_EPOCH' | 'CURSOR_TOO_OLD';
      readonly resumeFrom: string;
    };

/**
 * An event is visible once every transaction that could still put one before it has ended: transactions of this epoch
 * below the snapshot's horizon, and all of earlier epochs.
 * @param epoch the place of the present epoch among the parameters: "$1"
 */
const visibleIn = (epoch: string): string =>
  `(epoch < ${epoch} OR order_xid < pg_snapshot_xmin(pg_current_snapshot())::text::bigint)`;

/** Longer than any transaction that appends events takes, and than clocks differ by. */
const TRANSACTION_MS_MAX = 60_000;

/** No event of this moment or later has an id before this one. */
function firstIdOf(ms: number): string {
  return uuidv7(ms, new Uint8Array(10));
}

/** Reads the log of events of one environment. */
export class EventLog {
  readonly #pool: Pool;
  readonly #epoch: PresentEpoch;

  constructor(pool: Pool, epoch: PresentEpoch) {
    this.#pool = pool;
    this.#epoch = epoch;
  }

  /** The present one: a failover begins the next. */
  get epoch(): number {
    return this.#epoch.current;
  }

  /**
   * The end of the log as it is now: everything that is visible lies before it.
   * @throws where the server has not answered in time
   */
  async end(answerMs?: number): Promise<EventPosition> {
    const [row] = await this.#query<EventPosition>(
      `SELECT epoch, order_xid, position FROM payment_event WHERE ${visibleIn('$1')}
       ORDER BY epoch DESC, order_xid DESC, position DESC LIMIT 1`,
      [this.epoch],
      answerMs,
    );
    return row ?? LOG_START;
  }

  /** Where what is kept for an environment begins: before all its events since a moment. */
  async start(environmentId: string, { since }: Pick<Kept, 'since'>): Promise<EventPosition> {
    // Ids begin with the time of their event, so the primary key serves.
    const [first] = await this.#query<Pick<PaymentEvent, 'createdAt'>>(
      'SELECT created_at FROM payment_event WHERE environment_id = $1 AND id >= $2 ORDER BY id LIMIT 1',
      [environmentId, firstIdOf(since.getTime())],
    );
    if (first === undefined) return this.end();
    // Of one moment, and of transactions that ran beside each other, another one may come first.
    const [row] = await this.#query<EventPosition>(
      `SELECT epoch, order_xid, position - 1 AS position FROM payment_event
       WHERE environment_id = $1 AND id >= $2 AND id < $3 ORDER BY epoch, order_xid, position LIMIT 1`,
      [environmentId, firstIdOf(since.getTime()), firstIdOf(first.createdAt.getTime() + TRANSACTION_MS_MAX)],
    );
    return row ?? this.end();
  }

  /** The cursor of a position, for a client of this epoch. */
  cursorOf(at: EventPosition): string {
    return encodeCursor(at, this.epoch);
  }

  /**
   * Where a client goes on that has kept a cursor.
   * @param kept null for a single payment's events, which are told for ever
   */
  async resume(environmentId: string, text: string, kept: Kept | null): Promise<Resumption> {
    const cursor = decodeCursor(text);
    if (cursor === undefined || cursor.toldIn > this.epoch || !(await this.#isPast(cursor))) {
      return { ok: false, code: 'CURSOR_UNKNOWN', resumeFrom: this.cursorOf(await this.end()) };
    }
    // What there is after it can be had; whether something that was read before is gone, nobody can tell.
    if (cursor.toldIn !== this.epoch) {
      return { ok: false, code: 'CURSOR_OF_ANOTHER_EPOCH', resumeFrom: this.cursorOf(cursor) };
    }
    if (kept === null) return { ok: true, after: cursor };
    const next = await this.#next(environmentId, cursor);
    if (next === undefined || next.createdAt >= kept.takenSince) return { ok: true, after: cursor };
    const start = await this.start(environmentId, kept);
    return { ok: false, code: 'CURSOR_TOO_OLD', resumeFrom: this.cursorOf(start) };
  }

  async #next(environmentId: string, after: EventPosition): Promise<Pick<PaymentEvent, 'createdAt'> | undefined> {
    const [row] = await this.#query<Pick<PaymentEvent, 'createdAt'>>(
      `SELECT created_at FROM payment_event WHERE environment_id = $1 AND (epoch, order_xid, position) > ($2, $3, $4)
       ORDER BY epoch, order_xid, position LIMIT 1`,
      [environmentId, after.epoch, after.orderXid, after.position],
    );
    return row;
  }

  /** Whether there have been transactions of this number: a cursor beyond them was never given out. */
  async #isPast({ epoch, orderXid }: EventPosition): Promise<boolean> {
    if (epoch !== this.epoch) return epoch < this.epoch;
    const [row] = await this.#query<{ past: boolean }>(
      'SELECT $1::bigint < pg_snapshot_xmax(pg_current_snapshot())::text::bigint AS past',
      [orderXid],
    );
    return row?.past === true;
  }

  /** The events after a position that fit, in the order of commits; those that an open transaction hides are not there yet. */
  async read(environmentId: string, after: EventPosition, filter: EventFilter, limit: number): Promise<EventPage> {
    // Taken first: whatever becomes visible afterwards comes behind it.
    const end = await this.end();
    const parameters: unknown[] = [this.epoch, environmentId, after.epoch, after.orderXid, after.position, limit + 1];
    const conditions = conditionsOf(filter, parameters);
    const found = await this.#query<PaymentEvent>(
      `SELECT ${allOf('PaymentEvent')}
       FROM payment_event WHERE environment_id = $2 AND (epoch, order_xid, position) > ($3, $4, $5) AND ${visibleIn('$1')}
       ${conditions.join(' ')}
       ORDER BY epoch, order_xid, position LIMIT $6`,
      parameters,
    );
    const events = found.slice(0, limit);
    const last = events.at(-1) ?? after;
    if (found.length > limit) return { events, end: last, hasMore: true };
    // All that did not fit was looked at, too.
    return { events, end: isAfter(end, last) ? end : last, hasMore: false };
  }

  /**
   * The events of one payment after a position, in their order. Nothing hides them: whoever appended one had to wait for
   * the transaction of the one before it.
   */
  async readPayment(payment: PaymentKey, after: EventPosition, limit: number): Promise<EventPage> {
    const found = await this.#query<PaymentEvent>(
      `SELECT ${allOf('PaymentEvent')}
       FROM payment_event WHERE environment_id = $1 AND payment_id = $2 AND (epoch, order_xid, position) > ($3, $4, $5)
       ORDER BY sequence LIMIT $6`,
      [payment.environmentId, payment.id, after.epoch, after.orderXid, after.position, limit + 1],
    );
    const events = found.slice(0, limit);
    return { events, end: events.at(-1) ?? after, hasMore: found.length > limit };
  }

  /** The last event of a payment: there is always one. */
  async lastOfPayment({ environmentId, id }: PaymentKey): Promise<PaymentEvent> {
    const [row] = await this.#query<PaymentEvent>(
      `SELECT ${allOf('PaymentEvent')}
       FROM payment_event WHERE environment_id = $1 AND payment_id = $2 ORDER BY sequence DESC LIMIT 1`,
      [environmentId, id],
    );
    if (row === undefined) throw new Error('a payment without an event');
    return row;
  }

  async #query<T>(text: string, values: readonly unknown[], answerMs?: number): Promise<T[]> {
    const { rows } = await this.#pool.query<Record<string, unknown>>({
      ...(answerMs !== undefined && { query_timeout: answerMs }),
      name: statementName(text),
      text,
      values: [...values],
      types: ROW_TYPES,
    });
    return rows.map((row) => fromRow<T>(row));
  }
}

function conditionsOf(filter: EventFilter, parameters: unknown[]): string[] {
  const conditions: string[] = [];
  const add = (value: unknown, condition: (place: string) => string): void => {
    parameters.push(value);
    conditions.push(`AND ${condition(`$${parameters.length}`)}`);
  };
  const { paymentId, customerId, type, status, destination } = filter;
  if (paymentId !== undefined) add(paymentId, (place) => `payment_id = ${place}`);
  if (customerId !== undefined) add(customerId, (place) => `customer_id = ${place}`);
  if (type !== undefined) add(type, (place) => `type = ANY(${place}::payment_event_type[])`);
  if (status !== undefined) add(status, (place) => `status = ANY(${place}::payment_status[])`);
  if (destination !== undefined) {
    parameters.push(destination.type, destination.id);
    const [typeAt, idAt] = [parameters.length - 1, parameters.length];
    conditions.push(`AND EXISTS (SELECT FROM payment_destination AS of
      WHERE of.environment_id = payment_event.environment_id AND of.payment_id = payment_event.payment_id
        AND of.type = $${typeAt}::destination_type AND of.destination_id = $${idAt})`);
  }
  return conditions;
}
