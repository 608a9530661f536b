import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { CreatePaymentDocument, type CreatePaymentInput } from '../../generated/operations/graphql.ts';
import { only, useGateway } from '../harness/gateway.ts';
import { countRows } from '../harness/rows.ts';
import { card, Till } from '../harness/till.ts';

const gateway = useGateway();
const till = new Till(gateway);

const CVC = '8642';

type Refusal = readonly [what: string, input: Partial<CreatePaymentInput>, path: string];

const thisYear = new Date().getUTCFullYear();

/** Each is a payment that would be charged, but for one thing. The path is told without its `input`. */
const INVALID: readonly Refusal[] = [
  ['an amount of zero', { amount: 0 }, 'amount'],
  ['a negative amount', { amount: -1 }, 'amount'],
  ['an amount of thirteen digits', { amount: 1_000_000_000_000 }, 'amount'],
  ['a currency that does not exist', { currency: 'XYZ' }, 'currency'],
  ['a currency of four letters', { currency: 'EURO' }, 'currency'],
  ['an empty currency', { currency: '' }, 'currency'],
  ['a card number with a wrong check digit', { card: card('4242424242424241', { cvc: CVC }) }, 'card.number'],
  ['a card number that is too short', { card: card('42424242424', { cvc: CVC }) }, 'card.number'],
  ['a card number with letters', { card: card('4242x42424242424', { cvc: CVC }) }, 'card.number'],
  ['month 13', { card: card(undefined, { expMonth: 13 }) }, 'card.expMonth'],
  ['month 0', { card: card(undefined, { expMonth: 0 }) }, 'card.expMonth'],
  ['a year that is past', { card: card(undefined, { expYear: thisYear - 1 }) }, 'card.expYear'],
  ['a year of two digits', { card: card(undefined, { expYear: 30 }) }, 'card.expYear'],
  ['a CVC of four digits for Visa', { card: card(undefined, { cvc: CVC }) }, 'card.cvc'],
  ['a CVC of three digits for American Express', { card: card('378282246310005', { cvc: '864' }) }, 'card.cvc'],
  ['an empty CVC', { card: card(undefined, { cvc: '' }) }, 'card.cvc'],
  ['an empty name of the holder', { card: card(undefined, { holderName: ' ' }) }, 'card.holderName'],
  ['a card number as the name', { card: card(undefined, { holderName: '4242424242424242' }) }, 'card.holderName'],
  ['a name with the character NUL', { card: card(undefined, { holderName: 'J\u0000' }) }, 'card.holderName'],
  ['a card number in the description', { description: 'card 4242 4242 4242 4242' }, 'description'],
  ['a card number in the metadata', { metadata: { note: '4242-4242-4242-4242' } }, 'metadata.note'],
  ['a card number as a key of the metadata', { metadata: { '4242424242424242': 'x' } }, 'metadata'],
  [
    'a card number in the statement descriptor',
    { statementDescriptor: 'SHOP 4242424242424242' },
    'statementDescriptor',
  ],
  ['a card number in the return URL', { returnUrl: 'https://shop.example/?c=4242424242424242' }, 'returnUrl'],
  ['a description of 501 characters', { description: 'x'.repeat(501) }, 'description'],
  ['a description with the character NUL', { description: 'a\u0000b' }, 'description'],
  ['51 keys of metadata', { metadata: Object.fromEntries(Array.from({ length: 51 }, (_, i) => [i, ''])) }, 'metadata'],
  ['a key of metadata with 41 characters', { metadata: { ['k'.repeat(41)]: 'x' } }, 'metadata'],
  ['a key of metadata with a quotation mark', { metadata: { h: 'x', '"': 'x' } }, 'metadata'],
  ['a key of metadata with a backslash', { metadata: { '\\': 'x' } }, 'metadata'],
  ['a key of metadata with a line break', { metadata: { 'a\nb': 'x' } }, 'metadata'],
  ['metadata of 501 characters', { metadata: { key: 'x'.repeat(501) } }, 'metadata.key'],
  ['metadata that are no texts', { metadata: { key: 1 } }, 'metadata.key'],
  ['a return URL with plain http', { returnUrl: 'http://shop.example/' }, 'returnUrl'],
  ['a return URL that is a script', { returnUrl: 'javascript:alert(1)' }, 'returnUrl'],
  ['a return URL with the character NUL', { returnUrl: 'https://shop.example/\u0000' }, 'returnUrl'],
  ['a return URL that is none', { returnUrl: 'shop' }, 'returnUrl'],
  ['a statement descriptor of four characters', { statementDescriptor: 'SHOP' }, 'statementDescriptor'],
  ['a statement descriptor of 23 characters', { statementDescriptor: 'S'.repeat(23) }, 'statementDescriptor'],
  ['a statement descriptor with a quote', { statementDescriptor: "JENNY'S SHOP" }, 'statementDescriptor'],
  ['an idempotency key with the character NUL', { idempotencyKey: 'a\u0000b' }, 'idempotencyKey'],
  ['an idempotency key that is a card number', { idempotencyKey: '4242424242424242' }, 'idempotencyKey'],
  ['a card and a stored payment method', { paymentMethodId: `pm_${randomUUID()}` }, 'card'],
  ['nothing to pay with', { card: null }, 'process'],
  ['destinations that do not add up', { destinations: [{ type: 'ORDER', id: '1', amount: 1 }] }, 'destinations'],
  ['a destination of nothing', { destinations: [{ type: 'ORDER', id: '1', amount: 0 }] }, 'destinations.0.amount'],
  ['a destination with no id', { destinations: [{ type: 'ORDER', id: '', amount: 4999 }] }, 'destinations.0.id'],
  [
    '101 destinations',
    { amount: 101, destinations: Array.from({ length: 101 }, (_, i) => ({ type: 'ORDER', id: `${i}`, amount: 1 })) },
    'destinations',
  ],
];

function whole(input: Partial<CreatePaymentInput>): CreatePaymentInput {
  return { idempotencyKey: randomUUID(), amount: 4999, currency: 'EUR', process: true, card: card(), ...input };
}

/** Sends it. @returns the refusal, once it is certain that nothing was written and nothing comes back */
async function refusalOf(input: Partial<CreatePaymentInput>) {
  const before = await countRows(gateway());
  const sent = whole(input);
  const answer = await gateway().request<{ createPayment: { __typename: string } }>(CreatePaymentDocument, {
    input: sent,
  });
  expect(answer.errors).toBeUndefined();
  expect(answer.status).toBe(200);
  expect(await countRows(gateway())).toEqual(before);
  expectNoCard(answer.text);
  return answer.data?.createPayment;
}

function expectNoCard(text: string): void {
  const digits = text.replaceAll(/[\s-]/g, '');
  for (const secret of ['42424242424', '378282246310005', CVC]) expect(digits).not.toContain(secret);
}

test.each(INVALID)('%s is refused', async (_, input, path) => {
  expect(await refusalOf(input)).toEqual({
    __typename: 'InvalidInputError',
    code: 'INVALID_INPUT',
    message: expect.stringMatching(/^.{10,}\.$/),
    path: ['input', ...path.split('.')],
  });
});

test('a number that is no test number is refused under a test key', async () => {
  expect(await refusalOf({ card: card('4000000000000010') })).toEqual({
    __typename: 'CardRefusedError',
    code: 'CARD_REFUSED',
    message: expect.stringContaining('test card'),
    path: ['input', 'card', 'number'],
  });
});

test.each(['customerId', 'paymentMethodId'] as const)(
  '%s: what does not exist, whatever it looks like',
  async (field) => {
    const prefix = field === 'customerId' ? 'cus' : 'pm';
    const theirs = new Till(gateway, 'other');
    const foreign = await theirs.customer();
    const foreignIds = { customerId: foreign, paymentMethodId: await theirs.storedCard(foreign) };
    const others = { customerId: (await till.pay()).id, paymentMethodId: await till.customer() };
    const ids = [`${prefix}_${randomUUID()}`, 'nonsense', '', `${prefix}_`, others[field], foreignIds[field]];
    for (const id of ids) {
      const refusal = await refusalOf({ [field]: id, ...(field === 'paymentMethodId' && { card: null }) });
      expect(refusal).toEqual({
        __typename: 'NotFoundError',
        code: 'NOT_FOUND',
        message: expect.stringMatching(/^There is no such /),
        path: ['input', field],
      });
    }
  },
);

test('every other mutation answers an unknown payment alike', async () => {
  const theirs = (await new Till(gateway, 'other').pay()).id;
  const ids = [`pay_${randomUUID()}`, 'nonsense', '', await till.customer(), theirs];
  const before = await countRows(gateway());
  for (const paymentId of ids) {
    for (const result of await Promise.all([
      till.process({ paymentId, card: card() }),
      till.capture({ paymentId }),
      till.cancel({ paymentId }),
      till.refund({ paymentId }),
    ])) {
      const refused = only<{ __typename: string }, 'NotFoundError'>(result, 'NotFoundError');
      expect(refused).toMatchObject({ code: 'NOT_FOUND', path: ['input', 'paymentId'] });
    }
  }
  expect(await countRows(gateway())).toEqual(before);
});

test('amounts and texts of captures and refunds are checked too', async () => {
  const { id: paymentId } = await till.authorize();
  for (const amount of [0, -5, 1_000_000_000_000]) {
    for (const result of [await till.capture({ paymentId, amount }), await till.refund({ paymentId, amount })]) {
      const refused = only<{ __typename: string }, 'InvalidInputError'>(result, 'InvalidInputError');
      expect(refused).toMatchObject({ path: ['input', 'amount'] });
    }
  }
  const refused = only(await till.refund({ paymentId, reason: '4242424242424242' }), 'InvalidInputError');
  expect(refused.path).toEqual(['input', 'reason']);
});

test('a text with half a surrogate pair does not break anything', async () => {
  const result = await till.create({ description: 'a\ud800b', metadata: { key: '\udc00' } });
  expect(['CreatePaymentPayload', 'InvalidInputError']).toContain(result.__typename);
});

test.each([
  ['a fractional amount', { amount: 49.99 }, 'amount'],
  ['an amount as a text', { amount: '4999' }, 'amount'],
  ['an amount beyond 2^53', { amount: 2 ** 60 }, 'amount'],
  ['a month as a text', { card: { ...card(), expMonth: '12' } }, 'card.expMonth'],
  ['metadata that are a list', { metadata: ['4242424242424242'] }, 'metadata'],
  ['a card as a text', { card: '4242424242424242' }, 'card'],
  ['a card without a number', { card: { cvc: CVC, expMonth: 1, expYear: 2040 } }, 'card'],
  ['a field that does not exist', { card: { ...card(), cvv: CVC } }, 'card'],
  ['a card number in place of a month', { card: { ...card(), expMonth: 4242424242424242 } }, 'card.expMonth'],
])('%s does not fit its type: an error that says where, and repeats nothing', async (_, input, place) => {
  const before = await countRows(gateway());
  const answer = await gateway().request(CreatePaymentDocument, { input: whole(input as Partial<CreatePaymentInput>) });
  expect(answer.data).toBeFalsy();
  expect(answer.errors).toHaveLength(1);
  expect(answer.errors?.[0]?.extensions).toMatchObject({
    code: 'BAD_USER_INPUT',
    inputPath: ['input', ...place.split('.')],
  });
  expectNoCard(answer.text);
  expect(await countRows(gateway())).toEqual(before);
});

test('a field that does not exist is named, unless its name could hold what must not come back', async () => {
  for (const [field, why] of [
    ['cvv', 'there is no field cvv'],
    ['cvc8642', 'the value does not fit the type of this field'],
    ['4242424242424242', 'the value does not fit the type of this field'],
  ] as const) {
    const answer = await gateway().request(CreatePaymentDocument, { input: { ...whole({}), [field]: CVC } });
    expect(answer.errors).toMatchObject([{ message: `The variable has an invalid value at "input": ${why}.` }]);
    expectNoCard(answer.text);
  }
});

test('a card number that is written into a document does not come back', async () => {
  for (const document of [
    'mutation { createPayment(input: { card: 4242424242424242 }) { __typename } }',
    'mutation { createPayment(input: { card: { number: "4242424242424242", cvc: "8642" } }) { __typename } }',
    'query { payment(id: "4242424242424242" ',
    'query { payment(id: "4242 4242 4242 4242") { cvc8642 } }',
  ]) {
    const answer = await gateway().request(document);
    expect(answer.errors).toBeDefined();
    expectNoCard(answer.text);
  }
});
