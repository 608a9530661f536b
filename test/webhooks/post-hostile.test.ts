import { getEventListeners } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { post, type Posted } from '../../src/webhooks/post.ts';

/** Receivers that do not speak HTTP, or speak it to hold us up. Each answers the first bytes that it gets. */

let answer: (socket: Socket) => void;
let open: Set<Socket>;
let server: Server;

beforeAll(async () => {
  server = createServer((socket) => {
    open.add(socket);
    socket.on('error', () => {}).on('close', () => open.delete(socket));
    socket.once('data', () => answer(socket));
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
});

beforeEach(() => {
  open = new Set();
});

afterAll(async () => {
  await new Promise((resolve) => {
    server.close(resolve);
  });
});

function send(timeoutMs: number, stopping = new AbortController().signal): Promise<Posted> {
  const { port } = server.address() as AddressInfo;
  return post(
    { url: `http://hooks.example:${port}/`, headers: {}, body: '{}' },
    {
      resolve: () => Promise.resolve([{ address: '127.0.0.1', family: 4 }]),
      isPlainAllowed: true,
      isAllowed: () => true,
      timeoutMs,
      stopping,
    },
  );
}

/** Says something, and then something else again and again, for as long as it is listened to. */
function endless(first: string, rest: string) {
  return (socket: Socket): void => {
    socket.write(first);
    const timer = setInterval(() => socket.write(rest), 1);
    socket.on('close', () => clearInterval(timer));
  };
}

function once(text: string) {
  return (socket: Socket): void => void socket.write(text);
}

/** What a signal still holds: the gateway's own lives as long as its process. */
function leftWith(signal: AbortSignal): unknown[] {
  const own = signal as unknown as Record<symbol, unknown>;
  const dependent = Object.getOwnPropertySymbols(signal).map((symbol) => own[symbol]);
  return [
    ...getEventListeners(signal, 'abort'),
    ...dependent.flatMap((each) => (each instanceof Set ? [...(each as Set<unknown>)] : [])),
  ];
}

const CONNECTION = { answered: false, error: 'CONNECTION' };
const PLAIN = 'HTTP/1.1 200 OK\r\n';
const CHUNKED = `${PLAIN}Transfer-Encoding: chunked\r\n\r\n`;

test.for([
  ['asks for another protocol', once('HTTP/1.1 101 X\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n'), CONNECTION],
  ['is no HTTP', once('\0\0\0\0'), CONNECTION],
  ['has a status of five digits', once('HTTP/1.1 20000 OK\r\n\r\n'), CONNECTION],
  ['has headers without end', endless(PLAIN, 'a: b\r\n'.repeat(1_000)), CONNECTION],
  ['has hints without end', endless('', 'HTTP/1.1 103 Hint\r\n\r\n'), CONNECTION],
  ['is reset', (socket: Socket) => void socket.resetAndDestroy(), CONNECTION],
  ['has trailers without end', endless(`${CHUNKED}0\r\n`, 'a: b\r\n'.repeat(1_000)), { status: 200, text: '' }],
  ['has an extension without end', endless(`${CHUNKED}1;`, 'x'.repeat(16_384)), { status: 200, text: '' }],
  ['has a chunk of no length', once(`${CHUNKED}zz\r\n`), { status: 200, text: '' }],
  [
    'is a hint and then an answer',
    once(`HTTP/1.1 103 Hint\r\n\r\n${PLAIN}Content-Length: 2\r\n\r\nok`),
    { text: 'ok' },
  ],
  ['is two', once(`${PLAIN}Content-Length: 0\r\n\r\nHTTP/1.1 500 No\r\n\r\n`), { status: 200 }],
] as [string, (socket: Socket) => void, object][])('an answer that %s is over soon', async ([, answers, posted]) => {
  answer = answers;
  const stopping = new AbortController();
  expect(await send(15_000, stopping.signal)).toMatchObject(posted);
  expect(leftWith(stopping.signal)).toEqual([]);
});

test.for([
  ['says nothing', () => {}],
  ['sends its headers byte by byte', endless(`${PLAIN}a: `, 'b')],
  ['sends empty lines', endless('', '\r\n')],
] as [string, (socket: Socket) => void][])('a receiver that %s has the time that it is given', async ([, answers]) => {
  answer = answers;
  expect(await send(100)).toEqual({ answered: false, error: 'TIMEOUT' });
});

test('time is over when it is over, also when memory was tidied up meanwhile', async () => {
  answer = () => {};
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const tidying = setInterval(collect, 10);
  try {
    expect(await send(500)).toEqual({ answered: false, error: 'TIMEOUT' });
  } finally {
    clearInterval(tidying);
  }
});
