import type { WebhookDelivery, WebhookEndpoint } from '../../generated/prisma/client.ts';
import { encodeId } from '../domain/ids.ts';
import { ok, type Result } from '../domain/result.ts';
import { WEBHOOK_ATTEMPTS } from '../domain/webhook-schedule.ts';
import { addTestDelivery, findEndpoint, redeliver } from '../store/webhook-endpoints.ts';
import { invalid, notFound, type Failure } from './failure.ts';
import type { Caller, Gateway } from './gateway.ts';

/** Test messages of one endpoint that may wait at once. */
const TESTS_MAX = 20;
/** Attempts of one delivery, by itself and when it is sent again: all of them can be read. */
const ATTEMPTS_MAX = 100;

/** Sends a test message to an endpoint, once. @returns the delivery's id: it is under way */
export async function sendTestWebhook(
  gateway: Gateway,
  caller: Caller,
  endpointId: string,
): Promise<Result<string, Failure>> {
  const { database } = gateway;
  const endpoint = await findEndpoint(database, caller.environmentId, endpointId);
  if (endpoint === undefined || endpoint.status === 'DELETED') return notFound('webhook endpoint', 'endpointId');
  if (endpoint.status === 'DISABLED') return disabled('endpointId');
  const id = gateway.newId();
  const entry = {
    act: 'WEBHOOK_ENDPOINT_TESTED',
    subject: encodeId('WebhookEndpoint', endpointId),
    after: { delivery: encodeId('WebhookDelivery', id) },
  } as const;
  if (await addTestDelivery(database, { by: caller, entry }, { id, endpoint }, TESTS_MAX)) return ok(id);
  return invalid(`${TESTS_MAX} test messages wait for this endpoint already.`, 'endpointId');
}

/**
 * Sends a message again, under its own id, whatever became of it before. One that waits for its next attempt is sent now;
 * what is on its way at this moment may arrive twice.
 */
export async function resendWebhook(
  gateway: Gateway,
  caller: Caller,
  deliveryId: string,
): Promise<Result<string, Failure>> {
  const { database } = gateway;
  const { environmentId } = caller;
  const delivery: (WebhookDelivery & { endpoint: WebhookEndpoint }) | null =
    await database.prisma.webhookDelivery.findUnique({
      where: { environmentId_id: { environmentId, id: deliveryId } },
      include: { endpoint: true },
    });
  if (delivery === null) return notFound('webhook delivery', 'deliveryId');
  if (delivery.endpoint.status !== 'ENABLED') return disabled('deliveryId');
  const attempts = delivery.eventId === null ? 1 : WEBHOOK_ATTEMPTS;
  if (delivery.attemptCount + attempts > ATTEMPTS_MAX) {
    return invalid(`A message is sent ${ATTEMPTS_MAX} times at most.`, 'deliveryId');
  }
  const entry = {
    act: 'WEBHOOK_RESENT',
    subject: encodeId('WebhookDelivery', deliveryId),
    before: { status: delivery.status, attempts: delivery.attemptCount },
  } as const;
  await redeliver(database, { by: caller, entry }, deliveryId, attempts);
  return ok(deliveryId);
}

function disabled(...path: string[]): { ok: false; failure: Failure } {
  return invalid('The endpoint is disabled: enable it first.', ...path);
}
