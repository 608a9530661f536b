import type { PaymentEvent, WebhookAttempt, WebhookDelivery, WebhookEndpoint } from '../../generated/prisma/client.ts';
import { unreachable } from '../domain/result.ts';
import { auditDisabled } from './audit.ts';
import { ROW_TYPES } from './columns.ts';
import type { Database } from './database.ts';

/**
 * The queue of webhooks: rows of webhook_delivery, written with their events (webhook-fan-out.ts), claimed when they are due,
 * ended with their attempts. Times are the database's.
 */

/** A delivery that is to be made now, with all that it takes. */
export type ClaimedDelivery = WebhookDelivery & {
  readonly endpoint: WebhookEndpoint;
  readonly event: PaymentEvent | null;
};

/**
 * Takes deliveries whose time has come, each for the length of a lease: another process passes them by until then, and
 * takes them after it if this one dies. The attempt counts from here, and a delivery whose last one came to no end is given
 * up: one that ends its process is not taken for ever. Endpoints are asked in no order, for a few deliveries each, so that a
 * long queue of one keeps nobody waiting.
 * @param limit how many at most
 * @param limitEach how many at most of one endpoint
 * @param except endpoints that have enough under way
 */
export async function claimDueDeliveries(
  database: Database,
  claim: {
    readonly limit: number;
    readonly limitEach: number;
    readonly except: readonly string[];
    readonly leaseMs: number;
  },
): Promise<ClaimedDelivery[]> {
  const { rows } = await database.pool.query<{ environmentId: string; id: string }>({
    name: 'claim_due_deliveries',
    text: `WITH due AS (
             SELECT delivery.environment_id, delivery.id
             FROM (SELECT environment_id, id FROM webhook_endpoint WHERE status = 'ENABLED' AND id <> ALL ($3::uuid[])
                   ORDER BY random()) AS endpoint
             CROSS JOIN LATERAL (
               SELECT environment_id, id FROM webhook_delivery
               WHERE environment_id = endpoint.environment_id AND endpoint_id = endpoint.id AND next_attempt_at <= now()
               ORDER BY next_attempt_at LIMIT $2 FOR UPDATE SKIP LOCKED
             ) AS delivery
             LIMIT $1
           ), claimed AS (
             UPDATE webhook_delivery AS delivery SET
               next_attempt_at = CASE WHEN attempts_left > 0 THEN now() + make_interval(secs => $4::float8 / 1000) END,
               attempt_count = attempt_count + least(attempts_left, 1),
               attempts_left = greatest(attempts_left - 1, 0),
               status = CASE WHEN attempts_left > 0 THEN status ELSE 'FAILED' END,
               failure = CASE WHEN attempts_left = 0 THEN 'EXHAUSTED'::webhook_failure END,
               completed_at = CASE WHEN attempts_left = 0 THEN now() END
             FROM due WHERE delivery.environment_id = due.environment_id AND delivery.id = due.id
             RETURNING delivery.environment_id, delivery.id, delivery.status
           )
           SELECT environment_id AS "environmentId", id FROM claimed WHERE status = 'PENDING'`,
    values: [claim.limit, claim.limitEach, claim.except, claim.leaseMs],
    types: ROW_TYPES,
  });
  if (rows.length === 0) return [];
  return database.prisma.webhookDelivery.findMany({
    where: { OR: rows },
    include: { endpoint: true, event: true },
  });
}

/** What an attempt leaves to do. */
export type AfterAttempt =
  | { readonly kind: 'delivered' }
  | { readonly kind: 'again'; readonly inMs: number; readonly isGivenBack: boolean }
  | { readonly kind: 'exhausted' };

/** What came of an attempt, as its row tells. */
export type AttemptRecord = Pick<WebhookAttempt, 'durationMs' | 'responseStatus' | 'responseBody' | 'error'>;

/** How long every attempt has to fail before an endpoint is disabled: no delivery is tried for so long. */
const FAILING_MAX = "interval '5 days'";

/**
 * Writes what came of an attempt, and since when its endpoint has been failing: after days of nothing else it is disabled.
 * An endpoint that has another URL by now is not judged by the attempt. What was delivered is, whatever happened meanwhile; anything else counts only while the
 * delivery is wanted and no later attempt has begun.
 */
export async function recordAttempt(
  database: Database,
  delivery: Pick<ClaimedDelivery, 'environmentId' | 'id' | 'attemptCount' | 'endpoint'>,
  attempt: AttemptRecord,
  after: AfterAttempt,
): Promise<void> {
  await database.pool.query({
    name: 'record_webhook_attempt',
    text: `WITH attempt AS (
             INSERT INTO webhook_attempt
               (environment_id, delivery_id, number, started_at, duration_ms, response_status, response_body, error)
             VALUES ($1, $2, $3, now() - make_interval(secs => $4::float8 / 1000), $4, $5, $6, $7)
             ON CONFLICT DO NOTHING
           ), received AS (
             UPDATE webhook_endpoint SET failing_since = NULL
             WHERE environment_id = $1 AND id = $11 AND url = $12 AND failing_since IS NOT NULL AND $8 = 'SUCCEEDED'
           ), failed AS (
             UPDATE webhook_endpoint SET failing_since = now()
             WHERE environment_id = $1 AND id = $11 AND url = $12 AND failing_since IS NULL
               AND $8 <> 'SUCCEEDED' AND $7 <> 'INTERRUPTED'
           ), disabled AS (
             UPDATE webhook_endpoint
             SET status = 'DISABLED', disabled_reason = 'FAILING', updated_at = now(), updated_by = 'gateway'
             WHERE environment_id = $1 AND id = $11 AND url = $12 AND failing_since <= now() - ${FAILING_MAX}
               AND status = 'ENABLED' AND $8 <> 'SUCCEEDED' AND $7 <> 'INTERRUPTED'
             RETURNING environment_id, id, disabled_reason
           ), audited AS (${auditDisabled('disabled')})
           UPDATE webhook_delivery SET
             status = $8::webhook_delivery_status,
             failure = CASE $8 WHEN 'FAILED' THEN 'EXHAUSTED'::webhook_failure END,
             next_attempt_at = CASE $8 WHEN 'PENDING' THEN now() + make_interval(secs => $9::float8 / 1000) END,
             completed_at = CASE WHEN $8 <> 'PENDING' THEN now() END,
             attempts_left = attempts_left + $10
           WHERE environment_id = $1 AND id = $2
             AND ($8 = 'SUCCEEDED' OR (status = 'PENDING' AND attempt_count = $3))`,
    values: [
      delivery.environmentId,
      delivery.id,
      delivery.attemptCount,
      attempt.durationMs,
      attempt.responseStatus,
      attempt.responseBody,
      attempt.error,
      statusAfter(after),
      after.kind === 'again' ? after.inMs : 0,
      after.kind === 'again' && after.isGivenBack ? 1 : 0,
      delivery.endpoint.id,
      delivery.endpoint.url,
    ],
  });
}

function statusAfter({ kind }: AfterAttempt): WebhookDelivery['status'] {
  switch (kind) {
    case 'delivered':
      return 'SUCCEEDED';
    case 'again':
      return 'PENDING';
    case 'exhausted':
      return 'FAILED';
    default:
      return unreachable(kind);
  }
}

/** An endpoint has said that it is gone for good: what was asked at this URL, and not at one that it was given since. */
export async function disableGoneEndpoint(
  database: Database,
  { environmentId, id, url }: Pick<WebhookEndpoint, 'environmentId' | 'id' | 'url'>,
): Promise<void> {
  await database.pool.query({
    name: 'disable_gone_endpoint',
    text: `WITH disabled AS (
             UPDATE webhook_endpoint
             SET status = 'DISABLED', disabled_reason = 'GONE', updated_at = now(), updated_by = 'gateway'
             WHERE environment_id = $1 AND id = $2 AND url = $3 AND status = 'ENABLED'
             RETURNING environment_id, id, disabled_reason
           )
           ${auditDisabled('disabled')}`,
    values: [environmentId, id, url],
  });
}

/**
 * Ends deliveries that nobody waits for any more, because their endpoint is not enabled. It is done here and not where an
 * endpoint is disabled: an event that is being written at that moment may still add one, and there may be many.
 * @returns how many
 */
export async function endUnwantedDeliveries(database: Database, limit: number): Promise<number> {
  const { rowCount } = await database.pool.query({
    name: 'end_unwanted_deliveries',
    text: `WITH unwanted AS (
             SELECT delivery.environment_id, delivery.id,
               CASE WHEN endpoint.status = 'DELETED' THEN 'ENDPOINT_DELETED'
                 WHEN endpoint.disabled_reason = 'GONE' THEN 'ENDPOINT_GONE' ELSE 'ENDPOINT_DISABLED' END AS failure
             FROM webhook_endpoint AS endpoint CROSS JOIN LATERAL (
               SELECT environment_id, id FROM webhook_delivery
               WHERE environment_id = endpoint.environment_id AND endpoint_id = endpoint.id
                 AND next_attempt_at IS NOT NULL
               LIMIT $1 FOR UPDATE SKIP LOCKED
             ) AS delivery
             WHERE endpoint.status <> 'ENABLED' LIMIT $1
           )
           UPDATE webhook_delivery AS delivery
           SET status = 'FAILED', failure = unwanted.failure::webhook_failure, next_attempt_at = NULL, completed_at = now()
           FROM unwanted WHERE delivery.environment_id = unwanted.environment_id AND delivery.id = unwanted.id`,
    values: [limit],
  });
  return rowCount ?? 0;
}

/**
 * Deletes deliveries that were over for so long, with their attempts; those that are not over stay.
 * @returns how many
 */
export async function deleteOldDeliveries(
  database: Database,
  { limit, keptMs }: { readonly limit: number; readonly keptMs: number },
): Promise<number> {
  const { rowCount } = await database.pool.query({
    name: 'delete_old_deliveries',
    text: `DELETE FROM webhook_delivery WHERE (environment_id, id) IN (
             SELECT environment_id, id FROM webhook_delivery
             WHERE completed_at <= now() - make_interval(secs => $2::float8 / 1000)
             ORDER BY completed_at LIMIT $1 FOR UPDATE SKIP LOCKED
           )`,
    values: [limit, keptMs],
  });
  return rowCount ?? 0;
}

/** Deletes endpoints that were deleted by their merchant so long ago, and of which no delivery is left. */
export async function deleteOldEndpoints(database: Database, keptMs: number): Promise<void> {
  await database.pool.query({
    name: 'delete_old_endpoints',
    text: `DELETE FROM webhook_endpoint AS endpoint
           WHERE status = 'DELETED' AND updated_at <= now() - make_interval(secs => $1::float8 / 1000)
             AND NOT EXISTS (SELECT FROM webhook_delivery AS delivery
               WHERE delivery.environment_id = endpoint.environment_id AND delivery.endpoint_id = endpoint.id)`,
    values: [keptMs],
  });
}
