import type { Attempt as AttemptRow, Payment as PaymentRow } from '../../generated/prisma/client.ts';
import { builder } from './builder.ts';
import { BY_CREATION, keysetConnection } from './connection.ts';
import { Customer } from './customer.ts';
import { AttemptConnection } from './movements.ts';
import { PaymentConnection, Payment } from './payment.ts';
import { Attempt } from './movements.ts';
import { PaymentMethod } from './payment-method.ts';
import { CUSTOMERS_TOO, MERCHANT_ONLY } from './reach.ts';

/** The relations of customers and of what they pay with. */

builder.prismaObjectFields('Customer', (t) => ({
  payments: t.connection(
    {
      type: Payment,
      description: 'Their payments, the newest first.',
      resolve: ({ id }, args, { loaders }) =>
        keysetConnection<PaymentRow>({
          args,
          descending: true,
          order: BY_CREATION,
          read: (page) => loaders.paymentsOfCustomer(id, page),
          count: () => loaders.paymentCountOfCustomer.load(id),
        }),
    },
    PaymentConnection,
  ),
  paymentMethods: t.field({
    type: [PaymentMethod],
    description: 'Their payment methods that are not detached, the oldest first; at most 100.',
    resolve: ({ id }, _, { loaders }) => loaders.paymentMethodsOfCustomer.load(id),
  }),
}));

builder.prismaObjectFields('PaymentMethod', (t) => ({
  customer: t.field({
    ...CUSTOMERS_TOO,
    type: Customer,
    nullable: true,
    description: 'Whose it is; null for a card that was given with one payment.',
    resolve: ({ customerId }, _, { loaders }) => (customerId === null ? null : loaders.customer.load(customerId)),
  }),
  payments: t.connection(
    {
      ...MERCHANT_ONLY,
      type: Payment,
      description: 'What was paid with it, the newest first.',
      resolve: ({ id }, args, { loaders }) =>
        keysetConnection<PaymentRow>({
          args,
          descending: true,
          order: BY_CREATION,
          read: (page) => loaders.paymentsOfPaymentMethod(id, page),
          count: () => loaders.paymentCountOfPaymentMethod.load(id),
        }),
    },
    PaymentConnection,
  ),
  attempts: t.connection(
    {
      ...MERCHANT_ONLY,
      type: Attempt,
      description: 'Every attempt with it, the newest first.',
      resolve: ({ id }, args, { loaders }) =>
        keysetConnection<AttemptRow>({
          args,
          descending: true,
          order: BY_CREATION,
          read: (page) => loaders.attemptsOfPaymentMethod(id, page),
          count: () => loaders.attemptCountOfPaymentMethod.load(id),
        }),
    },
    AttemptConnection,
  ),
}));
