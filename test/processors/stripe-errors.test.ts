import { Stripe } from 'stripe';
import { expect, test } from 'vitest';
import { decline, type DeclineCode } from '../../src/domain/decline.ts';
import { DECLINE_CODES, declineOf, ERROR_CODES } from '../../src/processors/stripe/declines.ts';
import { faultOf } from '../../src/processors/stripe/errors.ts';

const { errors } = Stripe;

/** An error as the SDK makes it of an answer with a status. */
function answered(statusCode: number, raw: Record<string, unknown>): Stripe.errors.StripeError {
  return errors.generateV1Error({ type: 'api_error', ...raw, statusCode, requestId: 'req_1' });
}

/** An error as the SDK makes it of a broken connection. */
function broken(code: string): Stripe.errors.StripeError {
  return new errors.StripeConnectionError({ detail: Object.assign(new Error(code), { code }) });
}

const card = (code: string, declineCode?: string): Stripe.errors.StripeError =>
  answered(402, { type: 'card_error', code, decline_code: declineCode });

const refused = (code: string) => ({ kind: 'refused', code });
const declined = (code: DeclineCode) => ({ kind: 'declined', decline: decline(code) });

/** What was measured of the SDK, row by row. */
const MEASURED: readonly (readonly [row: string, error: unknown, fault: object])[] = [
  ['ECONNREFUSED', broken('ECONNREFUSED'), { kind: 'not_sent' }],
  ['ENOTFOUND', broken('ENOTFOUND'), { kind: 'not_sent' }],
  ['EAI_AGAIN', broken('EAI_AGAIN'), { kind: 'not_sent' }],
  ['ETIMEDOUT', broken('ETIMEDOUT'), { kind: 'unknown' }],
  ['ECONNRESET', broken('ECONNRESET'), { kind: 'unknown' }],
  ['EPIPE', broken('EPIPE'), { kind: 'unknown' }],
  ['a body cut short', new errors.StripeConnectionError({ message: 'cut' }), { kind: 'unknown' }],
  ['500', answered(500, { type: 'api_error' }), { kind: 'unknown' }],
  ['502', answered(502, { type: 'api_error' }), { kind: 'unknown' }],
  ['503', answered(503, { type: 'api_error' }), { kind: 'unknown' }],
  ['an answer that is no JSON', new errors.StripeAPIError({ message: 'Invalid JSON' }), { kind: 'unknown' }],
  ['409 lock_timeout', answered(409, { code: 'lock_timeout' }), { kind: 'in_use' }],
  ['429 lock_timeout, as it is documented', answered(429, { code: 'lock_timeout' }), { kind: 'in_use' }],
  ['409 idempotency_key_in_use', answered(409, { code: 'idempotency_key_in_use' }), { kind: 'in_use' }],
  ['409 of another kind', answered(409, {}), { kind: 'unknown' }],
  ['429', answered(429, { code: 'rate_limit' }), { kind: 'not_sent' }],
  ['400 rate_limit', answered(400, { code: 'rate_limit' }), { kind: 'not_sent' }],
  ['idempotency error 400', answered(400, { type: 'idempotency_error' }), { kind: 'key_reused' }],
  ['401', answered(401, { type: 'invalid_request_error' }), refused('invalid_api_key')],
  ['403', answered(403, { type: 'invalid_request_error' }), refused('permission_missing')],
  ['invalid request 400', answered(400, { code: 'parameter_unknown', param: 'x' }), refused('parameter_unknown')],
  ['invalid request 400 without a code', answered(400, {}), refused('invalid_request')],
  ['invalid request 404', answered(404, { code: 'url_invalid' }), refused('url_invalid')],
  [
    'a decline that comes as an invalid request',
    answered(400, { code: 'payment_intent_authentication_failure' }),
    declined('three_d_secure_failed'),
  ],
  ['resource_missing', answered(404, { code: 'resource_missing' }), { kind: 'missing', code: 'resource_missing' }],
  [
    'payment_intent_unexpected_state',
    answered(400, { code: 'payment_intent_unexpected_state' }),
    { kind: 'unexpected_state' },
  ],
  ['charge_already_refunded', answered(400, { code: 'charge_already_refunded' }), { kind: 'unexpected_state' }],
  ['charge_already_captured', answered(400, { code: 'charge_already_captured' }), { kind: 'unexpected_state' }],
  [
    'card error authentication_required',
    card('authentication_required', 'authentication_required'),
    declined('authentication_required'),
  ],
  ['insufficient_funds', card('card_declined', 'insufficient_funds'), declined('insufficient_funds')],
  ['processing_error', card('processing_error'), declined('processing_error')],
  ['try_again_later', card('card_declined', 'try_again_later'), declined('issuer_not_available')],
  ['issuer_not_available', card('card_declined', 'issuer_not_available'), declined('issuer_not_available')],
  ['reenter_transaction', card('card_declined', 'reenter_transaction'), declined('reenter_transaction')],
  ['generic_decline', card('card_declined', 'generic_decline'), declined('generic_decline')],
  ['do_not_honor', card('card_declined', 'do_not_honor'), declined('do_not_honor')],
  ['lost_card', card('card_declined', 'lost_card'), declined('lost_card')],
  ['stolen_card', card('card_declined', 'stolen_card'), declined('stolen_card')],
  ['fraudulent', card('card_declined', 'fraudulent'), declined('fraudulent')],
  ['pickup_card', card('card_declined', 'pickup_card'), declined('pickup_card')],
  ['expired_card', card('expired_card'), declined('expired_card')],
  ['incorrect_cvc', card('incorrect_cvc'), declined('incorrect_cvc')],
  ['incorrect_number', card('incorrect_number'), declined('incorrect_number')],
  ['an error of anything else', new TypeError('fetch failed'), { kind: 'unknown' }],
  ['no error at all', undefined, { kind: 'unknown' }],
];

test.each(MEASURED)('%s', (_, error, fault) => {
  expect(faultOf(error)).toMatchObject(fault);
});

test.each([
  ['ECONNREFUSED', broken('ECONNREFUSED')],
  ['429', answered(429, { code: 'rate_limit' })],
  // Keys may be rolled between the two: who asks is looked at before what was answered under an idempotency key.
  ['401', answered(401, { type: 'invalid_request_error' })],
  ['403', answered(403, { type: 'invalid_request_error' })],
])('%s of a request that was sent a second time says nothing of the first', (_, error) => {
  expect(faultOf(error, true)).toEqual({ kind: 'unknown' });
});

test('what Stripe says is not repeated: its words may hold what was sent', () => {
  const message = 'Invalid API Key provided: sk_test_****1234, for 4242424242424242';
  expect(faultOf(answered(401, { message }))).toEqual({
    kind: 'refused',
    code: 'invalid_api_key',
    message: 'Stripe refused it: invalid_api_key, in request req_1.',
  });
  expect(faultOf(answered(400, { message, code: 'parameter_missing', param: 'amount' }))).toEqual({
    kind: 'refused',
    code: 'parameter_missing',
    message: 'Stripe refused it: parameter_missing (amount), in request req_1.',
  });
});

/** Every decline code that Stripe documents, and what is made of it. */
const DOCUMENTED: readonly (readonly [theirs: string, ours: DeclineCode])[] = [
  ['authentication_not_handled', 'authentication_required'],
  ['authentication_required', 'authentication_required'],
  ['approve_with_id', 'reenter_transaction'],
  ['call_issuer', 'do_not_honor'],
  ['card_not_supported', 'generic_decline'],
  ['card_velocity_exceeded', 'card_velocity_exceeded'],
  ['currency_not_supported', 'generic_decline'],
  ['do_not_honor', 'do_not_honor'],
  ['do_not_try_again', 'do_not_honor'],
  ['duplicate_transaction', 'generic_decline'],
  ['expired_card', 'expired_card'],
  ['fraudulent', 'fraudulent'],
  ['generic_decline', 'generic_decline'],
  ['incorrect_address', 'generic_decline'],
  ['incorrect_cvc', 'incorrect_cvc'],
  ['incorrect_number', 'incorrect_number'],
  ['incorrect_pin', 'generic_decline'],
  ['incorrect_zip', 'generic_decline'],
  ['insufficient_funds', 'insufficient_funds'],
  ['invalid_account', 'generic_decline'],
  ['invalid_amount', 'generic_decline'],
  ['invalid_cvc', 'incorrect_cvc'],
  ['invalid_expiry_month', 'expired_card'],
  ['invalid_expiry_year', 'expired_card'],
  ['invalid_number', 'incorrect_number'],
  ['invalid_pin', 'generic_decline'],
  ['issuer_not_available', 'issuer_not_available'],
  ['lost_card', 'lost_card'],
  ['merchant_blacklist', 'fraudulent'],
  ['mobile_device_authentication_required', 'authentication_required'],
  ['new_account_information_available', 'do_not_honor'],
  ['no_action_taken', 'do_not_honor'],
  ['not_permitted', 'do_not_honor'],
  ['offline_pin_required', 'authentication_required'],
  ['online_or_offline_pin_required', 'authentication_required'],
  ['pickup_card', 'pickup_card'],
  ['pin_try_exceeded', 'generic_decline'],
  ['processing_error', 'processing_error'],
  ['reenter_transaction', 'reenter_transaction'],
  ['restricted_card', 'do_not_honor'],
  ['revocation_of_all_authorizations', 'do_not_honor'],
  ['revocation_of_authorization', 'do_not_honor'],
  ['security_violation', 'do_not_honor'],
  ['service_not_allowed', 'do_not_honor'],
  ['stolen_card', 'stolen_card'],
  ['stop_payment_order', 'do_not_honor'],
  ['testmode_decline', 'generic_decline'],
  ['transaction_not_allowed', 'do_not_honor'],
  ['try_again_later', 'issuer_not_available'],
  ['withdrawal_count_limit_exceeded', 'card_velocity_exceeded'],
];

test.each(DOCUMENTED)("Stripe's %s is %s", (theirs, ours) => {
  expect(declineOf({ code: 'card_declined', decline_code: theirs })).toEqual(decline(ours));
});

test('no decline code is translated that Stripe does not document', () => {
  expect(Object.keys(DECLINE_CODES).toSorted()).toEqual(DOCUMENTED.map(([code]) => code).toSorted());
});

test.each(Object.entries(ERROR_CODES))('an error %s without a decline code is %s', (code, ours) => {
  expect(declineOf({ code })).toEqual(decline(ours));
});

test.each([
  [{ code: 'card_declined', decline_code: 'of_tomorrow' }],
  [{ code: 'of_tomorrow' }],
  [{ code: 'constructor', decline_code: 'toString' }],
  [{}],
])('%o is a generic decline', (unknown) => {
  expect(declineOf(unknown)).toEqual(decline('generic_decline'));
});
