import type { Stripe } from 'stripe';
import { unreachable } from '../../domain/result.ts';
import type { MovementLookUpRequest, MovementOutcome, MovementRequest, NotFound } from '../port.ts';
import { toStripeAmount } from './amounts.ts';
import type { Answered, StripeClient } from './client.ts';
import { findReversal } from './disputes.ts';
import { KeyReusedError, type Fault } from './errors.ts';
import { METADATA, settledAt, WITH_CHARGE } from './intents.ts';
import { pages, retrieve } from './questions.ts';
import { refundOutcome } from './refunds.ts';

type Kind = MovementLookUpRequest['kind'];

/** Asks for a capture, a void or a refund. */
export async function makeMovement(
  client: StripeClient,
  kind: Kind,
  request: MovementRequest,
  signal: AbortSignal,
): Promise<MovementOutcome> {
  const amount = toStripeAmount(request.amount, request.currency);
  if (amount === undefined) {
    const message = `Stripe cannot be told of this amount in ${request.currency}.`;
    return { kind: 'failed', reference: null, code: 'amount_not_possible', message };
  }
  const done = await send(client, kind, request, amount, signal);
  if (!done.ok) return failed(client, kind, request, done.fault, signal);
  // Done, and not to be seen: Stripe contradicts itself.
  return done.value.kind === 'not_found' ? { kind: 'unknown' } : done.value;
}

async function send(
  client: StripeClient,
  kind: Kind,
  { chargeReference, key }: MovementRequest,
  amount: number,
  signal: AbortSignal,
): Promise<Answered<MovementOutcome | NotFound>> {
  const options = { idempotencyKey: key };
  switch (kind) {
    case 'CAPTURE': {
      const params = { amount_to_capture: amount, metadata: { [METADATA.capture]: key }, expand: WITH_CHARGE };
      return answered(
        await client.ask(signal, ({ paymentIntents }) => paymentIntents.capture(chargeReference, params, options)),
        (intent) => captureOutcome(intent, () => true),
      );
    }
    case 'VOID': {
      const params = { cancellation_reason: 'requested_by_customer' as const };
      return answered(
        await client.ask(signal, ({ paymentIntents }) => paymentIntents.cancel(chargeReference, params, options)),
        voidOutcome,
      );
    }
    case 'REFUND': {
      const params = { payment_intent: chargeReference, amount, metadata: { [METADATA.key]: key } };
      return answered(await client.ask(signal, ({ refunds }) => refunds.create(params, options)), refundOutcome);
    }
    default:
      return unreachable(kind);
  }
}

function answered<From, To>(answer: Answered<From>, read: (value: From) => To): Answered<To> {
  return answer.ok ? { ok: true, value: read(answer.value) } : answer;
}

/** What a movement comes to that Stripe did not do, or did not tell of. */
async function failed(
  client: StripeClient,
  kind: Kind,
  request: MovementRequest,
  fault: Fault,
  signal: AbortSignal,
): Promise<MovementOutcome> {
  switch (fault.kind) {
    case 'not_sent':
      return { kind: 'not_sent' };
    case 'unknown':
    case 'in_use':
      return { kind: 'unknown' };
    case 'declined':
      return { kind: 'failed', reference: null, code: fault.decline.code, message: fault.decline.message };
    case 'unexpected_state': {
      // It may be as it is because of this very request: the state tells, and where it does not, nothing was done.
      const found = await lookUpMovement(client, { ...request, kind, reference: null, isLanded: true }, signal);
      return found.kind === 'not_found' ? refused(fault) : found;
    }
    case 'missing':
    case 'refused':
      return refused(fault);
    case 'key_reused':
      throw new KeyReusedError();
    default:
      return unreachable(fault);
  }
}

function refused({ code, message }: { readonly code: string; readonly message: string }): MovementOutcome {
  return { kind: 'failed', reference: null, code, message };
}

/**
 * What became of a movement. A capture and a void are seen by the intent, which allows one of them, once; a refund is
 * found by its id, or by our key in its metadata.
 */
export async function lookUpMovement(
  client: StripeClient,
  request: MovementLookUpRequest,
  signal: AbortSignal,
): Promise<MovementOutcome | NotFound> {
  if (request.kind === 'REFUND') return lookUpRefund(client, request, signal);
  const found = await retrieve(client, request.chargeReference, signal);
  // The charge was made, so it is somewhere: the key that asks is of another account than the one that was asked.
  if (!found.ok) return { kind: 'unknown' };
  if (request.kind === 'VOID') return voidOutcome(found.value);
  const outcome = captureOutcome(found.value, (intent) => isCaptureOf(intent, request));
  if (outcome.kind !== 'succeeded') return outcome;
  const reversal = await findReversal(client, found.value, signal);
  if (reversal === 'unknown') return { kind: 'unknown' };
  return reversal === undefined ? outcome : { kind: 'failed', reference: outcome.reference, ...reversal };
}

async function lookUpRefund(
  client: StripeClient,
  { key, reference, chargeReference }: MovementLookUpRequest,
  signal: AbortSignal,
): Promise<MovementOutcome | NotFound> {
  if (reference !== null) {
    const found = await client.ask(signal, ({ refunds }) => refunds.retrieve(reference));
    if (found.ok) return refundOutcome(found.value);
    return { kind: found.fault.kind === 'missing' ? 'not_found' : 'unknown' };
  }
  const ofCharge = pages(client, signal, ({ refunds }, page) =>
    refunds.list({ payment_intent: chargeReference, ...page }),
  );
  for await (const page of ofCharge) {
    // Nor does an account tell of it that has no such charge.
    if (!page.ok) return { kind: 'unknown' };
    const ours = page.value.find(({ metadata }) => metadata?.[METADATA.key] === key);
    if (ours !== undefined) return refundOutcome(ours);
  }
  return { kind: 'not_found' };
}

/** Whether an intent was captured as a capture asked for: by its key, or, at Stripe's dashboard, by someone. */
function isCaptureOf(intent: Stripe.PaymentIntent, { key, amount, currency }: MovementRequest): boolean {
  const capturedUnder = intent.metadata[METADATA.capture];
  return capturedUnder === undefined
    ? intent.amount_received === toStripeAmount(amount, currency)
    : capturedUnder === key;
}

/** @param isOurs whether what was captured is what was asked for */
function captureOutcome(
  intent: Stripe.PaymentIntent,
  isOurs: (intent: Stripe.PaymentIntent) => boolean,
): MovementOutcome | NotFound {
  switch (intent.status) {
    case 'succeeded':
      if (isOurs(intent)) {
        return { kind: 'succeeded', reference: intent.id, settledAt: settledAt(intent) };
      }
      return refused({ code: 'captured_otherwise', message: 'This charge was captured otherwise.' });
    case 'processing':
      return { kind: 'pending', reference: intent.id };
    case 'requires_capture':
      return { kind: 'not_found' };
    case 'canceled':
      return refused({ code: 'capture_not_possible', message: 'Nothing is held of this charge any more.' });
    case 'requires_action':
    case 'requires_confirmation':
    case 'requires_payment_method':
      return refused({ code: 'capture_not_possible', message: 'This charge was not authorised.' });
    default:
      return { kind: 'unknown' };
  }
}

function voidOutcome(intent: Stripe.PaymentIntent): MovementOutcome | NotFound {
  switch (intent.status) {
    case 'canceled':
      return { kind: 'succeeded', reference: intent.id, settledAt: null };
    case 'succeeded':
      return refused({ code: 'void_not_possible', message: 'This charge was captured.' });
    case 'processing':
    case 'requires_action':
    case 'requires_capture':
    case 'requires_confirmation':
    case 'requires_payment_method':
      return { kind: 'not_found' };
    default:
      return { kind: 'unknown' };
  }
}
