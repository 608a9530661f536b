import { beforeEach, expect, test } from 'vitest';
import {
  addWebhook,
  deliveryRow,
  endpointRow,
  webhookAttemptRow,
  type ToldLedger,
} from '../harness/ledger-webhooks.ts';
import { CHECK, UNIQUE, useBypass } from './bypass.ts';

/** What the database refuses of webhooks, whatever the code does. */

const sql = useBypass();
const { write, refusalOf } = sql;

let told: ToldLedger;

beforeEach(async () => {
  told = await addWebhook(sql.client, sql.mine);
});

const over = { next_attempt_at: null, completed_at: new Date() };

test.for([
  ['webhook_endpoint_disabled_with_reason', { status: 'DISABLED' }],
  ['webhook_endpoint_disabled_with_reason', { disabled_reason: 'GONE' }],
  ['webhook_endpoint_url_within_limit', { url: `https://hooks.example/${'a'.repeat(2_048)}` }],
] as const)('of an endpoint: %s refuses %j', async ([constraint, given]) => {
  const refused = await refusalOf(() => write('webhook_endpoint', { ...endpointRow(told), ...given }));
  expect(refused).toEqual({ code: CHECK, constraint });
});

test.for([
  ['webhook_delivery_due_while_pending', { next_attempt_at: null }],
  ['webhook_delivery_due_while_pending', { status: 'SUCCEEDED', completed_at: new Date() }],
  ['webhook_delivery_completed_when_over', { completed_at: new Date() }],
  ['webhook_delivery_completed_when_over', { ...over, status: 'SUCCEEDED', completed_at: null }],
  ['webhook_delivery_failed_with_reason', { ...over, status: 'FAILED' }],
  ['webhook_delivery_failed_with_reason', { failure: 'EXHAUSTED' }],
  ['webhook_delivery_event_of_payment', { event_id: null }],
  ['webhook_delivery_event_of_payment', { payment_id: null }],
  ['webhook_delivery_attempts_not_negative', { attempt_count: -1 }],
  ['webhook_delivery_attempts_not_negative', { attempts_left: -1 }],
] as const)('of a delivery: %s refuses %j', async ([constraint, given]) => {
  const refused = await refusalOf(() => write('webhook_delivery', { ...deliveryRow(told), ...given }));
  expect(refused).toEqual({ code: CHECK, constraint });
});

test('an event is told once to each endpoint', async () => {
  await write('webhook_delivery', deliveryRow(told));
  expect(await refusalOf(() => write('webhook_delivery', deliveryRow(told)))).toEqual({
    code: UNIQUE,
    constraint: 'webhook_delivery_environment_id_endpoint_id_event_id_key',
  });
});

test('of an answer, no more is kept than that', async () => {
  const tooMuch = { ...webhookAttemptRow(told), response_body: 'x'.repeat(1_025) };
  expect(await refusalOf(() => write('webhook_attempt', tooMuch))).toEqual({
    code: CHECK,
    constraint: 'webhook_attempt_response_within_limit',
  });
});

test('attempts go with their delivery', async () => {
  await write('webhook_attempt', webhookAttemptRow(told));
  await sql.client.query('DELETE FROM webhook_delivery WHERE id = $1', [told.deliveryId]);
  const { rows } = await sql.client.query('SELECT 1 FROM webhook_attempt WHERE delivery_id = $1', [told.deliveryId]);
  expect(rows).toEqual([]);
});
