import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CURRENCIES, exponentOf } from '../../src/domain/currency.ts';
import { fromStripeAmount, refusesAmount, toStripeAmount } from '../../src/processors/stripe/amounts.ts';

/** Amounts in minor units of ISO 4217, and in Stripe's. */
test.each([
  ['EUR', 1_099n, 1_099],
  ['USD', 50n, 50],
  ['HUF', 17_500n, 17_500],
  ['TWD', 80_045n, 80_045],
  ['JPY', 500n, 500],
  ['KRW', 50n, 50],
  ['VND', 20_000n, 20_000],
  ['CLP', 990n, 990],
  // "To charge 5 ISK, provide an amount value of 500."
  ['ISK', 5n, 500],
  ['UGX', 5n, 500],
  // ISO counts its fifths as if they were hundredths; Stripe counts none.
  ['MGA', 500n, 5],
  // "5.124 KWD must be rounded to 5120 or 5130."
  ['KWD', 5_120n, 5_120],
  ['BHD', 10n, 10],
  ['JOD', 1_230n, 1_230],
  ['OMR', 1_230n, 1_230],
  ['TND', 1_230n, 1_230],
])('%s: %s is %s at Stripe', (currency, amount, units) => {
  expect(toStripeAmount(amount, currency)).toBe(units);
  expect(fromStripeAmount(units, currency.toLowerCase())).toEqual({ amount, currency });
  expect(refusesAmount(amount, currency)).toBeUndefined();
});

test.each([
  ['KWD', 5_124n, 'Stripe takes amounts in KWD in steps of 10 minor units.'],
  ['MGA', 550n, 'Stripe takes amounts in MGA in steps of 100 minor units.'],
  ['IQD', 1_000n, 'Stripe takes no payments in IQD.'],
  ['XXX', 1_000n, 'Stripe takes no payments in XXX.'],
  ['EUR', 1_000_000_000_000n, 'Stripe takes no more than 999999999999 minor units in EUR.'],
])('%s: %s is refused: %s', (currency, amount, why) => {
  expect(refusesAmount(amount, currency)).toBe(why);
  expect(toStripeAmount(amount, currency)).toBeUndefined();
});

/** The least that Stripe documents, in minor units of ISO 4217. */
test.each([
  ['USD', 50n],
  ['AED', 200n],
  ['ARS', 50n],
  ['AUD', 50n],
  ['BRL', 50n],
  ['CAD', 50n],
  ['CHF', 50n],
  ['COP', 50n],
  ['CZK', 1_500n],
  ['DKK', 250n],
  ['EUR', 50n],
  ['GBP', 30n],
  ['HKD', 400n],
  ['HUF', 17_500n],
  ['IDR', 50n],
  ['ILS', 50n],
  ['INR', 50n],
  ['JPY', 50n],
  ['KRW', 50n],
  ['MXN', 1_000n],
  ['MYR', 200n],
  ['NOK', 300n],
  ['NZD', 50n],
  ['PHP', 50n],
  ['PLN', 200n],
  ['RON', 200n],
  ['RUB', 50n],
  ['SEK', 300n],
  ['SGD', 50n],
  ['THB', 1_000n],
  ['ZAR', 50n],
])('%s: %s is the least', (currency, least) => {
  expect(refusesAmount(least, currency)).toBeUndefined();
  expect(refusesAmount(least - 1n, currency)).toBe(`Stripe takes no less than ${least} minor units in ${currency}.`);
});

test('what the table says of a currency differs from ISO 4217 only where Stripe does', () => {
  const differing = CURRENCIES.filter((currency) => {
    const units = toStripeAmount(1_000n, currency);
    return units !== undefined && units !== 1_000;
  });
  expect(differing).toEqual(['ISK', 'MGA', 'UGX']);
  const threeDecimals = CURRENCIES.filter(
    (currency) => exponentOf(currency) === 3 && toStripeAmount(1_000n, currency) !== undefined,
  );
  expect(threeDecimals).toEqual(['BHD', 'JOD', 'KWD', 'OMR', 'TND']);
});

test('whatever Stripe takes comes back as it was', () => {
  fc.assert(
    fc.property(fc.constantFrom(...CURRENCIES), fc.bigInt(0n, 10n ** 14n), (currency, amount) => {
      const units = toStripeAmount(amount, currency);
      if (units === undefined) {
        expect(refusesAmount(amount, currency)).toBeDefined();
        return;
      }
      expect(Number.isSafeInteger(units)).toBe(true);
      expect(fromStripeAmount(units, currency.toLowerCase())).toEqual({ amount, currency });
    }),
  );
});

test.each([
  ['usdx', 100],
  ['isk', 550],
])('an amount in %s that is none of ours', (currency, units) => {
  expect(fromStripeAmount(units, currency)).toBeUndefined();
});
