import { expect, test } from 'vitest';
import { useGateway } from '../harness/gateway.ts';
import { PagePayer } from '../harness/page-payer.ts';
import { Till } from '../harness/till.ts';

const SHOP = 'https://shop.example';
const gateway = useGateway({
  metricsToken: 'a token of the tests',
  publicUrl: 'https://pay.example.com',
  transport: { corsOrigins: [SHOP, 'http://127.0.0.1:4080'] },
});
const closed = useGateway();
const open = useGateway({ transport: { corsOrigins: '*' } });
const till = new Till(gateway);

/** Whatever the answer is. */
const ALWAYS = {
  'cache-control': 'no-store',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
};

const at = (path: string): string => new URL(path, gateway().url).href;
const key = (): Record<string, string> => ({ authorization: `Bearer ${gateway().keys.test}` });
const asked = (query: string): RequestInit => ({
  method: 'POST',
  headers: { ...key(), 'content-type': 'application/json' },
  body: JSON.stringify({ query }),
});

test.each<[string, string, () => RequestInit, number]>([
  ['an answer', '/graphql', () => asked('{ viewer { mode } }'), 200],
  ['an error', '/graphql', () => asked('{ nothing }'), 200],
  ['a refusal', '/graphql', () => ({ method: 'POST', body: 'x' }), 415],
  [
    'a request without a key',
    '/graphql',
    () => ({ ...asked('{ viewer { mode } }'), headers: { 'content-type': 'application/json' } }),
    401,
  ],
  ['a preflight', '/graphql', () => ({ method: 'OPTIONS', headers: { origin: SHOP } }), 204],
  ['the explorer', '/graphql', () => ({ headers: { accept: 'text/html' } }), 200],
  ['no page', '/nowhere', () => ({}), 404],
  ['no payment page', '/pay/nothing', () => ({}), 404],
  ['no receipt', '/receipt/nothing', () => ({}), 404],
  ['the probe', '/livez', () => ({}), 200],
  ['the metrics', '/metrics', () => ({ headers: { authorization: 'Bearer a token of the tests' } }), 200],
  ['a notification of nobody', '/notifications/nothing', () => ({ method: 'POST', body: '{}' }), 404],
])('%s is nothing to load, frame, keep or take for another type', async (_, path, init, status) => {
  const answer = await fetch(at(path), init());
  expect(answer.status).toBe(status);
  const headers = Object.fromEntries(answer.headers);
  expect(headers).toMatchObject({ ...ALWAYS, 'strict-transport-security': 'max-age=31536000' });
  expect(headers['content-security-policy']).toMatch(/^default-src 'none'; .*frame-ancestors 'none'/);
  expect(Object.keys(headers).filter((name) => /^(server|x-powered-by|via)$/.test(name))).toEqual([]);
  expect(headers['access-control-allow-credentials']).toBeUndefined();
});

test('an event stream is kept nowhere either', async () => {
  const { headers, ...init } = asked('subscription { paymentEvents { cursor } }');
  const abort = new AbortController();
  const answer = await fetch(gateway().url, {
    ...init,
    headers: { ...(headers as object), accept: 'text/event-stream' },
    signal: abort.signal,
  });
  expect(Object.fromEntries(answer.headers)).toMatchObject({ ...ALWAYS, 'content-type': 'text/event-stream' });
  abort.abort();
});

test('the pages keep their own policies', async () => {
  const { url } = await new PagePayer(gateway).asked(till);
  const page = await fetch(at(new URL(url).pathname));
  expect(page.headers.get('content-security-policy')).toMatch(/style-src 'sha256-.*form-action 'self'/);
  const explorer = await fetch(gateway().url, { headers: { accept: 'text/html' } });
  expect(explorer.headers.get('content-security-policy')).toContain("script-src 'nonce-");
});

test('without TLS, nothing is said of it', async () => {
  expect((await fetch(closed().url, { method: 'OPTIONS' })).headers.get('strict-transport-security')).toBeNull();
});

const preflight = (url: string, origin: string, method = 'POST') =>
  fetch(url, {
    method: 'OPTIONS',
    headers: {
      origin,
      'access-control-request-method': method,
      'access-control-request-headers': 'authorization,x-evil',
    },
  });

const corsOf = ({ headers }: Response) =>
  Object.fromEntries([...headers].filter(([name]) => name.startsWith('access-control-') || name === 'vary'));

test('a page whose origin is named may ask, for two hours on one answer', async () => {
  for (const origin of [SHOP, 'http://127.0.0.1:4080']) {
    for (const method of ['POST', 'DELETE']) {
      expect(corsOf(await preflight(gateway().url, origin, method))).toEqual({
        'access-control-allow-headers':
          'authorization, content-type, graphql-require-preflight, traceparent, x-api-key, x-request-id',
        'access-control-allow-methods': 'GET, POST',
        'access-control-allow-origin': origin,
        'access-control-expose-headers': 'ratelimit, ratelimit-policy, retry-after, x-request-id',
        'access-control-max-age': '7200',
        vary: 'Origin',
      });
    }
  }
});

test.each(['https://evil.example', 'http://shop.example', `${SHOP}.evil.example`, `${SHOP}:8443`, 'null'])(
  'a page of %s may not, and reads no answer',
  async (origin) => {
    const body = JSON.stringify({ query: '{ viewer { mode } }' });
    const answers = [
      await preflight(gateway().url, origin),
      await fetch(gateway().url, {
        method: 'POST',
        headers: { ...key(), origin, 'content-type': 'application/json' },
        body,
      }),
      await fetch(gateway().url, { method: 'POST', headers: { origin, 'content-type': 'text/plain' }, body }),
    ];
    for (const answer of answers) expect(corsOf(answer)).toEqual({ vary: 'Origin' });
  },
);

test('unless some are named, there are none', async () => {
  for (const origin of [SHOP, new URL(closed().url).origin]) {
    expect(corsOf(await preflight(closed().url, origin))).toEqual({ vary: 'Origin' });
  }
});

test('all may ask where all are named, and still with nothing that a browser adds by itself', async () => {
  expect(corsOf(await preflight(open().url, 'https://any.example'))).toMatchObject({
    'access-control-allow-origin': '*',
  });
  const authorization = `Bearer ${open().keys.test}`;
  const headers = { authorization, origin: 'https://any.example' };
  const answer = await open().request('{ viewer { mode } }', {}, { headers });
  expect(Object.fromEntries(answer.headers)).toMatchObject({ 'access-control-allow-origin': '*' });
  expect(answer.headers.get('access-control-allow-credentials')).toBeNull();
});
