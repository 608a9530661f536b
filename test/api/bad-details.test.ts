import { expect, test } from 'vitest';
import type { CreatePaymentInput } from '../../generated/operations/graphql.ts';
import { only, useGateway } from '../harness/gateway.ts';
import { countRows } from '../harness/rows.ts';
import { card, Till } from '../harness/till.ts';

/** What a payment may carry besides its amount and its card: taxes, fees, addresses, customers, decimal amounts. */

const gateway = useGateway();
const till = new Till(gateway);

type Refusal = readonly [what: string, input: Partial<CreatePaymentInput>, path: string];

const TAX = { subtotal: 4201, amount: 798, type: 'VAT' } as const;
const EMAIL = 'jenny@example.com';
const decimal = (amountDecimal: string, currency = 'EUR') => ({ amount: null, amountDecimal, currency });

/** Each is a payment of 49.99 that would be charged, but for one thing. */
const INVALID: readonly Refusal[] = [
  ['no amount', { amount: null }, 'amount'],
  ['an amount in both forms', { amountDecimal: '49.99' }, 'amountDecimal'],
  ['three decimals of euros', decimal('49.999'), 'amountDecimal'],
  ['a decimal of yen', decimal('4999.0', 'JPY'), 'amountDecimal'],
  ['four decimals of Kuwaiti dinars', decimal('1.2345', 'KWD'), 'amountDecimal'],
  ['a negative decimal', decimal('-49.99'), 'amountDecimal'],
  ['a decimal of zero', decimal('0.00'), 'amountDecimal'],
  ['a decimal beyond the limit', decimal('10000000000.00'), 'amountDecimal'],
  ['a decimal of sixteen digits', decimal('1000000000000000'), 'amountDecimal'],
  ...['', '.', '49.', '.99', '+1', ' 1', '1 ', '1e3', '0x1', '1,5', '1.000,00', 'NaN', '٤٩', '1\n'].map(
    (text): Refusal => [`${JSON.stringify(text)} as a decimal`, decimal(text), 'amountDecimal'],
  ),
  ['a tax that does not add up', { tax: { ...TAX, amount: 799 } }, 'tax.subtotal'],
  ['a negative subtotal', { tax: { ...TAX, subtotal: -1, amount: 5000 } }, 'tax.subtotal'],
  ['a negative tax', { tax: { ...TAX, subtotal: 5000, amount: -1 } }, 'tax.amount'],
  ['a tax amount and no tax', { tax: { ...TAX, type: 'NONE' } }, 'tax.type'],
  ["a tax's country in small letters", { tax: { ...TAX, country: 'de' } }, 'tax.country'],
  ["a tax's state of 101 characters", { tax: { ...TAX, state: 'x'.repeat(101) } }, 'tax.state'],
  ...['-1', '101', '19%', '19,5', '1.1234567', '', '1e1'].map((rate): Refusal => [
    `a tax rate of ${JSON.stringify(rate)}`,
    { tax: { ...TAX, rate } },
    'tax.rate',
  ]),
  ['a negative fee', { applicationFee: -1 }, 'applicationFee'],
  ['a fee larger than the payment', { applicationFee: 5000 }, 'applicationFee'],
  ["an address's country of three letters", { billingAddress: { country: 'DEU' } }, 'billingAddress.country'],
  ["an address's line of 201 characters", { billingAddress: { line1: 'x'.repeat(201) } }, 'billingAddress.line1'],
  [
    'a card number as a postal code',
    { billingAddress: { postalCode: '4242424242424242' } },
    'billingAddress.postalCode',
  ],
  ['NUL in a city', { billingAddress: { city: 'Ber\u0000lin' } }, 'billingAddress.city'],
  ['a customer with no e-mail address', { customer: { firstName: 'Jenny' } }, 'customer.email'],
  ['a customer with half an e-mail address', { customer: { email: 'jenny@' } }, 'customer.email'],
  [
    "a customer's country in small letters",
    { customer: { email: EMAIL, address: { country: 'de' } } },
    'customer.address.country',
  ],
  [
    "a customer's name of 201 characters",
    { customer: { email: EMAIL, lastName: 'x'.repeat(201) } },
    'customer.lastName',
  ],
  [
    "a customer's metadata that are no texts",
    { customer: { email: EMAIL, metadata: { a: 1 } } },
    'customer.metadata.a',
  ],
  [
    "a card number as a customer's telephone",
    { customer: { email: EMAIL, phone: '4242424242424242' } },
    'customer.phone',
  ],
  ['metadata of the attempt that are no texts', { attemptMetadata: { a: null } }, 'attemptMetadata.a'],
  ['an id of an invoice with 256 characters', destination({ invoiceId: 'x'.repeat(256) }), 'destinations.0.invoiceId'],
  ['a card number as a number of an order', destination({ number: '4242424242424242' }), 'destinations.0.number'],
];

function destination(more: object): Partial<CreatePaymentInput> {
  return { destinations: [{ type: 'ORDER', id: 'ord_1', amount: 4999, ...more }] };
}

test.each(INVALID)('%s is refused, and nothing is written', async (_, input, path) => {
  const before = await countRows(gateway());
  expect(await till.create({ process: true, card: card(), ...input })).toEqual({
    __typename: 'InvalidInputError',
    code: 'INVALID_INPUT',
    message: expect.stringMatching(/^.{10,}\.$/),
    path: ['input', ...path.split('.')],
  });
  expect(await countRows(gateway())).toEqual(before);
});

test.each([
  ['EUR', '49.99', 4999],
  ['EUR', '0.01', 1],
  ['EUR', '50', 5000],
  ['EUR', '9999999999.99', 999_999_999_999],
  ['JPY', '4999', 4999],
  ['KWD', '1.234', 1234],
  ['KWD', '1.2', 1200],
  ['CLF', '0.0001', 1],
])('%s %s is %i minor units', async (currency, amountDecimal, amount) => {
  const payment = await till.pay({ amount: null, amountDecimal, currency });
  expect(payment).toMatchObject({ status: 'SUCCEEDED', amount: { amount, currency } });
});

test('the same amount in its other form is the same request', async () => {
  const request = { idempotencyKey: 'in either form', card: card(), process: true };
  const first = only(await till.create({ ...request, ...decimal('49.9') }), 'CreatePaymentPayload');
  for (const form of [{ amount: 4990 }, decimal('49.90')]) {
    const again = only(await till.create({ ...request, ...form }), 'CreatePaymentPayload');
    expect(again).toMatchObject({ replayed: true, payment: { id: first.payment.id } });
  }
});

test('a refund or capture in decimals is checked as it was given', async () => {
  const { id: paymentId } = await till.authorize({ amount: 1000 });
  expect(await till.capture({ paymentId, amountDecimal: '10.01' })).toMatchObject({
    __typename: 'CaptureTooLargeError',
    path: ['input', 'amountDecimal'],
    maximumCapturable: { decimal: '10.00' },
  });
  only(await till.capture({ paymentId, amountDecimal: '10.00' }), 'CapturePaymentPayload');
  expect(await till.refund({ paymentId, amountDecimal: '10.01' })).toMatchObject({
    __typename: 'RefundTooLargeError',
    path: ['input', 'amountDecimal'],
    maximumRefundable: { decimal: '10.00' },
  });
  expect(await till.refund({ paymentId, amount: 1001 })).toMatchObject({ path: ['input', 'amount'] });
  for (const input of [{ amountDecimal: '1.001' }, { amountDecimal: '-1' }, { amount: 1, amountDecimal: '0.01' }]) {
    expect(only(await till.refund({ paymentId, ...input }), 'InvalidInputError').path).toEqual([
      'input',
      'amountDecimal',
    ]);
  }
  expect((await till.read(paymentId)).refunds).toEqual([]);
});

test("a described customer does not pay with another customer's payment method", async () => {
  const theirs = await till.customer({ email: 'theirs@example.com' });
  const paymentMethodId = await till.storedCard(theirs);
  await till.customer({ email: 'known@example.com' });
  const before = await countRows(gateway());
  for (const email of ['known@example.com', 'unknown@example.com']) {
    const refused = await till.create({ paymentMethodId, customer: { email }, process: true });
    expect(only(refused, 'InvalidInputError').path).toEqual(['input', 'paymentMethodId']);
  }
  expect(await countRows(gateway())).toEqual(before);
  const paid = await till.pay({ paymentMethodId, customer: { email: 'theirs@example.com' } });
  expect(paid.status).toBe('SUCCEEDED');
});

test('a customer who is described by several requests at once is stored once', async () => {
  const before = await countRows(gateway());
  const customer = { email: 'often@example.com' };
  const paid = await Promise.all([1, 2, 3, 4, 5].map(() => till.pay({ customer })));
  expect(paid.map(({ status }) => status)).toEqual(Array(5).fill('SUCCEEDED'));
  expect((await countRows(gateway()))['customer']).toBe((before['customer'] ?? 0) + 1);
});

test('updatePayment: null where something has to be, and an address that is none', async () => {
  const payment = await till.pay({ process: false });
  for (const [input, path] of [
    [{ active: null }, 'active'],
    [{ paymentMethodId: null }, 'paymentMethodId'],
    [{ billingAddress: { country: 'Germany' } }, 'billingAddress.country'],
    [{ active: false, billingAddress: { line1: 'x'.repeat(201) } }, 'billingAddress.line1'],
  ] as const) {
    const refused = only(await till.update({ paymentId: payment.id, ...input }), 'InvalidInputError');
    expect(refused.path).toEqual(['input', ...path.split('.')]);
  }
  expect(await till.read(payment.id)).toEqual(payment);
});

test.each([
  ['paymentPage(size: 0)', ['size']],
  ['paymentPage(size: 101)', ['size']],
  ['paymentPage(size: -1)', ['size']],
  ['paymentPage(page: -1)', ['page']],
  ['paymentPage(page: 1001)', ['page']],
  ['paymentPage(page: 2147483647, size: 100)', ['page']],
  ['paymentPage(filter: { currency: "XYZ" })', ['filter', 'currency']],
])('%s is refused, and the error says which argument', async (field, inputPath) => {
  const { status, data, errors } = await gateway().request(`{ ${field} { items { id } } }`);
  expect({ status, data }).toEqual({ status: 200, data: null });
  expect(errors).toMatchObject([{ path: ['paymentPage'], extensions: { code: 'BAD_USER_INPUT', inputPath } }]);
});

test.each(['', 'ABC', 'ABCDEFG', 'ABCDE0', 'ABC\u0000EF', "' OR 1=1", '\ud800'])(
  'the human id %j is nobody’s',
  async (humanId) => {
    const query =
      'query ($humanId: String!) { paymentPage(filter: { humanId: $humanId }) { totalCount items { id } } }';
    const { data } = await gateway().request(query, { humanId });
    expect(data).toEqual({ paymentPage: { totalCount: 0, items: [] } });
  },
);
