/** What Stripe's test cards do, by their tokens. Source: docs.stripe.com/testing */

export interface TestCard {
  readonly number: string;
  readonly brand: string;
  /** Declined when it is charged, after 3-D Secure where it asks for that. */
  readonly decline?: { readonly code: string; readonly decline_code?: string };
  readonly threeDSecure?: true;
  /** The charge is accepted, and ends later. */
  readonly later?: 'succeeds' | 'fails';
  readonly refunds?: 'pending' | 'failing';
}

const declined = (number: string, code: string, decline?: string): TestCard => ({
  number,
  brand: 'visa',
  decline: decline === undefined ? { code } : { code, decline_code: decline },
});
const visa = (number: string, rest: Partial<TestCard> = {}): TestCard => ({ number, brand: 'visa', ...rest });

export const TEST_CARDS = {
  pm_card_visa: visa('4242424242424242'),
  pm_card_mastercard: { number: '5555555555554444', brand: 'mastercard' },
  pm_card_amex: { number: '378282246310005', brand: 'amex' },
  pm_card_visa_chargeDeclined: declined('4000000000000002', 'card_declined', 'generic_decline'),
  pm_card_visa_chargeDeclinedInsufficientFunds: declined('4000000000009995', 'card_declined', 'insufficient_funds'),
  pm_card_visa_chargeDeclinedLostCard: declined('4000000000009987', 'card_declined', 'lost_card'),
  pm_card_visa_chargeDeclinedStolenCard: declined('4000000000009979', 'card_declined', 'stolen_card'),
  pm_card_visa_chargeDeclinedVelocityLimitExceeded: declined(
    '4000000000006975',
    'card_declined',
    'card_velocity_exceeded',
  ),
  pm_card_chargeDeclinedExpiredCard: declined('4000000000000069', 'expired_card', 'expired_card'),
  pm_card_chargeDeclinedIncorrectCvc: declined('4000000000000127', 'incorrect_cvc', 'incorrect_cvc'),
  pm_card_chargeDeclinedProcessingError: declined('4000000000000119', 'processing_error', 'processing_error'),
  pm_card_authenticationRequired: visa('4000002760003184', { threeDSecure: true }),
  pm_card_authenticationRequiredChargeDeclinedInsufficientFunds: {
    ...declined('4000008260003178', 'card_declined', 'insufficient_funds'),
    threeDSecure: true,
  },
  pm_card_pendingRefund: visa('4000000000007726', { refunds: 'pending' }),
  pm_card_refundFail: visa('4000000000005126', { refunds: 'failing' }),
  // Ours: no card of Stripe's is charged later, but its intents know of it.
  pm_card_processing: visa('4000000000001018', { later: 'succeeds' }),
  pm_card_processingThenDeclined: visa('4000000000001067', { later: 'fails' }),
} satisfies Record<string, TestCard>;

export type TestToken = keyof typeof TEST_CARDS;

export function cardOfToken(token: string): TestCard | undefined {
  return Object.hasOwn(TEST_CARDS, token) ? TEST_CARDS[token as TestToken] : undefined;
}

export function cardOfNumber(number: string): TestCard | undefined {
  return Object.values<TestCard>(TEST_CARDS).find((card) => card.number === number);
}
