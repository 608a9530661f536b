import { expect, test } from 'vitest';
import { CURRENCIES, exponentOf, parseCurrency, type Currency } from '../../src/domain/currency.ts';

/** Every currency in use whose minor unit is not a hundredth, from ISO 4217's own list. */
const UNUSUAL: readonly (readonly [exponent: number, codes: string])[] = [
  [0, 'BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF'],
  [3, 'BHD IQD JOD KWD LYD OMR TND'],
  [4, 'CLF'],
];

const UNUSUAL_EXPONENTS = UNUSUAL.flatMap(([exponent, codes]) =>
  codes.split(' ').map((code) => [code, exponent] as const),
);

test.for(UNUSUAL_EXPONENTS)('%s has %i decimals', ([code, exponent]) => {
  const currency = parseCurrency(code);
  expect(currency).toBe(code);
  expect(currency && exponentOf(currency)).toBe(exponent);
});

test('every other currency has two decimals', () => {
  const unusual = new Set(UNUSUAL_EXPONENTS.map(([code]) => code));
  const others = CURRENCIES.filter((code) => !unusual.has(code));
  expect(new Set(others.map(exponentOf))).toEqual(new Set([2]));
  expect(others).toEqual(expect.arrayContaining(['EUR', 'USD', 'GBP', 'CHF', 'HUF', 'IDR', 'MGA', 'MRU', 'TWD']));
});

test('the list is in the order of the alphabet, each code once', () => {
  expect(CURRENCIES).toEqual([...new Set(CURRENCIES)].toSorted());
  expect(CURRENCIES.filter((code) => !/^[A-Z]{3}$/.test(code))).toEqual([]);
});

test.for([
  ['eur', 'EUR'],
  ['Jpy', 'JPY'],
  ['KWD', 'KWD'],
])('%s is read as %s', ([given, code]) => {
  expect(parseCurrency(given ?? '')).toBe(code);
});

test.for(['', 'EU', 'EURO', ' EUR', 'EUR ', 'E R', '978', 'XXX', 'XTS', 'XAU', 'DEM', 'HRK', 'CHE', 'USN', 'toString'])(
  '"%s" is refused',
  (code) => {
    expect(parseCurrency(code)).toBeUndefined();
  },
);

test('a currency that nobody parsed is a broken invariant', () => {
  expect(() => exponentOf('eur' as Currency)).toThrow('parseCurrency');
});
