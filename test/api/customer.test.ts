import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import {
  CreateCustomerDocument,
  CustomerDocument,
  UpdateCustomerDocument,
  type CreateCustomerInput,
  type UpdateCustomerInput,
} from '../../generated/operations/graphql.ts';
import { only, useGateway } from '../harness/gateway.ts';
import { Till } from '../harness/till.ts';

const gateway = useGateway();
const till = new Till(gateway);

async function create(input: CreateCustomerInput) {
  return (await gateway().execute(CreateCustomerDocument, { input })).createCustomer;
}

async function update(input: UpdateCustomerInput) {
  return (await gateway().execute(UpdateCustomerDocument, { input })).updateCustomer;
}

const JENNY: CreateCustomerInput = {
  email: 'jenny@example.com',
  firstName: 'Jenny',
  lastName: 'Rosen',
  phone: '+49 30 123456',
  address: { line1: 'Torstraße 1', city: 'Berlin', postalCode: '10119', country: 'DE' },
  metadata: { tier: 'gold' },
};

test('a customer is stored and read back', async () => {
  const { customer } = only(await create(JENNY), 'CreateCustomerPayload');
  expect(customer).toMatchObject({ ...JENNY, name: 'Jenny Rosen', address: { ...JENNY.address, line2: null } });
  const read = await gateway().execute(CustomerDocument, { id: customer.id });
  expect(read.customer).toEqual({ ...customer, paymentMethods: [], payments: { totalCount: 0, edges: [] } });
});

test('an update changes what it names, null empties, and the rest stays', async () => {
  const { customer } = only(await create(JENNY), 'CreateCustomerPayload');
  const changed = only(
    await update({ customerId: customer.id, firstName: 'Jane', phone: null, address: { city: 'Hamburg' } }),
    'UpdateCustomerPayload',
  ).customer;
  expect(changed).toEqual({
    ...customer,
    firstName: 'Jane',
    name: 'Jane Rosen',
    phone: null,
    address: { ...customer.address, city: 'Hamburg' },
  });
});

test('metadata are replaced as a whole', async () => {
  const { customer } = only(await create(JENNY), 'CreateCustomerPayload');
  const changed = only(await update({ customerId: customer.id, metadata: { a: 'b' } }), 'UpdateCustomerPayload');
  expect(changed.customer.metadata).toEqual({ a: 'b' });
});

test.each<[string, CreateCustomerInput, string]>([
  ['an address that is no e-mail address', { email: 'jenny' }, 'email'],
  ['a country in small letters', { address: { country: 'de' } }, 'address.country'],
  ['a name of 201 characters', { firstName: 'x'.repeat(201) }, 'firstName'],
  ['a card number as a name', { lastName: '4242424242424242' }, 'lastName'],
  ['a card number in the address', { address: { line2: '4242424242424242' } }, 'address.line2'],
  ['metadata that are no texts', { metadata: { a: {} } }, 'metadata.a'],
])('%s is refused', async (_, input, path) => {
  const { customer } = only(await create(JENNY), 'CreateCustomerPayload');
  const expected = { code: 'INVALID_INPUT', path: ['input', ...path.split('.')] };
  expect(only(await create(input), 'InvalidInputError')).toMatchObject(expected);
  expect(only(await update({ customerId: customer.id, ...input }), 'InvalidInputError')).toMatchObject(expected);
});

test('what does not exist cannot be changed, nor seen', async () => {
  const foreign = await new Till(gateway, 'other').customer();
  for (const customerId of [`cus_${randomUUID()}`, 'nonsense', (await till.pay()).id, foreign]) {
    expect(only(await update({ customerId, firstName: 'x' }), 'NotFoundError')).toMatchObject({
      code: 'NOT_FOUND',
      path: ['input', 'customerId'],
    });
    expect((await gateway().execute(CustomerDocument, { id: customerId })).customer).toBeNull();
  }
});
