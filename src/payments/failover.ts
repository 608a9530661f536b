import type { Payment, PaymentMethod } from '../../generated/prisma/client.ts';
import type { RawCard } from '../domain/card.ts';
import { parseDeclineCode } from '../domain/decline.ts';
import { mayAskElsewhere } from '../domain/routing.ts';
import type { ChargeOutcome } from '../processors/port.ts';
import { keepOperation } from '../store/idempotency-keys.ts';
import { lockPayment, readClock } from '../store/ledger.ts';
import type { Place } from '../store/operations.ts';
import { transact } from '../store/transaction.ts';
import { write } from '../store/write.ts';
import { askForCharge, startAttempt, type StartedCharge } from './attempt.ts';
import { readPayment } from './begin.ts';
import { tokenizeAt, type TakenCard } from './card.ts';
import { finish } from './dispatch.ts';
import { PaymentDraft } from './draft.ts';
import type { Caller, Gateway } from './gateway.ts';
import type { KeyedRequest } from './idempotency.ts';
import { ownOrigin } from './operation.ts';
import { isPaidOtherwise } from './payer.ts';

/** The request that a payment is charged for. */
interface Asked {
  readonly request: KeyedRequest;
  readonly card: RawCard;
  readonly taken: TakenCard;
}

/**
 * The second and third phase of a charge; and where its processor could do nothing about it, of charges elsewhere, as long
 * as the request has its card: nobody else ever has. Each time it is a new attempt. An outcome that is not known ends it:
 * the first processor may have charged.
 *
 * The next processor has the card before the first one's answer takes effect, because between two attempts the payment is
 * FAILED, so that a crash there leaves nothing under way; and whoever sees that may pay anew.
 * @returns the payment as it stands after the last attempt
 */
export async function runChargeAnywhere(
  gateway: Gateway,
  caller: Caller,
  started: { readonly charge: StartedCharge; readonly startedAtMs: number },
  asked: Asked,
): Promise<Payment> {
  let { charge, startedAtMs } = started;
  const places = [...asked.taken.elsewhere];
  for (;;) {
    const outcome = await askForCharge(gateway, charge, startedAtMs);
    const method = couldDoNothing(outcome) ? await giveCard(gateway, caller, asked.card, places) : undefined;
    const { payment } = await finish(gateway, charge.operation, { of: 'CHARGE', outcome, askedAtMs: startedAtMs });
    if (method === undefined) return payment;
    startedAtMs = performance.now();
    const next = await startElsewhere(gateway, caller, charge, { ...asked, method });
    // Who is told of a failure pays anew: what somebody else has made of it meanwhile is the answer.
    if (next === undefined) return readPayment(gateway, caller, payment.id);
    charge = next;
  }
}

function couldDoNothing(outcome: ChargeOutcome): boolean {
  if (outcome.kind === 'declined') return mayAskElsewhere(outcome.decline.code);
  return outcome.kind === 'not_sent' || outcome.kind === 'misconfigured';
}

/**
 * Gives the card to the next place that takes it.
 * @param places where it was not offered yet: those where it is are taken away
 * @returns undefined where none takes it
 */
async function giveCard(
  gateway: Gateway,
  caller: Caller,
  card: RawCard,
  places: Place[],
): Promise<PaymentMethod | undefined> {
  for (let place = places.shift(); place !== undefined; place = places.shift()) {
    if (!gateway.circuits.admits(place)) continue;
    const tokenized = await tokenizeAt(gateway, caller, place, { card, customerId: null });
    if (tokenized.ok) return tokenized.value;
  }
  return undefined;
}

/** Whether a charge could do nothing, and nothing was begun since. */
function mayGoElsewhere({ attempt }: StartedCharge, payment: Payment): boolean {
  const { status, declineCode, currentAttemptId, cancelRequestedAt } = payment;
  const isFailed = status === 'FAILED' || status === 'RETRY_SCHEDULED';
  if (!isFailed || currentAttemptId !== attempt.id || cancelRequestedAt !== null) return false;
  return declineCode !== null && mayAskElsewhere(parseDeclineCode(declineCode));
}

/** @returns undefined where something else has become of the payment in the meantime, or its orders are paid otherwise */
async function startElsewhere(
  gateway: Gateway,
  caller: Caller,
  last: StartedCharge,
  { request, method, taken }: Asked & { readonly method: PaymentMethod },
): Promise<StartedCharge | undefined> {
  const { environmentId, id } = last.payment;
  const started = await transact<StartedCharge | undefined>(gateway.database, async (transaction) => {
    const payment = await lockPayment(transaction, environmentId, id);
    if (payment === undefined) throw new Error('a payment that was just charged is gone');
    // It was FAILED for a moment: whoever saw that may have been let pay anew.
    const isOpen = mayGoElsewhere(last, payment) && !(await isPaidOtherwise(transaction, payment));
    if (!isOpen) return { commit: false, value: undefined };
    const clock = await readClock(transaction);
    const draft = new PaymentDraft(gateway, { payment, isNew: false, clock, actor: caller.actor });
    draft.insert('paymentMethod', method);
    const charge = startAttempt(gateway, draft, {
      // One attempt for each number: begun again, it is the same one.
      origin: ownOrigin('failover', payment.id),
      operationId: gateway.newId(),
      paymentMethod: method,
      metadata: {},
      routing: { ...taken.routing, routing: 'FAILOVER' },
      by: caller.payer === null ? 'MERCHANT' : 'PAYER',
      isFailover: true,
    });
    if (!charge.ok) return { commit: false, value: undefined };
    await write(transaction, draft.writes());
    // The request is running, and its key is kept, until the outcome of this one is known.
    const key = { environmentId, principal: caller.principal, operation: request.operation, key: request.key };
    await keepOperation(transaction, key, charge.value.operation.id);
    return { commit: true, value: charge.value };
  });
  if (started !== undefined) gateway.eventsAppended();
  return started;
}
