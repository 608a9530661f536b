import { expect, test } from 'vitest';
import { retryAfterMsOf, WEBHOOK_ATTEMPTS, webhookRetryDelayMs } from '../../src/domain/webhook-schedule.ts';

const HOUR_S = 3_600;

/** The waits after each failed attempt, in seconds. */
function schedule(random: number): number[] {
  const delays: number[] = [];
  for (let left = WEBHOOK_ATTEMPTS - 1; left > 0; left--)
    delays.push((webhookRetryDelayMs(left, random, undefined) ?? 0) / 1_000);
  return delays;
}

test('ten attempts over three days, each wait as documented', () => {
  const delays = schedule(0.5);
  expect(delays).toEqual([5, 300, 1_800, ...[2, 5, 10, 14, 20, 24].map((hours) => hours * HOUR_S)]);
  const wholeHours = delays.reduce((sum, delay) => sum + delay, 0) / HOUR_S;
  expect(wholeHours).toBeGreaterThan(72);
  expect(wholeHours).toBeLessThan(80);
});

test('a wait is longer or shorter by a fifth at most', () => {
  for (const [index, delay] of schedule(0.5).entries()) {
    expect(schedule(0)[index]).toBeCloseTo(delay * 0.8, 3);
    expect(schedule(1)[index]).toBeCloseTo(delay * 1.2, 3);
  }
});

test('after the last attempt there is none', () => {
  expect(webhookRetryDelayMs(0, 0.5, undefined)).toBeUndefined();
  expect(webhookRetryDelayMs(0, 0.5, 1_000)).toBeUndefined();
});

test.for([
  ['longer than the schedule', 60_000, 60_000],
  ['shorter than the schedule', 1, 5_000],
  ['longer than a day', 999 * 24 * 3_600_000, 24 * 3_600_000],
] as const)('a receiver asks for a wait that is %s', ([, asked, waited]) => {
  expect(webhookRetryDelayMs(WEBHOOK_ATTEMPTS - 1, 0.5, asked)).toBe(waited);
});

test.for([
  ['120', 120_000],
  ['0', 0],
  ['Sat, 21 Nov 2026 10:00:30 GMT', 30_000],
  ['Sat, 21 Nov 2026 09:00:00 GMT', 0],
  ['soon', undefined],
  ['-5', undefined],
  ['1.5', undefined],
  ['9999999999', undefined],
  ['Xxx, 99 Xxx 2026 10:00:30 GMT', undefined],
  [undefined, undefined],
] as const)('Retry-After: %s', ([header, ms]) => {
  expect(retryAfterMsOf(header, new Date('2026-11-21T10:00:00Z'))).toBe(ms);
});
