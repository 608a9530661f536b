import type { DeclineCode } from '../../domain/decline.ts';

/** What the sandbox does with a card. All but the last four are Stripe's published test cards, with their outcomes. */
export type Behavior =
  | { readonly kind: 'approve' }
  | { readonly kind: 'decline'; readonly code: DeclineCode }
  /** Approved; refunds of it come later, and then end so. */
  | {
      readonly kind: 'approve_with_refunds';
      readonly first: 'pending' | 'succeeded';
      readonly later: 'succeeded' | 'failed';
    }
  /** Accepted now, approved after a while, with a notification. */
  | { readonly kind: 'approve_later' }
  /** The connection drops: after the charge was made, or before. */
  | { readonly kind: 'drop_connection'; readonly afterTheEffect: boolean };

const APPROVE: Behavior = { kind: 'approve' };

const CARDS: Readonly<Record<string, Behavior>> = {
  '4242424242424242': APPROVE,
  '4111111111111111': APPROVE,
  '5555555555554444': APPROVE,
  '378282246310005': APPROVE,
  '6011111111111117': APPROVE,
  // 3-D Secure without a challenge: the payer sees nothing of it.
  '4000000032200000': APPROVE,
  '4000000000000002': { kind: 'decline', code: 'generic_decline' },
  '4000000000009995': { kind: 'decline', code: 'insufficient_funds' },
  '4000000000009987': { kind: 'decline', code: 'lost_card' },
  '4000000000009979': { kind: 'decline', code: 'stolen_card' },
  '4000000000006975': { kind: 'decline', code: 'card_velocity_exceeded' },
  '4000000000000069': { kind: 'decline', code: 'expired_card' },
  '4000000000000127': { kind: 'decline', code: 'incorrect_cvc' },
  '4000000000000119': { kind: 'decline', code: 'processing_error' },
  '4000000000007726': { kind: 'approve_with_refunds', first: 'pending', later: 'succeeded' },
  '4000000000005126': { kind: 'approve_with_refunds', first: 'succeeded', later: 'failed' },
  // Numbers of our own from here: their check digits are right.
  '4000000000001000': { kind: 'decline', code: 'do_not_honor' },
  '4000000000001018': { kind: 'approve_later' },
  '4000000000001026': { kind: 'drop_connection', afterTheEffect: true },
  '4000000000001034': { kind: 'drop_connection', afterTheEffect: false },
};

/** What a card number does; undefined where it is no test number. */
export function behaviorOf(number: string): Behavior | undefined {
  return Object.hasOwn(CARDS, number) ? CARDS[number] : undefined;
}

/** The numbers that the sandbox knows, for its documentation and its tests. */
export const TEST_CARD_NUMBERS: readonly string[] = Object.keys(CARDS);
