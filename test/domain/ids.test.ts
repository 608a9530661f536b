import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeId, decodeIdOf, encodeId, ID_PREFIXES, uuidv7, type IdType } from '../../src/domain/ids.ts';

const UUID = '0199e0a4-1c2b-7d3e-8f4a-5b6c7d8e9f00';
const TYPES = Object.keys(ID_PREFIXES) as IdType[];

const anyMoment = fc.integer({ min: 0, max: 2 ** 48 - 1 });
const anyBytes = fc.uint8Array({ minLength: 10, maxLength: 16 });

/** Written by hand: a prefix that changes breaks every id that a client has stored. */
test.for([
  ['Account', 'acc'],
  ['ApiKey', 'key'],
  ['Attempt', 'att'],
  ['Capture', 'cap'],
  ['Customer', 'cus'],
  ['Environment', 'env'],
  ['Payment', 'pay'],
  ['PaymentEvent', 'evt'],
  ['PaymentMethod', 'pm'],
  ['Refund', 're'],
] as const)('the id of %s begins with %s_', ([type, prefix]) => {
  expect(encodeId(type, UUID)).toBe(`${prefix}_${UUID}`);
  expect(decodeId(`${prefix}_${UUID}`)).toEqual({ type, uuid: UUID });
});

test('no two types share a prefix', () => {
  expect(new Set(Object.values(ID_PREFIXES)).size).toBe(TYPES.length);
});

test('every id survives being written and read', () => {
  fc.assert(
    fc.property(fc.constantFrom(...TYPES), fc.uuid(), (type, uuid) => {
      expect(decodeId(encodeId(type, uuid))).toEqual({ type, uuid });
      expect(decodeIdOf(type, encodeId(type, uuid))).toBe(uuid);
    }),
  );
});

test('capital letters are read as small ones, so that one row has one id', () => {
  expect(decodeId(`pay_${UUID.toUpperCase()}`)).toEqual({ type: 'Payment', uuid: UUID });
});

test.for([
  '',
  '_',
  'pay',
  'pay_',
  UUID,
  `_${UUID}`,
  `pay${UUID}`,
  `pay-${UUID}`,
  `PAY_${UUID}`,
  `payment_${UUID}`,
  `xyz_${UUID}`,
  `pay__${UUID}`,
  `pay_${UUID} `,
  ` pay_${UUID}`,
  `pay_${UUID}\n`,
  `pay_${UUID}0`,
  `pay_${UUID.slice(1)}`,
  `pay_${UUID.replaceAll('-', '')}`,
  `pay_${UUID.replace('0', 'g')}`,
  `pay_{${UUID}}`,
  `constructor_${UUID}`,
])('"%s" is no id', (id) => {
  expect(decodeId(id)).toBeUndefined();
  expect(decodeIdOf('Payment', id)).toBeUndefined();
});

test('an id of another type is not taken', () => {
  expect(decodeIdOf('Refund', encodeId('Payment', UUID))).toBeUndefined();
});

test('an example of RFC 9562 is made again', () => {
  const random = Uint8Array.from([0xcc, 0xc3, 0x18, 0xc4, 0xdc, 0x0c, 0x0c, 0x07, 0x39, 0x8f]);
  expect(uuidv7(0x017f22e279b0, random)).toBe('017f22e2-79b0-7cc3-98c4-dc0c0c07398f');
});

test('each has the version, the variant, its moment and the random bits that are left', () => {
  fc.assert(
    fc.property(anyMoment, anyBytes, (nowMs, random) => {
      const uuid = uuidv7(nowMs, random);
      expect(uuid).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
      const hex = uuid.replaceAll('-', '');
      expect(Number.parseInt(hex.slice(0, 12), 16)).toBe(nowMs);
      expect(hex.slice(18)).toBe(Buffer.from(random.subarray(3, 10)).toString('hex'));
    }),
  );
});

test('they sort by the moment in which they were made', () => {
  fc.assert(
    fc.property(anyMoment, anyMoment, anyBytes, anyBytes, (a, b, randomA, randomB) => {
      fc.pre(a < b);
      expect(uuidv7(a, randomA) < uuidv7(b, randomB)).toBe(true);
    }),
  );
});

test('too few random bytes are a broken invariant', () => {
  expect(() => uuidv7(0, new Uint8Array(9))).toThrow('ten random bytes');
});
