import type { IncomingMessage } from 'node:http';
import { expect, test } from 'vitest';
import { networkOf, networkReader } from '../../src/http/address.ts';

const from = (remoteAddress: string, forwarded?: string) =>
  ({
    socket: { remoteAddress },
    headers: forwarded === undefined ? {} : { 'x-forwarded-for': forwarded },
  }) as unknown as IncomingMessage;

test.each([
  ['192.0.2.7', '192.0.2.7'],
  ['::ffff:192.0.2.7', '192.0.2.7'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
  ['2001:db8:1:2:ffff::9', '2001:db8:1:2'],
  ['2001:db8::9', '2001:db8:0:0'],
  ['fe80::1%eth0', 'fe80:0:0:0'],
  ['::1', '0:0:0:0'],
  ['::', '0:0:0:0'],
  ['', ''],
])('%s is of the network %s', (address, network) => {
  expect(networkOf(address)).toBe(network);
});

test('nobody is believed who is not named', () => {
  expect(networkReader([])(from('10.0.0.1', '192.0.2.7'))).toBe('10.0.0.1');
  expect(networkReader(['10.0.0.2'])(from('10.0.0.1', '192.0.2.7'))).toBe('10.0.0.1');
});

test.each([
  ['one proxy', '10.0.0.1', '192.0.2.7', '192.0.2.7'],
  ['a chain of them', '::ffff:10.0.0.1', '192.0.2.7, 10.9.9.9', '192.0.2.7'],
  ['what the client wrote itself', '10.0.0.1', '198.51.100.1, 192.0.2.7', '192.0.2.7'],
  ['a proxy of an IPv6 network', 'fd00::1', '2001:db8:1:2:3::4', '2001:db8:1:2'],
  ['an address with a port', '10.0.0.1', '192.0.2.7:4711', '192.0.2.7'],
  ['an IPv6 address with a port', '10.0.0.1', '[2001:db8:1:2::3]:4711', '2001:db8:1:2'],
  ['no header', '10.0.0.1', undefined, '10.0.0.1'],
  ['no address', '10.0.0.1', 'unknown', '10.0.0.1'],
  ['an empty header', '10.0.0.1', '', '10.0.0.1'],
  ['proxies only', '10.0.0.1', '10.0.0.3, 10.0.0.2', '10.0.0.3'],
])('%s', (_, peer, forwarded, network) => {
  expect(networkReader(['10.0.0.0/8', 'fd00::/8'])(from(peer, forwarded))).toBe(network);
});
