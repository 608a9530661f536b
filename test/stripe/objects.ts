import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Stripe } from 'stripe';

/** Objects of Stripe's, in the shape of its own examples. */
interface Examples {
  readonly balance: Stripe.Balance;
  readonly balance_transaction: Stripe.BalanceTransaction;
  readonly charge: Stripe.Charge;
  readonly dispute: Stripe.Dispute;
  readonly event: Stripe.Event;
  readonly payment_intent: Stripe.PaymentIntent;
  readonly payment_method: Stripe.PaymentMethod;
  readonly refund: Stripe.Refund;
}

const EXAMPLES = JSON.parse(
  readFileSync(join(import.meta.dirname, '..', 'fixtures', 'stripe', 'objects-2026-08-21.json'), 'utf8'),
) as Examples;

const PREFIXES = {
  balance_transaction: 'txn',
  charge: 'ch',
  dispute: 'du',
  event: 'evt',
  payment_intent: 'pi',
  payment_method: 'pm',
  refund: 're',
} as const;

/** An object of Stripe's of its own, made now. */
export function objectOf<K extends keyof typeof PREFIXES>(kind: K, fields: Partial<Examples[K]>): Examples[K] {
  const id = `${PREFIXES[kind]}_${randomBytes(12).toString('hex')}`;
  return { ...structuredClone(EXAMPLES[kind]), id, created: nowSeconds(), metadata: {}, ...fields };
}

export function exampleBalance(): Stripe.Balance {
  return EXAMPLES.balance;
}

export function nowSeconds(): number {
  return Math.floor(Date.now() / 1_000);
}
