import type { Capture, Operation, Payment, Refund } from '../../generated/prisma/client.ts';
import { lockPaymentWith, readClock } from '../store/ledger.ts';
import type { Work } from '../store/transaction.ts';
import { PaymentDraft } from './draft.ts';
import type { Gateway } from './gateway.ts';
import { find, tablesOf, takeEffect, type Answer, type Asked } from './take-effect.ts';

/** The payment as it stands after an answer, and what is to be done next. */
export interface Concluded {
  readonly payment: Payment;
  readonly planned: readonly Operation[];
  /** What the operation is about, as it was written; undefined where it was left alone. */
  readonly capture?: Capture | undefined;
  readonly refund?: Refund | undefined;
  /** Whether there is anything to tell those who read events. */
  readonly changed: boolean;
}

/** Who is written down for what a processor's answer changed. */
const ACTOR = 'processor';

/**
 * The third phase of every operation: one transaction writes the answer, what it makes of the payment, and the
 * events. An answer to an operation that has come to its end changes nothing unless it tells of something new, so that
 * the call's own return, a notification and recovery can all bring the same answer, in any order and more than once.
 */
export async function conclude(
  gateway: Gateway,
  asked: Asked & Pick<Operation, 'environmentId' | 'paymentId' | 'kind'>,
  answer: Answer,
): Promise<Concluded> {
  const { environmentId, paymentId: id } = asked;
  const work: Work<Concluded> = async (transaction) => {
    const [{ payment: locked, rows }, clock] = await Promise.all([
      lockPaymentWith(transaction, environmentId, id, tablesOf(asked)),
      readClock(transaction),
    ]);
    if (locked === undefined) throw new Error('an operation lost its payment');
    const draft = new PaymentDraft(gateway, { payment: locked, isNew: false, clock, actor: ACTOR });
    if (!(await takeEffect(gateway, transaction, { draft, rows }, asked, answer))) {
      return { commit: false, value: { payment: locked, planned: [], changed: false } };
    }
    const { captureId, refundId } = find(rows.operation, asked.id);
    const value = {
      payment: draft.payment,
      planned: draft.planned,
      capture: draft.written('capture', captureId),
      refund: draft.written('refund', refundId),
      changed: draft.hasEvents,
    };
    return { commit: true, writes: draft.writes(), value };
  };
  const concluded = await gateway.database.together('conclude', [`${environmentId} ${id}`], work);
  if (concluded.changed) gateway.eventsAppended();
  return concluded;
}
