import type { PaymentEvent, WebhookEndpoint } from '../../generated/prisma/client.ts';
import { encodeId } from '../domain/ids.ts';
import { ok, type Result } from '../domain/result.ts';
import type { AuditAct, Audited } from '../store/audit.ts';
import { addEndpoint, changeEndpoint, type EndpointChanges } from '../store/webhook-endpoints.ts';
import { secretText } from '../webhooks/signature.ts';
import { checkWebhookUrl } from '../webhooks/url.ts';
import { differenceOf } from './difference.ts';
import { checkText } from './details.ts';
import { invalid, notFound, type Failure } from './failure.ts';
import type { Caller, Gateway } from './gateway.ts';

type EventType = PaymentEvent['type'];

/** Every event is looked up against all of them. */
const ENDPOINTS_MAX = 20;
const DESCRIPTION_LENGTH_MAX = 200;
const URL_LENGTH_MAX = 2_048;
/** What was leaked is not to be taken for longer. */
const OVERLAP_MAX_SECONDS = 7 * 24 * 3_600;
const SECRET_VERSIONS_MAX = 10_000;

/** An endpoint, and the secret that its merchant is told now and not again. */
export interface EndpointWithSecret {
  readonly endpoint: WebhookEndpoint;
  readonly secret: string;
}

/** What may be said of an endpoint. In an update, undefined leaves a field as it is. */
export interface EndpointFields {
  readonly url?: string | undefined;
  readonly description?: string | null | undefined;
  /** Empty for all. */
  readonly eventTypes?: readonly EventType[] | undefined;
}

type CheckedFields = Partial<Pick<WebhookEndpoint, 'url' | 'description' | 'eventTypes'>>;

/** Has events sent to a URL from now on. It moves no money, so it takes no idempotency key. */
export async function createWebhookEndpoint(
  gateway: Gateway,
  caller: Caller,
  input: EndpointFields & { readonly url: string },
): Promise<Result<EndpointWithSecret, Failure>> {
  const checked = check(gateway, input);
  if (!checked.ok) return checked;
  const { url = input.url, description = null, eventTypes = [] } = checked.value;
  const { environmentId } = caller;
  const { database } = gateway;
  const id = gateway.newId();
  const entry: Audited = {
    act: 'WEBHOOK_ENDPOINT_CREATED',
    subject: encodeId('WebhookEndpoint', id),
    after: { host: new URL(url).host, eventTypes },
  };
  if (!(await addEndpoint(database, { by: caller, entry }, { id, url, description, eventTypes }, ENDPOINTS_MAX))) {
    return invalid(`There are ${ENDPOINTS_MAX} endpoints already, which is as many as there can be.`);
  }
  const endpoint = await database.prisma.webhookEndpoint.findUniqueOrThrow({
    where: { environmentId_id: { environmentId, id } },
  });
  return ok({ endpoint, secret: currentSecret(gateway, endpoint) });
}

/** Changes what the input names. What is on its way goes to the new URL the next time. */
export async function updateWebhookEndpoint(
  gateway: Gateway,
  caller: Caller,
  id: string,
  input: EndpointFields & { readonly enabled?: boolean | undefined },
): Promise<Result<WebhookEndpoint, Failure>> {
  const checked = check(gateway, input);
  if (!checked.ok) return checked;
  const state = input.enabled === undefined ? {} : stateOf(input.enabled);
  // What has failed at another URL says nothing of this one.
  const anew = input.url === undefined ? {} : { failingSince: null };
  return change(gateway, caller, id, 'WEBHOOK_ENDPOINT_UPDATED', { ...checked.value, ...anew, ...state });
}

/** Ends an endpoint for good. Its deliveries can be read for as long as others. */
export async function deleteWebhookEndpoint(
  gateway: Gateway,
  caller: Caller,
  id: string,
): Promise<Result<WebhookEndpoint, Failure>> {
  return change(gateway, caller, id, 'WEBHOOK_ENDPOINT_DELETED', { status: 'DELETED', disabledReason: null });
}

/**
 * Gives an endpoint a new secret. Until the overlap is over, messages are signed with the one before, too; one of earlier
 * rotations ends now. The version that is replaced is named, so that a request whose answer was lost can be sent again and
 * does not rotate twice, by which the receiver's own secret would end.
 */
export async function rotateWebhookSecret(
  gateway: Gateway,
  caller: Caller,
  input: { readonly endpointId: string; readonly secretVersion: number; readonly overlapSeconds: number },
): Promise<Result<EndpointWithSecret, Failure>> {
  const { endpointId, secretVersion, overlapSeconds } = input;
  if (overlapSeconds < 0 || overlapSeconds > OVERLAP_MAX_SECONDS) {
    return invalid(`An overlap is 0 to ${OVERLAP_MAX_SECONDS} seconds.`, 'overlapSeconds');
  }
  if (secretVersion < 1 || secretVersion > SECRET_VERSIONS_MAX) {
    return invalid('The endpoint has no such version of its secret.', 'secretVersion');
  }
  const now = gateway.now();
  const previousSecretUntil = new Date(now.getTime() + overlapSeconds * 1_000);
  const changed = await changeEndpoint(gateway.database, {
    by: caller,
    id: endpointId,
    now,
    changesOf: (before) =>
      before.secretVersion === secretVersion ? { secretVersion: secretVersion + 1, previousSecretUntil } : undefined,
    entryOf: entryOf('WEBHOOK_SECRET_ROTATED'),
  });
  if (changed === undefined) return notFound('webhook endpoint', 'endpointId');
  const { endpoint } = changed;
  const isSentAgain = endpoint.secretVersion === secretVersion + 1 && isPreviousValid(endpoint, now);
  if (!changed.changed && !isSentAgain) {
    return invalid(`The secret is of version ${endpoint.secretVersion} by now.`, 'secretVersion');
  }
  return ok({ endpoint, secret: currentSecret(gateway, endpoint) });
}

/**
 * The secrets with which a message is signed: two during a rotation; and each as it follows from every secret of the
 * installation, since nobody knows which of them the receiver's was told under.
 */
export function validSecrets(gateway: Gateway, endpoint: WebhookEndpoint): Buffer[] {
  const { id, secretVersion } = endpoint;
  const versions = isPreviousValid(endpoint, gateway.now()) ? [secretVersion, secretVersion - 1] : [secretVersion];
  return gateway.keyring.all.flatMap((keys) => versions.map((version) => keys.webhookSecret(id, version)));
}

function isPreviousValid({ previousSecretUntil }: WebhookEndpoint, now: Date): boolean {
  return previousSecretUntil !== null && previousSecretUntil > now;
}

function currentSecret({ keyring }: Gateway, { id, secretVersion }: WebhookEndpoint): string {
  return secretText(keyring.webhookSecret(id, secretVersion));
}

function stateOf(enabled: boolean): EndpointChanges {
  return enabled
    ? { status: 'ENABLED', disabledReason: null, failingSince: null }
    : { status: 'DISABLED', disabledReason: 'MERCHANT' };
}

async function change(
  gateway: Gateway,
  caller: Caller,
  id: string,
  act: AuditAct,
  changes: EndpointChanges,
): Promise<Result<WebhookEndpoint, Failure>> {
  const { database, now } = gateway;
  const how = { by: caller, id, now: now(), changesOf: () => changes, entryOf: entryOf(act) };
  const changed = await changeEndpoint(database, how);
  return changed === undefined ? notFound('webhook endpoint', 'endpointId') : ok(changed.endpoint);
}

/** What is written down of a change. A path may be a secret, and a description is anyone's text. */
function entryOf(act: AuditAct): (before: WebhookEndpoint, after: WebhookEndpoint) => Audited {
  return (before, after) => ({
    act,
    subject: encodeId('WebhookEndpoint', after.id),
    ...differenceOf(before, after, {
      told: ['eventTypes', 'status', 'disabledReason', 'secretVersion', 'previousSecretUntil'],
      named: ['url', 'description'],
    }),
  });
}

/** Checks what is said of an endpoint. @returns what is to be stored */
function check({ settings }: Gateway, input: EndpointFields): Result<CheckedFields, Failure> {
  const { url, description, eventTypes } = input;
  const texts = [
    checkText(description ?? null, ['description'], DESCRIPTION_LENGTH_MAX),
    checkText(url ?? null, ['url'], URL_LENGTH_MAX),
  ];
  for (const checked of texts) if (!checked.ok) return checked;
  const checkedUrl = url === undefined ? undefined : checkWebhookUrl(url, settings.webhookPrivateNetworks);
  if (checkedUrl?.ok === false) return invalid(checkedUrl.failure, 'url');
  return ok({
    ...(checkedUrl && { url: checkedUrl.value }),
    ...(description !== undefined && { description }),
    ...(eventTypes && { eventTypes: [...new Set(eventTypes)] }),
  });
}
