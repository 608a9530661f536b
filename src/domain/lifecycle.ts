import { unreachable } from './result.ts';

/**
 * The lifecycle of a payment: which changes may follow which. Everything here is pure; the one place that
 * applies it, under the payment's row lock, is payments/draft.ts.
 */

export const PAYMENT_STATUSES = [
  'CREATED',
  'SCHEDULED',
  'PROCESSING',
  'REQUIRES_ACTION',
  'AUTHORIZED',
  'CAPTURED',
  'SUCCEEDED',
  'RETRY_SCHEDULED',
  'FAILED',
  'CANCELED',
  'EXPIRED',
] as const;

export type PaymentStatus = (typeof PAYMENT_STATUSES)[number];

export type RefundStatus = 'NONE' | 'PENDING' | 'PARTIALLY_REFUNDED' | 'REFUNDED' | 'FAILED';

/** The part of a payment that its lifecycle turns on. Amounts are minor units and gross sums of rows. */
export interface Lifecycle {
  readonly status: PaymentStatus;
  readonly refundStatus: RefundStatus;
  readonly amount: bigint;
  /** What the processor holds or held for us, of the attempt that counts. */
  readonly amountAuthorized: bigint;
  /** Captures under way: asked for, not yet confirmed. */
  readonly amountCapturing: bigint;
  readonly amountCaptured: bigint;
  /** Authorised and given up: by a void, by expiry, or because a capture was the final one. */
  readonly amountReleased: bigint;
  /** Refunds under way. */
  readonly amountRefunding: bigint;
  readonly amountRefunded: bigint;
  /** Someone asked for the payment to be cancelled; the processor has not answered yet. */
  readonly cancelRequested: boolean;
}

/** What can happen to a payment: a command that was accepted, or what a processor made of it. */
export type Change =
  | { readonly type: 'ATTEMPT_STARTED' }
  | { readonly type: 'ACTION_REQUIRED' }
  | { readonly type: 'AUTHORIZED'; readonly amount: bigint }
  /** Authorised and captured in one step; the processor may still have to confirm it. */
  | { readonly type: 'CHARGED'; readonly amount: bigint; readonly confirmed: boolean }
  | { readonly type: 'ATTEMPT_FAILED' }
  | { readonly type: 'CAPTURE_STARTED'; readonly amount: bigint }
  | { readonly type: 'CAPTURE_ACCEPTED'; readonly final: boolean }
  | { readonly type: 'CAPTURE_SUCCEEDED'; readonly amount: bigint; readonly final: boolean }
  | { readonly type: 'CAPTURE_FAILED'; readonly amount: bigint }
  | { readonly type: 'CANCEL_REQUESTED' }
  | { readonly type: 'CANCEL_REFUSED' }
  | { readonly type: 'CANCELED' }
  | { readonly type: 'REFUND_STARTED'; readonly amount: bigint }
  | { readonly type: 'REFUND_SUCCEEDED'; readonly amount: bigint }
  | { readonly type: 'REFUND_FAILED'; readonly amount: bigint }
  | { readonly type: 'REFUND_RETURNED'; readonly amount: bigint };

export type ChangeType = Change['type'];

/** In which states each change can happen. What a change also needs of the amounts is checked in `transition`. */
export const LEGAL_IN: Readonly<Record<ChangeType, readonly PaymentStatus[]>> = {
  ATTEMPT_STARTED: ['CREATED', 'SCHEDULED', 'RETRY_SCHEDULED', 'FAILED'],
  ACTION_REQUIRED: ['PROCESSING'],
  // Out of RETRY_SCHEDULED and FAILED: the late success of an earlier attempt, adopted.
  AUTHORIZED: ['PROCESSING', 'REQUIRES_ACTION', 'RETRY_SCHEDULED', 'FAILED'],
  CHARGED: ['PROCESSING', 'REQUIRES_ACTION', 'RETRY_SCHEDULED', 'FAILED'],
  ATTEMPT_FAILED: ['PROCESSING', 'REQUIRES_ACTION', 'RETRY_SCHEDULED'],
  CAPTURE_STARTED: ['AUTHORIZED'],
  CAPTURE_ACCEPTED: ['AUTHORIZED'],
  CAPTURE_SUCCEEDED: ['AUTHORIZED', 'CAPTURED'],
  CAPTURE_FAILED: ['AUTHORIZED', 'CAPTURED'],
  CANCEL_REQUESTED: ['PROCESSING', 'REQUIRES_ACTION', 'AUTHORIZED'],
  CANCEL_REFUSED: ['PROCESSING', 'REQUIRES_ACTION', 'AUTHORIZED', 'CAPTURED', 'SUCCEEDED', 'FAILED', 'EXPIRED'],
  CANCELED: ['CREATED', 'SCHEDULED', 'PROCESSING', 'REQUIRES_ACTION', 'AUTHORIZED', 'RETRY_SCHEDULED', 'FAILED'],
  REFUND_STARTED: ['AUTHORIZED', 'CAPTURED', 'SUCCEEDED'],
  REFUND_SUCCEEDED: ['AUTHORIZED', 'CAPTURED', 'SUCCEEDED'],
  REFUND_FAILED: ['AUTHORIZED', 'CAPTURED', 'SUCCEEDED'],
  REFUND_RETURNED: ['AUTHORIZED', 'CAPTURED', 'SUCCEEDED'],
};

/** A change that cannot happen to this payment now: its state forbids it, or its amounts do. */
export interface Illegal {
  readonly illegal: 'STATUS' | 'AMOUNT' | 'BUSY';
}

/** What can still be captured. */
export function capturable(payment: Lifecycle): bigint {
  if (payment.status !== 'AUTHORIZED') return 0n;
  return payment.amountAuthorized - payment.amountCaptured - payment.amountCapturing - payment.amountReleased;
}

/** What can still be refunded. */
export function refundable(payment: Lifecycle): bigint {
  return payment.amountCaptured - payment.amountRefunded - payment.amountRefunding;
}

/** The changes that a payment's state allows, for an error that says what could be done instead. */
export function allowedChanges(status: PaymentStatus): ChangeType[] {
  return (Object.keys(LEGAL_IN) as ChangeType[]).filter((type) => LEGAL_IN[type].includes(status));
}

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
    case 'ATTEMPT_STARTED':
      return { ...payment, status: 'PROCESSING', amountAuthorized: 0n, amountReleased: 0n };
    case 'ACTION_REQUIRED':
      return { ...payment, status: 'REQUIRES_ACTION' };
    case 'AUTHORIZED':
      if (change.amount <= 0n || change.amount > payment.amount) return { illegal: 'AMOUNT' };
      return { ...payment, status: 'AUTHORIZED', amountAuthorized: change.amount, amountReleased: 0n };
    case 'CHARGED': {
      if (change.amount <= 0n || change.amount > payment.amount) return { illegal: 'AMOUNT' };
      const charged = { ...payment, amountAuthorized: change.amount, amountReleased: 0n };
      return change.confirmed
        ? { ...charged, status: 'SUCCEEDED', amountCaptured: change.amount }
        : { ...charged, status: 'CAPTURED', amountCapturing: change.amount };
    }
    case 'ATTEMPT_FAILED':
      return { ...payment, status: payment.cancelRequested ? 'CANCELED' : 'FAILED', cancelRequested: false };
    case 'CAPTURE_STARTED':
      // One at a time: which of two captures in flight was the final one could not be told.
      if (payment.amountCapturing > 0n || payment.cancelRequested) return { illegal: 'BUSY' };
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
    case 'CANCEL_REQUESTED':
      if (payment.amountCapturing > 0n || payment.cancelRequested) return { illegal: 'BUSY' };
      return { ...payment, cancelRequested: true };
    case 'CANCEL_REFUSED':
      return { ...payment, cancelRequested: false };
    case 'CANCELED':
      if (payment.amountCapturing > 0n) return { illegal: 'BUSY' };
      return released(payment, 'CANCELED');
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
  if (payment.status === 'AUTHORIZED') return after;
  return released({ ...after, cancelRequested: false }, 'FAILED');
}

/** The authorisation is gone. What was captured before stays: such a payment has succeeded, with a smaller amount. */
function released(payment: Lifecycle, whenNothingWasCaptured: 'CANCELED' | 'FAILED'): Lifecycle {
  return {
    ...payment,
    status: payment.amountCaptured > 0n ? 'SUCCEEDED' : whenNothingWasCaptured,
    amountReleased: payment.amountAuthorized - payment.amountCaptured,
    cancelRequested: false,
  };
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
  const { amount, amountAuthorized, amountCapturing, amountCaptured, amountReleased } = payment;
  const amounts = [amountAuthorized, amountCapturing, amountCaptured, amountReleased];
  const sound =
    [...amounts, payment.amountRefunding, payment.amountRefunded].every((each) => each >= 0n) &&
    amountAuthorized <= amount &&
    amountCaptured + amountCapturing + amountReleased <= amountAuthorized &&
    payment.amountRefunded + payment.amountRefunding <= amountCaptured;
  if (!sound) throw new Error(`the amounts of a payment in ${payment.status} do not add up`);
}
