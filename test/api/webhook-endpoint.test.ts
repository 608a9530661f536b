import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { WebhookDeliveriesDocument, WebhookEndpointsDocument } from '../../generated/operations/graphql.ts';
import { only, useGateway } from '../harness/gateway.ts';
import { Hooks } from '../harness/hooks.ts';
import { Receiver, verified, type Received } from '../harness/receiver.ts';
import { Till } from '../harness/till.ts';

const gateway = useGateway({ settings: { webhookPrivateNetworks: true } });
const till = new Till(gateway);
const hooks = new Hooks(gateway);
const receiver = new Receiver();

beforeAll(() => receiver.start());
afterAll(() => receiver.stop());
beforeEach(() => {
  receiver.received.length = 0;
  receiver.answer({ status: 204 });
});

const UNKNOWN = 'whe_01a1fc18-4392-7415-96d9-ad7e89337a45';

test('an endpoint is created, changed and deleted', async () => {
  const created = only(
    await hooks.create({
      url: 'https://hooks.example/tender',
      description: 'the warehouse',
      eventTypes: ['PAYMENT_SUCCEEDED', 'PAYMENT_SUCCEEDED', 'REFUND_SUCCEEDED'],
    }),
    'CreateWebhookEndpointPayload',
  );
  expect(created.secret).toMatch(/^whsec_/);
  const { id } = created.webhookEndpoint;
  expect(created.webhookEndpoint).toEqual({
    id: expect.stringMatching(/^whe_/),
    url: 'https://hooks.example/tender',
    description: 'the warehouse',
    eventTypes: ['PAYMENT_SUCCEEDED', 'REFUND_SUCCEEDED'],
    status: 'ENABLED',
    disabledReason: null,
    failingSince: null,
    secretVersion: 1,
    previousSecretUntil: null,
    createdBy: expect.stringMatching(/^key_/),
    updatedBy: expect.stringMatching(/^key_/),
  });
  expect(await hooks.read(id)).toEqual(created.webhookEndpoint);
  expect(await hooks.list()).toEqual([created.webhookEndpoint]);

  const changed = only(
    await hooks.update({ endpointId: id, url: 'https://hooks.example/2', description: null, eventTypes: null }),
    'UpdateWebhookEndpointPayload',
  );
  expect(changed.webhookEndpoint).toMatchObject({ url: 'https://hooks.example/2', description: null, eventTypes: [] });
  only(await hooks.update({ endpointId: id, enabled: false }), 'UpdateWebhookEndpointPayload');
  expect(await hooks.read(id)).toMatchObject({
    url: 'https://hooks.example/2',
    status: 'DISABLED',
    disabledReason: 'MERCHANT',
  });
  only(await hooks.update({ endpointId: id, enabled: true }), 'UpdateWebhookEndpointPayload');
  expect(await hooks.read(id)).toMatchObject({ status: 'ENABLED', disabledReason: null });

  only(await hooks.delete(id), 'DeleteWebhookEndpointPayload');
  expect(await hooks.list()).toEqual([]);
  expect(await hooks.read(id)).toMatchObject({ status: 'DELETED' });
  expect((await hooks.update({ endpointId: id, enabled: true })).__typename).toBe('NotFoundError');
  expect((await hooks.delete(id)).__typename).toBe('NotFoundError');
  expect((await hooks.test(id)).__typename).toBe('NotFoundError');
  expect((await hooks.rotate({ endpointId: id, secretVersion: 1, overlapSeconds: 0 })).__typename).toBe(
    'NotFoundError',
  );
});

test.for([
  ['no URL', 'url', { url: 'hooks.example' }],
  ['a password', 'url', { url: 'https://user:pass@hooks.example/' }],
  ['a URL that is too long', 'url', { url: `https://hooks.example/${'a'.repeat(2_048)}` }],
  ['a card number in it', 'url', { url: 'https://hooks.example/4242424242424242' }],
  ['the character NUL', 'url', { url: 'https://hooks.example/\u0000' }],
  ['a long description', 'description', { url: 'https://hooks.example/', description: 'x'.repeat(201) }],
  ['NUL in the description', 'description', { url: 'https://hooks.example/', description: '\u0000' }],
] as const)('%s is refused', async ([, field, input]) => {
  const refused = { __typename: 'InvalidInputError', path: ['input', field] };
  expect(await hooks.create(input)).toMatchObject(refused);
  const { id } = await hooks.endpoint('https://hooks.example/');
  expect(await hooks.update({ endpointId: id, ...input })).toMatchObject(refused);
});

test('ids that are none, unknown, or of another environment', async () => {
  const { id } = await hooks.endpoint(receiver.url('theirs'));
  const deliveryId = await hooks.sendTest(id);
  const other = new Hooks(gateway, 'other');
  for (const endpointId of [id, UNKNOWN, 'whe_x', deliveryId]) {
    const results = [
      await other.update({ endpointId, enabled: false }),
      await other.delete(endpointId),
      await other.test(endpointId),
      await other.rotate({ endpointId, secretVersion: 1, overlapSeconds: 0 }),
    ];
    expect(results.map(({ __typename }) => __typename)).toEqual(Array.from({ length: 4 }, () => 'NotFoundError'));
    expect(await other.read(endpointId)).toBeNull();
  }
  for (const wrong of [deliveryId, id, 'whd_x']) {
    expect((await other.resend(wrong)).__typename).toBe('NotFoundError');
    await expect(other.delivery(wrong)).rejects.toThrow('there is no delivery');
  }
});

test('an environment has 20 endpoints at most, however many are asked for at once', async () => {
  const live = new Hooks(gateway, 'live');
  const results = await Promise.all(Array.from({ length: 25 }, () => live.create({ url: 'https://hooks.example/' })));
  const created = results.filter(({ __typename }) => __typename === 'CreateWebhookEndpointPayload');
  expect(created).toHaveLength(20);
  const [first] = await live.list();
  await live.delete(first?.id ?? '');
  expect((await live.create({ url: 'https://hooks.example/' })).__typename).toBe('CreateWebhookEndpointPayload');
  expect((await live.create({ url: 'https://hooks.example/' })).__typename).toBe('InvalidInputError');
});

test('payers see nothing of it', async () => {
  const document = `mutation ($input: CreateClientTokenInput!) {
    createClientToken(input: $input) { ... on CreateClientTokenPayload { token } }
  }`;
  const input = { customerId: await till.customer() };
  const made = await gateway().request<{ createClientToken: { token: string } }>(document, { input });
  const key = made.data?.createClientToken.token ?? '';
  for (const query of [WebhookEndpointsDocument, WebhookDeliveriesDocument]) {
    const { errors } = await gateway().request(query, {}, { key });
    expect(errors).toMatchObject([{ extensions: { code: 'FORBIDDEN' } }]);
  }
});

test('so many test messages may wait, and no more', async () => {
  receiver.answer('never');
  const { id } = await hooks.endpoint(receiver.url('tests'));
  const results = await Promise.all(Array.from({ length: 30 }, () => hooks.test(id)));
  expect(results.filter(({ __typename }) => __typename === 'SendTestWebhookPayload')).toHaveLength(20);
  expect(await hooks.test(id)).toMatchObject({ __typename: 'InvalidInputError', path: ['input', 'endpointId'] });
});

/** Which of the secrets verify the next message. */
async function verify(id: string, secrets: readonly string[]): Promise<boolean[]> {
  receiver.received.length = 0;
  await hooks.sendTest(id);
  const [request] = (await receiver.wait('rotated', 1)) as [Received];
  return secrets.map((secret) => {
    try {
      return verified(secret, request).type === 'tender.test';
    } catch {
      return false;
    }
  });
}

async function letOverlapEnd(id: string): Promise<void> {
  await gateway().app.gateway.database.pool.query(
    `UPDATE webhook_endpoint SET previous_secret_until = now() - interval '1 second' WHERE 'whe_' || id = $1`,
    [id],
  );
}

describe('a rotation', () => {
  test('has both secrets verify until the overlap is over', async () => {
    const { id, secret: first } = await hooks.endpoint(receiver.url('rotated'));
    expect(await verify(id, [first])).toEqual([true]);
    const rotated = only(await hooks.rotate({ endpointId: id, secretVersion: 1 }), 'RotateWebhookSecretPayload');
    expect(rotated.secret).not.toBe(first);
    expect(rotated.webhookEndpoint).toMatchObject({ secretVersion: 2 });
    const overlapMs = Date.parse(rotated.webhookEndpoint.previousSecretUntil ?? '') - Date.now();
    expect(Math.abs(overlapMs - 24 * 3_600_000)).toBeLessThan(60_000);
    expect(await verify(id, [first, rotated.secret])).toEqual([true, true]);
    await letOverlapEnd(id);
    expect(await verify(id, [first, rotated.secret])).toEqual([false, true]);
  });

  test('ends the old secret at once where there is no overlap', async () => {
    const { id, secret: first } = await hooks.endpoint(receiver.url('rotated'));
    const { secret } = only(
      await hooks.rotate({ endpointId: id, secretVersion: 1, overlapSeconds: 0 }),
      'RotateWebhookSecretPayload',
    );
    expect(await verify(id, [first, secret])).toEqual([false, true]);
  });

  test('whose answer was lost is asked for again, and is still one rotation', async () => {
    const { id } = await hooks.endpoint(receiver.url('rotated'));
    const rotate = { endpointId: id, secretVersion: 1, overlapSeconds: 3_600 };
    const results = await Promise.all([hooks.rotate(rotate), hooks.rotate(rotate), hooks.rotate(rotate)]);
    const payloads = results.map((result) => only(result, 'RotateWebhookSecretPayload'));
    expect(new Set(payloads.map(({ secret }) => secret)).size).toBe(1);
    expect(await hooks.read(id)).toMatchObject({ secretVersion: 2 });
    await letOverlapEnd(id);
    expect(await hooks.rotate(rotate)).toMatchObject({
      __typename: 'InvalidInputError',
      path: ['input', 'secretVersion'],
    });
  });

  test('of a rotation leaves the last two secrets', async () => {
    const { id, secret: first } = await hooks.endpoint(receiver.url('rotated'));
    const rotate = async (secretVersion: number) =>
      only(await hooks.rotate({ endpointId: id, secretVersion }), 'RotateWebhookSecretPayload').secret;
    const second = await rotate(1);
    const third = await rotate(2);
    expect(await verify(id, [first, second, third])).toEqual([false, true, true]);
  });

  test.for([
    [{ overlapSeconds: -1 }, 'overlapSeconds'],
    [{ overlapSeconds: 604_801 }, 'overlapSeconds'],
    [{ secretVersion: 0 }, 'secretVersion'],
    [{ secretVersion: 2 }, 'secretVersion'],
    [{ secretVersion: 2_147_483_647 }, 'secretVersion'],
  ] as const)('with %j is refused', async ([given, field]) => {
    const { id } = await hooks.endpoint(receiver.url('rotated'));
    const refused = { __typename: 'InvalidInputError', path: ['input', field] };
    expect(await hooks.rotate({ endpointId: id, secretVersion: 1, ...given })).toMatchObject(refused);
    expect(await hooks.read(id)).toMatchObject({ secretVersion: 1 });
  });
});

test('no secret and no signature is stored or logged', async () => {
  const { id, secret } = await hooks.endpoint(receiver.url('kept'));
  await hooks.over(await hooks.sendTest(id));
  const bare = secret.slice('whsec_'.length);
  const { rows } = await gateway().app.gateway.database.pool.query<{ text: string }>(
    `SELECT row_to_json(webhook_endpoint)::text AS text FROM webhook_endpoint
     UNION ALL SELECT row_to_json(webhook_delivery)::text FROM webhook_delivery
     UNION ALL SELECT row_to_json(webhook_attempt)::text FROM webhook_attempt`,
  );
  expect(
    [...rows.map(({ text }) => text), JSON.stringify(gateway().logged)].filter((text) => text.includes(bare)),
  ).toEqual([]);
});
