import type { Stripe } from 'stripe';
import { unreachable } from '../../domain/result.ts';
import type { ChargeOutcome, ChargeRequest, LookUpRequest, NotFound } from '../port.ts';
import { toStripeAmount } from './amounts.ts';
import type { StripeClient } from './client.ts';
import { findReversal } from './disputes.ts';
import { KeyReusedError, type Fault } from './errors.ts';
import { METADATA, networkTransactionIdOf, returnUrlMissing, stateOf, WITH_CHARGE } from './intents.ts';
import { cancel, retrieve } from './questions.ts';
import { parseToken } from './tokens.ts';

/*
 * A charge is made in two steps. A payment intent is created and not confirmed, so that its id is kept before any money
 * can move; then it is confirmed. Whatever happens after that, the intent tells what became of it.
 */

/** Asks for a charge. */
export async function makeCharge(
  client: StripeClient,
  request: ChargeRequest,
  signal: AbortSignal,
): Promise<ChargeOutcome> {
  const params = intentOf(request);
  if (typeof params === 'string') return { kind: 'misconfigured', message: params };
  const created = await client.ask(signal, (stripe) =>
    stripe.paymentIntents.create(params, { idempotencyKey: `${request.key}:create` }),
  );
  if (!created.ok) return notCreated(created.fault);
  const { id } = created.value;
  if (!(await request.keepReference(id))) return { kind: 'not_sent' };
  const confirmed = await client.ask(signal, (stripe) =>
    stripe.paymentIntents.confirm(id, confirmationOf(request), { idempotencyKey: `${request.key}:confirm` }),
  );
  if (confirmed.ok) return conclude(client, confirmed.value, signal);
  if (confirmed.fault.kind === 'unexpected_state') return readCharge(client, id, signal);
  return notConfirmed(confirmed.fault, id);
}

/** What became of a charge. The intent is known before it is confirmed: without a reference, none was. */
export async function lookUpCharge(
  client: StripeClient,
  { reference, isLanded }: LookUpRequest,
  signal: AbortSignal,
): Promise<ChargeOutcome | NotFound> {
  if (reference === null) return { kind: 'not_found' };
  const found = await retrieve(client, reference, signal);
  if (!found.ok) return found.fault.kind === 'missing' ? { kind: 'not_found' } : { kind: 'unknown' };
  const isNotConfirmed = stateOf(found.value).kind === 'not_confirmed';
  if (isNotConfirmed && isLanded) return giveUp(client, reference, signal);
  return conclude(client, found.value, signal);
}

function intentOf(request: ChargeRequest): Stripe.PaymentIntentCreateParams | string {
  const amount = toStripeAmount(request.amount, request.currency);
  if (amount === undefined) return `Stripe cannot be told of this amount in ${request.currency}.`;
  const token = parseToken(request.token);
  if (token === undefined) return "The token is none of Stripe's.";
  return {
    amount,
    currency: request.currency.toLowerCase(),
    // Without it, Stripe offers every way to pay that the account has switched on, and asks for a return_url each time.
    allowed_payment_method_types: ['card'],
    capture_method: request.captureNow ? 'automatic' : 'manual',
    payment_method: token.paymentMethod,
    ...(token.customer === null ? {} : { customer: token.customer }),
    // Card statements take the account's own prefix and this behind it; statement_descriptor is refused for cards.
    ...(request.statementDescriptor === null ? {} : { statement_descriptor_suffix: request.statementDescriptor }),
    metadata: {
      [METADATA.payment]: request.paymentId,
      [METADATA.key]: request.key,
      ...(canReachPayer(request) ? {} : { [METADATA.returnUrl]: 'none' }),
    },
  };
}

function confirmationOf(request: ChargeRequest): Stripe.PaymentIntentConfirmParams {
  return {
    expand: WITH_CHARGE,
    ...(request.offSession ? { off_session: true } : {}),
    ...(canReachPayer(request) ? { return_url: request.returnUrl } : {}),
  };
}

/** Whether there is a payer, and an address that leads them back. */
function canReachPayer(request: ChargeRequest): request is ChargeRequest & { returnUrl: string } {
  return !request.offSession && request.returnUrl !== null;
}

/** An intent that was not created, or that nobody will confirm: no money can move. */
function notCreated(fault: Fault): ChargeOutcome {
  switch (fault.kind) {
    case 'not_sent':
    case 'unknown':
      return { kind: 'not_sent' };
    // Someone else makes the same charge at this moment, and may go on to confirm it.
    case 'in_use':
      return { kind: 'unknown' };
    case 'declined':
      return { kind: 'declined', reference: null, decline: fault.decline };
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

function notConfirmed(fault: Exclude<Fault, { kind: 'unexpected_state' }>, reference: string): ChargeOutcome {
  switch (fault.kind) {
    case 'not_sent':
      return { kind: 'not_sent' };
    case 'unknown':
    case 'in_use':
      return { kind: 'unknown' };
    case 'declined':
      return { kind: 'declined', reference, decline: fault.decline };
    case 'missing':
    case 'refused':
      return { kind: 'misconfigured', message: fault.message };
    case 'key_reused':
      throw new KeyReusedError();
    default:
      return unreachable(fault);
  }
}

/** An intent's state as the answer. One that waits for a payer whom nobody can send there is canceled first. */
async function conclude(
  client: StripeClient,
  intent: Stripe.PaymentIntent,
  signal: AbortSignal,
): Promise<ChargeOutcome> {
  const state = stateOf(intent);
  switch (state.kind) {
    case 'no_way_to_payer':
      return (await cancel(client, intent.id, signal)) === 'done' ? returnUrlMissing(intent.id) : { kind: 'unknown' };
    case 'not_confirmed':
      return { kind: 'unknown' };
    case 'approved':
      return state.captured ? withReversal(client, intent, state, signal) : state;
    default:
      return state;
  }
}

/**
 * Cancels an intent that was never confirmed, so that a confirmation that comes late cannot succeed any more. It is
 * marked first: whoever looks at it later, our answer having been lost, sees why it was canceled.
 */
async function giveUp(client: StripeClient, id: string, signal: AbortSignal): Promise<ChargeOutcome> {
  const marked = await client.ask(signal, ({ paymentIntents }) =>
    paymentIntents.update(id, { metadata: { [METADATA.givenUp]: 'yes' } }),
  );
  if (!marked.ok) return { kind: 'unknown' };
  const canceled = await cancel(client, id, signal);
  if (canceled === 'done') return { kind: 'not_sent' };
  return canceled === 'impossible' ? readCharge(client, id, signal) : { kind: 'unknown' };
}

async function readCharge(client: StripeClient, id: string, signal: AbortSignal): Promise<ChargeOutcome> {
  const found = await retrieve(client, id, signal);
  return found.ok ? conclude(client, found.value, signal) : { kind: 'unknown' };
}

/** A charge that was captured, unless the payer's bank has taken it back since. */
async function withReversal(
  client: StripeClient,
  intent: Stripe.PaymentIntent,
  state: Extract<ChargeOutcome, { kind: 'approved' }>,
  signal: AbortSignal,
): Promise<ChargeOutcome> {
  const reversal = await findReversal(client, intent, signal);
  if (reversal === 'unknown') return { kind: 'unknown' };
  if (reversal === undefined) return state;
  return {
    kind: 'reversed',
    reference: intent.id,
    networkTransactionId: networkTransactionIdOf(intent),
    ...reversal,
  };
}
