import type { Stripe } from 'stripe';
import { cardOfNumber, cardOfToken, type TestCard } from './cards.ts';
import { objectOf } from './objects.ts';
import { invalid, missing, Refusal } from './refusal.ts';
import type { Params } from './validation.ts';

interface Kept {
  readonly method: Stripe.PaymentMethod;
  readonly card: TestCard;
}

/** The payment methods that the stand-in knows: Stripe's test tokens, and what was made of test numbers. */
export class Wallet {
  readonly #kept = new Map<string, Kept>();
  readonly #used = new Set<string>();

  create({ card, billing_details: billing }: Params): Stripe.PaymentMethod {
    const { number, exp_month, exp_year } = card as { number: string; exp_month: number; exp_year: number };
    const known = cardOfNumber(number);
    if (known === undefined) throw new Refusal(402, { type: 'card_error', code: 'incorrect_number', param: 'number' });
    const method = methodOf(known, {});
    Object.assign(method.card ?? {}, { exp_month, exp_year });
    Object.assign(method.billing_details, billing);
    this.#kept.set(method.id, { method, card: known });
    return method;
  }

  read(id: string): Kept {
    const kept = this.#kept.get(id);
    if (kept !== undefined) return kept;
    const card = cardOfToken(id);
    if (card === undefined) throw missing('payment_method');
    return { method: methodOf(card, { id }), card };
  }

  /** Takes a payment method for an intent: one that is kept for nobody once. Stripe's test tokens are new ones each time. */
  use(id: string, customer: unknown): void {
    const { method } = this.read(id);
    if (method.customer !== customer) throw invalid('payment_method_unexpected_state', 'customer');
    const isSpent = this.#kept.has(id) && customer === null && this.#used.has(id);
    if (isSpent) throw new Refusal(400, { type: 'invalid_request_error', message: 'It may not be used again.' });
    this.#used.add(id);
  }

  /** A payment method of a test token that is kept for a customer. */
  attach(token: string, customer: string): string {
    const { card } = this.read(token);
    const method = methodOf(card, { customer });
    this.#kept.set(method.id, { method, card });
    return method.id;
  }
}

function methodOf(card: TestCard, fields: Partial<Stripe.PaymentMethod>): Stripe.PaymentMethod {
  const method = objectOf('payment_method', { customer: null, ...fields });
  Object.assign(method.card ?? {}, { brand: card.brand, last4: card.number.slice(-4) });
  return method;
}
