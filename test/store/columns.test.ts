import fc from 'fast-check';
import pg from 'pg';
import { expect, test } from 'vitest';
import { parseTime, toJsonRows } from '../../src/store/columns.ts';

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

test('rows are the JSON of their columns, without those that are null', () => {
  const at = new Date('2026-11-21T09:30:00.125Z');
  const bytes = new Uint8Array([0, 15, 255]);
  const rows = [
    { id: 'a', humanId: null, createdAt: at, amount: 9007199254740993n, hash: bytes, isDue: false, count: 0 },
    { id: 'b', scopes: ['READ', 'PAY'], metadata: { a_b: null, cD: 'é' } },
    {},
  ];
  expect(JSON.parse(toJsonRows(rows))).toEqual([
    {
      id: 'a',
      created_at: at.toJSON(),
      amount: '9007199254740993',
      hash: String.raw`\x000fff`,
      is_due: false,
      count: 0,
    },
    { id: 'b', scopes: ['READ', 'PAY'], metadata: { a_b: null, cD: 'é' } },
    {},
  ]);
  expect(toJsonRows([])).toBe('[]');
  expect(() => toJsonRows([{ id: undefined }])).toThrow('a column whose value is none');
});

test('whatever a text holds comes back from its row', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'binary' })), (texts) => {
      const rows = texts.map((description) => ({ description }));
      expect(JSON.parse(toJsonRows(rows))).toEqual(rows);
    }),
  );
});
