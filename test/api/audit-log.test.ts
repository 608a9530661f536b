import { randomUUID } from 'node:crypto';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { AuditLogDocument, ViewerDocument, type AuditLogQuery } from '../../generated/operations/graphql.ts';
import { decodeIdOf } from '../../src/domain/ids.ts';
import { KEY_SCOPE } from '../../src/schema/reach.ts';
import { buildSchema } from '../../src/schema/schema.ts';
import { disableGoneEndpoint } from '../../src/store/webhook-queue.ts';
import { Backstage } from '../harness/backstage.ts';
import { FarProcessor, NOTIFICATION_SECRET } from '../harness/far-processor.ts';
import { only, useGateway, type Answer } from '../harness/gateway.ts';
import { Hooks } from '../harness/hooks.ts';
import { Interposed } from '../harness/interposed.ts';
import { KeyRing } from '../harness/key-ring.ts';
import { MerchantAccounts } from '../harness/merchant-accounts.ts';
import { rootFieldsOf } from '../harness/root-fields.ts';
import { doneThenLost, lost } from '../harness/stand-ins.ts';
import { Till } from '../harness/till.ts';

/** Every administrative act leaves its entry, in its own transaction. */

const processor = new Interposed();
const far = new FarProcessor();
const gateway = useGateway({ connectors: [far], sandbox: { interpose: processor } });
const ring = new KeyRing(gateway);
const hooks = new Hooks(gateway);
const accounts = new MerchantAccounts(gateway);
const till = new Till(gateway);
const pool = () => gateway().app.gateway.database.pool;

let actor: string;
let environment: string;

beforeAll(async () => {
  actor = (await gateway().execute(ViewerDocument, {})).viewer.keyId;
  const { rows } = await pool().query<{ id: string }>('SELECT environment_id AS id FROM api_key WHERE id = $1', [
    decodeIdOf('ApiKey', actor),
  ]);
  environment = `env_${rows[0]?.id}`;
});

const DESCRIPTION = 'of Jenny Rosen';
const URL_WITH_SECRET = 'https://hooks.example/services/T0SECRETPATH';
const SECRET_KEY = 'sk_test_discreet_Kq8vW2zN5xTr';

async function endpoint(): Promise<string> {
  const created = await hooks.create({ url: 'https://hooks.example/tender', description: DESCRIPTION });
  return only(created, 'CreateWebhookEndpointPayload').webhookEndpoint.id;
}

async function raisedCharge(): Promise<{ operationId: string; paymentId: string }> {
  processor.use({ charge: doneThenLost, lookUpCharge: lost });
  const { id } = await till.pay();
  await new Backstage(gateway).letTimePass(id, 25);
  return { operationId: (await till.operationOf(id, 'CHARGE')).id, paymentId: id };
}

interface Act {
  readonly act: string;
  readonly input: object;
  /** Left out where it is the id of what the mutation makes. */
  readonly subject?: string;
  readonly before: unknown;
  readonly after: unknown;
}

/** A valid input of every mutation that needs ADMIN, and the entry that it leaves. */
const ACTS: Readonly<Record<string, () => Promise<Act>>> = {
  createApiKey: () =>
    Promise.resolve({
      act: 'API_KEY_CREATED',
      input: { name: DESCRIPTION, scopes: ['WRITE'] },
      before: null,
      after: { scopes: ['READ', 'WRITE'], expiresAt: null },
    }),
  eraseCustomer: async () => {
    const customerId = await till.customer({ email: 'jenny@example.com', firstName: DESCRIPTION });
    return { act: 'CUSTOMER_ERASED', input: { customerId }, subject: customerId, before: null, after: null };
  },
  rollApiKey: async () => {
    const { id } = await ring.make('REFUND');
    return {
      act: 'API_KEY_ROLLED',
      input: { keyId: id, overlapSeconds: 60 },
      subject: id,
      before: { expiresAt: null },
      after: {
        expiresAt: expect.stringMatching(/Z$/),
        replacement: { id: expect.stringMatching(/^key_/), scopes: ['READ', 'REFUND'], expiresAt: null },
      },
    };
  },
  revokeApiKey: async () => {
    const { id } = await ring.make('READ');
    const after = { revokedAt: expect.stringMatching(/Z$/) };
    return { act: 'API_KEY_REVOKED', input: { keyId: id }, subject: id, before: null, after };
  },
  revokeClientTokens: () =>
    Promise.resolve({
      act: 'CLIENT_TOKENS_REVOKED',
      input: { madeUntil: '2026-01-01T00:00:00.000Z' },
      subject: environment,
      before: { refusedUntil: null },
      after: { refusedUntil: '2026-01-01T00:00:00.000Z' },
    }),
  createProcessorAccount: () =>
    Promise.resolve({
      act: 'PROCESSOR_ACCOUNT_CREATED',
      input: {
        name: DESCRIPTION,
        processor: 'STRIPE',
        secretKey: SECRET_KEY,
        notificationSecrets: [NOTIFICATION_SECRET],
      },
      before: null,
      after: { processor: 'stripe', rawCards: false, enabled: true },
    }),
  updateProcessorAccount: async () => {
    const { id } = await accounts.open();
    const name = `${DESCRIPTION}, too`;
    return {
      act: 'PROCESSOR_ACCOUNT_UPDATED',
      input: { accountId: id, name, enabled: false, secretKey: 'sk_test_shop_00005678' },
      subject: id,
      before: { enabled: true },
      after: { enabled: false, otherwise: ['name', 'credentials'] },
    };
  },
  testProcessorAccount: async () => {
    const { id } = await accounts.open();
    const after = { result: 'good' };
    return { act: 'PROCESSOR_ACCOUNT_TESTED', input: { accountId: id }, subject: id, before: null, after };
  },
  setRouting: () =>
    Promise.resolve({
      act: 'ROUTING_SET',
      input: { version: 0, rules: [{ name: DESCRIPTION, targets: [{ weight: 1 }] }] },
      subject: environment,
      before: { version: 0, rules: 0 },
      after: { version: 1, rules: 1 },
    }),
  setRetrySchedule: () =>
    Promise.resolve({
      act: 'RETRY_SCHEDULE_SET',
      input: { delaysSeconds: [60, 120] },
      subject: environment,
      before: { delaysSeconds: [] },
      after: { delaysSeconds: [60, 120] },
    }),
  createWebhookEndpoint: () =>
    Promise.resolve({
      act: 'WEBHOOK_ENDPOINT_CREATED',
      input: { url: URL_WITH_SECRET, description: DESCRIPTION, eventTypes: ['PAYMENT_SUCCEEDED'] },
      before: null,
      after: { host: 'hooks.example', eventTypes: ['PAYMENT_SUCCEEDED'] },
    }),
  updateWebhookEndpoint: async () => {
    const id = await endpoint();
    return {
      act: 'WEBHOOK_ENDPOINT_UPDATED',
      input: { endpointId: id, url: URL_WITH_SECRET, eventTypes: ['PAYMENT_FAILED'], enabled: false },
      subject: id,
      before: { eventTypes: [], status: 'ENABLED', disabledReason: null },
      after: { eventTypes: ['PAYMENT_FAILED'], status: 'DISABLED', disabledReason: 'MERCHANT', otherwise: ['url'] },
    };
  },
  deleteWebhookEndpoint: async () => {
    const id = await endpoint();
    const [before, after] = [{ status: 'ENABLED' }, { status: 'DELETED' }];
    return { act: 'WEBHOOK_ENDPOINT_DELETED', input: { endpointId: id }, subject: id, before, after };
  },
  rotateWebhookSecret: async () => {
    const id = await endpoint();
    return {
      act: 'WEBHOOK_SECRET_ROTATED',
      input: { endpointId: id, secretVersion: 1 },
      subject: id,
      before: { secretVersion: 1, previousSecretUntil: null },
      after: { secretVersion: 2, previousSecretUntil: expect.stringMatching(/Z$/) },
    };
  },
  sendTestWebhook: async () => {
    const id = await endpoint();
    const after = { delivery: expect.stringMatching(/^whd_/) };
    return { act: 'WEBHOOK_ENDPOINT_TESTED', input: { endpointId: id }, subject: id, before: null, after };
  },
  resendWebhook: async () => {
    const id = await hooks.sendTest(await endpoint());
    const before = { status: expect.any(String), attempts: expect.any(Number) };
    return { act: 'WEBHOOK_RESENT', input: { deliveryId: id }, subject: id, before, after: null };
  },
  resolveOperation: async () => {
    const { operationId, paymentId } = await raisedCharge();
    const note = DESCRIPTION;
    return {
      act: 'OPERATION_RESOLVED',
      input: { idempotencyKey: randomUUID(), operationId, outcome: 'FAILED', note },
      subject: operationId,
      before: { status: 'RAISED' },
      after: { outcome: 'FAILED', payment: paymentId },
    };
  },
  reconcileDay: () =>
    Promise.resolve({
      act: 'RECONCILIATION_WANTED',
      input: { day: '2026-01-01' },
      before: null,
      after: { day: '2026-01-01', processorAccount: null },
    }),
};

const administering = rootFieldsOf(buildSchema())
  .filter(([, type, { extensions }]) => type.name === 'Mutation' && extensions[KEY_SCOPE] === 'ADMIN')
  .map(([, , { name }]) => name);

test('this file has an input for every mutation that needs ADMIN', () => {
  expect(Object.keys(ACTS).toSorted()).toEqual(administering.toSorted());
});

function send(mutation: string, input: object, requestId: string): Promise<Answer<Record<string, object>>> {
  const type = `${mutation.charAt(0).toUpperCase()}${mutation.slice(1)}`;
  const document = `mutation ($input: ${type}Input!) { ${mutation}(input: $input) { __typename ... on Error { message } } }`;
  const headers = { authorization: `Bearer ${gateway().keys.test}`, 'x-request-id': requestId };
  return gateway().request(document, { input }, { headers });
}

describe('of each mutation that needs ADMIN', () => {
  afterEach(() => pool().query('ALTER TABLE audit_entry DROP CONSTRAINT IF EXISTS nothing_more'));

  test.each(administering)('%s: no entry without the act, and no act without the entry', async (mutation) => {
    const act = await ACTS[mutation]?.();
    if (act === undefined) throw new Error(`${mutation} has no input`);
    const { input, ...entry } = act;
    const before = await ring.log();
    // While nothing can be written down, nothing is done: the same is done, and for the first time, once it can be.
    await pool().query('ALTER TABLE audit_entry ADD CONSTRAINT nothing_more CHECK (false) NOT VALID');
    const failed = await send(mutation, input, 'in vain');
    expect(failed.errors).toMatchObject([{ extensions: { code: 'INTERNAL_SERVER_ERROR' } }]);
    await pool().query('ALTER TABLE audit_entry DROP CONSTRAINT nothing_more');
    expect(await ring.log()).toEqual(before);
    const done = await send(mutation, input, `request-of-${mutation}`);
    expect(done.data?.[mutation]).toEqual({
      __typename: `${mutation.charAt(0).toUpperCase()}${mutation.slice(1)}Payload`,
    });
    const log = await ring.log();
    expect(log).toHaveLength(before.length + 1);
    expect(log[0]).toEqual({
      id: expect.stringMatching(/^aud_/),
      subject: expect.stringMatching(/^[a-z]+_[0-9a-f-]{36}$/),
      ...entry,
      actor,
      requestId: `request-of-${mutation}`,
      createdAt: expect.stringMatching(/Z$/),
    });
  });

  test('no entry tells a secret, or what people wrote', async () => {
    const { rows } = await pool().query<{ text: string }>('SELECT audit_entry::text AS text FROM audit_entry');
    const text = rows.map((row) => row.text).join('\n');
    expect(text).toContain('WEBHOOK_ENDPOINT_UPDATED');
    for (const secret of ['Jenny', 'SECRETPATH', SECRET_KEY.slice(8), NOTIFICATION_SECRET, 'sk_test', 'whsec_']) {
      expect(text).not.toContain(secret);
    }
  });
});

test('what is refused, or was done before, leaves no entry', async () => {
  const { id } = await ring.make('READ');
  await ring.revoke(id);
  const before = await ring.log();
  only(await ring.revoke(id), 'RevokeApiKeyPayload');
  only(await ring.revoke(`key_${randomUUID()}`), 'NotFoundError');
  only(await ring.create({ scopes: [] }), 'InvalidInputError');
  only(await till.setRetrySchedule(0), 'InvalidInputError');
  const reader = await ring.make('READ');
  only(await new KeyRing(gateway, () => reader.secret).create(), 'ForbiddenError');
  expect(await ring.log()).toHaveLength(before.length + 1);
});

test('what the gateway does by itself is its own act, done once', async () => {
  const id = await endpoint();
  const row = {
    environmentId: environment.slice(4),
    id: decodeIdOf('WebhookEndpoint', id) ?? '',
    url: 'https://hooks.example/tender',
  };
  for (let times = 0; times < 2; times++) await disableGoneEndpoint(gateway().app.gateway.database, row);
  expect(await ring.log({ subject: id, actor: 'gateway' })).toMatchObject([
    {
      act: 'WEBHOOK_ENDPOINT_UPDATED',
      before: { status: 'ENABLED' },
      after: { status: 'DISABLED', disabledReason: 'GONE' },
      requestId: null,
    },
  ]);
});

test('the opening of an account is the first entry of each of its environments', async () => {
  for (const key of ['test', 'live', 'other'] as const) {
    const log = await new KeyRing(gateway, () => gateway().keys[key]).log();
    const mode = key === 'live' ? 'LIVE' : 'TEST';
    expect(log.at(-1)).toMatchObject({
      act: 'ACCOUNT_OPENED',
      actor: 'command',
      after: { mode },
    });
    expect(log.at(-1)?.subject).toMatch(/^env_/);
    if (key !== 'test') expect(log).toHaveLength(2);
  }
});

test('the log is filtered by act, actor, subject and dates, and read page by page', async () => {
  const other = await ring.make('ADMIN');
  const { id } = await new KeyRing(gateway, () => other.secret).make('READ');
  const [mine] = await ring.log({ actor: other.id });
  expect(mine).toMatchObject({ act: 'API_KEY_CREATED', subject: id });
  expect(await ring.log({ subject: id })).toEqual([mine]);
  expect(await ring.log({ subject: id, act: ['API_KEY_REVOKED'] })).toEqual([]);
  expect(await ring.log({ actor: 'nobody' })).toEqual([]);
  const { createdAt = '' } = mine ?? {};
  const later = new Date(Date.parse(createdAt) + 1).toISOString();
  expect(await ring.log({ subject: id, createdFrom: createdAt, createdTo: later })).toEqual([mine]);
  expect(await ring.log({ subject: id, createdFrom: later })).toEqual([]);
  expect(await ring.log({ subject: id, createdTo: createdAt })).toEqual([]);

  const whole = await ring.log();
  const read: string[] = [];
  let after: string | null = null;
  do {
    const { auditLog }: AuditLogQuery = await gateway().execute(AuditLogDocument, { first: 2, after });
    read.push(...auditLog.edges.map(({ node }) => node.id));
    expect(auditLog.totalCount).toBe(whole.length);
    after = auditLog.pageInfo.hasNextPage ? auditLog.pageInfo.endCursor : null;
  } while (after !== null);
  expect(read).toEqual(whole.map((entry) => entry.id));
});

test.each(['two words', 'x'.repeat(129), 'a<script>'])(
  'the request id %j is not taken: it gets one of our own',
  async (requestId) => {
    await send('setRetrySchedule', { delaysSeconds: [] }, requestId);
    expect((await ring.log())[0]).toMatchObject({
      act: 'RETRY_SCHEDULE_SET',
      requestId: expect.stringMatching(/^[0-9a-f-]{36}$/),
    });
  },
);
