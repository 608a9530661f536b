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
  /** What a payer is told; null where they are told of a generic decline: who found a card is not to learn its state. */
  readonly payer: string | null;
}

/** Source: Stripe's list of decline codes, and its advice on which may be tried again. */
const RULES = {
  authentication_required: {
    message: 'The issuer asks for the customer to be authenticated.',
    retryable: false,
    payer: 'Your bank asks you to confirm the payment. Try again, or try another card.',
  },
  card_velocity_exceeded: {
    message: 'The card is over its limit of amount or of number of payments.',
    retryable: false,
    payer: null,
  },
  do_not_honor: {
    message: 'The issuer declined the payment and gave no reason.',
    retryable: false,
    payer: null,
  },
  expired_card: {
    message: 'The card has expired.',
    retryable: false,
    payer: 'The card has expired. Try another card.',
  },
  fraudulent: { message: 'The payment was taken for fraudulent.', retryable: false, payer: null },
  generic_decline: {
    message: 'The issuer declined the payment.',
    retryable: false,
    payer: 'Your bank declined the payment. Try another card.',
  },
  incorrect_cvc: {
    message: 'The CVC is wrong.',
    retryable: false,
    payer: 'The security code (CVC) is wrong. Check it and try again.',
  },
  incorrect_number: {
    message: 'The card number is wrong.',
    retryable: false,
    payer: 'The card number is wrong. Check it and try again.',
  },
  insufficient_funds: {
    message: 'The card has insufficient funds.',
    retryable: true,
    payer: 'There is not enough money on the card. Try another card.',
  },
  issuer_not_available: {
    message: 'The issuer could not be reached.',
    retryable: true,
    payer: 'Your bank could not be reached. Try again in a few minutes, or try another card.',
  },
  lost_card: { message: 'The card was reported lost.', retryable: false, payer: null },
  pickup_card: { message: 'The card is to be withdrawn.', retryable: false, payer: null },
  processing_error: {
    message: 'The processor had an error with this card.',
    retryable: true,
    payer: 'The payment could not be processed. Try again in a few minutes, or try another card.',
  },
  reenter_transaction: {
    message: 'The issuer asks for the payment to be sent again.',
    retryable: true,
    payer: 'Your bank asks for the payment to be sent again. Try again.',
  },
  return_url_missing: {
    message: 'The issuer asks for 3-D Secure, and the payment has no returnUrl to lead the customer back to.',
    retryable: false,
    payer: 'This card cannot be used here. Try another card.',
  },
  stolen_card: { message: 'The card was reported stolen.', retryable: false, payer: null },
  three_d_secure_error: {
    message: '3-D Secure ended in an error.',
    retryable: false,
    payer: 'Confirming the payment with your bank did not work. Try again, or try another card.',
  },
  three_d_secure_failed: {
    message: 'The customer did not pass 3-D Secure.',
    retryable: false,
    payer: 'Your bank did not confirm that it is you who pays. Try again, or try another card.',
  },
  three_d_secure_not_supported: {
    message: 'The card does not support 3-D Secure.',
    retryable: false,
    payer: 'Your bank cannot confirm payments with this card. Try another card.',
  },
  three_d_secure_timeout: {
    message: 'The customer did not finish 3-D Secure in time.',
    retryable: false,
    payer: 'The payment was not confirmed in time. Try again.',
  },
  not_executed: {
    message: 'The processor never executed the request.',
    retryable: true,
    payer: 'The payment was not made. Try again.',
  },
  processor_unavailable: {
    message: 'The processor could not be reached, and nothing was sent to it.',
    retryable: true,
    payer: 'The payment could not be made at the moment. Try again in a few minutes.',
  },
  processor_configuration: {
    message: 'The processor refused the request: an operator has to look at its account.',
    retryable: false,
    payer: 'The payment cannot be taken at the moment. Ask whom you pay.',
  },
} as const satisfies Record<string, DeclineRule>;

export type DeclineCode = keyof typeof RULES;

const DECLINE_CODES = Object.keys(RULES) as readonly DeclineCode[];

/** The decline that a code stands for. */
export function decline(code: DeclineCode): Decline {
  const { message, retryable } = RULES[code];
  return { code, message, retryable };
}

/**
 * The same as the payer may be told: in words for them, and without what would tell a thief that a card is watched.
 */
export function declineForPayer(code: DeclineCode): Decline {
  const { payer, retryable } = RULES[code];
  return payer === null ? declineForPayer('generic_decline') : { code, message: payer, retryable };
}

/** Reads a stored or a processor's code; an unknown one is a generic decline. */
export function parseDeclineCode(code: string): DeclineCode {
  return DECLINE_CODES.find((known) => known === code) ?? 'generic_decline';
}
