import { expect, test } from 'vitest';
import { decline, declineForPayer, parseDeclineCode, type DeclineCode } from '../../src/domain/decline.ts';

/** Written by hand: a retry of a decline that is final costs the merchant fees, and standing with the networks. */
const RETRYABLE = {
  authentication_required: false,
  card_velocity_exceeded: false,
  do_not_honor: false,
  expired_card: false,
  fraudulent: false,
  generic_decline: false,
  incorrect_cvc: false,
  incorrect_number: false,
  insufficient_funds: true,
  issuer_not_available: true,
  lost_card: false,
  not_executed: true,
  processor_unavailable: true,
  pickup_card: false,
  processing_error: true,
  processor_configuration: false,
  reenter_transaction: true,
  return_url_missing: false,
  stolen_card: false,
  three_d_secure_error: false,
  three_d_secure_failed: false,
  three_d_secure_not_supported: false,
  three_d_secure_timeout: false,
} as const satisfies Record<DeclineCode, boolean>;

const CODES = Object.keys(RETRYABLE) as DeclineCode[];

test.for(CODES)('%s is known, says something, and may be tried again or not', (code) => {
  expect(parseDeclineCode(code)).toBe(code);
  expect(decline(code)).toEqual({
    code,
    message: expect.stringMatching(/^\S.*\.$/) as string,
    retryable: RETRYABLE[code],
  });
});

/** Written by hand: what of a card whoever holds it is not to learn. */
const KEPT_FROM_PAYERS: readonly DeclineCode[] = [
  'card_velocity_exceeded',
  'do_not_honor',
  'fraudulent',
  'lost_card',
  'pickup_card',
  'stolen_card',
];

test.for(CODES)('a payer is told of %s in words of their own, or of a generic decline', (code) => {
  const told = KEPT_FROM_PAYERS.includes(code) ? 'generic_decline' : code;
  expect(declineForPayer(code)).toEqual({
    code: told,
    message: expect.stringMatching(/^\S.*\.$/) as string,
    retryable: RETRYABLE[told],
  });
  if (told === code) expect(declineForPayer(code).message).not.toBe(decline(code).message);
  else expect(declineForPayer(code)).toEqual(declineForPayer('generic_decline'));
});

test('no two declines read the same', () => {
  expect(new Set(CODES.map((code) => decline(code).message)).size).toBe(CODES.length);
});

test.for(['', 'INSUFFICIENT_FUNDS', 'insufficient_funds ', 'no_such_code', 'toString', '__proto__', '51'])(
  'an unknown code, "%s", is a generic decline',
  (code) => {
    expect(parseDeclineCode(code)).toBe('generic_decline');
  },
);
