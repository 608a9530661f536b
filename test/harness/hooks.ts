import { onTestFinished } from 'vitest';
import {
  CreateWebhookEndpointDocument,
  DeleteWebhookEndpointDocument,
  ResendWebhookDocument,
  RotateWebhookSecretDocument,
  SendTestWebhookDocument,
  UpdateWebhookEndpointDocument,
  WebhookDeliveriesDocument,
  WebhookDeliveryDocument,
  WebhookEndpointDocument,
  WebhookEndpointsDocument,
  type CreateWebhookEndpointInput,
  type RotateWebhookSecretInput,
  type UpdateWebhookEndpointInput,
  type WebhookDeliveryFieldsFragment,
  type WebhookDeliveryFilter,
} from '../../generated/operations/graphql.ts';
import { decodeIdOf } from '../../src/domain/ids.ts';
import { WebhookCourier } from '../../src/due/webhooks.ts';
import type { Gateway } from '../../src/payments/gateway.ts';
import { resolveHere } from '../../src/webhooks/resolve.ts';
import { only, type TestGateway } from './gateway.ts';
import { NOW } from './present.ts';
import { until } from './until.ts';

type Key = 'test' | 'live' | 'other';

/** What a merchant needs of a gateway: in this process, its wiring too. */
type Client = Pick<TestGateway, 'keys' | 'execute'> & Partial<Pick<TestGateway, 'app'>>;

/** A merchant who is told of events, and lets time pass for what is to be delivered. */
export class Hooks {
  readonly #gateway: () => Client;
  readonly #key: Key;

  constructor(gateway: () => Client, key: Key = 'test') {
    this.#gateway = gateway;
    this.#key = key;
  }

  get #options(): { key: string } {
    return { key: this.#gateway().keys[this.#key] };
  }

  get #wiring(): Gateway {
    const { app } = this.#gateway();
    if (app === undefined) throw new Error('the gateway runs in another process');
    return app.gateway;
  }

  async create(input: CreateWebhookEndpointInput) {
    return (await this.#gateway().execute(CreateWebhookEndpointDocument, { input }, this.#options))
      .createWebhookEndpoint;
  }

  /** An endpoint that was not refused. It ends with the test, so that it is told of no other's events. */
  async endpoint(url: string, eventTypes?: CreateWebhookEndpointInput['eventTypes']) {
    const created = only(await this.create({ url, eventTypes: eventTypes ?? null }), 'CreateWebhookEndpointPayload');
    const { id } = created.webhookEndpoint;
    onTestFinished(async () => void (await this.delete(id)));
    return { id, secret: created.secret };
  }

  async update(input: UpdateWebhookEndpointInput) {
    return (await this.#gateway().execute(UpdateWebhookEndpointDocument, { input }, this.#options))
      .updateWebhookEndpoint;
  }

  async delete(endpointId: string) {
    const variables = { input: { endpointId } };
    return (await this.#gateway().execute(DeleteWebhookEndpointDocument, variables, this.#options))
      .deleteWebhookEndpoint;
  }

  async rotate(input: RotateWebhookSecretInput) {
    return (await this.#gateway().execute(RotateWebhookSecretDocument, { input }, this.#options)).rotateWebhookSecret;
  }

  async test(endpointId: string) {
    const variables = { input: { endpointId } };
    return (await this.#gateway().execute(SendTestWebhookDocument, variables, this.#options)).sendTestWebhook;
  }

  /** The delivery of a test message that was not refused. */
  async sendTest(endpointId: string): Promise<string> {
    return only(await this.test(endpointId), 'SendTestWebhookPayload').webhookDelivery.id;
  }

  async resend(deliveryId: string) {
    const variables = { input: { deliveryId } };
    return (await this.#gateway().execute(ResendWebhookDocument, variables, this.#options)).resendWebhook;
  }

  async read(id: string) {
    return (await this.#gateway().execute(WebhookEndpointDocument, { id }, this.#options)).webhookEndpoint;
  }

  async list() {
    const { webhookEndpoints } = await this.#gateway().execute(WebhookEndpointsDocument, {}, this.#options);
    return webhookEndpoints.edges.map(({ node }) => node);
  }

  async delivery(id: string): Promise<WebhookDeliveryFieldsFragment> {
    const { webhookDelivery } = await this.#gateway().execute(WebhookDeliveryDocument, { id }, this.#options);
    if (webhookDelivery === null) throw new Error(`there is no delivery ${id}`);
    return webhookDelivery;
  }

  /** The newest first. */
  async deliveries(filter: WebhookDeliveryFilter): Promise<WebhookDeliveryFieldsFragment[]> {
    const { webhookDeliveries } = await this.#gateway().execute(WebhookDeliveriesDocument, { filter }, this.#options);
    return webhookDeliveries.edges.map(({ node }) => node);
  }

  /** Waits until a delivery is over. */
  async over(id: string): Promise<WebhookDeliveryFieldsFragment> {
    return until(async () => {
      const delivery = await this.delivery(id);
      return delivery.status !== 'PENDING' && delivery;
    });
  }

  /** Waits until so many attempts at a delivery have ended. */
  async attempted(id: string, count: number): Promise<WebhookDeliveryFieldsFragment> {
    await until(async () => (await this.delivery(id)).attempts.length >= count);
    // A delivery is read before its attempts: only now it is certainly as the last one has left it.
    return this.delivery(id);
  }

  /** The time has come for what waits: for the next attempt, or for the end of a dead process's lease. */
  async letFallDue(id: string): Promise<void> {
    await this.#wiring.database.pool.query(
      `UPDATE webhook_delivery SET next_attempt_at = ${NOW} WHERE id = $1 AND next_attempt_at IS NOT NULL`,
      [decodeIdOf('WebhookDelivery', id)],
    );
    await this.run();
  }

  /** A round at once: the gateway's own would come within a second. */
  async run(): Promise<void> {
    const courier = new WebhookCourier(this.#wiring, { resolve: resolveHere, random: () => 0.5 });
    await courier.run();
  }
}

/** How long it is until a delivery is tried again, in seconds, at the time of its last attempt's end. */
export function secondsToNext({ attempts, nextAttemptAt }: WebhookDeliveryFieldsFragment): number {
  const last = attempts.at(-1);
  if (last === undefined || nextAttemptAt === null) throw new Error('it is not tried again');
  return (Date.parse(nextAttemptAt) - Date.parse(last.startedAt) - last.durationMs) / 1_000;
}
