import { once } from 'node:events';
import { expect, onTestFinished, test } from 'vitest';
import { WebSocket as RawWebSocket, type ClientOptions } from 'ws';
import { PaymentEventsDocument, ViewerDocument } from '../../generated/operations/graphql.ts';
import { useGateway } from '../harness/gateway.ts';
import { HEAVY_FEED, heavyPayments } from '../harness/heavy-feed.ts';
import { countListeners } from '../harness/listeners.ts';
import { openRaw } from '../harness/raw-connection.ts';
import { openSocket, type SocketMessage } from '../harness/socket.ts';
import { until } from '../harness/until.ts';

const listeners = countListeners();
const transport = {
  bodyBytesMax: 40_000,
  connectionInitTimeoutMs: 60_000,
  pingIntervalMs: 300_000,
  sendBufferBytesMax: 100_000,
  operationsPerSocketMax: 5,
  corsOrigins: ['https://shop.example'],
};
/** Its times do not come while a test lasts: a busy machine may take long to say anything. */
const gateway = useGateway({ transport });
const impatient = useGateway({ transport: { ...transport, connectionInitTimeoutMs: 200 } });
const pinging = useGateway({ transport: { ...transport, pingIntervalMs: 1_000 } });

const FEED = String(PaymentEventsDocument);

/** The server is up and answers. */
async function works(): Promise<void> {
  expect(await gateway().execute(ViewerDocument, {})).toMatchObject({ viewer: { mode: 'TEST' } });
}

/** A socket that was let in. */
async function openKnown(payload: unknown = { authorization: gateway().keys.test }) {
  const opened = await openSocket(gateway(), payload);
  onTestFinished(() => opened.socket.close());
  await until(() => opened.messages.some(({ type }) => type === 'connection_ack'));
  return opened;
}

/** A socket of a client that can do what browsers cannot: send bytes as they are, and stop reading. */
async function openUnusual(options: ClientOptions = {}, { url, keys } = gateway()) {
  const socket = new RawWebSocket(url.replace('http', 'ws'), 'graphql-transport-ws', options);
  onTestFinished(() => socket.terminate());
  const messages: SocketMessage[] = [];
  socket.on('message', (data: Buffer) => messages.push(JSON.parse(data.toString()) as SocketMessage));
  let isClosed = false;
  const closed = new Promise<number>((resolve) => socket.once('close', resolve));
  void closed.then(() => (isClosed = true));
  await once(socket, 'open');
  const send = (message: object): void => socket.send(JSON.stringify(message));
  send({ type: 'connection_init', payload: { authorization: keys.test } });
  await until(() => isClosed || messages.some(({ type }) => type === 'connection_ack'));
  return { socket, messages, closed, send };
}

const subscribe = (id: string, query: string, variables?: object) => ({
  type: 'subscribe',
  id,
  payload: { query, variables },
});

test.each<[string, (socket: RawWebSocket) => void, number]>([
  ['text that is no UTF-8', (socket) => socket.send(Buffer.from([0x22, 0xff, 0x22]), { binary: false }), 1007],
  ['bytes', (socket) => socket.send(Buffer.from('{"type":"ping"}'), { binary: true }), 1003],
  [
    'a message that is too large',
    (socket) => socket.send(`{"type":"ping","payload":{"a":"${'x'.repeat(40_000)}"}}`),
    1009,
  ],
  ['no JSON', (socket) => socket.send('{"type":"ping",4000000000001026'), 4400],
  ['a list', (socket) => socket.send('[{"type":"ping"}]'), 4400],
  ['a second connection_init', (socket) => socket.send('{"type":"connection_init"}'), 4429],
])('%s closes the socket', async (_, send, code) => {
  const { socket, closed } = await openUnusual();
  let reason = '';
  socket.once('close', (_code, text) => (reason = text.toString()));
  send(socket);
  expect(await closed).toBe(code);
  expect(reason).not.toContain('4000');
  await works();
});

test('who says nothing is closed with 4408', async () => {
  const socket = new WebSocket(impatient().url.replace('http', 'ws'), 'graphql-transport-ws');
  const { code } = await new Promise<CloseEvent>((resolve) => socket.addEventListener('close', resolve));
  expect(code).toBe(4408);
});

test('keys that lead to a prototype do nothing', async () => {
  const { messages, send, socket } = await openKnown();
  socket.send(
    `{"type":"subscribe","id":"__proto__","payload":{"query":"{ viewer { mode } }","variables":{"__proto__":{"polluted":1}}}}`,
  );
  const { payload } = await until(() => messages.find(({ type }) => type === 'next'));
  expect(payload).toEqual({ data: { viewer: { mode: 'TEST' } } });
  expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  send({ type: 'complete', id: '__proto__' });
  await works();
});

test('one operation too many is told so, and the others go on', async () => {
  const { messages, send, socket } = await openKnown();
  for (let count = 1; count <= 5; count++) send(subscribe(`feed-${count}`, FEED));
  await until(() => listeners() === 5);
  for (let count = 1; count <= 3; count++) {
    send(subscribe('more', '{ viewer { mode } }'));
    const refused = await until(() => messages.find(({ id }) => id === 'more'));
    expect(refused).toMatchObject({ type: 'error', payload: [{ extensions: { code: 'TOO_MANY_OPERATIONS' } }] });
    expect(JSON.stringify(refused)).not.toContain('http');
    messages.length = 0;
  }
  send({ type: 'complete', id: 'feed-1' });
  await until(() => listeners() === 4);
  send(subscribe('another', '{ viewer { mode } }'));
  await until(() => messages.some(({ id, type }) => id === 'another' && type === 'next'));
  expect(socket.readyState).toBe(WebSocket.OPEN);
});

test('far too many at once close the socket with 4429, and nothing of them goes on', async () => {
  const { closed, socket } = await openUnusual();
  for (let count = 1; count <= 50; count++) socket.send(JSON.stringify(subscribe(`feed-${count}`, FEED)));
  expect(await closed).toBe(4429);
  await until(() => listeners() === 0);
  await works();
});

test('who answers no ping is cut off', async () => {
  const { closed, send } = await openUnusual({ autoPong: false }, pinging());
  send(subscribe('feed', FEED));
  expect(await closed).toBe(4413);
  await until(() => listeners() === 0);
});

test.each([
  ['whose buffer has grown too large', 2, gateway],
  ['who has not answered a ping for what waits for it', 1, pinging],
])('a client that does not read, %s, is told where to go on, and closed with 4413', async (_, feeds, to) => {
  const pay = await heavyPayments(to);
  const { socket, messages, closed, send } = await openUnusual({}, to());
  const ids = Array.from({ length: feeds }, (__, index) => `feed-${index}`);
  for (const id of ids) send(subscribe(id, HEAVY_FEED));
  await until(() => ids.every((id) => messages.some((message) => message.id === id)));
  socket.pause();
  let paid = 0;
  await until(async () => {
    await pay();
    paid++;
    return listeners() === 0;
  });
  socket.resume();
  expect(await closed).toBe(4413);
  for (const id of ids) {
    const [last, error] = messages.filter((message) => message.id === id).slice(-2);
    const { cursor } = (last as { payload: { data: { paymentEvents: { cursor: string } } } }).payload.data
      .paymentEvents;
    expect(error).toMatchObject({ type: 'error', payload: [{ extensions: { code: 'SUBSCRIBER_TOO_SLOW', cursor } }] });
    // What comes after that cursor is what was not told, nothing left out and nothing twice.
    const told = messages.filter((message) => message.id === id && message.type === 'next').length - 1;
    expect(told).toBeLessThan(paid);
    const again = await openUnusual({}, to());
    const missed = paid - told;
    again.send(
      subscribe('again', 'subscription($after: String) { paymentEvents(after: $after) { cursor } }', { after: cursor }),
    );
    await until(() => again.messages.filter((message) => message.id === 'again').length === missed);
    await pay();
    paid++;
    await until(() => again.messages.filter((message) => message.id === 'again').length === missed + 1);
    again.socket.close();
    await again.closed;
  }
});

test.each([
  ['no origin, as programs', undefined, true],
  ['an origin that is named', 'https://shop.example', true],
  ['its own origin', 'self', true],
  ['another origin', 'https://evil.example', false],
  ['its own host over TLS', 'https://self', true],
  ['none, as a sandboxed frame', 'null', false],
])('from a page of %s', async (_, origin, taken) => {
  const { host } = new URL(gateway().url);
  const raw = await openRaw(gateway());
  const lines = [
    'GET /graphql HTTP/1.1',
    `host: ${host}`,
    'connection: upgrade',
    'upgrade: websocket',
    'sec-websocket-version: 13',
    'sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==',
    'sec-websocket-protocol: graphql-transport-ws',
    ...(origin === undefined ? [] : [`origin: ${origin === 'self' ? `http://${host}` : origin.replace('self', host)}`]),
  ];
  raw.write(`${lines.join('\r\n')}\r\n\r\n`);
  await until(() => raw.received().includes('\r\n\r\n'));
  expect(raw.received()).toMatch(taken ? /^HTTP\/1\.1 101 / : /^HTTP\/1\.1 403 [^]*x-content-type-options: nosniff/);
});
