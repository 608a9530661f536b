import { decline, type Decline, type DeclineCode } from '../../domain/decline.ts';

/**
 * Stripe's decline codes in ours: each in the nearest that asks the same of the merchant and the payer.
 * Source: docs.stripe.com/declines/codes, and its advice on what may be tried again.
 */
export const DECLINE_CODES: Readonly<Record<string, DeclineCode>> = {
  approve_with_id: 'reenter_transaction',
  authentication_not_handled: 'authentication_required',
  authentication_required: 'authentication_required',
  call_issuer: 'do_not_honor',
  card_not_supported: 'generic_decline',
  card_velocity_exceeded: 'card_velocity_exceeded',
  currency_not_supported: 'generic_decline',
  do_not_honor: 'do_not_honor',
  do_not_try_again: 'do_not_honor',
  duplicate_transaction: 'generic_decline',
  expired_card: 'expired_card',
  fraudulent: 'fraudulent',
  generic_decline: 'generic_decline',
  incorrect_address: 'generic_decline',
  incorrect_cvc: 'incorrect_cvc',
  incorrect_number: 'incorrect_number',
  incorrect_pin: 'generic_decline',
  incorrect_zip: 'generic_decline',
  insufficient_funds: 'insufficient_funds',
  invalid_account: 'generic_decline',
  invalid_amount: 'generic_decline',
  invalid_cvc: 'incorrect_cvc',
  invalid_expiry_month: 'expired_card',
  invalid_expiry_year: 'expired_card',
  invalid_number: 'incorrect_number',
  invalid_pin: 'generic_decline',
  issuer_not_available: 'issuer_not_available',
  lost_card: 'lost_card',
  // The merchant's own list of cards to block: "treat it as fraudulent".
  merchant_blacklist: 'fraudulent',
  mobile_device_authentication_required: 'authentication_required',
  new_account_information_available: 'do_not_honor',
  no_action_taken: 'do_not_honor',
  not_permitted: 'do_not_honor',
  offline_pin_required: 'authentication_required',
  online_or_offline_pin_required: 'authentication_required',
  pickup_card: 'pickup_card',
  pin_try_exceeded: 'generic_decline',
  processing_error: 'processing_error',
  reenter_transaction: 'reenter_transaction',
  restricted_card: 'do_not_honor',
  revocation_of_all_authorizations: 'do_not_honor',
  revocation_of_authorization: 'do_not_honor',
  security_violation: 'do_not_honor',
  service_not_allowed: 'do_not_honor',
  stolen_card: 'stolen_card',
  stop_payment_order: 'do_not_honor',
  testmode_decline: 'generic_decline',
  transaction_not_allowed: 'do_not_honor',
  try_again_later: 'issuer_not_available',
  withdrawal_count_limit_exceeded: 'card_velocity_exceeded',
};

/**
 * Codes of errors, for those that come with no decline code. Source: docs.stripe.com/error-codes
 */
export const ERROR_CODES: Readonly<Record<string, DeclineCode>> = {
  authentication_failure: 'three_d_secure_failed',
  authentication_required: 'authentication_required',
  card_decline_rate_limit_exceeded: 'card_velocity_exceeded',
  card_declined: 'generic_decline',
  expired_card: 'expired_card',
  expired_payment_method: 'expired_card',
  incorrect_address: 'generic_decline',
  incorrect_cvc: 'incorrect_cvc',
  incorrect_number: 'incorrect_number',
  incorrect_zip: 'generic_decline',
  insufficient_funds: 'insufficient_funds',
  invalid_card_type: 'generic_decline',
  invalid_cvc: 'incorrect_cvc',
  invalid_expiry_month: 'expired_card',
  invalid_expiry_year: 'expired_card',
  invalid_number: 'incorrect_number',
  payment_intent_authentication_failure: 'three_d_secure_failed',
  payment_intent_payment_attempt_expired: 'three_d_secure_timeout',
  payment_intent_payment_attempt_failed: 'generic_decline',
  payment_method_customer_decline: 'generic_decline',
  payment_method_provider_decline: 'generic_decline',
  payment_method_provider_timeout: 'issuer_not_available',
  processing_error: 'processing_error',
};

/** What Stripe says of a charge that was declined, in an error or in what it keeps of the last try. */
export interface StripeDecline {
  readonly code?: string | undefined;
  readonly decline_code?: string | undefined;
}

/** A decline of Stripe's; one that it has added since is a generic decline, which is never tried again by itself. */
export function declineOf({ code = '', decline_code: declineCode = '' }: StripeDecline): Decline {
  return decline(lookUp(DECLINE_CODES, declineCode) ?? lookUp(ERROR_CODES, code) ?? 'generic_decline');
}

/** Whether the code of an error is that of a decline. */
export function isDecline(code: string): boolean {
  return lookUp(ERROR_CODES, code) !== undefined;
}

function lookUp(table: Readonly<Record<string, DeclineCode>>, code: string): DeclineCode | undefined {
  return Object.hasOwn(table, code) ? table[code] : undefined;
}
