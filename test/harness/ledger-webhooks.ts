import { randomUUID } from 'node:crypto';
import type { Client } from 'pg';
import { eventRow, insert, type Ledger, type Row } from './ledger.ts';

/** A ledger with an event, an endpoint, and a test message for it. */
export interface ToldLedger extends Ledger {
  readonly eventId: string;
  readonly endpointId: string;
  readonly deliveryId: string;
}

export async function addWebhook(client: Client, of: Ledger): Promise<ToldLedger> {
  const ledger: ToldLedger = { ...of, eventId: randomUUID(), endpointId: randomUUID(), deliveryId: randomUUID() };
  await insert(client, 'payment_event', { ...eventRow(of, 1_000), id: ledger.eventId });
  await insert(client, 'webhook_endpoint', { ...endpointRow(of), id: ledger.endpointId });
  const test = { id: ledger.deliveryId, event_id: null, payment_id: null };
  await insert(client, 'webhook_delivery', { ...deliveryRow(ledger), ...test });
  return ledger;
}

export function endpointRow({ environmentId }: Pick<Ledger, 'environmentId'>): Row {
  return {
    environment_id: environmentId,
    id: randomUUID(),
    url: 'https://hooks.example/',
    created_by: 'test',
    updated_by: 'test',
  };
}

/** Of the event. */
export function deliveryRow({ environmentId, endpointId, eventId, paymentId }: ToldLedger): Row {
  return {
    environment_id: environmentId,
    id: randomUUID(),
    endpoint_id: endpointId,
    event_id: eventId,
    payment_id: paymentId,
    attempts_left: 10,
    next_attempt_at: new Date(),
  };
}

export function webhookAttemptRow({ environmentId, deliveryId }: ToldLedger): Row {
  return { environment_id: environmentId, delivery_id: deliveryId, number: 1, started_at: new Date(), duration_ms: 1 };
}
