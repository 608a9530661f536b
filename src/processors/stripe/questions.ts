import type { Stripe } from 'stripe';
import type { Answered, StripeClient } from './client.ts';
import { ABANDONED, WITH_MONEY } from './intents.ts';

/** What charges and movements both ask of Stripe. */

export function retrieve(
  client: StripeClient,
  id: string,
  signal: AbortSignal,
): Promise<Answered<Stripe.PaymentIntent>> {
  return client.ask(signal, (stripe) => stripe.paymentIntents.retrieve(id, { expand: WITH_MONEY }));
}

/**
 * Cancels an intent: nothing is held by it then, and it cannot be confirmed any more. Under a random key, which the SDK
 * makes: done twice, it is done once, and under one key of ours an error of Stripe's would be answered for ever.
 */
export async function cancel(
  client: StripeClient,
  id: string,
  signal: AbortSignal,
): Promise<'done' | 'impossible' | 'unknown'> {
  const canceled = await client.ask(signal, ({ paymentIntents }) =>
    paymentIntents.cancel(id, { cancellation_reason: ABANDONED }),
  );
  if (canceled.ok) return 'done';
  return canceled.fault.kind === 'unexpected_state' ? 'impossible' : 'unknown';
}

/** All of a list of Stripe's, page by page, each within a deadline of its own. Undefined as the last one where a page was not to be had. */
export async function* pages<T extends { id: string }>(
  client: StripeClient,
  signal: AbortSignal,
  list: (stripe: Stripe, page: { limit: number; starting_after?: string }) => Promise<Stripe.ApiList<T>>,
): AsyncGenerator<Answered<readonly T[]>> {
  let after: { starting_after?: string } = {};
  let hasMore = true;
  while (hasMore) {
    const from = after;
    const page = await client.ask(signal, (stripe) => list(stripe, { limit: PAGE, ...from }));
    yield page.ok ? { ok: true, value: page.value.data } : page;
    if (!page.ok) return;
    const last = page.value.data.at(-1);
    hasMore = page.value.has_more && last !== undefined;
    if (last !== undefined) after = { starting_after: last.id };
  }
}

/** The most that Stripe gives at once. */
const PAGE = 100;
