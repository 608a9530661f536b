import fc from 'fast-check';
import { expect, test } from 'vitest';
import { giveBack, take, type Rate } from '../../src/domain/rate.ts';

const RATE: Rate = { count: 10, windowMs: 1_000, burst: 3 };

/** Takes at each of these moments, in milliseconds. @returns how long to wait, each time */
function waits(rate: Rate, ...momentsMs: readonly number[]): number[] {
  let fullAtUs: number | undefined;
  return momentsMs.map((nowMs) => {
    const taken = take(rate, fullAtUs, nowMs * 1_000);
    fullAtUs = taken.fullAtUs;
    return taken.waitMs;
  });
}

test('a burst is let through at once, then one at each step', () => {
  expect(waits(RATE, 0, 0, 0, 0, 99, 100, 100)).toEqual([0, 0, 0, 100, 1, 0, 100]);
});

test('after a pause there is a whole burst again, and no more', () => {
  expect(waits(RATE, 0, 0, 0, 60_000, 60_000, 60_000, 60_000)).toEqual([0, 0, 0, 0, 0, 0, 100]);
});

test('what is refused takes nothing', () => {
  expect(waits(RATE, 0, 0, 0, 50, 50, 50, 100)).toEqual([0, 0, 0, 50, 50, 50, 0]);
});

test('it tells what is left, and when all of it is there again', () => {
  expect(take(RATE, undefined, 5_000_000)).toEqual({ waitMs: 0, remaining: 2, fullInMs: 100, fullAtUs: 5_100_000 });
  expect(take(RATE, 5_300_000, 5_000_000)).toEqual({ waitMs: 100, remaining: 0, fullInMs: 300, fullAtUs: 5_300_000 });
});

test('what is given back can be taken anew', () => {
  expect(take(RATE, giveBack(RATE, 5_300_000), 5_000_000).waitMs).toBe(0);
});

test('whatever comes when, no stretch of time gets more than its pace and one burst; and who waits is let through', () => {
  const rates = fc.record({
    count: fc.integer({ min: 1, max: 2_000 }),
    windowMs: fc.constantFrom(1_000, 600_000),
    burst: fc.integer({ min: 1, max: 50 }),
  });
  const pauses = fc.array(fc.integer({ min: 0, max: 30_000 }), { minLength: 1, maxLength: 200 });
  fc.assert(
    fc.property(rates, pauses, (rate, pausesUs) => {
      let nowUs = 1_000_000;
      let fullAtUs: number | undefined;
      const begun = nowUs;
      let through = 0;
      for (const pauseUs of pausesUs) {
        nowUs += pauseUs;
        const taken = take(rate, fullAtUs, nowUs);
        if (taken.waitMs === 0) through++;
        else expect(take(rate, taken.fullAtUs, nowUs + taken.waitMs * 1_000).waitMs).toBe(0);
        fullAtUs = taken.fullAtUs;
      }
      const paced = ((nowUs - begun) * rate.count) / (rate.windowMs * 1_000);
      expect(through).toBeLessThanOrEqual(Math.floor(paced) + rate.burst);
    }),
  );
});
