import fc from 'fast-check';
import { expect, test } from 'vitest';
import { HUMAN_IDS, humanIdOf, parseHumanId } from '../../src/domain/human-id.ts';

const anyNumber = fc.integer({ min: 0, max: HUMAN_IDS - 1 });

test('the first, the second and the last', () => {
  expect([0, 1, 29, 30, HUMAN_IDS - 1].map(humanIdOf)).toEqual(['222222', '222223', '22222Z', '222232', 'ZZZZZZ']);
});

test('six characters, none of which is taken for another', () => {
  fc.assert(
    fc.property(anyNumber, (number) => {
      expect(humanIdOf(number)).toMatch(/^[2-9A-HJKMNP-TV-Z]{6}$/);
    }),
  );
});

test('different numbers make different ids', () => {
  fc.assert(
    fc.property(anyNumber, anyNumber, (a, b) => {
      expect(humanIdOf(a) === humanIdOf(b)).toBe(a === b);
    }),
  );
});

test.for([-1, 0.5, HUMAN_IDS])('%d makes none', (number) => {
  expect(() => humanIdOf(number)).toThrow(RangeError);
});

test.for<[string, string]>([
  ['7kp4wz', '7KP4WZ'],
  [' 7KP-4WZ ', '7KP4WZ'],
  ['7kp 4wz', '7KP4WZ'],
])('"%s" is read as %s', ([text, id]) => {
  expect(parseHumanId(text)).toBe(id);
});

test.for<string>(['', '7KP4W', '7KP4WZ2', '7KP4W0', '7KP4WO', '7KP4WI', '7KP4WL', '7KP4WU', "7KP4W'"])(
  '"%s" is none',
  (text) => {
    expect(parseHumanId(text)).toBeUndefined();
  },
);
