import type { PaymentEvent as EventRow } from '../../generated/prisma/client.ts';
import { builder } from './builder.ts';
import { keysetConnection } from './connection.ts';
import { Customer } from './customer.ts';
import { PaymentMethodType } from './enums.ts';
import { Money } from './money.ts';
import { Attempt, Capture, CaptureReversal, PaymentDestination, Refund } from './movements.ts';
import { Operation } from './operation.ts';
import { Payment } from './payment.ts';
import { PaymentEvent, PaymentEventConnection } from './payment-event.ts';
import { PaymentMethod } from './payment-method.ts';
import { promised } from './promised.ts';
import { CUSTOMERS_TOO, MERCHANT_ONLY } from './reach.ts';

/**
 * The relations of payments and of what moves their money, in both directions; those of payers are in
 * payer-relations.ts. Each goes through one DataLoader of the request, so a list takes the same number of statements
 * whatever its length. They stand apart from their types because two types that name each other while they are being
 * defined have no type yet.
 */

const BY_SEQUENCE = [{ column: 'sequence', kind: 'sequence' }] as const;

builder.prismaObjectFields('Payment', (t) => ({
  customer: t.field({
    ...CUSTOMERS_TOO,
    type: Customer,
    nullable: true,
    description: 'Who pays.',
    resolve: ({ customerId }, _, { loaders }) => (customerId === null ? null : loaders.customer.load(customerId)),
  }),
  paymentMethod: t.field({
    type: PaymentMethod,
    nullable: true,
    description: 'What it is or was paid with.',
    resolve: ({ paymentMethodId }, _, { loaders }) =>
      paymentMethodId === null ? null : loaders.paymentMethod.load(paymentMethodId),
  }),
  paymentMethodType: t.field({
    type: PaymentMethodType,
    nullable: true,
    description: 'The kind of payment method that it is or was paid with.',
    resolve: async ({ paymentMethodId }, _, { loaders }) =>
      paymentMethodId === null ? null : (await promised(loaders.paymentMethod.load(paymentMethodId))).type,
  }),
  destinations: t.field({
    type: [PaymentDestination],
    description: 'What it pays for.',
    resolve: ({ id }, _, { loaders }) => loaders.destinationsOfPayment.load(id),
  }),
  attempts: t.field({
    type: [Attempt],
    description: 'Every try to charge it, in their order; at most 50.',
    resolve: ({ id }, _, { loaders }) => loaders.attemptsOfPayment.load(id),
  }),
  captures: t.field({
    type: [Capture],
    description: 'What was taken, the oldest first.',
    resolve: ({ id }, _, { loaders }) => loaders.capturesOfPayment.load(id),
  }),
  refunds: t.field({
    type: [Refund],
    description: 'What was given back, the oldest first; at most 500.',
    resolve: ({ id }, _, { loaders }) => loaders.refundsOfPayment.load(id),
  }),
  operations: t.field({
    ...MERCHANT_ONLY,
    type: [Operation],
    description: 'Every call to a processor that was to move its money, the oldest first.',
    resolve: ({ id }, _, { loaders }) => loaders.operationsOfPayment.load(id),
  }),
  events: t.connection(
    {
      type: PaymentEvent,
      description: 'Everything that happened to it, in order.',
      resolve: ({ id }, args, { loaders }) =>
        keysetConnection<EventRow>({
          args,
          descending: false,
          order: BY_SEQUENCE,
          read: (page) => loaders.eventsOfPayment(id, page),
          count: () => loaders.eventCountOfPayment.load(id),
        }),
    },
    PaymentEventConnection,
  ),
}));

builder.prismaObjectFields('PaymentDestination', (t) => ({
  amount: t.field({
    type: Money,
    description: "Its share of the payment's amount.",
    resolve: async ({ paymentId, amount }, _, { loaders }) => {
      const { currency } = await promised(loaders.payment.load(paymentId));
      return { amount, currency };
    },
  }),
  payment: t.field({
    type: Payment,
    description: 'The payment.',
    resolve: ({ paymentId }, _, { loaders }) => promised(loaders.payment.load(paymentId)),
  }),
}));

builder.prismaObjectFields('Attempt', (t) => ({
  payment: t.field({
    type: Payment,
    description: 'The payment that it was to charge.',
    resolve: ({ paymentId }, _, { loaders }) => promised(loaders.payment.load(paymentId)),
  }),
  paymentMethod: t.field({
    type: PaymentMethod,
    description: 'What it was to be paid with.',
    resolve: ({ paymentMethodId }, _, { loaders }) => promised(loaders.paymentMethod.load(paymentMethodId)),
  }),
  captures: t.field({
    type: [Capture],
    description: 'What was taken of it, the oldest first.',
    resolve: ({ id }, _, { loaders }) => loaders.capturesOfAttempt.load(id),
  }),
  refunds: t.field({
    type: [Refund],
    description: 'What was given back of it, the oldest first.',
    resolve: ({ id }, _, { loaders }) => loaders.refundsOfAttempt.load(id),
  }),
  events: t.field({
    type: [PaymentEvent],
    description: 'What happened to the payment because of it, in order.',
    resolve: ({ id }, _, { loaders }) => loaders.eventsOfAttempt.load(id),
  }),
}));

builder.prismaObjectFields('Capture', (t) => ({
  payment: t.field({
    type: Payment,
    description: 'The payment.',
    resolve: ({ paymentId }, _, { loaders }) => promised(loaders.payment.load(paymentId)),
  }),
  attempt: t.field({
    type: Attempt,
    description: 'The attempt whose authorisation it took from.',
    resolve: ({ attemptId }, _, { loaders }) => promised(loaders.attempt.load(attemptId)),
  }),
  reversal: t.field({
    type: CaptureReversal,
    nullable: true,
    description: 'How it was taken back after it had succeeded; null where it was not.',
    resolve: async ({ id }, _, { loaders }) => (await loaders.reversalsOfCapture.load(id))[0] ?? null,
  }),
  refunds: t.field({
    type: [Refund],
    description: 'The refunds that gave some of it back, the oldest first.',
    resolve: ({ id }, _, { loaders }) => loaders.refundsOfCapture.load(id),
  }),
  events: t.field({
    type: [PaymentEvent],
    description: 'What happened to the payment because of it, in order.',
    resolve: ({ id }, _, { loaders }) => loaders.eventsOfCapture.load(id),
  }),
}));

builder.prismaObjectFields('Refund', (t) => ({
  payment: t.field({
    type: Payment,
    description: 'The payment.',
    resolve: ({ paymentId }, _, { loaders }) => promised(loaders.payment.load(paymentId)),
  }),
  attempt: t.field({
    type: Attempt,
    description: 'The attempt whose charge it gave back.',
    resolve: ({ attemptId }, _, { loaders }) => promised(loaders.attempt.load(attemptId)),
  }),
  captures: t.field({
    type: [Capture],
    description: 'The captures that it gave back, the oldest first.',
    resolve: ({ id }, _, { loaders }) => loaders.capturesOfRefund.load(id),
  }),
  events: t.field({
    type: [PaymentEvent],
    description: 'What happened to the payment because of it, in order.',
    resolve: ({ id }, _, { loaders }) => loaders.eventsOfRefund.load(id),
  }),
}));

builder.prismaObjectFields('PaymentEvent', (t) => ({
  payment: t.field({
    type: Payment,
    description: 'The payment as it stands now.',
    resolve: ({ paymentId }, _, { loaders }) => promised(loaders.payment.load(paymentId)),
  }),
  customer: t.field({
    ...CUSTOMERS_TOO,
    type: Customer,
    nullable: true,
    description: 'Who pays.',
    resolve: ({ customerId }, _, { loaders }) => (customerId === null ? null : loaders.customer.load(customerId)),
  }),
  attempt: t.field({
    type: Attempt,
    nullable: true,
    description: 'The attempt that it is about, if it is about one.',
    resolve: ({ attemptId }, _, { loaders }) => (attemptId === null ? null : loaders.attempt.load(attemptId)),
  }),
  capture: t.field({
    type: Capture,
    nullable: true,
    description: 'The capture that it is about, if it is about one.',
    resolve: ({ captureId }, _, { loaders }) => (captureId === null ? null : loaders.capture.load(captureId)),
  }),
  refund: t.field({
    type: Refund,
    nullable: true,
    description: 'The refund that it is about, if it is about one.',
    resolve: ({ refundId }, _, { loaders }) => (refundId === null ? null : loaders.refund.load(refundId)),
  }),
}));
