import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { gather } from '../../src/store/gather.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** One runs, and another beside one that is slow; each ends when it is told to. */
function startGathering() {
  const begun: { readonly keys: readonly number[]; readonly end: () => void }[] = [];
  const ask = gather<number, number>({ atOnce: 1, besideSlow: 1 }, async (keys) => {
    const ended = Promise.withResolvers<void>();
    begun.push({ keys, end: () => ended.resolve() });
    await ended.promise;
    return keys;
  });
  return { ask, begun, batches: () => begun.map(({ keys }) => keys) };
}

/** Lets everything happen that waits for no time. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
}

test('what is asked for while one is under way is done in one go after it', async () => {
  const { ask, begun, batches } = startGathering();
  const first = ask(1);
  await settle();
  const others = [ask(2), ask(3)];
  await settle();
  others.push(ask(4));
  await settle();
  expect(batches()).toEqual([[1]]);
  begun[0]?.end();
  await settle();
  expect(batches()).toEqual([[1], [2, 3, 4]]);
  begun[1]?.end();
  expect(await Promise.all([first, ...others])).toEqual([1, 2, 3, 4]);
});

test('one that is slow keeps nobody waiting, and two that are keep the rest', async () => {
  const { ask, begun, batches } = startGathering();
  const asked = [ask(1)];
  await settle();
  asked.push(ask(2));
  await settle();
  vi.advanceTimersByTime(99);
  await settle();
  expect(batches()).toEqual([[1]]);
  vi.advanceTimersByTime(1);
  await settle();
  expect(batches()).toEqual([[1], [2]]);
  asked.push(ask(3));
  await settle();
  vi.advanceTimersByTime(1_000);
  await settle();
  expect(batches()).toEqual([[1], [2]]);
  begun[0]?.end();
  await settle();
  expect(batches()).toEqual([[1], [2], [3]]);
  asked.push(ask(4));
  await settle();
  begun[1]?.end();
  await settle();
  expect(batches()).toEqual([[1], [2], [3]]);
  begun[2]?.end();
  await settle();
  begun[3]?.end();
  expect(await Promise.all(asked)).toEqual([1, 2, 3, 4]);
});

test('after a failure each is asked for by itself, and what waits goes on', async () => {
  const batches: (readonly number[])[] = [];
  const ask = gather<number, number>({ atOnce: 1, besideSlow: 1 }, (keys) => {
    batches.push(keys);
    return keys.includes(2) ? Promise.reject(new Error('not this one')) : Promise.resolve(keys);
  });
  const ends = await Promise.allSettled([ask(1), ask(2), ask(3)]);
  expect(ends).toMatchObject([{ value: 1 }, { reason: { message: 'not this one' } }, { value: 3 }]);
  expect(batches).toEqual([[1, 2, 3], [1], [2], [3]]);
  expect(await ask(4)).toBe(4);
});
