import {
  capturable,
  isEnding,
  LEGAL_IN,
  refundable,
  type Change,
  type Illegal,
  type Lifecycle,
  type RefundStatus,
} from './lifecycle.ts';
import { unreachable } from './result.ts';

/**
 * The payment after a change, or why the change cannot happen. It is the only function that decides about
 * `status`, `refundStatus` and the amounts. Broken invariants throw.
 */
export function transition(payment: Lifecycle, change: Change): Lifecycle | Illegal {
  if (!LEGAL_IN[change.type].includes(payment.status)) return { illegal: 'STATUS' };
  const next = apply(payment, change);
  if ('illegal' in next) return next;
  const decided = { ...next, refundStatus: refundStatusOf(next, change) };
  assertSound(decided);
  return decided;
}

function apply(payment: Lifecycle, change: Change): Lifecycle | Illegal {
  switch (change.type) {
    case 'SCHEDULED':
      return { ...payment, status: 'SCHEDULED' };
    case 'UNSCHEDULED':
      return { ...payment, status: 'CREATED' };
    case 'ATTEMPT_STARTED':
      assertNothingTaken(payment);
      return { ...payment, status: 'PROCESSING', amountAuthorized: 0n, amountReleased: 0n };
    case 'ACTION_REQUIRED':
      return { ...payment, status: 'REQUIRES_ACTION' };
    case 'ACTION_COMPLETED':
      return { ...payment, status: 'PROCESSING' };
    case 'AUTHORIZED':
      if (change.amount <= 0n || change.amount > payment.amount) return { illegal: 'AMOUNT' };
      assertNothingTaken(payment);
      // A wish to end it stays: now there is something to void.
      return { ...payment, status: 'AUTHORIZED', amountAuthorized: change.amount, amountReleased: 0n };
    case 'CHARGED':
      if (change.amount <= 0n || change.amount > payment.amount) return { illegal: 'AMOUNT' };
      return charged(payment, change.amount, change.confirmed);
    case 'ATTEMPT_FAILED':
      return attemptFailed(payment, change.retry);
    case 'RETRY_CALLED_OFF':
      return { ...payment, status: 'FAILED' };
    case 'CAPTURE_STARTED':
      // One at a time: which of two captures in flight was the final one could not be told.
      if (payment.amountCapturing > 0n || isEnding(payment)) return { illegal: 'BUSY' };
      if (change.amount <= 0n || change.amount > capturable(payment)) return { illegal: 'AMOUNT' };
      return { ...payment, amountCapturing: change.amount };
    case 'CAPTURE_ACCEPTED':
      if (payment.amountCapturing === 0n) return { illegal: 'AMOUNT' };
      return change.final || capturable(payment) === 0n ? { ...payment, status: 'CAPTURED' } : payment;
    case 'CAPTURE_SUCCEEDED':
      if (change.amount <= 0n) return { illegal: 'AMOUNT' };
      return captured(payment, change.amount, change.final);
    case 'CAPTURE_FAILED':
      return captureFailed(payment, change.amount);
    case 'CAPTURE_REVERSED':
      return { ...payment, amountReversed: payment.amountReversed + change.amount };
    case 'CANCEL_REQUESTED':
      if (payment.amountCapturing > 0n || payment.cancelRequested) return { illegal: 'BUSY' };
      return { ...payment, cancelRequested: true };
    case 'CANCEL_REFUSED':
      return { ...payment, cancelRequested: false };
    case 'EXPIRY_REQUESTED':
      if (payment.amountCapturing > 0n || isEnding(payment)) return { illegal: 'BUSY' };
      return { ...payment, expiryRequested: true };
    case 'EXPIRY_REFUSED':
      return { ...payment, expiryRequested: false };
    case 'CANCELED':
    case 'EXPIRED':
      return payment.amountCapturing > 0n ? { illegal: 'BUSY' } : released(payment, change.type);
    case 'REFUND_STARTED':
      if (change.amount <= 0n || change.amount > refundable(payment)) return { illegal: 'AMOUNT' };
      return { ...payment, amountRefunding: payment.amountRefunding + change.amount };
    case 'REFUND_SUCCEEDED':
      return {
        ...payment,
        amountRefunding: payment.amountRefunding - change.amount,
        amountRefunded: payment.amountRefunded + change.amount,
      };
    case 'REFUND_FAILED':
      return { ...payment, amountRefunding: payment.amountRefunding - change.amount };
    case 'REFUND_RETURNED':
      return { ...payment, amountRefunded: payment.amountRefunded - change.amount };
    default:
      return unreachable(change);
  }
}

/** Charged in one step: it has succeeded already, and that wins over any wish to end it. */
function charged(payment: Lifecycle, amount: bigint, confirmed: boolean): Lifecycle {
  assertNothingTaken(payment);
  const after = {
    ...payment,
    amountAuthorized: amount,
    amountReleased: 0n,
    cancelRequested: false,
    expiryRequested: false,
  };
  return confirmed
    ? { ...after, status: 'SUCCEEDED', amountCaptured: amount }
    : { ...after, status: 'CAPTURED', amountCapturing: amount };
}

function attemptFailed(payment: Lifecycle, retry: boolean): Lifecycle {
  // After 3-D Secure the payer is needed again: nobody would be there for an automatic retry.
  const open = retry && payment.status === 'PROCESSING' ? 'RETRY_SCHEDULED' : 'FAILED';
  return {
    ...payment,
    status: payment.cancelRequested ? 'CANCELED' : payment.expiryRequested ? 'EXPIRED' : open,
    cancelRequested: false,
    expiryRequested: false,
  };
}

function captured(payment: Lifecycle, amount: bigint, final: boolean): Lifecycle {
  const amountCaptured = payment.amountCaptured + amount;
  const open = payment.amountAuthorized - amountCaptured - payment.amountReleased;
  // CAPTURED says that the capture under way is the last, whatever its confirmation says.
  const ended = final || open === 0n || payment.status === 'CAPTURED';
  return {
    ...payment,
    status: ended ? 'SUCCEEDED' : 'AUTHORIZED',
    amountCapturing: payment.amountCapturing - amount,
    amountCaptured,
    amountReleased: ended ? payment.amountReleased + open : payment.amountReleased,
  };
}

/** A capture that the processor refuses leaves the authorisation; one that fails after it was accepted has used it up. */
function captureFailed(payment: Lifecycle, amount: bigint): Lifecycle {
  const after = { ...payment, amountCapturing: payment.amountCapturing - amount };
  return payment.status === 'AUTHORIZED' ? after : released(after, 'FAILED');
}

/** The authorisation is gone. What was captured before stays: such a payment has succeeded, with a smaller amount. */
function released(payment: Lifecycle, whenNothingWasCaptured: 'CANCELED' | 'EXPIRED' | 'FAILED'): Lifecycle {
  return {
    ...payment,
    status: payment.amountCaptured > 0n ? 'SUCCEEDED' : whenNothingWasCaptured,
    amountReleased: payment.amountAuthorized - payment.amountCaptured,
    cancelRequested: false,
    expiryRequested: false,
  };
}

/** Money comes in once: a payment that has taken some is never charged again. */
function assertNothingTaken(payment: Lifecycle): void {
  if (payment.amountCaptured > 0n || payment.amountCapturing > 0n) {
    throw new Error(`a payment in ${payment.status} that has taken money is charged again`);
  }
}

function refundStatusOf(payment: Lifecycle, change: Change): RefundStatus {
  if (payment.amountRefunding > 0n) return 'PENDING';
  if (payment.amountRefunded > 0n) {
    return payment.amountRefunded === payment.amountCaptured ? 'REFUNDED' : 'PARTIALLY_REFUNDED';
  }
  if (change.type === 'REFUND_FAILED' || change.type === 'REFUND_RETURNED') return 'FAILED';
  return payment.refundStatus;
}

/** What must hold of every payment at every moment. */
function assertSound(payment: Lifecycle): void {
  const { amount, amountAuthorized, amountCapturing, amountCaptured, amountReleased, amountReversed } = payment;
  const amounts = [amountAuthorized, amountCapturing, amountCaptured, amountReleased, amountReversed];
  const sound =
    [...amounts, payment.amountRefunding, payment.amountRefunded].every((each) => each >= 0n) &&
    amountAuthorized <= amount &&
    amountCaptured + amountCapturing + amountReleased <= amountAuthorized &&
    amountReversed <= amountCaptured &&
    payment.amountRefunded + payment.amountRefunding <= amountCaptured &&
    // An end is asked of a processor, so only while one has something of this payment's.
    (!isEnding(payment) || LEGAL_IN.CANCEL_REQUESTED.includes(payment.status));
  if (!sound) throw new Error(`the amounts of a payment in ${payment.status} do not add up`);
}
