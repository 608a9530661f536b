import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeCursor, encodeCursor, isAfter, LOG_START } from '../../src/domain/event-cursor.ts';

const anyPosition = fc.record({
  epoch: fc.nat({ max: 999_999_999 }),
  orderXid: fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }),
  position: fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }),
});

test('what was encoded is read again, with the epoch in which it was told', () => {
  fc.assert(
    fc.property(anyPosition, fc.nat({ max: 999_999_999 }), (at, toldIn) => {
      expect(decodeCursor(encodeCursor(at, toldIn))).toEqual({ ...at, toldIn });
    }),
  );
});

test('of two positions one is after the other, or they are the same', () => {
  fc.assert(
    fc.property(anyPosition, anyPosition, (a, b) => {
      const same = a.epoch === b.epoch && a.orderXid === b.orderXid && a.position === b.position;
      expect([isAfter(a, b), isAfter(b, a), same].filter(Boolean)).toHaveLength(1);
    }),
  );
});

test('nothing is before the start', () => {
  fc.assert(
    fc.property(anyPosition, (at) => {
      expect(isAfter(LOG_START, at)).toBe(false);
    }),
  );
});

const text = (inside: string): string => `evc_${Buffer.from(inside).toString('base64url')}`;

test.for([
  '',
  'evc_',
  'evt_1',
  text('1.1.1'),
  text('1.1.1.1.1'),
  text('1.1.-1.1'),
  text('1.1.9223372036854775808.1'),
  text('1.1.1.9223372036854775808'),
  text('1.1.1.x'),
  `evc_${'A'.repeat(200)}`,
])('"%s" is no cursor', (cursor) => {
  expect(decodeCursor(cursor)).toBeUndefined();
});
