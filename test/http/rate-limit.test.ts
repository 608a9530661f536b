import { expect, test } from 'vitest';
import { RateLimit } from '../../src/http/rate-limit.ts';

const limit = (keysMax = 10) => new RateLimit({ count: 3, windowMs: 3_000, burst: 3 }, keysMax);

test('each key is counted by itself', () => {
  const it = limit();
  for (const key of ['a', 'b']) expect([1, 2, 3].map((nowMs) => it.take(key, nowMs).waitMs)).toEqual([0, 0, 0]);
  expect(it.take('a', 4).waitMs).toBe(997);
  expect(it.take('c', 4).waitMs).toBe(0);
});

test('a look counts nothing, and what is given back did not count', () => {
  const it = limit();
  for (const nowMs of [1, 2, 3]) it.take('a', nowMs);
  expect(it.look('a', 4).waitMs).toBe(997);
  it.giveBack('a');
  expect([it.look('a', 4).waitMs, it.look('a', 4).waitMs, it.take('a', 4).waitMs]).toEqual([0, 0, 0]);
  expect(it.take('a', 4).waitMs).toBe(997);
  it.giveBack('nobody');
  expect(it.look('nobody', 4).remaining).toBe(2);
});

test('it keeps no more keys than it may: the one that was seen longest ago is forgotten', () => {
  const it = limit(2);
  for (const nowMs of [1, 2]) it.take('a', nowMs);
  it.take('b', 3);
  it.take('a', 4);
  it.take('c', 5);
  expect(it.take('a', 6).waitMs).toBeGreaterThan(0);
  expect(it.take('b', 7).remaining).toBe(2);
});
