import type { Payment } from '../../generated/prisma/client.ts';
import { allowedChanges, type Illegal } from '../domain/lifecycle.ts';
import type { Failure } from './failure.ts';
import { lifecycleOf } from './stored-lifecycle.ts';

/** The failure of a command that the payment's state forbids: it says what the state would allow. */
export function illegalState(payment: Payment, done: string, ...path: string[]): Failure {
  return {
    code: 'ILLEGAL_STATE',
    message: `A payment that is ${payment.status} cannot be ${done}.`,
    path: ['input', ...path],
    status: payment.status,
    allowedTransitions: allowedChanges(payment.status),
  };
}

/** The failure of a capture or refund that the lifecycle refused. */
export function refusedAmount(
  payment: Payment,
  refused: Illegal,
  terms: {
    readonly done: string;
    readonly limit: 'REFUNDABLE' | 'CAPTURABLE';
    readonly maximum: (lifecycle: ReturnType<typeof lifecycleOf>) => bigint;
    readonly field: 'amount' | 'amountDecimal';
  },
): Failure {
  if (refused.illegal === 'STATUS') return illegalState(payment, terms.done, 'paymentId');
  if (refused.illegal === 'BUSY') {
    return {
      ...illegalState(payment, terms.done, 'paymentId'),
      message: `The payment cannot be ${terms.done} while another capture or a cancellation of it is under way.`,
    };
  }
  const maximum = terms.maximum(lifecycleOf(payment));
  return {
    code: 'AMOUNT_TOO_LARGE',
    message: `At most ${maximum} minor units of this payment can be ${terms.done}.`,
    path: ['input', terms.field],
    maximum,
    limit: terms.limit,
    currency: payment.currency,
  };
}
