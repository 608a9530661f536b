import { expect, test } from 'vitest';
import { networkOf, RateLimit } from '../../src/http/rate-limit.ts';

const limit = (keysMax = 10) => new RateLimit({ max: 3, windowMs: 1_000, keysMax });

test('so many are let through, then none until the window is over', () => {
  const it = limit();
  expect([5, 6, 7].map((nowMs) => it.take('a', nowMs))).toEqual([0, 0, 0]);
  expect(it.take('a', 8)).toBe(997);
  expect(it.take('a', 1_004)).toBe(1);
  expect([1_005, 1_006, 1_007].map((nowMs) => it.take('a', nowMs))).toEqual([0, 0, 0]);
  expect(it.take('a', 1_008)).toBe(997);
});

test('each key is counted by itself', () => {
  const it = limit();
  for (const key of ['a', 'b']) expect([1, 2, 3].map((nowMs) => it.take(key, nowMs))).toEqual([0, 0, 0]);
  expect(it.take('a', 4)).toBeGreaterThan(0);
  expect(it.take('c', 4)).toBe(0);
});

test('it keeps no more keys than it may: the one that began first is forgotten', () => {
  const it = limit(2);
  for (const nowMs of [1, 2, 3]) it.take('a', nowMs);
  it.take('b', 4);
  expect(it.take('a', 5)).toBeGreaterThan(0);
  it.take('c', 6);
  expect(it.take('a', 7)).toBe(0);
});

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
