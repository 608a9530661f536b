import { parseCurrency } from '../domain/currency.ts';
import { toDecimal } from '../domain/money.ts';
import { builder } from './builder.ts';

export interface MoneyShape {
  readonly amount: bigint;
  readonly currency: string;
}

export const Money = builder.objectRef<MoneyShape>('Money').implement({
  description: 'An amount of money.',
  fields: (t) => ({
    amount: t.field({
      type: 'SafeInt',
      description: 'Whole minor units: 4999 in EUR is 49.99 euros, 4999 in JPY is 4999 yen.',
      resolve: (money) => Number(money.amount),
    }),
    currency: t.field({ type: 'Currency', description: 'The currency.', resolve: (money) => money.currency }),
    decimal: t.string({
      description: 'The same amount with the decimal point of its currency: "49.99".',
      resolve: ({ amount, currency }) => {
        const parsed = parseCurrency(currency);
        if (parsed === undefined) throw new Error('a stored amount has no currency');
        return toDecimal({ amount, currency: parsed });
      },
    }),
  }),
});
