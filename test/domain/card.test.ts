import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  brandOf,
  checkCard,
  holdsCardNumber,
  normalizeCardNumber,
  passesLuhn,
  type RawCard,
} from '../../src/domain/card.ts';

const NOW = new Date('2026-11-21T12:00:00Z');

const VALID: RawCard = {
  number: '4242424242424242',
  expMonth: 12,
  expYear: 2030,
  cvc: '123',
  holderName: 'Ada Lovelace',
};

function problemsOf(changes: Partial<RawCard>, now = NOW): string[] {
  return checkCard({ ...VALID, ...changes }, now).map(({ field }) => field);
}

/** Digits with the check digit that Luhn's formula asks for, found without the code under test. */
function withCheckDigit(digits: string): string {
  const sum = Array.from(digits).reduceRight((total, digit, index) => {
    const doubled = (digits.length - 1 - index) % 2 === 0 ? Number(digit) * 2 : Number(digit);
    return total + Math.floor(doubled / 10) + (doubled % 10);
  }, 0);
  return digits + String((10 - (sum % 10)) % 10);
}

const anyDigits = fc.stringMatching(/^\d{11,18}$/);

test.for([
  '4242424242424242',
  '4111111111111111',
  '5555555555554444',
  '378282246310005',
  '6011111111111117',
  '4000000000000002',
  '79927398713',
])('%s has a right check digit', (number) => {
  expect(passesLuhn(number)).toBe(true);
});

test('of the ten last digits exactly one is right', () => {
  fc.assert(
    fc.property(anyDigits, (digits) => {
      const right = Array.from({ length: 10 }, (_, last) => digits + String(last)).filter(passesLuhn);
      expect(right).toEqual([withCheckDigit(digits)]);
    }),
  );
});

test('one wrong digit anywhere is found', () => {
  fc.assert(
    fc.property(anyDigits, fc.nat(), fc.integer({ min: 1, max: 9 }), (digits, position, difference) => {
      const number = withCheckDigit(digits);
      const at = position % number.length;
      const wrong = String((Number(number[at]) + difference) % 10);
      expect(passesLuhn(number.slice(0, at) + wrong + number.slice(at + 1))).toBe(false);
    }),
  );
});

/** The first and the last number of each range, and its neighbours on both sides. */
test.for([
  ['4', 'VISA'],
  ['50', 'MAESTRO'],
  ['51', 'MASTERCARD'],
  ['55', 'MASTERCARD'],
  ['56', 'MAESTRO'],
  ['58', 'MAESTRO'],
  ['59', 'UNKNOWN'],
  ['2220', 'UNKNOWN'],
  ['2221', 'MASTERCARD'],
  ['2720', 'MASTERCARD'],
  ['2721', 'UNKNOWN'],
  ['33', 'UNKNOWN'],
  ['34', 'AMERICAN_EXPRESS'],
  ['3527', 'UNKNOWN'],
  ['3528', 'JCB'],
  ['3589', 'JCB'],
  ['3590', 'UNKNOWN'],
  ['36', 'DINERS_CLUB'],
  ['37', 'AMERICAN_EXPRESS'],
  ['38', 'DINERS_CLUB'],
  ['39', 'DINERS_CLUB'],
  ['300', 'DINERS_CLUB'],
  ['305', 'DINERS_CLUB'],
  ['306', 'UNKNOWN'],
  ['6010', 'UNKNOWN'],
  ['6011', 'DISCOVER'],
  ['6012', 'UNKNOWN'],
  ['61', 'UNKNOWN'],
  ['62', 'UNIONPAY'],
  ['643', 'UNKNOWN'],
  ['644', 'DISCOVER'],
  ['649', 'DISCOVER'],
  ['65', 'DISCOVER'],
  ['66', 'UNKNOWN'],
  ['67', 'MAESTRO'],
  ['68', 'UNKNOWN'],
  ['0', 'UNKNOWN'],
  ['1', 'UNKNOWN'],
  ['9', 'UNKNOWN'],
] as const)('a number that begins with %s is of %s', ([beginning, brand]) => {
  expect(brandOf(beginning.padEnd(16, '0'))).toBe(brand);
  expect(brandOf(beginning.padEnd(16, '9'))).toBe(brand === 'UNKNOWN' && beginning.length === 1 ? 'UNKNOWN' : brand);
});

test('what is shorter than a range is of no brand', () => {
  expect(brandOf('')).toBe('UNKNOWN');
  expect(brandOf('222')).toBe('UNKNOWN');
});

test('spaces and hyphens are taken out', () => {
  expect(normalizeCardNumber(' 4242 4242-4242\t4242 ')).toBe('4242424242424242');
});

test('a valid card has no problem', () => {
  expect(checkCard(VALID, NOW)).toEqual([]);
  expect(checkCard({ ...VALID, number: '4242 4242-4242 4242', holderName: null }, NOW)).toEqual([]);
  expect(checkCard({ ...VALID, number: '378282246310005', cvc: '1234' }, NOW)).toEqual([]);
});

test.for([
  ['a wrong check digit', { number: '4242424242424241' }, ['number']],
  ['a letter', { number: '424242424242424a' }, ['number']],
  ['11 digits', { number: withCheckDigit('4242424242') }, ['number']],
  ['12 digits', { number: withCheckDigit('50424242424') }, []],
  ['19 digits', { number: withCheckDigit('424242424242424242') }, []],
  ['20 digits', { number: withCheckDigit('4242424242424242424') }, ['number']],
  ['no number', { number: '' }, ['number']],
  ['digits of another script', { number: '４２４２４２４２４２４２４２４２' }, ['number']],
  ['month 0', { expMonth: 0 }, ['expMonth']],
  ['month 1', { expMonth: 1 }, []],
  ['month 12', { expMonth: 12 }, []],
  ['month 13', { expMonth: 13 }, ['expMonth']],
  ['month 13 of a past year', { expMonth: 13, expYear: 2020 }, ['expMonth']],
  ['a past year', { expYear: 2025 }, ['expYear']],
  ['a year of two digits', { expYear: 30 }, ['expYear']],
  ['a year in fifty years', { expYear: 2076 }, []],
  ['a year in more than fifty years', { expYear: 2077 }, ['expYear']],
  ['no CVC', { cvc: '' }, ['cvc']],
  ['a CVC of 2 digits', { cvc: '12' }, ['cvc']],
  ['a CVC of 4 digits', { cvc: '1234' }, ['cvc']],
  ['a CVC with a letter', { cvc: '12a' }, ['cvc']],
  ['a CVC with a line break', { cvc: '123\n' }, ['cvc']],
  ['a CVC of 3 digits for American Express', { number: '378282246310005', cvc: '123' }, ['cvc']],
  ['a CVC of 4 digits for American Express', { number: '3782 822463 10005', cvc: '1234' }, []],
  ['an empty name', { holderName: '  ' }, ['holderName']],
  ['a name of 100 characters', { holderName: 'x'.repeat(100) }, []],
  ['a name of 101 characters', { holderName: 'x'.repeat(101) }, ['holderName']],
  ['everything', { number: '1', expMonth: 0, expYear: 1, cvc: '', holderName: '' }, Object.keys(VALID)],
] as const)('what is wrong with %s', ([, changes, fields]) => {
  expect(problemsOf(changes).toSorted()).toEqual([...fields].toSorted());
});

/** The last zone in which it is still November is twelve hours behind UTC. */
test.for([
  ['2026-11-30T23:59:59.999Z', []],
  ['2026-12-01T00:00:00.000Z', []],
  ['2026-12-01T11:59:59.999Z', []],
  ['2026-12-01T12:00:00.000Z', ['expYear']],
  ['2027-01-01T00:00:00.000Z', ['expYear']],
] as const)('a card of November 2026 at %s', ([now, fields]) => {
  expect(problemsOf({ expMonth: 11, expYear: 2026 }, new Date(now))).toEqual(fields);
});

test.for([
  ['2027-01-01T11:59:59.999Z', []],
  ['2027-01-01T12:00:00.000Z', ['expYear']],
] as const)('a card of December 2026 at %s', ([now, fields]) => {
  expect(problemsOf({ expMonth: 12, expYear: 2026 }, new Date(now))).toEqual(fields);
});

test('no message repeats what was given', () => {
  const number = fc.oneof(fc.stringMatching(/^[0-9]{4,25}$/), fc.stringMatching(/^4[0-9 -]{11,25}$/));
  const cvc = fc.stringMatching(/^[0-9]{5,9}$/);
  fc.assert(
    fc.property(number, cvc, fc.integer({ min: 2081, max: 9999 }), (givenNumber, givenCvc, expYear) => {
      const card = { number: givenNumber, expMonth: 7000, expYear, cvc: givenCvc, holderName: ' '.repeat(101) };
      const said = JSON.stringify(checkCard(card, NOW));
      for (const given of [givenNumber, normalizeCardNumber(givenNumber), givenCvc, String(expYear), '7000']) {
        expect(said).not.toContain(given);
      }
    }),
  );
});

test.for([
  '4242424242424242',
  '4242 4242 4242 4242',
  '4242-4242-4242-4242',
  '4242 4242-42424242',
  '4 2 4 2 4 2 4 2 4 2 4 2 4 2 4 2',
  'the card is 5555 5555 5555 4444, thank you',
  'card:378282246310005.',
  '3782 822463 10005',
  '"6011111111111117"',
  'pan=4111111111111111&cvc=123',
  'a4242424242424242b',
  'line\n4242424242424242\nline',
  '30569309025904',
  '3530111333300000',
  '6200000000000005',
  '4222222222222',
  '1234 / 4242424242424242',
  '4242424242424241 or 4242424242424242',
  // With the date of expiry, the CVC, another card or a number of something else beside it.
  '4242 4242 4242 4242 12/27',
  '4242424242424242 12/27',
  '4242 4242 4242 4242 123',
  '4242-4242-4242-4242-123',
  'order 7 4242424242424242',
  '4242 4242 4242 4242 5555 5555 5555 4444',
  '+4242424242424242',
  // Of other scripts, and parted by what is not seen, or by other signs.
  '４２４２４２４２４２４２４２４２',
  '٤٢٤٢٤٢٤٢٤٢٤٢٤٢٤٢',
  '४२४२४२४२४२४२४२४२',
  '4242\u200b4242\u200b4242\u200b4242',
  '4242\u00ad42424242\ufeff4242',
  '4242\u00a04242\u00a04242\u00a04242',
  '4242–4242–4242–4242',
  '4242  4242  4242  4242',
  '42424242\n42424242',
  '4242\r\n4242 4242\t4242',
  '4242.4242.4242.4242',
  '4242_4242_4242_4242',
  '4242/4242/4242/4242',
  '3782.822463.10005',
])('"%s" holds a card number', (text) => {
  expect(holdsCardNumber(text)).toBe(true);
});

test.for([
  '',
  'order 20261121-0001',
  '4242424242424241',
  '4242 4242 4242',
  // Twenty digits that hold a card number at either end.
  '42424242424242420000',
  '00004242424242424242',
  // A right check digit in a length that the brand does not have.
  withCheckDigit('42424242424242'),
  withCheckDigit('3782822463100051'),
  withCheckDigit('55555555555544'),
  // A right check digit, and no issuer.
  withCheckDigit('123456789012345'),
  withCheckDigit('999999999999999'),
  // UUIDs, with letters and without.
  '0199e0a4-1c2b-7d3e-8f4a-5b6c7d8e9f00',
  '42424242-4242-4242-8242-424242424242',
  'ae1bcd39-a463-4172-9518-42e5ce004ae9',
  'customer AE1BCD39-A463-4172-9518-42E5CE004AE9, paid',
  '01a1fc1c-d480-7509-9534-22fcf7474bca',
  // In ids of the gateway's own, and of others.
  'pay_01a1fc1c-d480-7509-9534-22fcf7474bca',
  'see payments pay_ae1bcd39-a463-4172-9518-42e5ce004ae9 and pay_01a1fc1c-d480-7509-9534-22fcf7474bca',
  'sk_test_01a1fc1c-d480-7509-9534-22fcf7474bca_0000',
  // Moments, written and in milli-, micro- and nanoseconds.
  '2026-11-21T02:34:35.123456Z',
  '2026-11-21 02:34:35',
  '20261121023435123',
  ...['1795229118227', '1795229118227123', '1795229118227123456'].map((digits) => withCheckDigit(digits.slice(0, -1))),
  // Telephone numbers.
  '+1 212 555 0123',
  '+49 151 81184636',
  'call +4915181184636.',
  '+44 20 7946 0958',
  '(0)30 901820-12345',
  '0049 151 23456789',
  // Amounts and coordinates.
  '4,242,424,242,424,242',
  '52.5200066 13.4049540',
  '4242.4242.4242.4241',
  '42.42.42.42.42.42.42.42',
  'v4.2.4.2 of 2026.11.21',
])('"%s" holds none', (text) => {
  expect(holdsCardNumber(text)).toBe(false);
});

test('a card number is found in whatever text it stands, its groups parted or not', () => {
  const around = fc.stringMatching(/^[a-z .,:;\n]{0,20}$/);
  const visa = fc.stringMatching(/^4\d{14}$/).map(withCheckDigit);
  fc.assert(
    fc.property(around, visa, fc.constantFrom('', ' ', '-'), around, (before, number, separator, after) => {
      const written = (number.match(/\d{4}/g) ?? []).join(separator);
      expect(holdsCardNumber(before + written + after)).toBe(true);
    }),
  );
});
