import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { useGateway } from '../harness/gateway.ts';
import { openRaw, postHead } from '../harness/raw-connection.ts';
import { until } from '../harness/until.ts';

const gateway = useGateway({ transport: { bodyBytesMax: 10_000, queryStringBytesMax: 1_000 } });

const CARD = '4000000000001026';
const QUERY = '{ viewer { mode } }';
const ANSWER = { data: { viewer: { mode: 'TEST' } } };
const bodyOf = (more: object = {}): string => JSON.stringify({ query: QUERY, ...more });

/** Sends a body as it is. @returns the status, the codes of the errors, and the text */
async function post(body: string | Buffer, headers: Record<string, string> = {}) {
  const response = await fetch(gateway().url, {
    method: 'POST',
    headers: { authorization: `Bearer ${gateway().keys.test}`, 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : new Uint8Array(body),
  });
  return answerOf(response);
}

async function get(parameters: Record<string, string>, headers: Record<string, string> = {}) {
  const url = `${gateway().url}?${new URLSearchParams(parameters)}`;
  return answerOf(await fetch(url, { headers: { authorization: `Bearer ${gateway().keys.test}`, ...headers } }));
}

async function answerOf(response: Response) {
  const text = await response.text();
  const { data, errors = [] } = (text === '' ? {} : JSON.parse(text)) as {
    data?: unknown;
    errors?: { extensions?: { code?: string } }[];
  };
  return {
    status: response.status,
    codes: errors.map(({ extensions }) => extensions?.code),
    data,
    text,
    headers: response.headers,
  };
}

const nested = (depth: number): string => `${'['.repeat(depth)}"${CARD}"${']'.repeat(depth)}`;

test.each<[string, string | Buffer, number, string]>([
  ['no JSON', `{"query": "{ viewer { mode } }", "card": ${CARD}oops`, 400, 'INVALID_JSON'],
  ['nothing', '', 400, 'INVALID_JSON'],
  ['a number', CARD, 400, 'BAD_REQUEST'],
  ['null', 'null', 400, 'BAD_REQUEST'],
  ['an empty object', '{}', 400, 'BAD_REQUEST'],
  ['a member that there is not', bodyOf({ [CARD]: 1 }), 400, 'BAD_REQUEST'],
  ['a query that is no text', JSON.stringify({ query: [CARD] }), 400, 'BAD_REQUEST'],
  ['an operation name that is no text', bodyOf({ operationName: [CARD] }), 400, 'BAD_REQUEST'],
  ['variables that are a list', bodyOf({ variables: [CARD] }), 400, 'BAD_REQUEST'],
  ['extensions that are a text', bodyOf({ extensions: CARD }), 400, 'BAD_REQUEST'],
  ['a batch', `[${bodyOf()},${bodyOf()}]`, 400, 'BATCHING_NOT_SUPPORTED'],
  ['an empty batch', '[]', 400, 'BATCHING_NOT_SUPPORTED'],
  [
    'bytes that are no UTF-8',
    Buffer.from(`{"query":"{ viewer { mode } } # ${CARD}\xff\xfe"}`, 'latin1'),
    400,
    'INVALID_UTF8',
  ],
  ['a surrogate as UTF-8', Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22]), 400, 'INVALID_UTF8'],
  ['UTF-16', Buffer.from(bodyOf(), 'utf16le'), 400, 'INVALID_JSON'],
  [
    'variables that are too deep',
    `{"query":"${QUERY}","variables":{"input":${nested(4_000)}}}`,
    400,
    'TOO_DEEPLY_NESTED',
  ],
  ['a list that is never closed', '['.repeat(9_000), 400, 'INVALID_JSON'],
  ['a body that is too large', bodyOf({ variables: { text: CARD.repeat(700) } }), 413, 'BODY_TOO_LARGE'],
])('%s is refused, and nothing of it is repeated', async (_, body, status, code) => {
  for (const accept of ['application/json', 'application/graphql-response+json', '*/*']) {
    const answer = await post(body, { accept });
    expect(answer).toMatchObject({ status, codes: [code], data: undefined });
    expect(answer.text).not.toMatch(/4000|oops/);
  }
  expect(await post(bodyOf())).toMatchObject({ status: 200, data: ANSWER.data });
});

test('what is just not too much is taken', async () => {
  const room = 10_000 - bodyOf({ variables: { text: '' } }).length;
  expect(await post(bodyOf({ variables: { text: 'x'.repeat(room) } }))).toMatchObject({ status: 200 });
  expect(await post(bodyOf({ variables: { text: 'x'.repeat(room + 1) } }))).toMatchObject({ status: 413 });
  expect(await post(`{"query":"${QUERY}","variables":{"input":${nested(40)}}}`)).toMatchObject({ status: 200 });
  // Brackets in a text nest nothing.
  expect(await post(bodyOf({ variables: { text: `\\"${'[{'.repeat(100)}` } }))).toMatchObject({ status: 200 });
});

test('100,000 levels are refused where the size allows them', async () => {
  const { status, codes } = await post(nested(100_000));
  expect({ status, codes }).toEqual({ status: 413, codes: ['BODY_TOO_LARGE'] });
});

test('keys that are given twice, or lead to a prototype, do nothing', async () => {
  const polluting = `{"query":"{ wrong }","query":"${QUERY}","variables":{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}},"extensions":{"__proto__":{"polluted":1}}}`;
  expect(await post(polluting)).toMatchObject({ status: 200, data: ANSWER.data });
  expect(await post(`{"query":"${QUERY}","__proto__":{"polluted":1}}`)).toMatchObject({ status: 400 });
  expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
});

test.each([
  'application/x-www-form-urlencoded',
  'multipart/form-data; boundary=x',
  'text/plain',
  'text/plain; application/json',
  'application/graphql',
  'application/json-seq',
  'application/json; charset=utf-16',
  'application/json; charset=iso-8859-1',
  '',
])('a body of the type "%s" is refused', async (type) => {
  const raw = await openRaw(gateway());
  const body = 'query=mutation+%7B+revokeClientTokens+%7B+__typename+%7D+%7D';
  const head = postHead(gateway(), `content-length: ${body.length}`, 'connection: close');
  raw.write(head.replace('content-type: application/json', type === '' ? 'x-none: 1' : `content-type: ${type}`) + body);
  expect(await raw.ended).toMatch(/^HTTP\/1\.1 415 [^]*UNSUPPORTED_MEDIA_TYPE/);
});

test.each(['gzip', 'br', 'deflate', 'zstd', 'gzip, identity'])(
  'a body that is encoded as %s is refused',
  async (encoding) => {
    const body = encoding === 'gzip' ? gzipSync(bodyOf()) : bodyOf();
    expect(await post(body, { 'content-encoding': encoding })).toMatchObject({
      status: 415,
      codes: ['UNSUPPORTED_MEDIA_TYPE'],
    });
  },
);

test.each(['application/json', 'application/json; charset=utf-8', 'Application/JSON;charset="UTF-8"'])(
  'a body of the type %s is taken',
  async (type) => {
    expect(await post(bodyOf(), { 'content-type': type, 'content-encoding': 'identity' })).toMatchObject({
      status: 200,
    });
  },
);

test.each(['PUT', 'DELETE', 'PATCH', 'HEAD', 'TRACE'])('%s is not answered', async (method) => {
  const raw = await openRaw(gateway());
  raw.write(postHead(gateway(), 'connection: close').replace('POST', method));
  expect(await raw.ended).toMatch(/^HTTP\/1\.1 405 [^]*\r\nallow: GET, POST\r\n/i);
});

test.each([
  ['application/json', 'application/json'],
  ['application/graphql-response+json', 'application/graphql-response+json'],
  ['application/graphql-response+json, application/json;q=0.9', 'application/graphql-response+json'],
  ['*/*', 'application/json'],
  ['text/html, application/*', 'application/json'],
])('Accept: %s is answered with %s', async (accept, type) => {
  const { status, headers } = await post(bodyOf(), { accept });
  expect({ status, type: headers.get('content-type') }).toEqual({ status: 200, type: `${type}; charset=utf-8` });
});

test.each(['text/html', 'image/png', 'application/xml', 'application/json;charset=utf-16', 'nonsense'])(
  'Accept: %s is refused before anything is done',
  async (accept) => {
    const before = await gateway().app.gateway.database.prisma.customer.count();
    const query = 'mutation { createCustomer(input: { email: "a@example.com" }) { __typename } }';
    expect(await post(JSON.stringify({ query }), { accept })).toMatchObject({ status: 406 });
    expect(await gateway().app.gateway.database.prisma.customer.count()).toBe(before);
    expect(await post(JSON.stringify({ query }))).toMatchObject({ status: 200 });
    expect(await gateway().app.gateway.database.prisma.customer.count()).toBe(before + 1);
  },
);

test('a subscription that no event stream can be sent for is refused', async () => {
  const query = 'subscription { paymentEvents { cursor } }';
  expect(await post(JSON.stringify({ query }), { accept: 'application/json' })).toMatchObject({
    status: 406,
    codes: ['NOT_ACCEPTABLE'],
  });
});

test('GET reads and never writes', async () => {
  expect(await get({ query: QUERY })).toMatchObject({ status: 200, data: ANSWER.data });
  const variables = JSON.stringify({ first: 1 });
  const query = 'query A($first: Int) { payments(first: $first) { totalCount } } query B { viewer { mode } }';
  expect(await get({ query, variables, operationName: 'A' })).toMatchObject({
    status: 200,
    data: { payments: { totalCount: 0 } },
  });
  for (const mutation of [
    'mutation { revokeClientTokens { __typename } }',
    `query A { viewer { mode } } mutation B { revokeClientTokens { __typename } }`,
  ]) {
    const answer = await get({ query: mutation, operationName: mutation.startsWith('query') ? 'B' : '' });
    expect(answer.status).toBe(405);
    expect(answer.headers.get('allow')).toBe('POST');
  }
});

test.each<[string, string, number, string]>([
  ['variables that are no JSON', `query=%7Bviewer%7Bmode%7D%7D&variables=%7B${CARD}oops`, 400, 'INVALID_JSON'],
  [
    'variables that are too deep',
    `query=%7Bviewer%7Bmode%7D%7D&variables=${encodeURIComponent(`{"a":${nested(60)}}`)}`,
    400,
    'TOO_DEEPLY_NESTED',
  ],
  ['bytes that are no UTF-8', 'query=%7Bviewer%7Bmode%7D%7D%20%23%ff', 400, 'INVALID_UTF8'],
  ['no query', 'variables=%7B%7D', 400, 'BAD_REQUEST'],
  [
    'too long a query string',
    `query=%7Bviewer%7Bmode%7D%7D&extensions=${'x'.repeat(980)}`,
    414,
    'QUERY_STRING_TOO_LONG',
  ],
])('GET with %s is refused', async (_, query, status, code) => {
  const headers = { authorization: `Bearer ${gateway().keys.test}` };
  const answer = await answerOf(await fetch(`${gateway().url}?${query}`, { headers }));
  expect(answer).toMatchObject({ status, codes: [code] });
  expect(answer.text).not.toMatch(/4000|oops/);
});

test('a GET that any page could send is refused, whatever it asks for', async () => {
  for (const accept of ['*/*', 'text/event-stream']) {
    const answer = await fetch(`${gateway().url}?query=${encodeURIComponent(QUERY)}`, { headers: { accept } });
    expect(answer.status).toBe(403);
    expect(await answer.text()).toContain('CSRF_PREVENTED');
  }
  const asked = { 'graphql-require-preflight': '1' };
  expect((await fetch(`${gateway().url}?query=${encodeURIComponent(QUERY)}`, { headers: asked })).status).toBe(401);
});

test.each([
  [
    'chunks without an end',
    'transfer-encoding: chunked',
    (): string => `${(9_000).toString(16)}\r\n${'x'.repeat(9_000)}\r\n`,
  ],
  ['a length that is more than 8 MB', 'content-length: 5000000000', (): string => 'x'.repeat(9_000)],
])('%s: it is told, and the connection is closed', async (_, header, part) => {
  const raw = await openRaw(gateway());
  raw.write(postHead(gateway(), header));
  const pump = (): void => {
    while (!raw.socket.destroyed && raw.socket.write(part()));
    if (!raw.socket.destroyed) raw.socket.once('drain', pump);
  };
  pump();
  await until(() => raw.received().includes('BODY_TOO_LARGE'));
  // It sends on all the same.
  expect(await raw.ended).toMatch(/^HTTP\/1\.1 413 /);
  expect(await post(bodyOf())).toMatchObject({ status: 200 });
});

test('a body of 5 MB is answered', async () => {
  const answer = await post(bodyOf({ variables: { text: 'x'.repeat(5_000_000) } }));
  expect(answer).toMatchObject({ status: 413, codes: ['BODY_TOO_LARGE'] });
});
