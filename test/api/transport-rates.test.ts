import { expect, onTestFinished, test } from 'vitest';
import { CreateCustomerDocument, PaymentEventsDocument, ViewerDocument } from '../../generated/operations/graphql.ts';
import { perSecond, TRANSPORT_RATES } from '../../src/domain/transport-limits.ts';
import { startGateway, useGateway, type TestGateway } from '../harness/gateway.ts';
import { countListeners } from '../harness/listeners.ts';
import { makeToken } from '../harness/payer.ts';
import { openRaw, postHead } from '../harness/raw-connection.ts';
import { openSocket } from '../harness/socket.ts';
import { begun, subscribeOverEvents } from '../harness/subscription.ts';
import { Till } from '../harness/till.ts';
import { until } from '../harness/until.ts';

const listeners = countListeners();

/** Bursts that a test can use up, and hours until one comes back. */
const seldom = (burst: number) => ({ ...perSecond(1, burst), windowMs: 10_000_000 });
const rates = { key: seldom(5), token: seldom(3), address: seldom(4) };
const gateway = useGateway({ transport: { rates: TRANSPORT_RATES, trustedProxies: ['127.0.0.1'] } });

/** Another one, on a database of its own: what was counted before does not count. */
async function limited(
  transport: Parameters<typeof startGateway>[0] = { transport: { rates, trustedProxies: ['127.0.0.1'] } },
) {
  const started = await startGateway(transport);
  onTestFinished(() => started.close());
  return started;
}

const ask = (to: TestGateway, authorization: string | undefined, from = '192.0.2.1') =>
  to.request(
    ViewerDocument,
    {},
    {
      headers: { 'x-forwarded-for': from, ...(authorization !== undefined && { authorization }) },
    },
  );

async function statuses(count: number, answer: () => Promise<{ status: number }>): Promise<number[]> {
  const all: number[] = [];
  while (all.length < count) all.push((await answer()).status);
  return all;
}

test('each key has its operations, and is told how many are left', async () => {
  const to = await limited();
  const first = await ask(to, to.keys.test);
  expect(Object.fromEntries(first.headers)).toMatchObject({
    'ratelimit-policy': '"key";q=5;w=50000',
    ratelimit: '"key";r=4;t=10000',
  });
  expect(first.headers.get('retry-after')).toBeNull();
  expect(await statuses(5, () => ask(to, to.keys.test))).toEqual([200, 200, 200, 200, 429]);
  const refused = await ask(to, to.keys.test);
  expect(refused.errors).toMatchObject([{ extensions: { code: 'RATE_LIMITED', retryAfterMs: expect.any(Number) } }]);
  const retryAfterMs = Number(refused.errors?.[0]?.extensions?.['retryAfterMs']);
  expect(retryAfterMs).toBeGreaterThan(9_000_000);
  expect(Number(refused.headers.get('retry-after'))).toBe(Math.ceil(retryAfterMs / 1_000));
  expect(refused.headers.get('ratelimit')).toMatch(/^"key";r=0;t=50000$|^"key";r=0;t=4\d{4}$/);
  // However the key is written, and from wherever: it is the same.
  expect((await ask(to, `Bearer ${to.keys.test}`, '192.0.2.9')).status).toBe(429);
  expect((await ask(to, to.keys.live)).status).toBe(200);
});

test('an operation over WebSocket or server-sent events counts once, and is refused by itself', async () => {
  const to = await limited();
  const { socket, messages, send, closed } = await openSocket(to, { authorization: to.keys.test });
  await until(() => messages.some(({ type }) => type === 'connection_ack'));
  for (let count = 1; count <= 5; count++) {
    send({ type: 'subscribe', id: `${count}`, payload: { query: String(ViewerDocument) } });
    await until(() => messages.some(({ type, id }) => type === 'complete' && id === `${count}`));
  }
  send({ type: 'subscribe', id: 'more', payload: { query: String(ViewerDocument) } });
  const refused = await until(() => messages.find(({ id }) => id === 'more'));
  expect(refused).toMatchObject({ type: 'error', payload: [{ extensions: { code: 'RATE_LIMITED' } }] });
  expect(socket.readyState).toBe(WebSocket.OPEN);
  const feed = subscribeOverEvents(to, PaymentEventsDocument, {});
  await expect(feed.next()).rejects.toThrow(/^429: [^]*RATE_LIMITED/);
  socket.close();
  await closed;
});

test('what is refused was not executed, whatever is wrong with it', async () => {
  const to = await limited();
  await statuses(5, () => ask(to, to.keys.test));
  const answer = await to.request(CreateCustomerDocument, { input: { email: 'jenny@example.com' } });
  expect(answer.status).toBe(429);
  expect(await to.app.gateway.database.prisma.customer.count()).toBe(0);
  // Not even read: the body that was announced never came.
  const raw = await openRaw(to);
  raw.write(postHead(to, 'content-length: 100'));
  await until(() => raw.received().includes('RATE_LIMITED'));
});

test('each client token has its own, less than a key', async () => {
  const to = await limited({ transport: { rates: { ...rates, key: perSecond(100, 100) } } });
  const customerId = await new Till(() => to).customer();
  const [one, other] = [await makeToken(to, { customerId }), await makeToken(to, { customerId })];
  const read = (token: string) =>
    to.request('{ clientToken { expiresAt } }', {}, { headers: { authorization: `Bearer ${token}` } });
  expect(await statuses(4, () => read(one))).toEqual([200, 200, 200, 429]);
  expect((await read(one)).headers.get('ratelimit-policy')).toBe('"token";q=3;w=30000');
  expect((await read(other)).status).toBe(200);
});

test('who guesses keys is slowed down, and nobody with them who was seen before', async () => {
  const to = await limited();
  expect((await ask(to, to.keys.test)).status).toBe(200);
  let guesses = 0;
  const guess = () => ask(to, `sk_test_${guesses++}`);
  expect(await statuses(6, guess)).toEqual([401, 401, 401, 401, 429, 429]);
  const refused = await guess();
  expect(refused.errors).toMatchObject([{ extensions: { code: 'RATE_LIMITED' } }]);
  expect(refused.headers.get('ratelimit-policy')).toBe('"address";q=4;w=40000');
  // Without any, too.
  expect((await ask(to, undefined)).status).toBe(429);
  expect((await ask(to, to.keys.test)).status).toBe(200);
  // Another address is not concerned, by whatever it says of others.
  expect((await ask(to, 'sk_test_wrong', '192.0.2.1, 192.0.2.2')).status).toBe(401);
  const { closed } = await openSocket(to, { authorization: 'sk_test_wrong' });
  expect(await closed).toBe(4403);
});

test('who guesses over WebSocket is closed with 1013', async () => {
  const to = await limited();
  const codes: number[] = [];
  while (codes.length < 5) {
    codes.push(await (await openSocket(to, { authorization: `sk_test_${codes.length}` })).closed);
  }
  expect(codes).toEqual([4403, 4403, 4403, 4403, 1013]);
});

test('good keys that come for the first time take nothing of their address, however many come at once', async () => {
  const to = await limited({ transport: { rates: { ...rates, key: perSecond(100, 100) } } });
  const answers = await Promise.all(Array.from({ length: 40 }, () => ask(to, to.keys.test)));
  expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
  for (const key of [to.keys.live, to.keys.other]) expect((await ask(to, key)).status).toBe(200);
  expect(await statuses(5, () => ask(to, 'sk_test_wrong'))).toEqual([401, 401, 401, 401, 429]);
});

test('a key that was revoked is a guess', async () => {
  const to = await limited();
  expect((await ask(to, to.keys.live)).status).toBe(200);
  await to.app.gateway.database.prisma.apiKey.updateMany({ where: { name: 'live' }, data: { revokedAt: new Date() } });
  expect(await statuses(6, () => ask(to, to.keys.live))).toEqual([401, 401, 401, 401, 401, 429]);
});

test('WebSockets and event streams of a credential are counted together, and freed however they end', async () => {
  const to = await limited({ transport: { connectionsPerKeyMax: 2, connectionsPerTokenMax: 1 } });
  const open = async (payload: unknown = { authorization: to.keys.test }) => {
    const opened = await openSocket(to, payload);
    return {
      ...opened,
      outcome: () =>
        Promise.race([opened.closed, until(() => opened.messages.some(({ type }) => type === 'connection_ack'))]),
    };
  };
  for (let times = 0; times < 3; times++) {
    const one = await open();
    expect(await one.outcome()).toBe(true);
    const stream = subscribeOverEvents(to, PaymentEventsDocument, {});
    await begun(stream);
    expect(await (await open()).outcome()).toBe(4429);
    const refused = subscribeOverEvents(to, PaymentEventsDocument, {});
    await expect(refused.next()).rejects.toThrow(/^429: [^]*TOO_MANY_CONNECTIONS/);
    // Queries are no connections, and other keys not concerned.
    expect((await ask(to, to.keys.test)).status).toBe(200);
    const another = await open({ authorization: to.keys.live });
    expect(await another.outcome()).toBe(true);
    another.socket.close();
    if (times === 1) one.send({ type: 'nonsense' });
    else one.socket.close();
    await one.closed;
    await stream.stop();
    await until(() => listeners() === 0);
  }
  const token = await makeToken(to, { customerId: await new Till(() => to).customer() });
  const only = await open({ authorization: token });
  expect(await only.outcome()).toBe(true);
  expect(await (await open({ authorization: token })).outcome()).toBe(4429);
  only.socket.close();
});

test('a proxy that is not named is not believed', async () => {
  const to = await limited({ transport: { rates } });
  expect(await statuses(4, () => ask(to, 'sk_test_wrong', '192.0.2.1'))).toEqual([401, 401, 401, 401]);
  expect((await ask(to, 'sk_test_wrong', '192.0.2.2')).status).toBe(429);
});

test('by default, nobody notices', async () => {
  const answers = await Promise.all(Array.from({ length: 100 }, () => ask(gateway(), gateway().keys.test)));
  expect(answers.every(({ status }) => status === 200)).toBe(true);
  expect(answers[0]?.headers.get('ratelimit-policy')).toBe('"key";q=5000;w=5');
});
