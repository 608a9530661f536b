import { WEBHOOK_ATTEMPTS } from '../domain/webhook-schedule.ts';

/**
 * The part of `write` by which those who want to be told of events are, in the statement that appends them. It is no
 * trigger: a trigger on the events would keep the new rows for it and begin a function for every payment, where this is a
 * look into the index of enabled endpoints, which is all that it costs where there are none. And what a transaction writes
 * is all in one place. An id begins with its event's time, as all ids here do with theirs.
 * @param events the part that has inserted them, and returns TOLD
 */
export function deliveriesOf(events: string): string {
  // OFFSET 0 keeps the endpoints of others out: joined, PostgreSQL would expect many events and read all of them.
  return `INSERT INTO webhook_delivery
      (environment_id, id, endpoint_id, event_id, payment_id, attempts_left, next_attempt_at, created_at)
    SELECT event.environment_id, (left(event.id::text, 14) || '7' || right(gen_random_uuid()::text, 21))::uuid,
      endpoint.id, event.id, event.payment_id, ${WEBHOOK_ATTEMPTS}, now(), event.created_at
    FROM ${events} AS event CROSS JOIN LATERAL (
      SELECT id FROM webhook_endpoint WHERE environment_id = event.environment_id AND status = 'ENABLED'
        AND (cardinality(event_types) = 0 OR event.type = ANY (event_types)) OFFSET 0
    ) AS endpoint`;
}

/** What a part that has inserted events returns of each. */
export const TOLD = 'environment_id, id, payment_id, type, created_at';
