import type { Payment } from '../../generated/prisma/client.ts';
import { ok, type Result } from '../domain/result.ts';
import { checkCountry } from './address.ts';
import { checkText } from './details.ts';
import { invalid, type Failure } from './failure.ts';

/** What an amount is made of. Minor units. */
export interface Tax {
  readonly subtotal: bigint;
  readonly amount: bigint;
  readonly type: NonNullable<Payment['taxType']>;
  readonly country: string | null;
  readonly state: string | null;
  /** Per cent, as a decimal: "8.875". It is kept as it was told, never calculated with. */
  readonly rate: string | null;
}

/** Subtotal and tax add up to the payment's amount; neither is below zero. */
export function checkTax(tax: Tax, paymentAmount: bigint): Result<Tax, Failure> {
  for (const part of ['subtotal', 'amount'] as const) {
    if (tax[part] < 0n) return invalid('A subtotal and a tax are not below zero.', 'tax', part);
  }
  const sum = tax.subtotal + tax.amount;
  if (sum !== paymentAmount) {
    return invalid(`Subtotal and tax add up to ${sum} minor units, not to the payment's amount.`, 'tax', 'subtotal');
  }
  if (tax.type === 'NONE' && tax.amount !== 0n) return invalid('There is a tax amount, but no tax.', 'tax', 'type');
  if (tax.country !== null) {
    const country = checkCountry(tax.country, 'tax', 'country');
    if (!country.ok) return country;
  }
  const state = checkText(tax.state, ['tax', 'state'], 100);
  if (!state.ok) return state;
  if (tax.rate !== null && !/^(100|\d{1,2}(\.\d{1,6})?)$/.test(tax.rate)) {
    return invalid('A rate is per cent, 0 to 100 with up to six decimals: "8.875".', 'tax', 'rate');
  }
  return ok(tax);
}
