import type { Payment, PaymentMethod } from '../../generated/prisma/client.ts';
import type { RawCard } from '../domain/card.ts';
import { parseDeclineCode } from '../domain/decline.ts';
import { mayAskElsewhere } from '../domain/routing.ts';
import { keepOperation, lockPayment, readClock, write } from '../store/ledger.ts';
import { transact } from '../store/transaction.ts';
import { runCharge, startAttempt, type StartedCharge } from './attempt.ts';
import { readPayment } from './begin.ts';
import { tokenizeAt, type TakenCard } from './card.ts';
import { PaymentDraft } from './draft.ts';
import type { Caller, Gateway } from './gateway.ts';
import type { KeyedRequest } from './idempotency.ts';
import { ownOrigin } from './operation.ts';
import { isPaidOtherwise } from './payer.ts';

/** A charge that was made in the request, and its payment as that left it. */
interface Tried {
  readonly charge: StartedCharge;
  readonly payment: Payment;
}

/** The request that a payment is charged for. */
interface Asked {
  readonly request: KeyedRequest;
  readonly card: RawCard;
  readonly taken: TakenCard;
}

/**
 * Charges a payment elsewhere whose processor could do nothing about it, as long as the request has its card: nobody else
 * ever has. Each time it is a new attempt. An outcome that is not known ends it: the first processor may have charged.
 * Between two attempts the payment is FAILED, so that a crash there leaves nothing under way.
 * @param first the first attempt
 * @returns the payment as it stands after the last
 */
export async function chargeElsewhere(gateway: Gateway, caller: Caller, first: Tried, asked: Asked): Promise<Payment> {
  let last = first;
  for (const place of asked.taken.elsewhere) {
    if (!mayGoElsewhere(last, last.payment)) return last.payment;
    if (!gateway.circuits.admits(place)) continue;
    const tokenized = await tokenizeAt(gateway, caller, place, { card: asked.card, customerId: null });
    if (!tokenized.ok) continue;
    const startedAtMs = performance.now();
    const charge = await startElsewhere(gateway, caller, last, { ...asked, method: tokenized.value });
    if (charge === undefined) break;
    last = { charge, payment: await runCharge(gateway, charge, startedAtMs) };
  }
  // While the others were asked, somebody else may have made something of it: who is told of a failure pays anew.
  return mayGoElsewhere(last, last.payment) ? readPayment(gateway, caller, last.payment.id) : last.payment;
}

/** Whether that charge could do nothing, and nothing was begun since. */
function mayGoElsewhere({ charge }: Tried, { status, declineCode, currentAttemptId }: Payment): boolean {
  const isFailed = status === 'FAILED' || status === 'RETRY_SCHEDULED';
  const isLast = currentAttemptId === charge.attempt.id;
  return isFailed && isLast && declineCode !== null && mayAskElsewhere(parseDeclineCode(declineCode));
}

/** @returns undefined where something else has become of the payment in the meantime, or its orders are paid otherwise */
async function startElsewhere(
  gateway: Gateway,
  caller: Caller,
  last: Tried,
  { request, method, taken }: Asked & { readonly method: PaymentMethod },
): Promise<StartedCharge | undefined> {
  const { environmentId, id } = last.payment;
  const started = await transact<StartedCharge | undefined>(gateway.database, async (transaction) => {
    const payment = await lockPayment(transaction, environmentId, id);
    if (payment === undefined) throw new Error('a payment that was just charged is gone');
    const isOpen = mayGoElsewhere(last, payment) && payment.cancelRequestedAt === null;
    // It was FAILED for a moment: whoever saw that may have been let pay anew.
    if (!isOpen || (await isPaidOtherwise(transaction, payment))) return { commit: false, value: undefined };
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
