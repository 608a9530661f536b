import type { DeclineCode } from '../../domain/decline.ts';

/** How what is asked for later ends: at first, and after a while. */
interface TwoSteps {
  readonly first: 'pending' | 'succeeded';
  readonly later: 'succeeded' | 'failed';
}

/** What the sandbox does with a card. */
export type Behavior =
  | { readonly kind: 'approve' }
  | { readonly kind: 'decline'; readonly code: DeclineCode }
  /** Approved; refunds of it end so. */
  | ({ readonly kind: 'approve_with_refunds' } & TwoSteps)
  /** Approved; captures of it end so, and so does a charge that captures at once. */
  | ({ readonly kind: 'approve_with_captures' } & TwoSteps)
  /** Accepted now, approved after a while, with a notification. */
  | { readonly kind: 'approve_later' }
  /** Accepted now, declined after a while, with a notification. */
  | { readonly kind: 'decline_later'; readonly code: DeclineCode }
  /** Approved; an authorisation of it is let go after a while. */
  | { readonly kind: 'hold_briefly' }
  /** 3-D Secure first, in a while only where `brief`; `decline` is why it is declined though the payer acted. */
  | { readonly kind: 'challenge'; readonly decline: DeclineCode | null; readonly brief: boolean }
  /** The connection drops: after the charge was made, or before. */
  | { readonly kind: 'drop_connection'; readonly afterTheEffect: boolean };

const APPROVE: Behavior = { kind: 'approve' };
const CHALLENGE: Behavior = { kind: 'challenge', decline: null, brief: false };

/** Stripe's published test cards, with their outcomes, and then numbers of our own. */
const CARDS: Readonly<Record<string, Behavior>> = {
  '4242424242424242': APPROVE,
  '4111111111111111': APPROVE,
  '5555555555554444': APPROVE,
  '378282246310005': APPROVE,
  '6011111111111117': APPROVE,
  // 3-D Secure without a challenge: the payer sees nothing of it.
  '4000000032200000': APPROVE,
  '4000000000003220': CHALLENGE,
  '4000002760003184': CHALLENGE,
  '4000008400001629': { kind: 'challenge', decline: 'generic_decline', brief: false },
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
  // Our own from here: their check digits are right.
  '4000000000001000': { kind: 'decline', code: 'do_not_honor' },
  '4000000000001018': { kind: 'approve_later' },
  '4000000000001026': { kind: 'drop_connection', afterTheEffect: true },
  '4000000000001034': { kind: 'drop_connection', afterTheEffect: false },
  '4000000000001042': { kind: 'challenge', decline: null, brief: true },
  '4000000000001059': { kind: 'challenge', decline: 'three_d_secure_failed', brief: false },
  '4000000000001067': { kind: 'decline_later', code: 'generic_decline' },
  '4000000000001075': { kind: 'hold_briefly' },
  '4000000000001083': { kind: 'approve_with_captures', first: 'pending', later: 'succeeded' },
  '4000000000001091': { kind: 'approve_with_captures', first: 'pending', later: 'failed' },
  '4000000000001109': { kind: 'approve_with_captures', first: 'succeeded', later: 'failed' },
};

/** What a card number does; undefined where it is no test number. */
export function behaviorOf(number: string): Behavior | undefined {
  return Object.hasOwn(CARDS, number) ? CARDS[number] : undefined;
}

/** The numbers that the sandbox knows, for its documentation and its tests. */
export const TEST_CARD_NUMBERS: readonly string[] = Object.keys(CARDS);
