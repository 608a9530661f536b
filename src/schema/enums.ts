import type { KeyScope as KeyScopeName } from '../domain/key-scope.ts';
import type { TokenScope } from '../payments/token-text.ts';
import type {
  Attempt,
  Capture,
  Environment,
  Operation,
  OperationResolution,
  Payment,
  PaymentDestination,
  PaymentEvent,
  PaymentMethod,
} from '../../generated/prisma/client.ts';
import type { ChangeType } from '../domain/lifecycle.ts';
import { builder } from './builder.ts';

/** Describes each value; a value that the database has and this list has not does not compile. */
export function enumOf<V extends string>(name: string, description: string, values: Record<V, string>) {
  return builder.enumType(name, {
    description,
    values: Object.fromEntries(
      (Object.entries(values) as [V, string][]).map(([value, text]) => [value, { value, description: text }]),
    ) as Record<V, { value: V; description: string }>,
  });
}

export const Mode = enumOf<Environment['mode']>('Mode', 'Whether money moves.', {
  TEST: 'Nothing moves: the sandbox and processors in their test mode.',
  LIVE: 'Money moves.',
});

export const KeyScope = enumOf<KeyScopeName>('KeyScope', 'What a secret key may do.', {
  READ: 'Read everything but keys and the audit log, and subscribe. Every key has it.',
  WRITE: 'Make and change payments, customers, payment methods and client tokens: all that is neither of the others.',
  REFUND: 'Refund.',
  ADMIN:
    'Keys, the audit log, processor accounts, routing, retries, webhooks, the revocation of client tokens, outcomes that nobody could find out, and comparisons with books.',
});

export const PaymentStatus = enumOf<Payment['status']>('PaymentStatus', 'How far the money has come in.', {
  CREATED: 'Written down; nothing was asked of a processor yet.',
  SCHEDULED: 'To be processed at a set time.',
  PROCESSING: 'A processor was asked; its answer is outstanding or not known.',
  REQUIRES_ACTION: 'The payer has to do something first: see nextAction.',
  AUTHORIZED: 'The amount is held on the card; capturePayment takes it.',
  CAPTURED: "A capture was accepted; the processor's confirmation is outstanding.",
  SUCCEEDED: 'The processor confirmed a capture. Final; refunds are told by refundStatus.',
  RETRY_SCHEDULED: 'Declined for now; it is tried again at a set time.',
  FAILED: 'Declined: see decline. It can be processed again, as a new attempt.',
  CANCELED: 'Given up before anything was captured. Final.',
  EXPIRED: 'Not completed in time. Final.',
});

export const PaymentRefundStatus = enumOf<Payment['refundStatus']>(
  'PaymentRefundStatus',
  'How far money has gone back.',
  {
    NONE: 'No refund was asked for.',
    PENDING: 'A refund is under way.',
    PARTIALLY_REFUNDED: 'A part of what was captured has gone back.',
    REFUNDED: 'All that was captured has gone back.',
    FAILED: 'The last refund failed, and nothing has gone back.',
  },
);

export const AttemptStatus = enumOf<Attempt['status']>('AttemptStatus', 'How an attempt stands.', {
  DISPATCHED: 'Sent to the processor.',
  PENDING: 'Accepted by the processor; the result comes later.',
  REQUIRES_ACTION: 'The payer has to do something first.',
  AUTHORIZED: 'The amount is held.',
  SUCCEEDED: 'Captured.',
  FAILED: 'Declined, or never executed.',
  CANCELED: 'Voided.',
  EXPIRED: 'The payer or the authorisation ran out of time.',
  UNKNOWN: 'The answer was lost; the processor is being asked what happened.',
});

export const AttemptFlag = enumOf<NonNullable<Attempt['flag']>>(
  'AttemptFlag',
  'What became of a charge that succeeded after it was given up.',
  {
    LATE_SUCCESS_ADOPTED: 'The payment was open, and took it on.',
    LATE_SUCCESS_RETURNING: 'The payment had ended, or was paid otherwise: it is being given back.',
    LATE_SUCCESS_RETURNED: 'It was given back.',
  },
);

export const OperationKind = enumOf<Operation['kind']>('OperationKind', 'What a processor was asked to do.', {
  CHARGE: 'Authorise an amount, or take it at once.',
  CAPTURE: 'Take what was authorised.',
  VOID: 'Release what was authorised.',
  REFUND: 'Give back what was taken.',
  RETURN: 'Give back a charge that succeeded after it was given up.',
});

export const OperationStatus = enumOf<Operation['status']>('OperationStatus', 'How an operation stands.', {
  PLANNED: 'Wanted, and not under way yet, or certainly not any more: the processor is asked soon.',
  DISPATCHED: 'The processor was asked.',
  PENDING: 'The processor accepted it; the result comes later.',
  UNKNOWN: 'The answer was lost; the processor is being asked what happened.',
  RAISED: 'Nobody could find out: an operator has to, and say so with resolveOperation.',
  COMPLETED: 'The processor answered, or an operator did.',
});

export const ResolutionOutcome = enumOf<OperationResolution['outcome']>(
  'ResolutionOutcome',
  'What an operator found at the processor.',
  { SUCCEEDED: 'It was done.', FAILED: 'It was not done, and will not be.' },
);

export const AttemptKind = enumOf<Attempt['kind']>('AttemptKind', 'Why an attempt was made.', {
  INITIAL: 'The first of its payment.',
  RESUBMISSION: 'A caller processed the payment again.',
  SCHEDULED_RETRY: 'The retry schedule of the account.',
  FAILOVER: 'The processor that was asked before it could do nothing, and another was asked at once.',
});

export const CaptureStatus = enumOf<Capture['status']>('CaptureStatus', 'How a capture stands.', {
  PENDING: 'Under way.',
  SUCCEEDED: 'Confirmed by the processor.',
  FAILED: 'Refused, or failed later.',
  CANCELED: 'Called off before it was executed.',
});

export const RefundStatus = enumOf<Capture['status']>('RefundStatus', 'How a refund stands.', {
  PENDING: 'Under way.',
  SUCCEEDED: 'Confirmed by the processor.',
  FAILED: 'Refused, or returned by the bank later.',
  CANCELED: 'Called off before it was executed.',
});

export const CaptureMethod = enumOf<Payment['captureMethod']>('CaptureMethod', 'When an authorised amount is taken.', {
  AUTOMATIC: 'At once.',
  MANUAL: 'By capturePayment.',
});

export const Initiator = enumOf<Payment['initiator']>('Initiator', 'Who started a payment.', {
  CUSTOMER: 'The customer.',
  MERCHANT: 'The merchant, by an agreement with the customer.',
});

export const ClientTokenScope = enumOf<TokenScope>('ClientTokenScope', 'What a client token lets a payer do.', {
  READ: 'See their payments, and watch them.',
  PAY: 'Pay what is theirs to pay.',
  SCHEDULE: 'With PAY, decide when a payment of theirs is charged by itself, and whether it is.',
});

export const DestinationType = enumOf<PaymentDestination['type']>('DestinationType', 'What a payment pays for.', {
  INVOICE: 'An invoice.',
  ORDER: 'An order.',
  SUBSCRIPTION: 'A subscription.',
  PURCHASE: 'A purchase.',
});

export const TaxType = enumOf<NonNullable<Payment['taxType']>>('TaxType', 'What kind of tax an amount contains.', {
  AMUSEMENT_TAX: 'Amusement tax.',
  COMMUNICATIONS_TAX: 'Communications tax.',
  GST: 'Goods and services tax.',
  HST: 'Harmonised sales tax.',
  IGST: 'Integrated goods and services tax.',
  JCT: 'Japanese consumption tax.',
  LEASE_TAX: 'Lease tax.',
  PST: 'Provincial sales tax.',
  QST: 'Quebec sales tax.',
  RETAIL_DELIVERY_FEE: 'Retail delivery fee.',
  RST: 'Retail sales tax.',
  SALES_TAX: 'Sales tax.',
  SERVICE_TAX: 'Service tax.',
  VAT: 'Value added tax.',
  NONE: 'No tax.',
});

export const PaymentMethodType = enumOf<PaymentMethod['type']>('PaymentMethodType', 'A kind of payment method.', {
  CARD: 'A card.',
});

export const CardBrand = enumOf<PaymentMethod['brand']>('CardBrand', 'A card network.', {
  VISA: 'Visa.',
  MASTERCARD: 'Mastercard.',
  AMERICAN_EXPRESS: 'American Express.',
  DISCOVER: 'Discover.',
  DINERS_CLUB: 'Diners Club.',
  JCB: 'JCB.',
  UNIONPAY: 'UnionPay.',
  MAESTRO: 'Maestro.',
  UNKNOWN: 'Not known from the number.',
});

export const PaymentEventType = enumOf<PaymentEvent['type']>('PaymentEventType', 'What happened to a payment.', {
  PAYMENT_CREATED: 'It was created.',
  PAYMENT_SCHEDULED: 'It was put off to a set time.',
  PAYMENT_PROCESSING: 'An attempt began.',
  PAYMENT_REQUIRES_ACTION: 'The payer has to do something.',
  PAYMENT_AUTHORIZED: 'The amount is held.',
  PAYMENT_CAPTURED: 'A capture was accepted.',
  PAYMENT_SUCCEEDED: 'The money is in.',
  PAYMENT_RETRY_SCHEDULED: 'It was declined and will be tried again.',
  PAYMENT_FAILED: 'It was declined.',
  PAYMENT_CANCELED: 'It was canceled.',
  PAYMENT_EXPIRED: 'It ran out of time.',
  PAYMENT_CANCEL_REQUESTED: 'Someone asked to cancel it; the processor has to confirm.',
  PAYMENT_CANCEL_REFUSED: 'The processor would not cancel it: the payment goes on.',
  PAYMENT_EXPIRY_REQUESTED: 'Its time is over; the processor has to confirm.',
  PAYMENT_EXPIRY_REFUSED: 'The processor would not let it go: the payment goes on.',
  PAYMENT_SETTLED: 'All of it was paid out: see settledAt.',
  CAPTURE_PENDING: 'A capture began.',
  CAPTURE_SUCCEEDED: 'A capture was confirmed.',
  CAPTURE_FAILED: 'A capture failed.',
  CAPTURE_REVERSED: "A capture that had succeeded was taken back by the payer's bank.",
  REFUND_PENDING: 'A refund began.',
  REFUND_SUCCEEDED: 'A refund was confirmed.',
  REFUND_FAILED: 'A refund failed, or was returned.',
});

export const PaymentTransition = enumOf<ChangeType>('PaymentTransition', 'A change that a state may allow.', {
  SCHEDULED: 'It can be put off to a set time.',
  UNSCHEDULED: 'Its set time can be taken away.',
  ATTEMPT_STARTED: 'It can be processed.',
  ACTION_REQUIRED: 'The processor can ask for the payer.',
  ACTION_COMPLETED: 'The payer can do what is asked.',
  AUTHORIZED: 'The processor can authorise it.',
  CHARGED: 'The processor can charge it.',
  ATTEMPT_FAILED: 'Its attempt can fail.',
  RETRY_CALLED_OFF: 'Its next automatic retry can be called off.',
  CAPTURE_STARTED: 'It can be captured.',
  CAPTURE_ACCEPTED: 'The processor can accept a capture.',
  CAPTURE_SUCCEEDED: 'A capture can be confirmed.',
  CAPTURE_FAILED: 'A capture can fail.',
  CAPTURE_REVERSED: 'A capture can be taken back.',
  CANCEL_REQUESTED: 'The processor can be asked to cancel it.',
  CANCEL_REFUSED: 'The processor can refuse to cancel it.',
  CANCELED: 'It can be canceled.',
  EXPIRY_REQUESTED: 'The processor can be asked to let it expire.',
  EXPIRY_REFUSED: 'The processor can refuse to let it expire.',
  EXPIRED: 'It can expire.',
  REFUND_STARTED: 'It can be refunded.',
  REFUND_SUCCEEDED: 'A refund can be confirmed.',
  REFUND_FAILED: 'A refund can fail.',
  REFUND_RETURNED: 'A refund can be returned by the bank.',
});
