import type { CardBrand } from './card.ts';
import type { DeclineCode } from './decline.ts';

/** Which processor a new card is charged with: an ordered list of rules, of which the first that fits decides. */

/** Where a card can be charged: an account with a processor, or the sandbox. */
export type Target = string;

export const SANDBOX_TARGET: Target = 'sandbox';

export interface RoutingRule {
  readonly name: string;
  readonly when: RoutingCondition;
  /** One is drawn by weight; the others, heaviest first, are what is left if nothing can have happened there. */
  readonly targets: readonly { readonly target: Target; readonly weight: number }[];
}

/** All that is named has to hold; what is null is not asked about. */
export interface RoutingCondition {
  readonly currencies: readonly string[] | null;
  /** Minor units, as is the next. */
  readonly amountFrom: bigint | null;
  /** Up to and including. */
  readonly amountTo: bigint | null;
  readonly brands: readonly CardBrand[] | null;
  /** Of the billing address: the issuer's is not known before a processor has the card. */
  readonly countries: readonly string[] | null;
  readonly metadata: Readonly<Record<string, string>> | null;
}

/** What is known of a payment when a processor is chosen. */
export interface RoutingSubject {
  /** Null for a card that is stored and not charged yet; so is the currency. */
  readonly amount: bigint | null;
  readonly currency: string | null;
  readonly brand: CardBrand;
  readonly country: string | null;
  readonly metadata: Readonly<Record<string, string>>;
}

/** What a rule asks about and the subject does not have. */
export type Mismatch = 'CURRENCY' | 'AMOUNT' | 'BRAND' | 'COUNTRY' | 'METADATA';

export interface Route {
  /** The name of the rule that decided; null where none fits. */
  readonly rule: string | null;
  /** In the order in which they are tried; empty where no rule fits. */
  readonly targets: readonly Target[];
  /** The rules that were looked at, in their order; the last one fits if any does. */
  readonly considered: readonly { readonly rule: string; readonly mismatches: readonly Mismatch[] }[];
}

/**
 * Which rule decides, and where it leads.
 * @param draw from 0 up to and without 1; the same draws the same target
 */
export function route(rules: readonly RoutingRule[], subject: RoutingSubject, draw: number): Route {
  const considered: { rule: string; mismatches: Mismatch[] }[] = [];
  for (const rule of rules) {
    const mismatches = mismatchesOf(rule.when, subject);
    considered.push({ rule: rule.name, mismatches });
    if (mismatches.length === 0) return { rule: rule.name, targets: drawn(rule, draw), considered };
  }
  return { rule: null, targets: [], considered };
}

function mismatchesOf(when: RoutingCondition, subject: RoutingSubject): Mismatch[] {
  const { amount, currency, brand, country, metadata } = subject;
  const mismatches: Mismatch[] = [];
  const asks = (mismatch: Mismatch, isAsked: boolean, holds: boolean): void => {
    if (isAsked && !holds) mismatches.push(mismatch);
  };
  const isWithin =
    amount !== null &&
    (when.amountFrom === null || amount >= when.amountFrom) &&
    (when.amountTo === null || amount <= when.amountTo);
  asks('CURRENCY', when.currencies !== null, currency !== null && when.currencies?.includes(currency) === true);
  asks('AMOUNT', when.amountFrom !== null || when.amountTo !== null, isWithin);
  asks('BRAND', when.brands !== null, when.brands?.includes(brand) === true);
  asks('COUNTRY', when.countries !== null, country !== null && when.countries?.includes(country) === true);
  const wanted = Object.entries(when.metadata ?? {});
  asks(
    'METADATA',
    when.metadata !== null,
    wanted.every(([key, value]) => Object.hasOwn(metadata, key) && metadata[key] === value),
  );
  return mismatches;
}

function drawn({ targets }: RoutingRule, draw: number): Target[] {
  const total = targets.reduce((sum, { weight }) => sum + weight, 0);
  let rest = draw * total;
  const first = targets.find(({ weight }) => (rest -= weight) < 0) ?? targets.findLast(({ weight }) => weight > 0);
  const others = targets.filter((each) => each !== first).toSorted((a, b) => b.weight - a.weight);
  return [...(first === undefined ? [] : [first]), ...others].map(({ target }) => target);
}

/**
 * Declines after which the next processor may be asked: the first one says that it could not do it, and nothing of the
 * card. A decline by the issuer is the same everywhere, and an unknown outcome is no decline.
 */
const ASK_ELSEWHERE: ReadonlySet<DeclineCode> = new Set([
  'processor_unavailable',
  'processor_configuration',
  'processing_error',
]);

export function mayAskElsewhere(code: DeclineCode): boolean {
  return ASK_ELSEWHERE.has(code);
}
