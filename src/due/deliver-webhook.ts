import { encodeId } from '../domain/ids.ts';
import { retryAfterMsOf, webhookRetryDelayMs } from '../domain/webhook-schedule.ts';
import type { Facts } from '../facts.ts';
import type { Gateway } from '../payments/gateway.ts';
import { validSecrets } from '../payments/webhook-endpoint.ts';
import {
  disableGoneEndpoint,
  recordAttempt,
  type AfterAttempt,
  type AttemptRecord,
  type ClaimedDelivery,
} from '../store/webhook-queue.ts';
import { isPublicAddress } from '../webhooks/address.ts';
import { webhookBody } from '../webhooks/message.ts';
import { post, type Posted } from '../webhooks/post.ts';
import type { Resolve } from '../webhooks/resolve.ts';
import { signedHeaders } from '../webhooks/signature.ts';

/** What deliveries are made with. */
export interface Transport {
  readonly resolve: Resolve;
  /** From 0 to 1. */
  readonly random: () => number;
  readonly stopping: AbortSignal;
}

const GONE = 410;
/** Who answers so may say when to come again. */
const LATER: readonly number[] = [429, 503];

/** Makes one attempt at a delivery, and writes down what came of it. */
export async function deliver(gateway: Gateway, claimed: ClaimedDelivery, transport: Transport): Promise<void> {
  const errand = { requestId: gateway.newId(), round: 'webhooks' };
  await gateway.telemetry.errand(errand, 'webhook', () => attempt(gateway, claimed, transport));
}

async function attempt(gateway: Gateway, claimed: ClaimedDelivery, transport: Transport): Promise<void> {
  const { settings, database, telemetry } = gateway;
  const { endpoint, event } = claimed;
  const body = webhookBody(claimed, event);
  const id = encodeId('WebhookDelivery', claimed.id);
  const timestampSeconds = Math.floor(gateway.now().getTime() / 1_000);
  const headers = signedHeaders({ id, timestampSeconds, body }, validSecrets(gateway, endpoint));
  const startedAtMs = performance.now();
  const facts = factsOf(claimed);
  const posted = await telemetry.span('webhook attempt', 'client', facts, async (note) => {
    const { traceparent } = telemetry.scope?.span ?? {};
    const request = {
      ...headers,
      'content-type': 'application/json',
      'user-agent': 'Tender',
      ...(traceparent !== undefined && { traceparent }),
    };
    const answer = await post(
      { url: endpoint.url, body, headers: request },
      {
        resolve: transport.resolve,
        isPlainAllowed: settings.webhookPrivateNetworks,
        isAllowed: settings.webhookPrivateNetworks ? () => true : isPublicAddress,
        timeoutMs: settings.webhookTimeoutMs,
        stopping: transport.stopping,
      },
    );
    note(answer.answered ? { status: answer.status } : { error: answer.error });
    return answer;
  });
  const durationMs = Math.round(performance.now() - startedAtMs);
  const after = afterwards(posted, claimed.attemptsLeft, transport.random(), gateway.now());
  await recordAttempt(database, claimed, recordOf(posted, durationMs), after);
  tell(gateway, posted, after, { ...facts, durationMs });
  if (posted.answered && posted.status === GONE) await disableGoneEndpoint(database, endpoint);
}

function factsOf({ id, endpoint, paymentId, attemptCount }: ClaimedDelivery): Facts {
  return {
    webhookDeliveryId: id,
    webhookEndpointId: endpoint.id,
    attempt: attemptCount,
    ...(paymentId !== null && { paymentId }),
  };
}

function tell({ observer, note, report }: Gateway, posted: Posted, { kind }: AfterAttempt, facts: Facts): void {
  // What this process broke off says nothing of the receiver.
  if (!posted.answered && posted.error === 'INTERRUPTED') return;
  observer.webhookAttempted(kind);
  if (kind === 'delivered') return;
  const told = { ...facts, ...(posted.answered ? { status: posted.status } : { error: posted.error }) };
  if (kind === 'exhausted') report('a webhook was given up after its last attempt', told);
  else note('a webhook was not received; it is sent again', told);
}

function recordOf(posted: Posted, durationMs: number): AttemptRecord {
  if (!posted.answered) return { durationMs, responseStatus: null, responseBody: null, error: posted.error };
  const { status: responseStatus, text: responseBody } = posted;
  return { durationMs, responseStatus, responseBody, error: isReceived(posted.status) ? null : 'STATUS' };
}

function isReceived(status: number): boolean {
  return status >= 200 && status <= 299;
}

function afterwards(posted: Posted, attemptsLeft: number, random: number, now: Date): AfterAttempt {
  // It is nothing that the receiver has done: whoever runs next tries it at once.
  if (!posted.answered && posted.error === 'INTERRUPTED') return { kind: 'again', inMs: 0, isGivenBack: true };
  if (posted.answered && isReceived(posted.status)) return { kind: 'delivered' };
  const retryAfterMs =
    posted.answered && LATER.includes(posted.status) ? retryAfterMsOf(posted.retryAfter, now) : undefined;
  const inMs = webhookRetryDelayMs(attemptsLeft, random, retryAfterMs);
  return inMs === undefined ? { kind: 'exhausted' } : { kind: 'again', inMs, isGivenBack: false };
}
