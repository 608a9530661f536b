import { beforeAll, expect, onTestFinished, test } from 'vitest';
import { ViewerDocument } from '../../generated/operations/graphql.ts';
import { startGateway, useGateway, type TestGateway } from '../harness/gateway.ts';
import { HEAVY_FEED, heavyPayments } from '../harness/heavy-feed.ts';
import { countListeners } from '../harness/listeners.ts';
import { openRaw, postHead } from '../harness/raw-connection.ts';
import { PagePayer } from '../harness/page-payer.ts';
import { Till } from '../harness/till.ts';
import { until } from '../harness/until.ts';

const listeners = countListeners();
/** A connection that has had its requests is closed when no more come: after longer than this machine stands still. */
const gateway = useGateway({
  transport: { keepAliveTimeoutMs: 6_000, headerBytesMax: 14_000, requestsPerConnectionMax: 3 },
});
/** These end what takes its time. Nothing is asked of them that has to be quick: this machine may take its time, too. */
const impatient = useGateway({ transport: { headersTimeoutMs: 300, requestTimeoutMs: 600 } });
const forgetful = useGateway({ transport: { keepAliveTimeoutMs: 400 } });

/** The server is up and answers. */
async function works(of: TestGateway = gateway()): Promise<void> {
  // One without patience may take this for a slow request, too.
  const answer = await until(() => of.execute(ViewerDocument, {}).catch(() => undefined));
  expect(answer).toMatchObject({ viewer: { mode: 'TEST' } });
}

let page = '';

beforeAll(async () => {
  page = (await new PagePayer(gateway).asked(new Till(gateway))).url;
});

/** The head of a form for the page at an address. */
function formHead(address: string): string {
  const lines = [`POST ${new URL(address).pathname} HTTP/1.1`, 'host: localhost', 'content-length: 100'];
  return `${lines.join('\r\n')}\r\ncontent-type: application/x-www-form-urlencoded\r\n\r\n`;
}

/** Pino's number. At "info", operations are not told. */
const LEVEL_DEBUG = 20;

const QUERY = JSON.stringify({ query: '{ viewer { mode } }' });

test('a body that stalls is answered with 408, and the connection closed', async () => {
  const raw = await openRaw(impatient());
  raw.write(postHead(impatient(), 'content-length: 100') + QUERY.slice(0, 10));
  const answer = await raw.ended;
  expect(answer).toMatch(/^HTTP\/1\.1 408 Request Timeout\r\n[^]*connection: close/);
  expect(answer).toContain('x-content-type-options: nosniff');
  await works(impatient());
});

test('a body that comes byte by byte has no longer', async () => {
  const raw = await openRaw(impatient());
  raw.write(postHead(impatient(), 'content-length: 100'));
  const trickle = setInterval(() => raw.write(' '), 20);
  onTestFinished(() => clearInterval(trickle));
  expect(await raw.ended).toMatch(/^HTTP\/1\.1 408 /);
  await works(impatient());
});

test.each([
  ['no byte', ''],
  ['headers without an end', 'POST /graphql HTTP/1.1\r\nhost: localhost\r\n'],
])('a connection with %s is answered with 408', async (_, text) => {
  const raw = await openRaw(impatient());
  raw.write(text);
  expect(await raw.ended).toMatch(/^HTTP\/1\.1 408 /);
  await works(impatient());
});

test('a connection that is kept for another request is closed when none comes', async () => {
  const raw = await openRaw(forgetful());
  raw.write(postHead(forgetful(), `content-length: ${QUERY.length}`) + QUERY);
  expect(await raw.ended).toMatch(/^HTTP\/1\.1 200 [^]*"TEST"/);
});

test('a connection takes so many requests', async () => {
  const raw = await openRaw(gateway());
  for (let count = 1; count <= 3; count++) {
    raw.write(postHead(gateway(), `content-length: ${QUERY.length}`) + QUERY);
    await until(() => raw.received().split('"TEST"').length === count + 1);
  }
  expect((await raw.ended).match(/connection: close/gi)).toHaveLength(1);
});

test.each([
  ['headers that are too large', `GET / HTTP/1.1\r\nhost: localhost\r\nx-much: ${'x'.repeat(20_000)}\r\n\r\n`, 431],
  ['what is no HTTP', '\x16\x03\x01\x02\x00 hello\r\n\r\n', 400],
  ['no Host', 'GET /graphql HTTP/1.1\r\n\r\n', 400],
  ['two lengths', 'POST /graphql HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n', 400],
  [
    'a length and chunks',
    'POST /graphql HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n',
    400,
  ],
  ['an unknown Expect', 'POST /graphql HTTP/1.1\r\nhost: a\r\nexpect: the-world\r\ncontent-length: 0\r\n\r\n', 417],
])('%s: %d', async (_, text, status) => {
  const raw = await openRaw(gateway());
  raw.write(text);
  const answer = await raw.ended;
  expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  expect(answer).toContain("content-security-policy: default-src 'none'");
  await works();
});

test.each([
  ['of GraphQL', (): string => postHead(gateway(), 'content-length: 100')],
  ['of a payment page', (): string => formHead(page)],
])('who leaves within a body %s leaves no line in the log', async (_, head) => {
  const before = gateway().logged.length;
  const raw = await openRaw(gateway());
  raw.write(head() + QUERY.slice(0, 10));
  await works();
  raw.socket.resetAndDestroy();
  await raw.ended;
  await works();
  expect(
    gateway()
      .logged.slice(before)
      .filter(({ level }) => Number(level) > LEVEL_DEBUG),
  ).toEqual([]);
});

test('a subscriber over server-sent events that does not read is cut off', async () => {
  const pay = await heavyPayments(gateway);
  // Another replica, so that no payment is cut off that takes its time.
  const cutting = await startGateway({ transport: { stallTimeoutMs: 1_500 } }, gateway());
  onTestFinished(() => cutting.app.close());
  const raw = await openRaw(cutting);
  const body = JSON.stringify({ query: HEAVY_FEED });
  raw.write(postHead(cutting, `content-length: ${body.length}`, 'accept: text/event-stream') + body);
  await until(() => listeners() === 1);
  raw.socket.pause();
  await until(async () => {
    await pay();
    return listeners() === 0;
  });
  raw.socket.resume();
  // Cut off in the middle: it was not the end.
  expect(await raw.ended).not.toContain('event: complete');
  await works(cutting);
});

test('there are no more connections than may be', async () => {
  const small = await startGateway({ transport: { connectionsMax: 2 } });
  onTestFinished(() => small.close());
  const [first] = [await openRaw(small), await openRaw(small)];
  // Accepted and closed at once: there is nobody to answer it.
  expect(await (await openRaw(small)).ended).toBe('');
  expect(small.logged).toMatchObject([{ msg: expect.stringContaining('TENDER_CONNECTIONS_MAX') }]);
  first?.socket.destroy();
  await until(async () => {
    const again = await openRaw(small);
    again.write(`${postHead(small, `content-length: ${QUERY.length}`, 'connection: close')}${QUERY}`);
    return (await again.ended).includes('"TEST"');
  });
});
