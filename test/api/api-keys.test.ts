import { expect, test } from 'vitest';
import {
  ApiKeysDocument,
  CreatePaymentDocument,
  ViewerDocument,
  type CreateApiKeyInput,
} from '../../generated/operations/graphql.ts';
import { decodeIdOf } from '../../src/domain/ids.ts';
import { only, useGateway } from '../harness/gateway.ts';
import { KeyRing } from '../harness/key-ring.ts';
import { dumpRows } from '../harness/rows.ts';
import { card } from '../harness/till.ts';

const gateway = useGateway();
const ring = new KeyRing(gateway);

const statusOf = async (key: string): Promise<number> => (await gateway().request(ViewerDocument, {}, { key })).status;
const inAnHour = (): string => new Date(Date.now() + 3_600_000).toISOString();

/** The key is over, as after a time that nobody waits for. */
async function letEnd(id: string): Promise<void> {
  const { pool } = gateway().app.gateway.database;
  await pool.query(`UPDATE api_key SET expires_at = now() - interval '1 second' WHERE id = $1`, [
    decodeIdOf('ApiKey', id),
  ]);
}

test('a key is made, used, listed and revoked', async () => {
  const { secret, ...key } = await ring.makeWith({ name: 'Order service', scopes: ['WRITE', 'WRITE'] });
  const viewer = await gateway().execute(ViewerDocument, {});
  expect(key).toEqual({
    id: expect.stringMatching(/^key_/),
    name: 'Order service',
    hint: secret.slice(-4),
    scopes: ['READ', 'WRITE'],
    status: 'ACTIVE',
    createdAt: expect.any(String),
    createdBy: viewer.viewer.keyId,
    expiresAt: null,
    revokedAt: null,
    lastUsedAt: null,
    replaces: null,
    replacement: null,
  });
  expect(secret).toMatch(/^sk_test_[\w-]{32}$/);
  expect(await statusOf(secret)).toBe(200);
  expect(await ring.list('ACTIVE')).toContainEqual(expect.objectContaining({ id: key.id, name: 'Order service' }));
  // When it was used last is written aside, at a moment of its own.
  const { lastUsedAt: _, ...revoked } = only(await ring.revoke(key.id), 'RevokeApiKeyPayload').apiKey;
  expect(revoked).toMatchObject({ id: key.id, status: 'REVOKED', revokedAt: expect.any(String) });
  expect(await statusOf(secret)).toBe(401);
  expect(only(await ring.revoke(key.id), 'RevokeApiKeyPayload').apiKey).toMatchObject(revoked);
  expect(await ring.list('ACTIVE')).not.toContainEqual(expect.objectContaining({ id: key.id }));
  expect(await ring.list('REVOKED')).toContainEqual(expect.objectContaining(revoked));
});

test('the secret is told once: it is in no row, no list and no line of the log', async () => {
  const key = await ring.make('ADMIN');
  const rolled = only(await ring.roll({ keyId: key.id, overlapSeconds: 60 }), 'RollApiKeyPayload');
  await ring.revoke(rolled.apiKey.id);
  const told = [JSON.stringify(await ring.list()), JSON.stringify(gateway().logged), await dumpRows(gateway())];
  for (const text of told) {
    for (const secret of [key.secret, rolled.secret]) {
      expect(text).not.toContain(secret);
      expect(text).not.toContain(secret.slice(8, -4));
    }
  }
});

test('a key with an end is good until then', async () => {
  const expiresAt = inAnHour();
  const key = await ring.makeWith({ expiresAt });
  expect(key).toMatchObject({ expiresAt, status: 'ACTIVE' });
  expect(await statusOf(key.secret)).toBe(200);
  await letEnd(key.id);
  expect(await statusOf(key.secret)).toBe(401);
  expect(await ring.list('EXPIRED')).toContainEqual(expect.objectContaining({ id: key.id, status: 'EXPIRED' }));
  expect(await ring.list('ACTIVE')).not.toContainEqual(expect.objectContaining({ id: key.id }));
  const refused = only(await ring.roll({ keyId: key.id, overlapSeconds: 60 }), 'InvalidInputError');
  expect(refused.path).toEqual(['input', 'keyId']);
});

test('a key is rolled: both are good during the overlap, then the new one alone', async () => {
  const old = await ring.makeWith({ name: 'Shop', scopes: ['WRITE', 'REFUND'] });
  const rolled = only(await ring.roll({ keyId: old.id, overlapSeconds: 3_600 }), 'RollApiKeyPayload');
  const { apiKey, replaced, secret } = rolled;
  expect(apiKey).toMatchObject({ name: 'Shop', scopes: ['READ', 'WRITE', 'REFUND'], replaces: { id: old.id } });
  expect(apiKey.expiresAt).toBeNull();
  expect(replaced).toMatchObject({ id: old.id, status: 'ACTIVE', replacement: { id: apiKey.id } });
  const leftMs = Date.parse(replaced.expiresAt ?? '') - Date.now();
  expect(leftMs).toBeGreaterThan(3_500_000);
  expect(leftMs).toBeLessThanOrEqual(3_600_000);
  expect([await statusOf(old.secret), await statusOf(secret)]).toEqual([200, 200]);
  await letEnd(old.id);
  expect([await statusOf(old.secret), await statusOf(secret)]).toEqual([401, 200]);
});

test('without an overlap the old key ends at once', async () => {
  const old = await ring.make('READ');
  const { secret } = only(await ring.roll({ keyId: old.id, overlapSeconds: 0 }), 'RollApiKeyPayload');
  expect([await statusOf(old.secret), await statusOf(secret)]).toEqual([401, 200]);
});

test('a key is rolled once, however often and at once it is asked for; the refusal names the replacement', async () => {
  const old = await ring.make('READ');
  const results = await Promise.all(
    Array.from({ length: 4 }, () => ring.roll({ keyId: old.id, overlapSeconds: 3_600 })),
  );
  const made = results.filter(({ __typename }) => __typename === 'RollApiKeyPayload');
  expect(made).toHaveLength(1);
  const { replacement } = await ring.read(old.id);
  for (const result of results) {
    if (result.__typename === 'RollApiKeyPayload') continue;
    expect(only(result, 'InvalidInputError').message).toContain(replacement?.id);
  }
  // Refused, it did not shorten the overlap.
  only(await ring.roll({ keyId: old.id, overlapSeconds: 0 }), 'InvalidInputError');
  expect(await statusOf(old.secret)).toBe(200);
});

test('a roll never prolongs the key that it replaces; the new one lasts as long as the old was made for', async () => {
  const expiresAt = inAnHour();
  const old = await ring.makeWith({ expiresAt });
  const { apiKey, replaced } = only(await ring.roll({ keyId: old.id, overlapSeconds: 86_400 }), 'RollApiKeyPayload');
  expect(replaced.expiresAt).toBe(expiresAt);
  const lifetimeMs = Date.parse(apiKey.expiresAt ?? '') - Date.parse(apiKey.createdAt);
  expect(Math.abs(lifetimeMs - 3_600_000)).toBeLessThan(60_000);
  const forGood = await ring.roll({ keyId: apiKey.id, overlapSeconds: 60, expiresAt: null });
  expect(only(forGood, 'RollApiKeyPayload').apiKey.expiresAt).toBeNull();
});

test('a request that is sent again under the new key is still the same request', async () => {
  const old = await ring.make('WRITE');
  const { secret } = only(await ring.roll({ keyId: old.id, overlapSeconds: 60 }), 'RollApiKeyPayload');
  const input = { idempotencyKey: 'rolled', amount: 100, currency: 'EUR', process: true, card: card() };
  const [first, again] = [
    await gateway().execute(CreatePaymentDocument, { input }, { key: old.secret }),
    await gateway().execute(CreatePaymentDocument, { input }, { key: secret }),
  ].map(({ createPayment }) => only(createPayment, 'CreatePaymentPayload'));
  expect([first?.replayed, again?.replayed]).toEqual([false, true]);
  expect(again?.payment.id).toBe(first?.payment.id);
});

test('no key makes or rolls one that may do more than itself', async () => {
  const admin = await ring.make('ADMIN');
  const modest = new KeyRing(gateway, () => admin.secret);
  const before = (await ring.list()).length;
  for (const scope of ['WRITE', 'REFUND'] as const) {
    const created = only(await modest.create({ scopes: ['READ', scope] }), 'ForbiddenError');
    expect(created).toMatchObject({ code: 'FORBIDDEN', requiredScope: scope, path: ['input', 'scopes'] });
  }
  const strong = gateway().keys.test;
  const { viewer } = await gateway().execute(ViewerDocument, {}, { key: strong });
  const rolled = only(await modest.roll({ keyId: viewer.keyId, overlapSeconds: 60 }), 'ForbiddenError');
  expect(rolled).toMatchObject({ requiredScope: 'WRITE', path: ['input', 'keyId'] });
  expect(await ring.list()).toHaveLength(before);
  expect(await modest.make('ADMIN')).toMatchObject({ scopes: ['READ', 'ADMIN'] });
  // What it may not make, it may end.
  const writer = await ring.make('WRITE');
  only(await modest.revoke(writer.id), 'RevokeApiKeyPayload');
  expect(await statusOf(writer.secret)).toBe(401);
});

test.each<[string, Partial<CreateApiKeyInput>, string]>([
  ['without a name', { name: ' ' }, 'name'],
  ['with too long a name', { name: 'n'.repeat(101) }, 'name'],
  ['without a scope', { scopes: [] }, 'scopes'],
  ['that is over', { expiresAt: '2020-01-01T00:00:00Z' }, 'expiresAt'],
  ['for more than ten years', { expiresAt: new Date(Date.now() + 3_651 * 86_400_000).toISOString() }, 'expiresAt'],
])('no key is made %s', async (_, input, field) => {
  const before = (await ring.list()).length;
  expect(only(await ring.create(input), 'InvalidInputError').path).toEqual(['input', field]);
  expect(await ring.list()).toHaveLength(before);
});

test.each([-1, 604_801])('no overlap is %s seconds long', async (overlapSeconds) => {
  const key = await ring.make('READ');
  const refused = only(await ring.roll({ keyId: key.id, overlapSeconds }), 'InvalidInputError');
  expect(refused.path).toEqual(['input', 'overlapSeconds']);
  expect(await ring.read(key.id)).toMatchObject({ expiresAt: null, replacement: null });
});

test('a key of another environment is none', async () => {
  const key = await ring.make('READ');
  for (const other of ['live', 'other'] as const) {
    const elsewhere = new KeyRing(gateway, () => gateway().keys[other]);
    expect(await elsewhere.list()).not.toContainEqual(expect.objectContaining({ id: key.id }));
    only(await elsewhere.roll({ keyId: key.id, overlapSeconds: 60 }), 'NotFoundError');
    only(await elsewhere.revoke(key.id), 'NotFoundError');
    only(await elsewhere.revoke('key_x'), 'NotFoundError');
  }
  expect(await statusOf(key.secret)).toBe(200);
});

test('a live key makes live keys', async () => {
  const live = new KeyRing(gateway, () => gateway().keys.live);
  expect((await live.make('READ')).secret).toMatch(/^sk_live_/);
});

test('the last key with ADMIN may end itself', async () => {
  const key = gateway().keys.other;
  const other = new KeyRing(gateway, () => key);
  const [last] = await other.list();
  only(await other.revoke(last?.id ?? ''), 'RevokeApiKeyPayload');
  expect(await statusOf(key)).toBe(401);
});

test('an environment has a hundred good keys at most, also when they are made and rolled at once', async () => {
  const live = new KeyRing(gateway, () => gateway().keys.live);
  const first = await live.make('READ');
  await gateway().app.gateway.database.pool.query(
    `INSERT INTO api_key (environment_id, id, name, hash, hint, scopes)
     SELECT environment_id, gen_random_uuid(), name, sha256(convert_to(n::text, 'UTF8')), hint, scopes
     FROM api_key CROSS JOIN generate_series(1, $2::int) AS n WHERE id = $1`,
    [decodeIdOf('ApiKey', first.id), 98 - (await live.list('ACTIVE')).length],
  );
  const results = await Promise.all(Array.from({ length: 4 }, () => live.create()));
  const refused = results.filter(({ __typename }) => __typename === 'InvalidInputError');
  expect([(await live.list('ACTIVE')).length, refused.length]).toEqual([100, 2]);
  // One that goes on takes a place of its own; one that ends at once makes room for the next.
  only(await live.roll({ keyId: first.id, overlapSeconds: 60 }), 'InvalidInputError');
  only(await live.roll({ keyId: first.id, overlapSeconds: 0 }), 'RollApiKeyPayload');
  const page = await gateway().execute(ApiKeysDocument, { first: 3 }, { key: gateway().keys.live });
  expect(page.apiKeys.edges).toHaveLength(3);
  expect(page.apiKeys.pageInfo.hasNextPage).toBe(true);
});
