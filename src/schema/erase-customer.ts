import type { Customer as CustomerRow } from '../../generated/prisma/client.ts';
import { decodeIdOf } from '../domain/ids.ts';
import { eraseCustomer } from '../payments/erase-customer.ts';
import { notFound } from '../payments/failure.ts';
import { builder } from './builder.ts';
import { Customer } from './customer.ts';
import { mutationResult } from './errors.ts';
import { ADMINISTERS } from './reach.ts';

const EraseCustomerInput = builder.inputType('EraseCustomerInput', {
  description: 'A customer whose personal data are to be removed.',
  fields: (t) => ({ customerId: t.id({ required: true, description: 'Which customer.' }) }),
});

const EraseCustomerPayload = builder.objectRef<{ customer: CustomerRow }>('EraseCustomerPayload').implement({
  description: 'The personal data are gone.',
  fields: (t) => ({ customer: t.expose('customer', { type: Customer, description: 'What is left.' }) }),
});

const EraseCustomerResult = mutationResult('EraseCustomer', EraseCustomerPayload, ['NOT_FOUND', 'PAYMENTS_UNDER_WAY']);

builder.mutationField('eraseCustomer', (t) =>
  t.field({
    ...ADMINISTERS,
    type: EraseCustomerResult.type,
    description:
      'Removes a customer’s personal data for good, wherever they are, and detaches the payment methods. The history of the money stays. Doing it twice changes nothing.',
    args: { input: t.arg({ type: EraseCustomerInput, required: true, description: 'Which customer.' }) },
    resolve: async (_, { input }, context) => {
      const id = decodeIdOf('Customer', input.customerId);
      const result =
        id === undefined
          ? notFound('customer', 'customerId')
          : await eraseCustomer(context.gateway, context.caller, id);
      return EraseCustomerResult.answer(context, result, (customer) => ({ customer }));
    },
  }),
);
