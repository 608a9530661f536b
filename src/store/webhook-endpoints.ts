import type { WebhookEndpoint } from '../../generated/prisma/client.ts';
import type { Database } from './database.ts';
import { transact } from './transaction.ts';

type EndpointKey = Pick<WebhookEndpoint, 'environmentId' | 'id'>;

/**
 * Adds an endpoint, unless the environment has so many. Requests at once are counted one after the other: they lock the
 * environment, in a way that payments do not mind.
 * @returns whether it was added
 */
export async function addEndpoint(
  database: Database,
  endpoint: EndpointKey &
    Pick<WebhookEndpoint, 'url' | 'description' | 'createdBy'> & { readonly eventTypes: readonly string[] },
  limit: number,
): Promise<boolean> {
  const { environmentId, id, url, description, eventTypes, createdBy } = endpoint;
  return transact(database, async (transaction) => {
    await transaction.query('SELECT 1 FROM environment WHERE id = $1 FOR NO KEY UPDATE', [environmentId]);
    const added = await transaction.query(
      `INSERT INTO webhook_endpoint (environment_id, id, url, description, event_types, created_by, updated_by)
       SELECT $1, $2, $3, $4, $5::payment_event_type[], $6, $6
       WHERE (SELECT count(*) FROM webhook_endpoint WHERE environment_id = $1 AND status <> 'DELETED') < $7
       RETURNING 1`,
      [environmentId, id, url, description, eventTypes, createdBy, limit],
    );
    return { commit: true, value: added.length === 1 };
  });
}

/** An endpoint by its id, a deleted one too. */
export async function findEndpoint(
  database: Database,
  environmentId: string,
  id: string,
): Promise<WebhookEndpoint | undefined> {
  const where = { environmentId_id: { environmentId, id } };
  return (await database.prisma.webhookEndpoint.findUnique({ where })) ?? undefined;
}

/**
 * A test message for an endpoint, to be sent once, unless so many wait already.
 * @returns whether it was added
 */
export async function addTestDelivery(
  database: Database,
  delivery: { readonly id: string; readonly endpoint: EndpointKey },
  limit: number,
): Promise<boolean> {
  const { environmentId, id } = delivery.endpoint;
  return transact(database, async (transaction) => {
    // Requests at once are counted one after the other, in a way that the endpoint's events do not mind.
    await transaction.query('SELECT 1 FROM webhook_endpoint WHERE environment_id = $1 AND id = $2 FOR NO KEY UPDATE', [
      environmentId,
      id,
    ]);
    const added = await transaction.query(
      `INSERT INTO webhook_delivery (environment_id, id, endpoint_id, attempts_left, next_attempt_at)
       SELECT $1, $2, $3, 1, now()
       WHERE (SELECT count(*) FROM webhook_delivery
              WHERE environment_id = $1 AND endpoint_id = $3 AND next_attempt_at IS NOT NULL AND event_id IS NULL) < $4
       RETURNING 1`,
      [environmentId, delivery.id, id, limit],
    );
    return { commit: true, value: added.length === 1 };
  });
}

/** Has a delivery made anew, at once, whatever became of it. */
export async function redeliver(
  database: Database,
  delivery: { readonly environmentId: string; readonly id: string },
  attempts: number,
): Promise<void> {
  await database.pool.query({
    name: 'redeliver',
    text: `UPDATE webhook_delivery SET status = 'PENDING', failure = NULL, completed_at = NULL, next_attempt_at = now(),
             attempts_left = $3
           WHERE environment_id = $1 AND id = $2`,
    values: [delivery.environmentId, delivery.id, attempts],
  });
}
