import { randomUUID } from 'node:crypto';
import { SignJWT, decodeJwt, UnsecuredJWT, type JWTPayload } from 'jose';
import { beforeAll, expect, test } from 'vitest';
import {
  ClientTokenDocument,
  CreateClientTokenDocument,
  PaymentDocument,
  PaymentsDocument,
  RevokeClientTokensDocument,
  type CreateClientTokenInput,
} from '../../generated/operations/graphql.ts';
import { createClientToken, readClientToken } from '../../src/payments/client-token.ts';
import { createKeyring } from '../../src/payments/keyring.ts';
import { only, useGateway } from '../harness/gateway.ts';
import { grant, makeToken } from '../harness/payer.ts';
import { countRows } from '../harness/rows.ts';
import { Till } from '../harness/till.ts';

/** Credentials for payers' browsers. */

const gateway = useGateway({ transport: { corsOrigins: ['https://shop.example'] } });
const till = new Till(gateway);

let customerId: string;
let paymentId: string;

beforeAll(async () => {
  customerId = await till.customer();
  ({ id: paymentId } = await till.pay({ process: false }));
});

const create = async (input: Partial<CreateClientTokenInput>) =>
  (await gateway().execute(CreateClientTokenDocument, { input })).createClientToken;

/** How a credential is answered; a token that is taken says what it opens. */
async function answerTo(credential: string) {
  const { status, data, errors } = await gateway().request(ClientTokenDocument, {}, { key: credential });
  return { status, data, code: errors?.[0]?.extensions?.['code'], message: errors?.[0]?.message };
}

const REFUSED = {
  status: 401,
  code: 'UNAUTHENTICATED',
  message: 'This client token is not known, it is over, or it was revoked.',
};

test('a token says what it opens, and nothing of it is stored or logged', async () => {
  const before = await countRows(gateway());
  const input = { customerId, grants: [{ ...grant('ord_1', 1234), number: 'N-1' }], expiresInSeconds: 600 };
  const made = only(await create(input), 'CreateClientTokenPayload');
  expect(made.token).toMatch(/^ct_test_[\w-]+\.[\w-]+\.[\w-]+$/);
  expect(made.clientToken).toMatchObject({
    id: expect.stringMatching(/^ct_[0-9a-f-]{36}$/),
    scopes: ['READ', 'PAY'],
    customer: { id: customerId },
    payment: null,
    grants: [{ type: 'ORDER', id: 'ord_1', number: 'N-1', amount: { amount: 1234, currency: 'EUR' } }],
  });
  const { createdAt, expiresAt } = made.clientToken;
  expect(Date.parse(expiresAt) - Date.parse(createdAt)).toBe(600_000);
  expect(await answerTo(made.token)).toMatchObject({ status: 200, data: { clientToken: made.clientToken } });
  expect(await countRows(gateway())).toEqual(before);
  expect(JSON.stringify(gateway().logged)).not.toContain(made.token.split('.')[2]);
});

test('a token of a payment opens that one', async () => {
  const made = only(await create({ paymentId, scopes: ['READ', 'READ'] }), 'CreateClientTokenPayload');
  expect(made.clientToken).toMatchObject({ scopes: ['READ'], customer: null, payment: { id: paymentId }, grants: [] });
});

test('it is taken in every place of a key, and of live mode only where it was made', async () => {
  const token = await makeToken(gateway(), { customerId });
  for (const headers of [{ authorization: token }, { authorization: `bearer ${token}` }, { 'x-api-key': token }]) {
    expect((await gateway().request(ClientTokenDocument, {}, { headers })).status).toBe(200);
  }
  const ofLive = await new Till(gateway, 'live').customer();
  const live = await makeToken(gateway(), { customerId: ofLive }, gateway().keys.live);
  expect(live).toMatch(/^ct_live_/);
  expect((await answerTo(live)).data).toMatchObject({ clientToken: { customer: { id: ofLive } } });
  expect(await answerTo(live.replace('ct_live_', 'ct_test_'))).toMatchObject(REFUSED);
  expect(await answerTo(token.replace('ct_test_', 'ct_live_'))).toMatchObject(REFUSED);
});

test('a secret key carries no client token', async () => {
  expect((await gateway().execute(ClientTokenDocument, {})).clientToken).toBeNull();
});

test('a payer makes and revokes no tokens', async () => {
  const key = await makeToken(gateway(), { customerId });
  for (const [document, input] of [
    [CreateClientTokenDocument, { customerId }],
    [RevokeClientTokensDocument, {}],
  ] as const) {
    const answer = await gateway().request(document, { input }, { key });
    expect(answer).toMatchObject({ data: null, errors: [{ extensions: { code: 'FORBIDDEN' } }] });
  }
});

/** A token as the gateway would sign it, but for its claims, its key, the name of that or its algorithm. */
async function forge(
  change: (claims: JWTPayload) => JWTPayload,
  { key = gateway().app.gateway.keyring.tokenKey, kid = gateway().app.gateway.keyring.id, alg = 'HS256' } = {},
): Promise<string> {
  const claims = decodeJwt((await makeToken(gateway(), { customerId })).slice('ct_test_'.length));
  return `ct_test_${await new SignJWT(change(claims)).setProtectedHeader({ alg, kid }).sign(key)}`;
}

const same = (claims: JWTPayload): JWTPayload => claims;
const without = (name: string) => (claims: JWTPayload) =>
  Object.fromEntries(Object.entries(claims).filter(([each]) => each !== name));

test('a token that the gateway did not sign is none', async () => {
  expect((await answerTo(await forge(same))).status).toBe(200);
  const token = await makeToken(gateway(), { customerId });
  const [head = '', claims = '', signature = ''] = token.split('.');
  const other = Buffer.from(JSON.stringify({ ...decodeJwt(token.slice(8)), customer: randomUUID() }));
  const { id: kid, tokenKey } = createKeyring('another secret of the tests with more than 32 characters');
  const longKey = Buffer.concat([gateway().app.gateway.keyring.tokenKey, Buffer.alloc(32)]);
  for (const forged of [
    `${head}.${other.toString('base64url')}.${signature}`,
    `${head}.${claims}.`,
    `${head}.${claims}`,
    `${head}.${claims}.${signature.startsWith('A') ? 'B' : 'A'}${signature.slice(1)}`,
    `ct_test_${new UnsecuredJWT(decodeJwt(token.slice(8))).encode()}`,
    await forge(same, { key: tokenKey }),
    await forge(same, { key: tokenKey, kid }),
    await forge(same, { kid }),
    await forge(same, { kid: '' }),
    await forge(same, { key: longKey, alg: 'HS512' }),
    'ct_test_',
    'ct_',
    `ct_${gateway().keys.test}`,
    token.slice('ct_test_'.length),
    `${token}${'x'.repeat(20_000)}`.slice(0, 11_999),
  ]) {
    expect(await answerTo(forged)).toMatchObject({ status: 401, code: 'UNAUTHENTICATED' });
  }
});

test.each<[string, (claims: JWTPayload) => JWTPayload]>([
  ['another issuer', (claims) => ({ ...claims, iss: 'other' })],
  ['an environment that does not exist', (claims) => ({ ...claims, env: randomUUID() })],
  ['the other mode', (claims) => ({ ...claims, mode: 'LIVE' })],
  ['no end', without('exp')],
  ['no beginning', without('iat')],
  ['no id', without('jti')],
  ['a scope that does not exist', (claims) => ({ ...claims, scopes: ['ADMIN'] })],
])('even when it is signed, a token with %s is none', async (_, change) => {
  expect(await answerTo(await forge(change))).toMatchObject(REFUSED);
});

test('a token ends with its time', async () => {
  let nowMs = Date.now();
  const clock = { ...gateway().app.gateway, now: () => new Date(nowMs) };
  const { id } = await clock.database.prisma.customer.findFirstOrThrow({ where: { id: customerId.slice(4) } });
  const { environmentId } = await clock.database.prisma.customer.findFirstOrThrow({ where: { id } });
  const caller = {
    environmentId,
    mode: 'TEST',
    principal: 'merchant',
    actor: 'key_1',
    payer: null,
    schedules: true,
  } as const;
  const input = { customerId: id, paymentId: null, scopes: ['READ'], grants: [], expiresInSeconds: 60 } as const;
  const made = await createClientToken(clock, caller, input);
  if (!made.ok) throw new Error('no token');
  nowMs += 59_999;
  expect(await readClientToken(clock, made.value.text)).toMatchObject({ id: made.value.token.id });
  nowMs += 1;
  expect(await readClientToken(clock, made.value.text)).toBeUndefined();
});

test('over HTTP, one that is over is none', async () => {
  const nowS = Date.now() / 1_000;
  expect(await answerTo(await forge((claims) => ({ ...claims, iat: nowS - 60, exp: nowS - 1 })))).toMatchObject(
    REFUSED,
  );
});

test('tokens are refused that were made until a moment, in this environment only', async () => {
  const moment = new Date(Math.floor(Date.now() / 1_000) * 1_000 - 5_000 + 500);
  const at = (ms: number) =>
    forge((claims) => ({ ...claims, jti: randomUUID(), iat: (moment.getTime() + ms) / 1_000 }));
  const [before, exactly, after] = await Promise.all([at(-1), at(0), at(1)]);
  const ofLive = await new Till(gateway, 'live').customer();
  const live = await makeToken(gateway(), { customerId: ofLive }, gateway().keys.live);
  for (const token of [before, exactly, after, live]) expect((await answerTo(token)).status).toBe(200);
  const revoke = async (madeUntil?: Date) =>
    (
      await gateway().execute(RevokeClientTokensDocument, {
        input: madeUntil === undefined ? {} : { madeUntil: madeUntil.toISOString() },
      })
    ).revokeClientTokens;
  expect(await revoke(new Date(Date.now() + 60_000))).toMatchObject({
    code: 'INVALID_INPUT',
    path: ['input', 'madeUntil'],
  });
  expect(await revoke(moment)).toMatchObject({ refusedUntil: moment.toISOString() });
  expect(await answerTo(before)).toMatchObject(REFUSED);
  expect(await answerTo(exactly)).toMatchObject(REFUSED);
  expect((await answerTo(after)).status).toBe(200);
  // An earlier moment takes nothing back.
  expect(await revoke(new Date(moment.getTime() - 60_000))).toMatchObject({ refusedUntil: moment.toISOString() });
  expect(await answerTo(before)).toMatchObject(REFUSED);
  only(await revoke(), 'RevokeClientTokensPayload');
  expect(await answerTo(after)).toMatchObject(REFUSED);
  expect((await answerTo(live)).status).toBe(200);
});

test('after the environment is gone, so are its tokens', async () => {
  const { database } = gateway().app.gateway;
  const environment = await database.prisma.environment.findFirstOrThrow({
    where: { account: { name: 'Another shop' } },
  });
  const token = await makeToken(
    gateway(),
    { customerId: await new Till(gateway, 'other').customer() },
    gateway().keys.other,
  );
  expect((await answerTo(token)).status).toBe(200);
  const { id: environmentId } = environment;
  await database.prisma.customer.deleteMany({ where: { environmentId } });
  await database.prisma.apiKey.deleteMany({ where: { environmentId } });
  // What was written down of it is kept for good, and would keep it.
  await database.pool.query(
    `ALTER TABLE audit_entry DISABLE TRIGGER audit_entry_kept; DELETE FROM audit_entry;
     ALTER TABLE audit_entry ENABLE TRIGGER audit_entry_kept`,
  );
  await database.prisma.environment.delete({ where: { id: environmentId } });
  expect(await answerTo(token)).toMatchObject(REFUSED);
});

test('a page of an origin that is named may ask, with a token and never with a cookie', async () => {
  const token = await makeToken(gateway(), { customerId });
  const origin = 'https://shop.example';
  const asked = await fetch(gateway().url, {
    method: 'OPTIONS',
    headers: {
      origin,
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'authorization,content-type',
    },
  });
  expect(asked.ok).toBe(true);
  expect(asked.headers.get('access-control-allow-headers')?.toLowerCase()).toMatch(/authorization.*content-type/);
  const headers = { origin, authorization: `Bearer ${token}` };
  for (const answer of [
    await gateway().request(PaymentsDocument, {}, { headers }),
    await gateway().request(PaymentDocument, { id: paymentId }, { headers: { origin } }),
  ]) {
    expect(answer.headers.get('access-control-allow-origin')).toBe(origin);
    expect(answer.headers.get('access-control-allow-credentials')).toBeNull();
  }
});

test.each([
  ['cross-site', 403],
  ['same-site', 403],
  ['same-origin', 200],
  ['none', 200],
])('a secret key that a browser sends from %s: %d', async (site, status) => {
  const authorization = `Bearer ${gateway().keys.test}`;
  const answer = await gateway().request(PaymentsDocument, {}, { headers: { authorization, 'sec-fetch-site': site } });
  expect(answer.status).toBe(status);
  if (status === 403) expect(answer.errors).toMatchObject([{ extensions: { code: 'SECRET_KEY_IN_BROWSER' } }]);
});

test('a token from another site is what it is made for', async () => {
  const authorization = `Bearer ${await makeToken(gateway(), { customerId })}`;
  const headers = { authorization, 'sec-fetch-site': 'cross-site' };
  expect((await gateway().request(PaymentsDocument, {}, { headers })).status).toBe(200);
});
