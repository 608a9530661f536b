import type { Pool } from 'pg';
import type { Payment, PaymentEvent } from '../../generated/prisma/client.ts';
import type { EventPosition } from '../domain/event-cursor.ts';
import { IS_GOOD_STILL, type KeyOwner } from './access.ts';
import { ROW_TYPES } from './columns.ts';
import { allOf, columnsOf, type Column } from './rows.ts';

/** So many events are read at once. */
export const EVENTS_MAX = 500;
/** So many keys are looked at along with events; of more, each is looked at when it is told something. */
const KEYS_MAX = 32;

/** What is to be read besides the events. */
export interface Wanted {
  /** Whether they are good. */
  readonly keys: readonly Pick<KeyOwner, 'environmentId' | 'id'>[];
  /** The events' payments. */
  readonly payments: boolean;
}

/** What was read along with events, of the same moment: no payment is older than its event. */
export interface ReadAlong {
  /** Ids of those that were asked for and were good still when every one of the events had been committed. */
  readonly goodKeys: ReadonlySet<string>;
  /** By id. */
  readonly payments: ReadonlyMap<string, Payment>;
}

export interface EventsRead extends ReadAlong {
  readonly events: readonly PaymentEvent[];
  /** There are more, which an open transaction hides. */
  readonly hidden: boolean;
}

const EVENT = columnsOf('PaymentEvent');
const PAYMENT = columnsOf('Payment');
/** What stands before the columns of an event. */
const [HIDDEN, GOOD, FIRST] = [0, 1, 2];

/** Each by its key, however many rows the planner expects: joined, all of a small table are read. */
const THEIR_PAYMENTS = `
  LEFT JOIN LATERAL (
    SELECT ${allOf('Payment')} FROM payment
    WHERE payment.environment_id = payment_event.environment_id AND payment.id = payment_event.payment_id LIMIT 1
  ) AS payment ON true`;

/**
 * The planner does not see after what events are asked for: it would expect few there, and plan anew each time, which takes
 * three times as long as to read them.
 */
const textOf = (payments: boolean): string => `
  SELECT payment_event.epoch >= $4
      AND payment_event.order_xid >= pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS hidden,
    (
      SELECT string_agg(asked.number::text, ',')
      FROM unnest($5::uuid[], $6::uuid[]) WITH ORDINALITY AS asked (environment_id, id, number)
        JOIN api_key ON api_key.environment_id = asked.environment_id AND api_key.id = asked.id
      WHERE ${IS_GOOD_STILL}
    ) AS good_keys,
    ${allOf('PaymentEvent')}${payments ? `, ${allOf('Payment')}` : ''}
  FROM payment_event
  ${payments ? THEIR_PAYMENTS : ''}
  WHERE (payment_event.epoch, payment_event.order_xid, payment_event.position)
    > ((SELECT $1::int), (SELECT $2::bigint), (SELECT $3::bigint))
  ORDER BY payment_event.epoch, payment_event.order_xid, payment_event.position LIMIT ${EVENTS_MAX}`;

const ALONE = { name: 'event_feed_read', text: textOf(false) };
const WITH_PAYMENTS = { name: 'event_feed_read_with_payments', text: textOf(true) };

/**
 * The next events of the log, and what their subscribers need besides, in one statement: in three, one after the other, an
 * event took twice the time to its subscriber.
 * @param presentEpoch from which on transactions may be open
 * @param answerMs what takes longer fails
 */
export async function readEvents(
  pool: Pool,
  { epoch, orderXid, position }: EventPosition,
  presentEpoch: number,
  { keys, payments: withPayments }: Wanted,
  answerMs: number,
): Promise<EventsRead> {
  const asked = keys.length > KEYS_MAX ? [] : keys;
  const query = {
    ...(withPayments ? WITH_PAYMENTS : ALONE),
    values: [
      epoch,
      orderXid,
      position,
      presentEpoch,
      asked.map(({ environmentId }) => environmentId),
      asked.map(({ id }) => id),
    ],
    rowMode: 'array' as const,
    types: ROW_TYPES,
    query_timeout: answerMs,
  };
  const { rows } = await pool.query<unknown[]>(query);
  const seen = rows.filter((row) => row[HIDDEN] === false);
  const payments = withPayments ? seen.map((row) => objectOf<Payment>(PAYMENT, row, FIRST + EVENT.length)) : [];
  return {
    events: seen.map((row) => objectOf<PaymentEvent>(EVENT, row, FIRST)),
    hidden: seen.length < rows.length,
    goodKeys: new Set(numbersIn(seen[0]?.[GOOD]).map((number) => asked[number - 1]?.id ?? '')),
    payments: new Map(payments.filter(({ id }) => id !== null).map((payment) => [payment.id, payment])),
  };
}

function numbersIn(list: unknown): number[] {
  return typeof list === 'string' ? list.split(',').map(Number) : [];
}

/** A row of a model, whose columns stand in a longer one. */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the columns say what it is
function objectOf<T>(columns: readonly Column[], row: readonly unknown[], from: number): T {
  const object: Record<string, unknown> = {};
  for (const [index, { property }] of columns.entries()) object[property] = row[from + index];
  return object as T;
}
