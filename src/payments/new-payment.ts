import type { Payment, PaymentDestination, PaymentMethod } from '../../generated/prisma/client.ts';
import type { Currency } from '../domain/currency.ts';
import type { CreatePaymentInput } from './create-input.ts';
import type { DestinationInput } from './destinations.ts';
import type { Metadata } from './details.ts';
import type { Caller, Gateway } from './gateway.ts';

/** A payment as it is created, before anything is asked of a processor. */
export function newPayment(
  gateway: Gateway,
  caller: Caller,
  given: {
    readonly id: string;
    readonly now: Date;
    readonly input: CreatePaymentInput;
    readonly customerId: string | null;
    readonly amount: bigint;
    readonly currency: Currency;
    readonly metadata: Metadata;
    readonly method: PaymentMethod | null;
  },
): Payment {
  const { id, now, input, amount, currency, metadata, method } = given;
  const { tax } = input;
  return {
    environmentId: caller.environmentId,
    id,
    customerId: given.customerId ?? method?.customerId ?? null,
    paymentMethodId: method?.id ?? null,
    amount,
    currency,
    humanId: gateway.newHumanId(),
    status: 'CREATED',
    refundStatus: 'NONE',
    captureMethod: input.captureMethod,
    initiator: input.initiator,
    offSession: input.offSession,
    idempotencyKey: input.idempotencyKey,
    hosted: method === null,
    description: input.description,
    statementDescriptor: input.statementDescriptor,
    returnUrl: input.returnUrl,
    metadata,
    billingAddress: input.billingAddress && { ...input.billingAddress },
    subtotal: tax?.subtotal ?? null,
    taxAmount: tax?.amount ?? null,
    taxType: tax?.type ?? null,
    taxCountry: tax?.country ?? null,
    taxState: tax?.state ?? null,
    taxRate: tax?.rate ?? null,
    applicationFee: input.applicationFee,
    amountAuthorized: 0n,
    amountCapturing: 0n,
    amountCaptured: 0n,
    amountReleased: 0n,
    amountRefunding: 0n,
    amountRefunded: 0n,
    amountReversed: 0n,
    active: input.active,
    attemptCount: 0,
    currentAttemptId: null,
    declineCode: null,
    declineMessage: null,
    declineRetryable: null,
    actionUrl: null,
    actionExpiresAt: null,
    authorizationExpiresAt: null,
    cancelRequestedAt: null,
    expiryRequestedAt: null,
    expiryPostponedTo: null,
    paymentDate: input.paymentDate,
    expiresAt: input.expiresAt,
    retryAt: null,
    retryCount: 0,
    dueAt: null,
    chargedAt: null,
    succeededAt: null,
    failedAt: null,
    canceledAt: null,
    expiredAt: null,
    refundedAt: null,
    settledAt: null,
    sequence: 0,
    lastOrderXid: 0n,
    lastEpoch: 0,
    createdAt: now,
    updatedAt: now,
    createdBy: caller.actor,
    updatedBy: caller.actor,
    createdByCommit: gateway.commit,
    updatedByCommit: gateway.commit,
  };
}

/** What a payment pays for, in the order in which it was given. */
export function destinationRows(payment: Payment, destinations: readonly DestinationInput[]): PaymentDestination[] {
  const { environmentId, id: paymentId } = payment;
  return destinations.map(({ id, ...destination }, position) => ({
    environmentId,
    paymentId,
    position,
    destinationId: id,
    ...destination,
  }));
}
