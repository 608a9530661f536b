import { decodeIdOf, encodeId } from '../domain/ids.ts';
import { createCustomer, updateCustomer, type CustomerInput } from '../payments/customer.ts';
import { notFound } from '../payments/failure.ts';
import { Address, AddressInput } from './address.ts';
import { searchText } from './bad-input.ts';
import { builder } from './builder.ts';
import { listOf } from './connection.ts';
import { mutationResult } from './errors.ts';
import { Node } from './node.ts';
import { READS, WRITES } from './reach.ts';
import type { Customer as CustomerRow } from '../../generated/prisma/client.ts';

export const Customer = builder.prismaObject('Customer', {
  description: 'Someone who pays.',
  interfaces: [Node],
  fields: (t) => ({
    id: t.id({ description: 'cus_ and a UUID.', resolve: ({ id }) => encodeId('Customer', id) }),
    email: t.exposeString('email', { nullable: true, description: 'The e-mail address.' }),
    firstName: t.exposeString('firstName', { nullable: true, description: 'The first name.' }),
    lastName: t.exposeString('lastName', { nullable: true, description: 'The last name.' }),
    name: t.string({
      nullable: true,
      description: 'Both names.',
      resolve: ({ firstName, lastName }) => [firstName, lastName].filter((part) => part !== null).join(' ') || null,
    }),
    phone: t.exposeString('phone', { nullable: true, description: 'The telephone number.' }),
    address: t.field({
      type: Address,
      description: 'The postal address.',
      resolve: ({ addressLine1: line1, addressLine2: line2, ...rest }) => ({ line1, line2, ...rest }),
    }),
    metadata: t.expose('metadata', { type: 'JSONObject', description: 'Texts by key, as the merchant gave them.' }),
    erasedAt: t.expose('erasedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When the personal data were removed by eraseCustomer; null where they were not.',
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was created.' }),
    updatedAt: t.expose('updatedAt', { type: 'DateTime', description: 'When it was changed last.' }),
    createdBy: t.exposeString('createdBy', { description: 'The key that created it.' }),
    updatedBy: t.exposeString('updatedBy', { description: 'The key that changed it last.' }),
  }),
});

const CustomerEdge = builder.edgeObject({
  name: 'CustomerEdge',
  type: Customer,
  description: 'An entry of a list of customers.',
});

const CustomerConnection = builder.connectionObject(
  { name: 'CustomerConnection', type: Customer, description: 'A page of a list of customers.' },
  CustomerEdge,
);

export const CreateCustomerInput = builder.inputType('CreateCustomerInput', {
  description: 'A new customer. Texts have at most 200 characters.',
  fields: (t) => ({
    email: t.string({ description: 'The e-mail address.' }),
    firstName: t.string({ description: 'The first name.' }),
    lastName: t.string({ description: 'The last name.' }),
    phone: t.string({ description: 'The telephone number.' }),
    address: t.field({ type: AddressInput, description: 'The postal address.' }),
    metadata: t.field({ type: 'JSONObject', description: 'At most 50 texts by key.' }),
  }),
});

const UpdateCustomerInput = builder.inputType('UpdateCustomerInput', {
  description: 'What is to change of a customer. What is left out stays as it is; null empties a field.',
  fields: (t) => ({
    customerId: t.id({ required: true, description: 'Which customer.' }),
    email: t.string({ description: 'The e-mail address.' }),
    firstName: t.string({ description: 'The first name.' }),
    lastName: t.string({ description: 'The last name.' }),
    phone: t.string({ description: 'The telephone number.' }),
    address: t.field({ type: AddressInput, description: 'The postal address: the fields that it names.' }),
    metadata: t.field({ type: 'JSONObject', description: 'Takes the place of all metadata there were.' }),
  }),
});

const NO_ADDRESS = { line1: null, line2: null, city: null, state: null, postalCode: null, country: null };

type Fields = Omit<(typeof UpdateCustomerInput)['$inferInput'], 'customerId'>;

/** What an input says of a customer. */
export function customerInputOf({ address, metadata, ...fields }: Fields): CustomerInput {
  const { line1, line2, ...rest } = address === null ? NO_ADDRESS : (address ?? {});
  const given = { ...fields, ...rest, addressLine1: line1, addressLine2: line2 };
  return {
    fields: Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)),
    ...(metadata === undefined ? {} : { metadata }),
  };
}

const CreateCustomerPayload = builder.objectRef<{ customer: CustomerRow }>('CreateCustomerPayload').implement({
  description: 'The customer was stored.',
  fields: (t) => ({ customer: t.expose('customer', { type: Customer, description: 'As it was stored.' }) }),
});

const UpdateCustomerPayload = builder.objectRef<{ customer: CustomerRow }>('UpdateCustomerPayload').implement({
  description: 'The customer was changed.',
  fields: (t) => ({ customer: t.expose('customer', { type: Customer, description: 'As it is now.' }) }),
});

const CreateCustomerResult = mutationResult('CreateCustomer', CreateCustomerPayload, ['INVALID_INPUT']);
const UpdateCustomerResult = mutationResult('UpdateCustomer', UpdateCustomerPayload, ['INVALID_INPUT', 'NOT_FOUND']);

builder.mutationFields((t) => ({
  createCustomer: t.field({
    ...WRITES,
    type: CreateCustomerResult.type,
    description: 'Stores a customer.',
    args: { input: t.arg({ type: CreateCustomerInput, required: true, description: 'The customer.' }) },
    resolve: async (_, { input }, context) =>
      CreateCustomerResult.answer(
        context,
        await createCustomer(context.gateway, context.caller, customerInputOf(input)),
        (customer) => ({ customer }),
      ),
  }),
  updateCustomer: t.field({
    ...WRITES,
    type: UpdateCustomerResult.type,
    description: 'Changes a customer.',
    args: { input: t.arg({ type: UpdateCustomerInput, required: true, description: 'The changes.' }) },
    resolve: async (_, { input: { customerId, ...fields } }, context) => {
      const id = decodeIdOf('Customer', customerId);
      const result =
        id === undefined
          ? notFound('customer', 'customerId')
          : await updateCustomer(context.gateway, context.caller, id, customerInputOf(fields));
      return UpdateCustomerResult.answer(context, result, (customer) => ({ customer }));
    },
  }),
}));

const CustomerFilter = builder.inputType('CustomerFilter', {
  description: 'Which customers: those that fit everything that is given.',
  fields: (t) => ({
    email: t.string({ description: 'Exactly this e-mail address.' }),
    createdFrom: t.field({ type: 'DateTime', description: 'Created at this moment or later.' }),
    createdTo: t.field({ type: 'DateTime', description: 'Created before this moment.' }),
  }),
});

builder.queryFields((t) => ({
  customer: t.field({
    ...READS,
    type: Customer,
    nullable: true,
    description: 'A customer; null where there is none with this id.',
    args: { id: t.arg.id({ required: true, description: 'cus_…' }) },
    resolve: (_, { id }, { loaders }) => {
      const uuid = decodeIdOf('Customer', id);
      return uuid === undefined ? null : loaders.customer.load(uuid);
    },
  }),
  customers: t.connection(
    {
      ...READS,
      type: Customer,
      description: 'Customers, the newest first.',
      args: { filter: t.arg({ type: CustomerFilter, description: 'Which of them.' }) },
      resolve: (_, { filter, ...args }, { gateway, caller }) => {
        const where = {
          environmentId: caller.environmentId,
          ...(filter?.email == null ? {} : { email: searchText(filter.email) }),
          createdAt: {
            ...(filter?.createdFrom && { gte: filter.createdFrom }),
            ...(filter?.createdTo && { lt: filter.createdTo }),
          },
        };
        return listOf<CustomerRow>(gateway.database, { model: 'Customer', args, where });
      },
    },
    CustomerConnection,
  ),
}));
