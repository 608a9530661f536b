import { expect, test } from 'vitest';
import { isoTime } from '../../src/schema/iso-time.ts';

const DAY_MS = 24 * 3_600 * 1_000;
const NOW_MS = Date.parse('2026-11-21T09:30:00.125Z');

/** The ends of days, years and what a Date can be, and moments all over. */
const MOMENTS = [
  0,
  -1,
  1,
  DAY_MS - 1,
  DAY_MS,
  -DAY_MS,
  8.64e15,
  -8.64e15,
  NOW_MS,
  ...['0000-01-01T00:00:00Z', '9999-12-31T23:59:59.999Z', '+010000-01-01T00:00:00Z', '2024-02-29T12:00:00Z'].map(
    Date.parse,
  ),
  ...Array.from({ length: 5_000 }, (_, at) => NOW_MS - at * 7_777_777),
  ...Array.from({ length: 1_000 }, (_, at) => NOW_MS - at * 7_777_777_777),
].map((milliseconds) => new Date(milliseconds));

test('a moment is told as JavaScript tells it', () => {
  for (const moment of [...MOMENTS, ...MOMENTS.toReversed()]) expect(isoTime(moment)).toBe(moment.toISOString());
});

test('a Date that is none is no moment', () => {
  expect(() => isoTime(new Date(Number.NaN))).toThrow(RangeError);
  expect(isoTime(new Date(0))).toBe('1970-01-01T00:00:00.000Z');
});
