import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { post } from '../../src/webhooks/post.ts';
import { certify } from '../harness/certificate.ts';

/** A receiver with TLS, on loopback, whose certificate is for hooks.example. */

const certified = certify('hooks.example');
const trusted = getCACertificates('default');
const hosts: (string | undefined)[] = [];
let server: Server;

beforeAll(async () => {
  server = createServer({ ...certified }, (request, response) => {
    hosts.push(request.headers.host);
    response.writeHead(204).end();
  });
  // Whoever does not trust it says so, and that is what is tested.
  server.on('tlsClientError', () => {});
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
});

afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => {
    server.close(resolve);
  });
});

afterEach(() => {
  setDefaultCACertificates(trusted);
  hosts.length = 0;
});

function send(host: string) {
  const { port } = server.address() as AddressInfo;
  return post(
    { url: `https://${host}:${port}/`, headers: {}, body: '{}' },
    {
      resolve: () => Promise.resolve([{ address: '127.0.0.1', family: 4 }]),
      isPlainAllowed: true,
      isAllowed: () => true,
      timeoutMs: 15_000,
      stopping: new AbortController().signal,
    },
  );
}

test('a certificate that can be trusted, for the name in the URL', async () => {
  setDefaultCACertificates([...trusted, certified.cert]);
  expect(await send('hooks.example')).toMatchObject({ answered: true, status: 204 });
  expect(hosts).toEqual([expect.stringMatching(/^hooks\.example:/)]);
});

test('one for another name is none, though the connection goes to the same address', async () => {
  setDefaultCACertificates([...trusted, certified.cert]);
  for (const host of ['other.example', '127.0.0.1']) {
    expect(await send(host)).toEqual({ answered: false, error: 'TLS' });
  }
  expect(hosts).toEqual([]);
});

test('nor is one that nobody vouches for', async () => {
  expect(await send('hooks.example')).toEqual({ answered: false, error: 'TLS' });
  expect(hosts).toEqual([]);
});
