import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CURRENCIES, exponentOf, parseCurrency, type Currency } from '../../src/domain/currency.ts';
import { add, AMOUNT_MAX, fromDecimal, isChargeable, toDecimal } from '../../src/domain/money.ts';

function currency(code: string): Currency {
  const parsed = parseCurrency(code);
  if (parsed === undefined) throw new Error(`${code} is no currency`);
  return parsed;
}

const anyCurrency = fc.constantFrom(...CURRENCIES);
const anyAmount = fc.bigInt({ min: 0n, max: AMOUNT_MAX });

test.for([
  ['EUR', 4999n, '49.99'],
  ['EUR', 5n, '0.05'],
  ['EUR', 50n, '0.50'],
  ['EUR', 100n, '1.00'],
  ['EUR', 0n, '0.00'],
  ['JPY', 4999n, '4999'],
  ['JPY', 0n, '0'],
  ['KWD', 4999n, '4.999'],
  ['KWD', 1n, '0.001'],
  ['CLF', 12345n, '1.2345'],
  ['EUR', AMOUNT_MAX, '9999999999.99'],
  ['CLF', AMOUNT_MAX, '99999999.9999'],
] as const)('%s %d is written %s, and read again', ([code, amount, decimal]) => {
  expect(toDecimal({ amount, currency: currency(code) })).toBe(decimal);
  expect(fromDecimal(decimal, currency(code))).toBe(amount);
});

test.for([
  ['EUR', -4999n, '-49.99'],
  ['EUR', -5n, '-0.05'],
  ['JPY', -1n, '-1'],
] as const)('a difference below zero is written too: %s %d as %s', ([code, amount, decimal]) => {
  expect(toDecimal({ amount, currency: currency(code) })).toBe(decimal);
});

test('every amount survives being written and read', () => {
  fc.assert(
    fc.property(anyAmount, anyCurrency, (amount, ofCurrency) => {
      const decimal = toDecimal({ amount, currency: ofCurrency });
      expect(fromDecimal(decimal, ofCurrency)).toBe(amount);
      expect(decimal.split('.')[1]?.length ?? 0).toBe(exponentOf(ofCurrency));
    }),
  );
});

test.for([
  ['1', 100n],
  ['1.5', 150n],
  ['0.5', 50n],
  ['0', 0n],
  ['007', 700n],
] as const)('fewer decimals than the currency has are filled up: %s', ([decimal, amount]) => {
  expect(fromDecimal(decimal, currency('EUR'))).toBe(amount);
});

test.for([
  ['EUR', '1.234'],
  ['EUR', '1.000'],
  ['JPY', '1.0'],
  ['KWD', '1.2345'],
  ['CLF', '1.23456'],
  ['EUR', '-1'],
  ['EUR', '+1'],
  ['EUR', '1e3'],
  ['EUR', '0x10'],
  ['EUR', ' 1'],
  ['EUR', '1 '],
  ['EUR', '1\n'],
  ['EUR', ''],
  ['EUR', '.'],
  ['EUR', '.5'],
  ['EUR', '1.'],
  ['EUR', '1,50'],
  ['EUR', '1,000.00'],
  ['EUR', '1.2.3'],
  ['EUR', '١'],
  ['EUR', 'NaN'],
  ['EUR', 'Infinity'],
  ['EUR', '9'.repeat(16)],
] as const)('%s "%s" is refused, never rounded', ([code, decimal]) => {
  expect(fromDecimal(decimal, currency(code))).toBeUndefined();
});

test.for([
  [-1n, false],
  [0n, false],
  [1n, true],
  [999_999_999_999n, true],
  [1_000_000_000_000n, false],
] as const)('whether %d can be charged: %s', ([amount, chargeable]) => {
  expect(isChargeable(amount)).toBe(chargeable);
});

test('amounts of one currency are added', () => {
  const sum = add({ amount: 1n, currency: currency('EUR') }, { amount: 2n, currency: currency('EUR') });
  expect(sum).toEqual({ amount: 3n, currency: 'EUR' });
});

test('two currencies are never added', () => {
  expect(() => add({ amount: 1n, currency: currency('EUR') }, { amount: 1n, currency: currency('USD') })).toThrow(
    'cannot add',
  );
});
