import type { Stripe } from 'stripe';
import type { StatementLine } from '../port.ts';
import { fromStripeAmount } from './amounts.ts';
import type { StripeClient } from './client.ts';
import { METADATA, stateOf } from './intents.ts';
import { pages } from './questions.ts';
import { refundOutcome } from './refunds.ts';

/**
 * The charges, and then the refunds, that were made in a stretch of time, the newest first: Stripe knows no other order.
 * It throws where a page is not to be had: a statement with a gap would be taken for a whole one.
 */
export async function* statementOf(
  client: StripeClient,
  from: Date,
  until: Date,
  signal: AbortSignal,
): AsyncGenerator<StatementLine> {
  const created = { gte: Math.ceil(from.getTime() / 1_000), lt: Math.ceil(until.getTime() / 1_000) };
  const intents = pages(client, signal, ({ paymentIntents }, page) => paymentIntents.list({ created, ...page }));
  yield* linesOf(intents, lineOfIntent);
  const refunds = pages(client, signal, (stripe, page) => stripe.refunds.list({ created, ...page }));
  yield* linesOf(refunds, lineOfRefund);
}

async function* linesOf<T>(
  read: ReturnType<typeof pages<T & { id: string }>>,
  write: (object: T) => StatementLine | undefined,
): AsyncGenerator<StatementLine> {
  for await (const page of read) {
    if (!page.ok) throw new Error(`Stripe did not tell all of its statement: ${page.fault.kind}`);
    for (const object of page.value) {
      const line = write(object);
      if (line !== undefined) yield line;
    }
  }
}

/** Nothing for an intent that was never confirmed: no charge was made with it. */
function lineOfIntent(intent: Stripe.PaymentIntent): StatementLine | undefined {
  const state = chargeState(intent);
  return state && lineOf('CHARGE', intent, state, state === 'SUCCEEDED' ? intent.amount_received : intent.amount);
}

function chargeState(intent: Stripe.PaymentIntent): StatementLine['state'] | undefined {
  // Of captures in part, too, the money has come in.
  if (intent.status === 'succeeded') return 'SUCCEEDED';
  const state = stateOf(intent);
  switch (state.kind) {
    case 'approved':
      return 'AUTHORIZED';
    case 'declined':
      return 'FAILED';
    case 'expired':
    case 'voided':
      return 'CANCELED';
    case 'pending':
    case 'action_required':
    case 'no_way_to_payer':
    case 'unknown':
      return 'PENDING';
    default:
      return undefined;
  }
}

function lineOfRefund(refund: Stripe.Refund): StatementLine | undefined {
  const outcome = refundOutcome(refund);
  switch (outcome.kind) {
    case 'succeeded':
      return lineOf('REFUND', refund, 'SUCCEEDED', refund.amount);
    case 'failed':
      return lineOf('REFUND', refund, refund.status === 'canceled' ? 'CANCELED' : 'FAILED', refund.amount);
    default:
      return lineOf('REFUND', refund, 'PENDING', refund.amount);
  }
}

function lineOf(
  kind: StatementLine['kind'],
  object: Pick<Stripe.Refund, 'id' | 'created' | 'currency' | 'metadata'>,
  state: StatementLine['state'],
  units: number,
): StatementLine | undefined {
  const money = fromStripeAmount(units, object.currency);
  // In a currency of which we know nothing, it cannot be ours.
  if (money === undefined) return undefined;
  return {
    kind,
    reference: object.id,
    key: object.metadata?.[METADATA.key] ?? null,
    ...money,
    state,
    createdAt: new Date(object.created * 1_000),
  };
}
