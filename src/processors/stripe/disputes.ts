import type { Stripe } from 'stripe';
import type { StripeClient } from './client.ts';
import { chargeOf } from './intents.ts';
import { pages } from './questions.ts';

/** Why a payment that was captured is not the merchant's any more. */
export interface Reversal {
  readonly code: string;
  readonly message: string;
}

/**
 * Whether the payer's bank has taken a payment back for good: by a dispute over all that was captured, which is lost. One
 * that is still open may be won, and one over a part leaves a payment that has succeeded.
 */
export async function findReversal(
  client: StripeClient,
  intent: Stripe.PaymentIntent,
  signal: AbortSignal,
): Promise<Reversal | undefined | 'unknown'> {
  const charge = chargeOf(intent);
  if (charge?.disputed !== true) return undefined;
  const disputes = pages(client, signal, (stripe, page) => stripe.disputes.list({ charge: charge.id, ...page }));
  for await (const page of disputes) {
    if (!page.ok) return 'unknown';
    const lost = page.value.find(({ status, amount }) => status === 'lost' && amount >= charge.amount_captured);
    if (lost !== undefined) return { code: 'dispute_lost', message: `The payer disputed the payment: ${lost.reason}.` };
  }
  return undefined;
}
