import type { Payment, PaymentMethod } from '../../generated/prisma/client.ts';
import type { RawCard } from '../domain/card.ts';
import { parseDeclineCode } from '../domain/decline.ts';
import { mayAskElsewhere } from '../domain/routing.ts';
import { lockPayment, readClock, write } from '../store/ledger.ts';
import { transact } from '../store/transaction.ts';
import { runCharge, startAttempt, type StartedCharge } from './attempt.ts';
import { tokenizeAt, type TakenCard } from './card.ts';
import { PaymentDraft } from './draft.ts';
import type { Caller, Gateway } from './gateway.ts';
import { ownOrigin } from './operation.ts';

/**
 * Charges a payment elsewhere whose processor could do nothing about it, as long as the request has its card: nobody else
 * ever has. Each time it is a new attempt. An outcome that is not known ends it: the first processor may have charged.
 * Between two attempts the payment is FAILED, so that a crash there leaves nothing under way.
 * @param payment as it stands after the first attempt
 * @returns as it stands after the last
 */
export async function chargeElsewhere(
  gateway: Gateway,
  caller: Caller,
  payment: Payment,
  { card, taken }: { readonly card: RawCard; readonly taken: TakenCard },
): Promise<Payment> {
  let last = payment;
  for (const place of taken.elsewhere) {
    if (!mayGoElsewhere(last)) return last;
    if (!gateway.circuits.admits(place)) continue;
    const tokenized = await tokenizeAt(gateway, caller, place, { card, customerId: null });
    if (!tokenized.ok) continue;
    const startedAtMs = performance.now();
    const charge = await startElsewhere(gateway, caller, last, { method: tokenized.value, taken });
    if (charge === undefined) return last;
    last = await runCharge(gateway, charge, startedAtMs);
  }
  return last;
}

function mayGoElsewhere({ status, declineCode }: Payment): boolean {
  const isFailed = status === 'FAILED' || status === 'RETRY_SCHEDULED';
  return isFailed && declineCode !== null && mayAskElsewhere(parseDeclineCode(declineCode));
}

/** @returns undefined where something else has become of the payment in the meantime */
async function startElsewhere(
  gateway: Gateway,
  caller: Caller,
  before: Payment,
  { method, taken }: { readonly method: PaymentMethod; readonly taken: TakenCard },
): Promise<StartedCharge | undefined> {
  const started = await transact<StartedCharge | undefined>(gateway.database, async (transaction) => {
    const payment = await lockPayment(transaction, before.environmentId, before.id);
    if (payment === undefined) throw new Error('a payment that was just charged is gone');
    const isSame = payment.currentAttemptId === before.currentAttemptId && mayGoElsewhere(payment);
    if (!isSame || payment.cancelRequestedAt !== null) return { commit: false, value: undefined };
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
    return { commit: true, value: charge.value };
  });
  if (started !== undefined) gateway.eventsAppended();
  return started;
}
