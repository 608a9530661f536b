import { exponentOf, type Currency } from './currency.ts';

/** Amounts are whole minor units: 4999 in EUR is 49.99 euros. */
export interface Money {
  readonly amount: bigint;
  readonly currency: Currency;
}

/**
 * The largest amount of one payment, in minor units: twelve digits, as the widest processors take. Sums of a
 * thousand such payments still fit a JSON number (2^53 − 1) and a BIGINT.
 */
export const AMOUNT_MAX = 999_999_999_999n;

/** Whether a number of minor units can be an amount of money that moves: above zero and within the limit. */
export function isChargeable(amount: bigint): boolean {
  return amount > 0n && amount <= AMOUNT_MAX;
}

/** Two amounts of one currency; adding others is a broken invariant, so it throws. */
export function add(a: Money, b: Money): Money {
  if (a.currency !== b.currency) throw new Error(`cannot add ${a.currency} to ${b.currency}`);
  return { amount: a.amount + b.amount, currency: a.currency };
}

/** The amount with the currency's decimal point: 4999 EUR is "49.99", 4999 JPY is "4999". */
export function toDecimal({ amount, currency }: Money): string {
  const exponent = exponentOf(currency);
  const sign = amount < 0n ? '-' : '';
  const digits = (amount < 0n ? -amount : amount).toString().padStart(exponent + 1, '0');
  return exponent === 0 ? sign + digits : `${sign}${digits.slice(0, -exponent)}.${digits.slice(-exponent)}`;
}

/**
 * Reads "49.99" as 4999n for EUR. Undefined where the text is no plain decimal number or has more decimals
 * than the currency: what cannot be represented is refused, never rounded.
 */
export function fromDecimal(decimal: string, currency: Currency): bigint | undefined {
  const match = /^(\d{1,15})(?:\.(\d{1,4}))?$/.exec(decimal);
  if (!match) return undefined;
  const [, whole = '', fraction = ''] = match;
  const exponent = exponentOf(currency);
  if (fraction.length > exponent) return undefined;
  return BigInt(whole + fraction.padEnd(exponent, '0'));
}
