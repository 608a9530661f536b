import fc from 'fast-check';
import pg from 'pg';
import { expect, test } from 'vitest';
import { parseTime } from '../../src/store/columns.ts';

const byPg = pg.types.getTypeParser(pg.types.builtins.TIMESTAMPTZ) as (text: string) => unknown;

test('a moment in UTC is read as pg reads it, to the millisecond', () => {
  const moment = fc.date({ min: new Date('0100-01-01T00:00:00Z'), max: new Date('9999-12-31T23:59:59.999Z') });
  fc.assert(
    fc.property(
      moment.filter((date) => !Number.isNaN(date.getTime())),
      (date) => {
        // As PostgreSQL writes it: no fraction that ends in zeros.
        const text = date
          .toISOString()
          .replace('T', ' ')
          .replace(/\.?0*Z$/, '+00');
        expect(parseTime(text)).toEqual(date);
        expect(byPg(text)).toEqual(date);
      },
    ),
  );
});

test.each([
  '2026-11-21 10:30:00.125+01',
  '2026-11-21 15:00:00+05:30',
  '2026-11-21 09:30:00.125999+00',
  '0044-03-15 12:00:00+00 BC',
  '0044-03-15 12:00:00+00',
  'infinity',
  '-infinity',
])('%s is read by pg', (text) => {
  expect(parseTime(text)).toEqual(byPg(text));
});
