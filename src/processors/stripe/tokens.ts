import type { Stripe } from 'stripe';
import { normalizeCardNumber, type CardBrand } from '../../domain/card.ts';
import { unreachable } from '../../domain/result.ts';
import type { TokenDescription } from '../account-port.ts';
import type { TokenizeOutcome, TokenizeRequest } from '../port.ts';
import type { StripeClient } from './client.ts';
import { KeyReusedError, type Fault } from './errors.ts';

/** A payment method of Stripe's, and the customer of Stripe's that it is kept for. */
interface Token {
  readonly paymentMethod: string;
  readonly customer: string | null;
}

/**
 * Reads "pm_…", which Stripe lets be charged once, or "cus_…-pm_…": one that is attached to a customer may be charged
 * again, and only together with that customer. Source: docs.stripe.com/payments/payment-methods
 */
export function parseToken(token: string): Token | undefined {
  const match = /^(?:(?<customer>cus_\w{1,200})-)?(?<paymentMethod>(?:pm|card|src)_\w{1,200})$/.exec(token);
  if (match?.groups?.['paymentMethod'] === undefined) return undefined;
  return { paymentMethod: match.groups['paymentMethod'], customer: match.groups['customer'] ?? null };
}

/** Exchanges a card for a payment method. */
export async function tokenize(
  client: StripeClient,
  { card }: TokenizeRequest,
  signal: AbortSignal,
): Promise<TokenizeOutcome> {
  // Under a random key, which the SDK makes: a payment method that nobody knows of costs nothing.
  const created = await client.ask(signal, ({ paymentMethods }) =>
    paymentMethods.create({
      type: 'card',
      card: {
        number: normalizeCardNumber(card.number),
        exp_month: card.expMonth,
        exp_year: card.expYear,
        cvc: card.cvc,
      },
      ...(card.holderName === null ? {} : { billing_details: { name: card.holderName } }),
    }),
  );
  if (!created.ok) return notTokenized(created.fault);
  const { id, card: details } = created.value;
  return { kind: 'tokenized', token: id, brand: brandOf(details?.brand), country: details?.country ?? null };
}

/** What a token is, that Stripe gave to the merchant's own page. */
export async function describeToken(
  client: StripeClient,
  text: string,
  signal: AbortSignal,
): Promise<TokenDescription> {
  const token = parseToken(text);
  if (token === undefined) return { kind: 'refused', message: 'A token of Stripe is "pm_…", or "cus_…-pm_…".' };
  const found = await client.ask(signal, ({ paymentMethods }) => paymentMethods.retrieve(token.paymentMethod));
  if (!found.ok) {
    if (found.fault.kind === 'missing') return { kind: 'refused', message: 'Stripe knows no such payment method.' };
    return notTokenized(found.fault);
  }
  const { card, customer, billing_details: billing } = found.value;
  if (card == null) return { kind: 'refused', message: 'The payment method is no card.' };
  if (idOf(customer) !== token.customer) return { kind: 'refused', message: WRONG_CUSTOMER };
  return {
    kind: 'card',
    brand: brandOf(card.brand),
    last4: card.last4,
    expMonth: card.exp_month,
    expYear: card.exp_year,
    holderName: billing.name,
    country: card.country,
    fingerprint: card.fingerprint ?? null,
  };
}

const WRONG_CUSTOMER =
  'A payment method that is attached to a customer of Stripe is given as "cus_…-pm_…", others alone.';

function idOf(customer: Stripe.PaymentMethod['customer']): string | null {
  return typeof customer === 'string' ? customer : (customer?.id ?? null);
}

function notTokenized(fault: Fault): Exclude<TokenizeOutcome, { kind: 'tokenized' }> {
  switch (fault.kind) {
    case 'not_sent':
      return { kind: 'not_sent' };
    case 'unknown':
    case 'in_use':
      return { kind: 'unknown' };
    case 'declined':
      return { kind: 'refused', message: fault.decline.message };
    case 'missing':
    case 'refused':
    case 'unexpected_state':
      return { kind: 'misconfigured', message: fault.message };
    case 'key_reused':
      throw new KeyReusedError();
    default:
      return unreachable(fault);
  }
}

const BRANDS: Readonly<Record<string, CardBrand>> = {
  amex: 'AMERICAN_EXPRESS',
  diners: 'DINERS_CLUB',
  discover: 'DISCOVER',
  jcb: 'JCB',
  mastercard: 'MASTERCARD',
  unionpay: 'UNIONPAY',
  visa: 'VISA',
};

function brandOf(brand: string | undefined): CardBrand {
  return brand !== undefined && Object.hasOwn(BRANDS, brand) ? (BRANDS[brand] ?? 'UNKNOWN') : 'UNKNOWN';
}
