import type { Payment } from '../../generated/prisma/client.ts';
import { fail, ok, type Result } from '../domain/result.ts';
import { lockPayment, readClock } from '../store/ledger.ts';
import { transact, type Transaction } from '../store/transaction.ts';
import { checkAddress, type Address } from './address.ts';
import { openPayment } from './begin.ts';
import { usableMethod } from './create.ts';
import { checkFuture } from './details.ts';
import type { PaymentDraft } from './draft.ts';
import { invalid, type Failure } from './failure.ts';
import type { Caller, Gateway } from './gateway.ts';
import { illegalState } from './illegal.ts';

/** What may be changed of a payment; what is undefined stays as it is. */
export interface UpdatePaymentInput {
  readonly paymentId: string;
  /** False stops what the gateway would do by itself: a scheduled charge, automatic retries. */
  readonly active?: boolean | null | undefined;
  readonly paymentMethodId?: string | null | undefined;
  readonly billingAddress?: Address | null | undefined;
  /** When it is to be charged; null to leave that to whoever made it. */
  readonly paymentDate?: Date | null | undefined;
}

/** Before anything was asked of a processor, and while nothing is under way at one. */
const NOT_BEGUN: readonly Payment['status'][] = ['CREATED', 'SCHEDULED'];
const AT_REST: readonly Payment['status'][] = [...NOT_BEGUN, 'FAILED', 'RETRY_SCHEDULED'];

/** Changes what may be changed of a payment. It moves no money, so it takes no idempotency key: again changes nothing. */
export async function updatePayment(
  gateway: Gateway,
  caller: Caller,
  input: UpdatePaymentInput,
): Promise<Result<Payment, Failure>> {
  const { paymentId } = input;
  if (input.active === null) return invalid('A payment is active, or it is not.', 'active');
  if (input.paymentMethodId === null) {
    return invalid('A payment method is replaced by another, not taken away.', 'paymentMethodId');
  }
  const result = await transact<Result<Payment, Failure>>(gateway.database, async (transaction) => {
    const [clock, locked] = await Promise.all([
      readClock(transaction),
      lockPayment(transaction, caller.environmentId, paymentId),
    ]);
    const opened = openPayment(gateway, caller, clock, locked);
    if (!opened.ok) return { commit: false, value: opened };
    const { draft } = opened.value;
    const changed = await change(transaction, caller, draft, input);
    if (!changed.ok) return { commit: false, value: changed };
    const writes = draft.writes();
    return { commit: true, writes, value: ok(draft.payment) };
  });
  if (result.ok) gateway.eventsAppended();
  return result;
}

async function change(
  transaction: Transaction,
  caller: Caller,
  draft: PaymentDraft,
  { active, paymentMethodId, billingAddress, paymentDate }: UpdatePaymentInput,
): Promise<Result<true, Failure>> {
  const { payment } = draft;
  if (!caller.schedules && (paymentDate !== undefined || active != null)) {
    const field = paymentDate === undefined ? 'active' : 'paymentDate';
    return invalid('This token does not let you decide when a payment is charged by itself.', field);
  }
  if (paymentMethodId != null) {
    if (!AT_REST.includes(payment.status)) return fail(illegalState(payment, 'paid otherwise', 'paymentMethodId'));
    const usable = await usableMethod(transaction, caller, paymentMethodId, payment);
    if (!usable.ok) return usable;
    draft.set({ paymentMethodId, customerId: payment.customerId ?? usable.value.customerId });
  }
  if (billingAddress !== undefined) {
    if (!NOT_BEGUN.includes(payment.status)) return fail(illegalState(payment, 'changed', 'billingAddress'));
    const checked = billingAddress === null ? ok(null) : checkAddress(billingAddress, 'billingAddress');
    if (!checked.ok) return checked;
    draft.set({ billingAddress: checked.value && { ...checked.value } });
  }
  if (paymentDate !== undefined) {
    const scheduled = schedule(draft, paymentDate);
    if (!scheduled.ok) return scheduled;
  }
  if (active != null) {
    draft.set({ active });
    if (!active && draft.try({ type: 'RETRY_CALLED_OFF' }) === undefined) draft.recordStatus();
  }
  return ok(true);
}

/** Puts a payment off to a date, or takes its date away. */
function schedule(draft: PaymentDraft, paymentDate: Date | null): Result<true, Failure> {
  const { payment, now } = draft;
  if (!NOT_BEGUN.includes(payment.status)) return fail(illegalState(payment, 'scheduled', 'paymentDate'));
  if (paymentDate !== null) {
    const checked = checkFuture(paymentDate, now, 'paymentDate');
    if (!checked.ok) return checked;
    if (payment.expiresAt !== null && payment.expiresAt <= paymentDate) {
      return invalid('The payment has expired by then.', 'paymentDate');
    }
    if (payment.paymentMethodId === null) {
      return invalid('To be scheduled, a payment needs a payment method.', 'paymentDate');
    }
  }
  draft.set({ paymentDate });
  if (draft.try({ type: paymentDate === null ? 'UNSCHEDULED' : 'SCHEDULED' }) === undefined) draft.recordStatus();
  return ok(true);
}
