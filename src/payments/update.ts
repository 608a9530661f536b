import type { Payment } from '../../generated/prisma/client.ts';
import { fail, ok, type Result } from '../domain/result.ts';
import { readClock, write } from '../store/ledger.ts';
import { transact } from '../store/transaction.ts';
import { openPayment } from './begin.ts';
import { checkFuture } from './details.ts';
import { invalid, type Failure } from './failure.ts';
import type { Caller, Gateway } from './gateway.ts';
import { illegalState } from './illegal.ts';

export interface UpdatePaymentInput {
  readonly paymentId: string;
  /** False stops what the gateway would do by itself: a scheduled charge, automatic retries. */
  readonly active?: boolean | undefined;
  /** When it is to be charged; null to leave that to whoever made it; undefined to change nothing. */
  readonly paymentDate?: Date | null | undefined;
}

/** Changes what may be changed of a payment. It moves no money, so it takes no idempotency key: again changes nothing. */
export async function updatePayment(
  gateway: Gateway,
  caller: Caller,
  input: UpdatePaymentInput,
): Promise<Result<Payment, Failure>> {
  const { paymentId, active, paymentDate } = input;
  const result = await transact<Result<Payment, Failure>>(gateway.database, async (transaction) => {
    const clock = await readClock(transaction);
    const opened = await openPayment(gateway, caller, { transaction, clock, paymentId });
    if (!opened.ok) return { commit: false, value: opened };
    const { draft, payment } = opened.value;
    if (paymentDate !== undefined) {
      if (paymentDate !== null) {
        const checked = checkFuture(paymentDate, clock.now, 'paymentDate');
        if (!checked.ok) return { commit: false, value: checked };
        if (payment.expiresAt !== null && payment.expiresAt <= paymentDate) {
          return { commit: false, value: invalid('The payment has expired by then.', 'paymentDate') };
        }
        if (payment.paymentMethodId === null) {
          return { commit: false, value: invalid('To be scheduled, a payment needs a payment method.', 'paymentDate') };
        }
      }
      if (payment.status !== 'CREATED' && payment.status !== 'SCHEDULED') {
        return { commit: false, value: fail(illegalState(payment, 'scheduled', 'paymentDate')) };
      }
      draft.set({ paymentDate });
      const changed = paymentDate === null ? 'UNSCHEDULED' : 'SCHEDULED';
      if (draft.try({ type: changed }) === undefined) draft.recordStatus();
    }
    if (active !== undefined) {
      draft.set({ active });
      if (!active && draft.try({ type: 'RETRY_CALLED_OFF' }) === undefined) draft.recordStatus();
    }
    await write(transaction, draft.writes());
    return { commit: true, value: ok(draft.payment) };
  });
  if (result.ok) gateway.eventsAppended();
  return result;
}
