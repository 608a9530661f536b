import type { Payment, PaymentMethod } from '../../generated/prisma/client.ts';
import { unreachable } from '../domain/result.ts';
import { lockPayment, readById, readClock, readOfPayment } from '../store/ledger.ts';
import { isPlaceOpen } from '../store/processor-accounts.ts';
import { transact, type Transaction } from '../store/transaction.ts';
import { write } from '../store/write.ts';
import { runCharge, startAttempt, type StartedCharge } from './attempt.ts';
import { currentAttempt } from './current-attempt.ts';
import { dispatchPlanned } from './dispatch.ts';
import { PaymentDraft } from './draft.ts';
import { dueAtOf } from './due-at.ts';
import { voidIfEnding } from './ending.ts';
import type { Gateway } from './gateway.ts';
import { BY_PAYMENT_METHOD } from './route.ts';
import { ownOrigin } from './operation.ts';

/** Who is written down for what the gateway does by itself. */
const ACTOR = 'gateway';

/**
 * Does what a payment is due for: its charge, another try, or its end. Whether it still is due is decided under its lock,
 * so that this may be called twice, by several processes at once.
 */
export async function fallDue(gateway: Gateway, of: Pick<Payment, 'environmentId' | 'id'>): Promise<void> {
  const startedAtMs = performance.now();
  const { draft, charge } = await transact(gateway.database, async (transaction) => {
    const payment = await lockPayment(transaction, of.environmentId, of.id);
    if (payment === undefined) throw new Error('a payment that is due is gone');
    const clock = await readClock(transaction);
    const open = new PaymentDraft(gateway, { payment, isNew: false, clock, actor: ACTOR });
    const dueAt = dueAtOf(payment);
    // The lease stands where the time stood: what is not due any more gets its own time back.
    if (dueAt === null || dueAt > clock.now) open.set({});
    const started = dueAt === null || dueAt > clock.now ? undefined : await decide(gateway, transaction, open);
    await write(transaction, open.writes());
    return { commit: true, value: { draft: open, charge: started } };
  });
  if (draft.hasEvents) gateway.eventsAppended();
  if (charge !== undefined) await runCharge(gateway, charge, startedAtMs);
  for (const operation of draft.planned) await dispatchPlanned(gateway, operation);
}

async function decide(
  gateway: Gateway,
  transaction: Transaction,
  draft: PaymentDraft,
): Promise<StartedCharge | undefined> {
  const { payment } = draft;
  switch (payment.status) {
    case 'CREATED':
    case 'FAILED':
      draft.apply({ type: 'EXPIRED' });
      draft.recordStatus();
      return undefined;
    case 'SCHEDULED':
    case 'RETRY_SCHEDULED':
      return chargeOnceMore(gateway, transaction, draft);
    case 'REQUIRES_ACTION':
    case 'AUTHORIZED': {
      const attempt = currentAttempt(payment, await readOfPayment(transaction, 'attempt', payment));
      if (attempt === undefined) throw new Error(`a payment in ${payment.status} has no attempt`);
      draft.apply({ type: 'EXPIRY_REQUESTED' });
      draft.record('PAYMENT_EXPIRY_REQUESTED', { attemptId: attempt.id });
      voidIfEnding(gateway, draft, attempt, await readOfPayment(transaction, 'operation', payment));
      return undefined;
    }
    case 'PROCESSING':
    case 'CAPTURED':
    case 'SUCCEEDED':
    case 'CANCELED':
    case 'EXPIRED':
      throw new Error(`a payment in ${payment.status} is never due`);
    default:
      return unreachable(payment.status);
  }
}

/** Charges a payment again, or for the first time. Without a way to pay it goes back to whoever made it. */
async function chargeOnceMore(
  gateway: Gateway,
  transaction: Transaction,
  draft: PaymentDraft,
): Promise<StartedCharge | undefined> {
  const { payment } = draft;
  const isRetry = payment.status === 'RETRY_SCHEDULED';
  // Nothing may have been done about it for a while. What is over is not charged: it expires in its next state.
  const isOver = payment.expiresAt !== null && payment.expiresAt <= draft.now;
  const paymentMethod = isOver ? undefined : await attachedMethod(transaction, payment);
  if (paymentMethod !== undefined) {
    const started = startAttempt(gateway, draft, {
      // One attempt for each number: sent again, it is the same one.
      origin: ownOrigin(isRetry ? 'retry' : 'schedule', payment.id),
      operationId: gateway.newId(),
      paymentMethod,
      metadata: {},
      routing: BY_PAYMENT_METHOD,
      by: isRetry ? 'RETRY' : 'SCHEDULE',
    });
    if (started.ok) return started.value;
  }
  draft.apply({ type: isRetry ? 'RETRY_CALLED_OFF' : 'UNSCHEDULED' });
  draft.recordStatus();
  return undefined;
}

async function attachedMethod(transaction: Transaction, payment: Payment): Promise<PaymentMethod | undefined> {
  if (payment.paymentMethodId === null) return undefined;
  const method = await readById(transaction, 'paymentMethod', payment.environmentId, payment.paymentMethodId);
  if (method?.detachedAt !== null) return undefined;
  return (await isPlaceOpen(transaction, method)) ? method : undefined;
}
