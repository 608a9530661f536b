/**
 * The lifecycle of a payment: which changes may follow which. transition.ts
 * says what each makes of a payment.
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
  /** Captured, and taken back by the payer's bank since. */
  readonly amountReversed: bigint;
  /** Someone asked for the payment to be cancelled; the processor has not answered yet. */
  readonly cancelRequested: boolean;
  /** Its time is over; the processor has not answered yet. */
  readonly expiryRequested: boolean;
}

/** What can happen to a payment: a command that was accepted, or what a processor made of it. */
export type Change =
  | { readonly type: 'SCHEDULED' }
  | { readonly type: 'UNSCHEDULED' }
  | { readonly type: 'ATTEMPT_STARTED' }
  | { readonly type: 'ACTION_REQUIRED' }
  /** The payer has done it; the processor has not decided yet. */
  | { readonly type: 'ACTION_COMPLETED' }
  | { readonly type: 'AUTHORIZED'; readonly amount: bigint }
  /** Authorised and captured in one step; the processor may still have to confirm it. */
  | { readonly type: 'CHARGED'; readonly amount: bigint; readonly confirmed: boolean }
  | { readonly type: 'ATTEMPT_FAILED'; readonly retry: boolean }
  | { readonly type: 'RETRY_CALLED_OFF' }
  | { readonly type: 'CAPTURE_STARTED'; readonly amount: bigint }
  | { readonly type: 'CAPTURE_ACCEPTED'; readonly final: boolean }
  | { readonly type: 'CAPTURE_SUCCEEDED'; readonly amount: bigint; readonly final: boolean }
  | { readonly type: 'CAPTURE_FAILED'; readonly amount: bigint }
  /** A capture that had succeeded was taken back. */
  | { readonly type: 'CAPTURE_REVERSED'; readonly amount: bigint }
  | { readonly type: 'CANCEL_REQUESTED' }
  | { readonly type: 'CANCEL_REFUSED' }
  | { readonly type: 'CANCELED' }
  | { readonly type: 'EXPIRY_REQUESTED' }
  | { readonly type: 'EXPIRY_REFUSED' }
  | { readonly type: 'EXPIRED' }
  | { readonly type: 'REFUND_STARTED'; readonly amount: bigint }
  | { readonly type: 'REFUND_SUCCEEDED'; readonly amount: bigint }
  | { readonly type: 'REFUND_FAILED'; readonly amount: bigint }
  | { readonly type: 'REFUND_RETURNED'; readonly amount: bigint };

export type ChangeType = Change['type'];

/** In which states each change can happen. What a change also needs of the amounts is checked in `transition`. */
export const LEGAL_IN: Readonly<Record<ChangeType, readonly PaymentStatus[]>> = {
  SCHEDULED: ['CREATED'],
  UNSCHEDULED: ['SCHEDULED'],
  ATTEMPT_STARTED: ['CREATED', 'SCHEDULED', 'RETRY_SCHEDULED', 'FAILED'],
  ACTION_REQUIRED: ['PROCESSING'],
  ACTION_COMPLETED: ['REQUIRES_ACTION'],
  // Out of RETRY_SCHEDULED and FAILED: the late success of an earlier attempt, adopted.
  AUTHORIZED: ['PROCESSING', 'REQUIRES_ACTION', 'RETRY_SCHEDULED', 'FAILED'],
  CHARGED: ['PROCESSING', 'REQUIRES_ACTION', 'RETRY_SCHEDULED', 'FAILED'],
  ATTEMPT_FAILED: ['PROCESSING', 'REQUIRES_ACTION'],
  RETRY_CALLED_OFF: ['RETRY_SCHEDULED'],
  CAPTURE_STARTED: ['AUTHORIZED'],
  CAPTURE_ACCEPTED: ['AUTHORIZED'],
  CAPTURE_SUCCEEDED: ['AUTHORIZED', 'CAPTURED'],
  CAPTURE_FAILED: ['AUTHORIZED', 'CAPTURED'],
  CAPTURE_REVERSED: ['AUTHORIZED', 'CAPTURED', 'SUCCEEDED'],
  CANCEL_REQUESTED: ['PROCESSING', 'REQUIRES_ACTION', 'AUTHORIZED'],
  CANCEL_REFUSED: ['PROCESSING', 'REQUIRES_ACTION', 'AUTHORIZED'],
  CANCELED: ['CREATED', 'SCHEDULED', 'PROCESSING', 'REQUIRES_ACTION', 'AUTHORIZED', 'RETRY_SCHEDULED', 'FAILED'],
  EXPIRY_REQUESTED: ['REQUIRES_ACTION', 'AUTHORIZED'],
  EXPIRY_REFUSED: ['PROCESSING', 'REQUIRES_ACTION', 'AUTHORIZED'],
  EXPIRED: ['CREATED', 'PROCESSING', 'REQUIRES_ACTION', 'AUTHORIZED', 'FAILED'],
  REFUND_STARTED: ['AUTHORIZED', 'CAPTURED', 'SUCCEEDED'],
  REFUND_SUCCEEDED: ['AUTHORIZED', 'CAPTURED', 'SUCCEEDED'],
  REFUND_FAILED: ['AUTHORIZED', 'CAPTURED', 'SUCCEEDED'],
  REFUND_RETURNED: ['AUTHORIZED', 'CAPTURED', 'SUCCEEDED'],
};

/** A change that cannot happen to this payment now: its state forbids it, or its amounts do. */
export interface Illegal {
  readonly illegal: 'STATUS' | 'AMOUNT' | 'BUSY';
}

/** Someone wants it to end, and the processor is being asked. */
export function isEnding(payment: Lifecycle): boolean {
  return payment.cancelRequested || payment.expiryRequested;
}

/** What can still be captured. */
export function capturable(payment: Lifecycle): bigint {
  if (payment.status !== 'AUTHORIZED') return 0n;
  return payment.amountAuthorized - payment.amountCaptured - payment.amountCapturing - payment.amountReleased;
}

/**
 * What can still be refunded. A capture that was reversed after it had been refunded leaves less than nothing of
 * itself: then another's money is not given away for it.
 */
export function refundable(payment: Lifecycle): bigint {
  const left = payment.amountCaptured - payment.amountReversed - payment.amountRefunded - payment.amountRefunding;
  return left > 0n ? left : 0n;
}

/** The changes that a payment's state allows, for an error that says what could be done instead. */
export function allowedChanges(status: PaymentStatus): ChangeType[] {
  return (Object.keys(LEGAL_IN) as ChangeType[]).filter((type) => LEGAL_IN[type].includes(status));
}
