import { connect } from 'node:net';
import { expect, test } from 'vitest';
import { useGateway } from '../harness/gateway.ts';

const gateway = useGateway();

test('a peer that goes away in the middle of an upgrade harms nobody', async () => {
  const { hostname, port } = new URL(gateway().url);
  for (const path of ['/foo', '/graphql']) {
    const socket = connect(Number(port), hostname);
    await new Promise((resolve) => socket.once('connect', resolve));
    const headers = 'Host: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13';
    socket.write(`GET ${path} HTTP/1.1\r\n${headers}\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`);
    socket.resetAndDestroy();
  }
  const { data } = await gateway().request('{ viewer { mode } }');
  expect(data).toEqual({ viewer: { mode: 'TEST' } });
});
