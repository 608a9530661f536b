import type { LookupAddress } from 'node:dns';
import { createServer } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { keptText, post, type Conditions } from '../../src/webhooks/post.ts';
import { Receiver } from '../harness/receiver.ts';
import { until } from '../harness/until.ts';

const receiver = new Receiver();
beforeAll(() => receiver.start());
afterAll(() => receiver.stop());
beforeEach(() => {
  receiver.received.length = 0;
  receiver.answer({ status: 204 });
});

const LOOPBACK: LookupAddress = { address: '127.0.0.1', family: 4 };

function leadsTo(...addresses: LookupAddress[]) {
  return () => Promise.resolve(addresses);
}

function unknown(): Promise<never> {
  return Promise.reject(new Error('ENOTFOUND'));
}

function never(): Promise<never> {
  return new Promise(() => {});
}

function isLoopback(address: string): boolean {
  return address === '127.0.0.1';
}

function conditions(given: Partial<Conditions> = {}): Conditions {
  return {
    resolve: leadsTo(LOOPBACK),
    isPlainAllowed: true,
    isAllowed: () => true,
    timeoutMs: 15_000,
    stopping: new AbortController().signal,
    ...given,
  };
}

function send(given: Partial<Conditions> = {}, url = receiver.url('hook', 'hooks.example')) {
  return post({ url, headers: { 'webhook-id': 'whd_1' }, body: '{"ü":1}' }, conditions(given));
}

test('it posts the body with its headers, to the host by its name', async () => {
  receiver.answer({ status: 200, body: 'thanks' });
  expect(await send()).toEqual({ answered: true, status: 200, text: 'thanks', retryAfter: undefined });
  const [request] = receiver.received;
  expect(request).toMatchObject({
    method: 'POST',
    body: '{"ü":1}',
    headers: { host: `hooks.example:${receiver.port}`, 'webhook-id': 'whd_1', 'content-length': '8' },
  });
});

test('a redirect is an answer, and nobody follows it', async () => {
  receiver.answer({ status: 302, headers: { location: receiver.url('elsewhere') } });
  expect(await send()).toMatchObject({ answered: true, status: 302 });
  expect(receiver.received.map(({ path }) => path)).toEqual(['/hook']);
});

describe('the address', () => {
  test('is looked up once, and the connection goes to what was found then', async () => {
    const answers = ['127.0.0.1', '10.0.0.1', '10.0.0.1'];
    const asked: string[] = [];
    const resolve = (host: string) => {
      asked.push(host);
      return Promise.resolve([{ address: answers.shift() ?? '', family: 4 }]);
    };
    expect(await send({ resolve, isAllowed: isLoopback })).toMatchObject({ answered: true, status: 204 });
    expect(asked).toEqual(['hooks.example']);
    expect(await send({ resolve, isAllowed: isLoopback })).toEqual({ answered: false, error: 'ADDRESS_REFUSED' });
    expect(receiver.received).toHaveLength(1);
  });

  test('is one that is allowed, among several', async () => {
    // Nothing listens on the first: if it were tried, it would be refused or answer something else.
    const resolve = leadsTo({ address: '127.0.0.2', family: 4 }, LOOPBACK);
    expect(await send({ resolve, isAllowed: isLoopback })).toMatchObject({ answered: true });
  });

  test.for(['127.0.0.1', '[::1]'])('%s in the URL itself is looked at, too', async (host) => {
    const looked: string[] = [];
    const isAllowed = (address: string) => {
      looked.push(address);
      return false;
    };
    const sent = await send({ resolve: unknown, isAllowed }, receiver.url('hook', host));
    expect(sent).toEqual({ answered: false, error: 'ADDRESS_REFUSED' });
    expect(looked).toEqual([host.replaceAll(/[[\]]/g, '')]);
    expect(receiver.received).toEqual([]);
  });

  test('that there is not', async () => {
    expect(await send({ resolve: unknown })).toEqual({ answered: false, error: 'NAME_NOT_RESOLVED' });
    expect(await send({ resolve: leadsTo() })).toEqual({ answered: false, error: 'NAME_NOT_RESOLVED' });
  });
});

describe('time', () => {
  test('is limited for an answer', async () => {
    receiver.answer('never');
    expect(await send({ timeoutMs: 20 })).toEqual({ answered: false, error: 'TIMEOUT' });
  });

  test('is limited for finding the address', async () => {
    expect(await send({ timeoutMs: 20, resolve: never })).toEqual({ answered: false, error: 'TIMEOUT' });
  });

  test('is limited for the rest of an answer, whose status counts', async () => {
    receiver.answer('half');
    // On a busy machine, the status itself may come too late.
    const sent = await until(async () => {
      const outcome = await send({ timeoutMs: 200 });
      return outcome.answered && outcome.text !== '' && outcome;
    });
    expect(sent).toMatchObject({ answered: true, status: 200, text: 'half of it' });
  });

  test('ends when the gateway stops', async () => {
    receiver.answer('never');
    const stopping = new AbortController();
    const sent = send({ stopping: stopping.signal });
    await receiver.wait('hook', 1);
    stopping.abort();
    expect(await sent).toEqual({ answered: false, error: 'INTERRUPTED' });
    expect(await send({ stopping: stopping.signal, resolve: never })).toEqual({
      answered: false,
      error: 'INTERRUPTED',
    });
  });
});

test('a connection that is cut is no answer', async () => {
  receiver.answer('cut');
  expect(await send()).toEqual({ answered: false, error: 'CONNECTION' });
});

test('nobody listens', async () => {
  const closed = new Receiver();
  await closed.start();
  const url = closed.url('hook');
  await closed.stop();
  expect(await send({}, url)).toEqual({ answered: false, error: 'CONNECTION' });
});

test('what does not speak TLS is not trusted', async () => {
  const url = receiver.url('hook', 'hooks.example').replace('http:', 'https:');
  expect(await send({}, url)).toEqual({ answered: false, error: 'TLS' });
  expect(receiver.received).toEqual([]);
});

test('what has no TLS is sent nowhere, unless that is allowed', async () => {
  expect(await send({ isPlainAllowed: false })).toEqual({ answered: false, error: 'TLS' });
  expect(receiver.received).toEqual([]);
});

test('of an answer without end, a beginning is read', async () => {
  const chunk = `HTTP/1.1 200 OK\r\n\r\n${'x'.repeat(16_384)}`;
  let closed = false;
  const server = createServer((socket) => {
    const write = (text: string): void => void socket.write(text, () => !closed && write('x'.repeat(16_384)));
    socket.on('close', () => (closed = true)).on('error', () => (closed = true));
    socket.once('data', () => write(chunk));
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as { port: number };
  const sent = await send({}, `http://hooks.example:${port}/`);
  expect(sent).toMatchObject({ answered: true, status: 200, text: 'x'.repeat(1_024) });
  await new Promise((resolve) => {
    server.close(resolve);
  });
});

test('what is kept of an answer holds no control character and no half of one', () => {
  expect(keptText(Buffer.from('\u001B[31mred\u0000\r\n\u0085ok'))).toBe('[31mredok');
  expect(keptText(Buffer.from(`${'x'.repeat(1_023)}😀`)).isWellFormed()).toBe(true);
  expect(keptText(Buffer.from([0xff, 0x41]))).toBe('\uFFFDA');
});
