import { encodeId } from '../domain/ids.ts';
import { builder } from './builder.ts';
import { Decline, declineOf } from './decline.ts';
import { AttemptFlag, AttemptKind, AttemptStatus, CaptureStatus, DestinationType, RefundStatus } from './enums.ts';
import { Money } from './money.ts';
import { Node } from './node.ts';

/** What moves a payment's money: attempts, captures, refunds. Links between them are in relations.ts. */

export const Attempt = builder.prismaObject('Attempt', {
  description: 'One try at a processor to charge a payment.',
  interfaces: [Node],
  fields: (t) => ({
    id: t.id({ description: 'att_ and a UUID.', resolve: ({ id }) => encodeId('Attempt', id) }),
    number: t.exposeInt('number', { description: 'Counts the attempts of a payment from 1.' }),
    kind: t.expose('kind', { type: AttemptKind, description: 'Why it was made.' }),
    status: t.expose('status', { type: AttemptStatus, description: 'How it stands.' }),
    processor: t.exposeString('processor', { description: 'Which processor was asked.' }),
    amount: t.field({ type: Money, description: 'What was asked for.', resolve: (attempt) => attempt }),
    decline: t.field({
      type: Decline,
      nullable: true,
      description: 'Why it failed; null where it did not.',
      resolve: declineOf,
    }),
    processorTransactionId: t.exposeString('processorTransactionId', {
      nullable: true,
      description: "The processor's id of the charge; null until it has told one.",
    }),
    networkTransactionId: t.exposeString('networkTransactionId', {
      nullable: true,
      description: "The card network's id, which later payments by the merchant refer to.",
    }),
    latencyMs: t.exposeInt('latencyMs', {
      nullable: true,
      description: "Milliseconds from sending to the processor's first answer.",
    }),
    metadata: t.expose('metadata', { type: 'JSONObject', description: 'Texts by key, as they were given with it.' }),
    flag: t.expose('flag', {
      type: AttemptFlag,
      nullable: true,
      description: 'That it succeeded after it was given up, and what became of that; null where it did not.',
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was made.' }),
    updatedAt: t.expose('updatedAt', { type: 'DateTime', description: 'When it was changed last.' }),
    createdBy: t.exposeString('createdBy', { description: 'The key that made it.' }),
    updatedBy: t.exposeString('updatedBy', { description: 'The key that changed it last, or "processor".' }),
  }),
});

export const CaptureReversal = builder.prismaObject('CaptureReversal', {
  description: "A capture that had succeeded was taken back, by the payer's bank for instance.",
  fields: (t) => ({
    failureCode: t.exposeString('failureCode', { description: 'Why, for programs.' }),
    failureMessage: t.exposeString('failureMessage', { description: 'Why, for people.' }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When the gateway learned of it.' }),
    createdBy: t.exposeString('createdBy', { description: 'Who told of it: "processor", or a key.' }),
  }),
});

export const Capture = builder.prismaObject('Capture', {
  description: 'An authorised amount, or a part of it, that was taken.',
  interfaces: [Node],
  fields: (t) => ({
    id: t.id({ description: 'cap_ and a UUID.', resolve: ({ id }) => encodeId('Capture', id) }),
    amount: t.field({ type: Money, description: 'What was taken.', resolve: (capture) => capture }),
    status: t.expose('status', { type: CaptureStatus, description: 'How it stands.' }),
    final: t.exposeBoolean('final', { description: 'What it left of the authorisation was released.' }),
    processorReference: t.exposeString('processorReference', {
      nullable: true,
      description: "The processor's id of it.",
    }),
    failureCode: t.exposeString('failureCode', { nullable: true, description: 'Why it failed, for programs.' }),
    failureMessage: t.exposeString('failureMessage', { nullable: true, description: 'Why it failed, for people.' }),
    settledAt: t.expose('settledAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When the processor paid it out, which settles it; null while it has not.',
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was asked for.' }),
    updatedAt: t.expose('updatedAt', { type: 'DateTime', description: 'When it was changed last.' }),
    createdBy: t.exposeString('createdBy', { description: 'The key that asked for it, or "processor".' }),
    updatedBy: t.exposeString('updatedBy', { description: 'The key that changed it last, or "processor".' }),
  }),
});

export const Refund = builder.prismaObject('Refund', {
  description: 'A captured amount, or a part of it, that was given back.',
  interfaces: [Node],
  fields: (t) => ({
    id: t.id({ description: 're_ and a UUID.', resolve: ({ id }) => encodeId('Refund', id) }),
    amount: t.field({ type: Money, description: 'What was given back.', resolve: (refund) => refund }),
    status: t.expose('status', { type: RefundStatus, description: 'How it stands.' }),
    reason: t.exposeString('reason', { nullable: true, description: 'Why it was asked for.' }),
    processorReference: t.exposeString('processorReference', {
      nullable: true,
      description: "The processor's id of it.",
    }),
    failureCode: t.exposeString('failureCode', { nullable: true, description: 'Why it failed, for programs.' }),
    failureMessage: t.exposeString('failureMessage', { nullable: true, description: 'Why it failed, for people.' }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was asked for.' }),
    updatedAt: t.expose('updatedAt', { type: 'DateTime', description: 'When it was changed last.' }),
    createdBy: t.exposeString('createdBy', { description: 'The key that asked for it.' }),
    updatedBy: t.exposeString('updatedBy', { description: 'The key that changed it last, or "processor".' }),
  }),
});

export const PaymentDestination = builder.prismaObject('PaymentDestination', {
  description: "A share of a payment's amount and what it pays for. The shares add up to the payment's amount.",
  fields: (t) => ({
    type: t.expose('type', { type: DestinationType, description: 'What kind of thing it pays for.' }),
    id: t.exposeString('destinationId', { description: "The merchant's own id of it." }),
    number: t.exposeString('number', { nullable: true, description: 'Its number, as people know it.' }),
    invoiceId: t.exposeString('invoiceId', { nullable: true, description: 'The invoice that it belongs to.' }),
    purchaseId: t.exposeString('purchaseId', { nullable: true, description: 'The purchase that it belongs to.' }),
    subscriptionId: t.exposeString('subscriptionId', {
      nullable: true,
      description: 'The subscription that it belongs to.',
    }),
    billingPeriodId: t.exposeString('billingPeriodId', {
      nullable: true,
      description: 'The billing period that it belongs to.',
    }),
  }),
});

const AttemptEdge = builder.edgeObject({
  name: 'AttemptEdge',
  type: Attempt,
  description: 'An entry of a list of attempts.',
});

export const AttemptConnection = builder.connectionObject(
  { name: 'AttemptConnection', type: Attempt, description: 'A page of a list of attempts.' },
  AttemptEdge,
);

const RefundEdge = builder.edgeObject({
  name: 'RefundEdge',
  type: Refund,
  description: 'An entry of a list of refunds.',
});

export const RefundConnection = builder.connectionObject(
  { name: 'RefundConnection', type: Refund, description: 'A page of a list of refunds.' },
  RefundEdge,
);
