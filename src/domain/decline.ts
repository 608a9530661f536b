/** Why an issuer or a processor would not do it. Processors' own codes are translated into these. */
export interface Decline {
  readonly code: DeclineCode;
  /** For the merchant, not for the payer: it may tell a thief that a card is watched. */
  readonly message: string;
  /** Another attempt later, with the same card, may succeed. */
  readonly retryable: boolean;
}

interface DeclineRule {
  readonly message: string;
  readonly retryable: boolean;
}

/** Source: Stripe's list of decline codes, and its advice on which may be tried again. */
const RULES = {
  authentication_required: { message: 'The issuer asks for the customer to be authenticated.', retryable: false },
  card_velocity_exceeded: {
    message: 'The card is over its limit of amount or of number of payments.',
    retryable: false,
  },
  do_not_honor: { message: 'The issuer declined the payment and gave no reason.', retryable: false },
  expired_card: { message: 'The card has expired.', retryable: false },
  fraudulent: { message: 'The payment was taken for fraudulent.', retryable: false },
  generic_decline: { message: 'The issuer declined the payment.', retryable: false },
  incorrect_cvc: { message: 'The CVC is wrong.', retryable: false },
  incorrect_number: { message: 'The card number is wrong.', retryable: false },
  insufficient_funds: { message: 'The card has insufficient funds.', retryable: true },
  issuer_not_available: { message: 'The issuer could not be reached.', retryable: true },
  lost_card: { message: 'The card was reported lost.', retryable: false },
  pickup_card: { message: 'The card is to be withdrawn.', retryable: false },
  processing_error: { message: 'The processor had an error with this card.', retryable: true },
  reenter_transaction: { message: 'The issuer asks for the payment to be sent again.', retryable: true },
  return_url_missing: {
    message: 'The issuer asks for 3-D Secure, and the payment has no returnUrl to lead the customer back to.',
    retryable: false,
  },
  stolen_card: { message: 'The card was reported stolen.', retryable: false },
  three_d_secure_error: { message: '3-D Secure ended in an error.', retryable: false },
  three_d_secure_failed: { message: 'The customer did not pass 3-D Secure.', retryable: false },
  three_d_secure_not_supported: { message: 'The card does not support 3-D Secure.', retryable: false },
  three_d_secure_timeout: { message: 'The customer did not finish 3-D Secure in time.', retryable: false },
  not_executed: { message: 'The processor never executed the request.', retryable: true },
  processor_configuration: {
    message: 'The processor refused the request: an operator has to look at its account.',
    retryable: false,
  },
} as const satisfies Record<string, DeclineRule>;

export type DeclineCode = keyof typeof RULES;

const DECLINE_CODES = Object.keys(RULES) as readonly DeclineCode[];

/** The decline that a code stands for. */
export function decline(code: DeclineCode): Decline {
  const { message, retryable } = RULES[code];
  return { code, message, retryable };
}

/** Reads a stored or a processor's code; an unknown one is a generic decline. */
export function parseDeclineCode(code: string): DeclineCode {
  return DECLINE_CODES.find((known) => known === code) ?? 'generic_decline';
}
