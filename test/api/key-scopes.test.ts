import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import type { KeyScope, TypedDocumentString } from '../../generated/operations/graphql.ts';
import { KEY_SCOPE } from '../../src/schema/reach.ts';
import { buildSchema } from '../../src/schema/schema.ts';
import { useGateway } from '../harness/gateway.ts';
import { KeyRing } from '../harness/key-ring.ts';
import { leastDocument, rootFieldsOf, type RootField } from '../harness/root-fields.ts';
import { subscribeOverEvents } from '../harness/subscription.ts';
import { Till } from '../harness/till.ts';

/** A walk over the whole schema with keys of each scope. What is new at the root fails here until it is listed. */

const gateway = useGateway();
const ring = new KeyRing(gateway);
const till = new Till(gateway);
const rootFields = rootFieldsOf(buildSchema());

/** Which scope every field at the root needs of a key; none opens what is for payers only. */
const NEEDED: Readonly<Record<string, KeyScope | 'none'>> = {
  'Query.apiKeys': 'ADMIN',
  'Query.auditLog': 'ADMIN',
  'Query.clientToken': 'READ',
  'Query.customer': 'READ',
  'Query.customers': 'READ',
  'Query.events': 'READ',
  'Query.explainRouting': 'READ',
  'Query.node': 'READ',
  'Query.nodes': 'READ',
  'Query.operations': 'READ',
  'Query.payment': 'READ',
  'Query.paymentPage': 'READ',
  'Query.payments': 'READ',
  'Query.processorAccounts': 'READ',
  'Query.reconciliations': 'READ',
  'Query.recovery': 'READ',
  'Query.refund': 'READ',
  'Query.refunds': 'READ',
  'Query.retrySchedule': 'READ',
  'Query.routing': 'READ',
  'Query.viewer': 'READ',
  'Query.webhookDeliveries': 'READ',
  'Query.webhookDelivery': 'READ',
  'Query.webhookEndpoint': 'READ',
  'Query.webhookEndpoints': 'READ',
  'Mutation.cancelPayment': 'WRITE',
  'Mutation.capturePayment': 'WRITE',
  'Mutation.createApiKey': 'ADMIN',
  'Mutation.createClientToken': 'WRITE',
  'Mutation.createCustomer': 'WRITE',
  'Mutation.createPayment': 'WRITE',
  'Mutation.createPaymentMethod': 'WRITE',
  'Mutation.createProcessorAccount': 'ADMIN',
  'Mutation.createWebhookEndpoint': 'ADMIN',
  'Mutation.deleteWebhookEndpoint': 'ADMIN',
  'Mutation.detachPaymentMethod': 'WRITE',
  'Mutation.eraseCustomer': 'ADMIN',
  'Mutation.payOrders': 'none',
  'Mutation.processPayment': 'WRITE',
  'Mutation.reconcileDay': 'ADMIN',
  'Mutation.refundPayment': 'REFUND',
  'Mutation.resendWebhook': 'ADMIN',
  'Mutation.resolveOperation': 'ADMIN',
  'Mutation.revokeApiKey': 'ADMIN',
  'Mutation.revokeClientTokens': 'ADMIN',
  'Mutation.rollApiKey': 'ADMIN',
  'Mutation.rotateWebhookSecret': 'ADMIN',
  'Mutation.sendTestWebhook': 'ADMIN',
  'Mutation.setRetrySchedule': 'ADMIN',
  'Mutation.setRouting': 'ADMIN',
  'Mutation.testProcessorAccount': 'ADMIN',
  'Mutation.updateCustomer': 'WRITE',
  'Mutation.updatePayment': 'WRITE',
  'Mutation.updateProcessorAccount': 'ADMIN',
  'Mutation.updateWebhookEndpoint': 'ADMIN',
  'Subscription.paymentEvents': 'READ',
  'Subscription.paymentStatusChanged': 'READ',
};

/** A key of each scope, which may do that and read. */
const secrets = new Map<KeyScope, string>();

beforeAll(async () => {
  for (const scope of ['READ', 'WRITE', 'REFUND', 'ADMIN'] as const) {
    secrets.set(scope, (await ring.make(scope)).secret);
  }
});

test('this file lists every field at the root, and says what the schema says', () => {
  const said = rootFields.map(([name, , { extensions }]) => [name, extensions[KEY_SCOPE] ?? 'none']);
  expect(Object.fromEntries(said)).toEqual(NEEDED);
});

const FORBIDDEN = /"FORBIDDEN"/;

/** What a subscription is refused with; undefined where it begins, or is refused for what it asks for. */
async function refusalOf(field: RootField, key: string): Promise<string | undefined> {
  const document = leastDocument(field) as unknown as TypedDocumentString<unknown, Record<string, never>>;
  const subscription = subscribeOverEvents(gateway(), document, {}, key);
  try {
    await subscription.next();
  } catch (error) {
    if (FORBIDDEN.test((error as Error).message)) return (error as Error).message;
  }
  await subscription.stop();
  return undefined;
}

test.each(rootFields)('%s is for keys with its scope, and for no other', async (...field) => {
  const [name, type] = field;
  const needed = NEEDED[name];
  for (const [scope, key] of secrets) {
    const isOpen = needed === 'READ' || needed === scope;
    if (type.name === 'Subscription') {
      expect([scope, (await refusalOf(field, key)) === undefined]).toEqual([scope, isOpen]);
      continue;
    }
    const { text } = await gateway().request(leastDocument(field), {}, { key });
    expect([scope, FORBIDDEN.test(text)]).toEqual([scope, !isOpen]);
  }
});

test('a mutation answers which scope the key lacks; a query says so in its error', async () => {
  const key = secrets.get('WRITE') ?? '';
  const { id } = await till.pay();
  const refund = `mutation { refundPayment(input: { idempotencyKey: "1", paymentId: "${id}" }) {
    __typename ... on ForbiddenError { code message path requiredScope } } }`;
  expect((await gateway().request(refund, {}, { key })).data).toEqual({
    refundPayment: {
      __typename: 'ForbiddenError',
      code: 'FORBIDDEN',
      message: 'This needs a key with the scope REFUND.',
      path: [],
      requiredScope: 'REFUND',
    },
  });
  expect(await till.read(id)).toMatchObject({ refundStatus: 'NONE', refunds: [] });
  const listed = await gateway().request('{ auditLog { totalCount } }', {}, { key });
  expect(listed.errors).toMatchObject([
    {
      message: 'This needs a key with the scope ADMIN.',
      extensions: { code: 'FORBIDDEN', requiredScope: 'ADMIN' },
    },
  ]);
});

test('the page on which a payer pays is not for keys that only read', async () => {
  const { id } = await till.pay({ process: false, card: null });
  const document = `{ payment(id: "${id}") { id hostedPaymentUrl } }`;
  const read = await gateway().request(document, {}, { key: secrets.get('READ') ?? '' });
  expect(read.errors).toMatchObject([{ extensions: { code: 'FORBIDDEN', requiredScope: 'WRITE' } }]);
  const written = await gateway().request<{ payment: object }>(document, {}, { key: secrets.get('WRITE') ?? '' });
  expect(written.data?.payment).toEqual({ id, hostedPaymentUrl: expect.stringContaining('http') });
});

/** What docs/keys.md is to list of a scope. */
function documented(scope: KeyScope): string[] {
  return Object.entries(NEEDED)
    .filter(([name, needed]) => needed === scope && (scope !== 'READ' || !name.startsWith('Query')))
    .map(([name]) => name.replace(/^\w+\./, ''))
    .toSorted();
}

test('docs/keys.md lists the mutations of each scope, and the queries that are not for all', () => {
  const document = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'keys.md'), 'utf8');
  const rows = [...document.matchAll(/^\| `(\w+)` +\|(.*)\|$/gm)].map(([, scope, text = '']) => [
    scope,
    [...text.matchAll(/`(\w+)`/g)].map(([, name = '']) => name).toSorted(),
  ]);
  expect(Object.fromEntries(rows)).toEqual({
    READ: documented('READ'),
    WRITE: documented('WRITE'),
    REFUND: documented('REFUND'),
    ADMIN: documented('ADMIN'),
  });
});
