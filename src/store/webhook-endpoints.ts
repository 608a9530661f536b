import type { WebhookEndpoint } from '../../generated/prisma/client.ts';
import { addAuditEntry, type Audited, type AuditedBy } from './audit.ts';
import type { Database } from './database.ts';
import { lockEnvironment } from './environment-settings.ts';
import { allOf } from './rows.ts';
import { transact, type Transaction } from './transaction.ts';

type EndpointKey = Pick<WebhookEndpoint, 'environmentId' | 'id'>;

/**
 * Adds an endpoint, unless the environment has so many. Requests at once are counted one after the other: they lock the
 * environment, in a way that payments do not mind.
 * @returns whether it was added
 */
export async function addEndpoint(
  database: Database,
  { by, entry }: { readonly by: AuditedBy; readonly entry: Audited },
  endpoint: Pick<WebhookEndpoint, 'id' | 'url' | 'description'> & { readonly eventTypes: readonly string[] },
  limit: number,
): Promise<boolean> {
  const { environmentId, actor } = by;
  const { id, url, description, eventTypes } = endpoint;
  return transact(database, async (transaction) => {
    await lockEnvironment(transaction, environmentId);
    const added = await transaction.query(
      `INSERT INTO webhook_endpoint (environment_id, id, url, description, event_types, created_by, updated_by)
       SELECT $1, $2, $3, $4, $5::payment_event_type[], $6, $6
       WHERE (SELECT count(*) FROM webhook_endpoint WHERE environment_id = $1 AND status <> 'DELETED') < $7
       RETURNING 1`,
      [environmentId, id, url, description, eventTypes, actor, limit],
    );
    if (added.length === 0) return { commit: false, value: false };
    await addAuditEntry(transaction, by, entry);
    return { commit: true, value: true };
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

const ENDPOINT = allOf('WebhookEndpoint');

/** What may change of an endpoint, besides when and by whom it was changed last. */
export type EndpointChanges = Partial<
  Pick<
    WebhookEndpoint,
    | 'url'
    | 'description'
    | 'eventTypes'
    | 'status'
    | 'disabledReason'
    | 'failingSince'
    | 'secretVersion'
    | 'previousSecretUntil'
  >
>;

/** How an endpoint is changed, and what is written down of it. */
export interface EndpointChange {
  readonly by: AuditedBy;
  readonly id: string;
  readonly now: Date;
  /** What is to change of the endpoint as it is; undefined for nothing. */
  readonly changesOf: (before: WebhookEndpoint) => EndpointChanges | undefined;
  readonly entryOf: (before: WebhookEndpoint, after: WebhookEndpoint) => Audited;
}

interface Changed {
  readonly endpoint: WebhookEndpoint;
  readonly changed: boolean;
}

/**
 * Changes an endpoint that was not deleted, under its lock.
 * @returns it as it is now, and whether something was changed; undefined where there is none
 */
export async function changeEndpoint(
  database: Database,
  { by, id, now, changesOf, entryOf }: EndpointChange,
): Promise<Changed | undefined> {
  return transact<Changed | undefined>(database, async (transaction) => {
    // Not in the way of deliveries that are being written.
    const [before] = await transaction.query<WebhookEndpoint>(
      `SELECT ${ENDPOINT} FROM webhook_endpoint WHERE environment_id = $1 AND id = $2 AND status <> 'DELETED'
       FOR NO KEY UPDATE`,
      [by.environmentId, id],
    );
    if (before === undefined) return { commit: false, value: undefined };
    const changes = changesOf(before);
    if (changes === undefined) return { commit: false, value: { endpoint: before, changed: false } };
    const endpoint = await writeEndpoint(transaction, { ...before, ...changes, updatedAt: now, updatedBy: by.actor });
    await addAuditEntry(transaction, by, entryOf(before, endpoint));
    return { commit: true, value: { endpoint, changed: true } };
  });
}

async function writeEndpoint(transaction: Transaction, row: WebhookEndpoint): Promise<WebhookEndpoint> {
  const [written] = await transaction.query<WebhookEndpoint>(
    `UPDATE webhook_endpoint
     SET url = $3, description = $4, event_types = $5::payment_event_type[], status = $6::webhook_endpoint_status,
       disabled_reason = $7::webhook_disabled_reason, failing_since = $8, secret_version = $9,
       previous_secret_until = $10, updated_at = $11, updated_by = $12
     WHERE environment_id = $1 AND id = $2 RETURNING ${ENDPOINT}`,
    [
      row.environmentId,
      row.id,
      row.url,
      row.description,
      row.eventTypes,
      row.status,
      row.disabledReason,
      row.failingSince,
      row.secretVersion,
      row.previousSecretUntil,
      row.updatedAt,
      row.updatedBy,
    ],
  );
  if (written === undefined) throw new Error('an endpoint that is locked is gone');
  return written;
}

/**
 * A test message for an endpoint, to be sent once, unless so many wait already.
 * @returns whether it was added
 */
export async function addTestDelivery(
  database: Database,
  { by, entry }: { readonly by: AuditedBy; readonly entry: Audited },
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
    if (added.length === 0) return { commit: false, value: false };
    await addAuditEntry(transaction, by, entry);
    return { commit: true, value: true };
  });
}

/** Has a delivery made anew, at once, whatever became of it. */
export async function redeliver(
  database: Database,
  { by, entry }: { readonly by: AuditedBy; readonly entry: Audited },
  id: string,
  attempts: number,
): Promise<void> {
  await transact(database, async (transaction) => {
    await transaction.query(
      `UPDATE webhook_delivery SET status = 'PENDING', failure = NULL, completed_at = NULL, next_attempt_at = now(),
         attempts_left = $3
       WHERE environment_id = $1 AND id = $2`,
      [by.environmentId, id, attempts],
    );
    await addAuditEntry(transaction, by, entry);
    return { commit: true, value: undefined };
  });
}
