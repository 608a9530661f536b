import type { Payment as PaymentRow } from '../../generated/prisma/client.ts';
import { encodeId } from '../domain/ids.ts';
import { capturable, refundable } from '../domain/lifecycle.ts';
import { receiptNumberOf } from '../domain/receipt-number.ts';
import type { Address as AddressShape } from '../payments/address.ts';
import { pageUrl } from '../payments/page-link.ts';
import { lifecycleOf } from '../payments/stored-lifecycle.ts';
import { Address } from './address.ts';
import { builder } from './builder.ts';
import { Decline, declineOf } from './decline.ts';
import { CaptureMethod, Initiator, PaymentRefundStatus, PaymentStatus, TaxType } from './enums.ts';
import { Money, type MoneyShape } from './money.ts';
import { Node } from './node.ts';
import { CUSTOMERS_TOO, MERCHANT_ONLY, NOT_FOR_READERS } from './reach.ts';

const NextAction = builder.objectRef<{ redirectUrl: string; expiresAt: Date }>('NextAction').implement({
  description: 'What the payer has to do before the payment can go on.',
  fields: (t) => ({
    redirectUrl: t.exposeString('redirectUrl', { description: 'Send the payer here: to 3-D Secure, for instance.' }),
    expiresAt: t.expose('expiresAt', { type: 'DateTime', description: 'After this the payment expires.' }),
  }),
});

const Tax = builder.objectRef<PaymentRow>('Tax').implement({
  description: 'What an amount is made of: subtotal and tax add up to it.',
  fields: (t) => ({
    subtotal: t.field({ type: Money, description: 'Before tax.', resolve: (p) => money(p, told(p.subtotal)) }),
    amount: t.field({ type: Money, description: 'The tax.', resolve: (p) => money(p, told(p.taxAmount)) }),
    type: t.field({ type: TaxType, description: 'What kind of tax.', resolve: ({ taxType }) => told(taxType) }),
    country: t.exposeString('taxCountry', { nullable: true, description: 'Whose tax, ISO 3166-1.' }),
    state: t.exposeString('taxState', { nullable: true, description: 'The state, where it is its tax.' }),
    rate: t.exposeString('taxRate', { nullable: true, description: 'Per cent, as it was told.' }),
  }),
});

/** A part of a tax: all are there, or none. */
function told<T>(part: T | null): T {
  if (part === null) throw new Error('a tax of which only a part was stored');
  return part;
}

const money = (payment: PaymentRow, amount: bigint): MoneyShape => ({ amount, currency: payment.currency });

export const Payment = builder.prismaObject('Payment', {
  description: 'What is to be paid, and how far it has come.',
  interfaces: [Node],
  fields: (t) => ({
    id: t.id({ description: 'pay_ and a UUID.', resolve: ({ id }) => encodeId('Payment', id) }),
    humanId: t.exposeString('humanId', {
      description: 'Six characters for people, none of which is taken for another. Unique in the environment.',
    }),
    amount: t.field({ type: Money, description: 'What is to be paid.', resolve: (p) => money(p, p.amount) }),
    status: t.expose('status', { type: PaymentStatus, description: 'How far the money has come in.' }),
    refundStatus: t.expose('refundStatus', { type: PaymentRefundStatus, description: 'How far money has gone back.' }),
    amountAuthorized: t.field({
      type: Money,
      description: 'What a processor holds or held for this payment.',
      resolve: (p) => money(p, p.amountAuthorized),
    }),
    amountReserved: t.field({
      type: Money,
      description: 'What a processor holds now: authorised, and neither captured nor released.',
      resolve: (p) => money(p, p.amountAuthorized - p.amountCaptured - p.amountReleased),
    }),
    amountCaptured: t.field({
      type: Money,
      description: 'What was taken: the sum of the captures that succeeded.',
      resolve: (p) => money(p, p.amountCaptured),
    }),
    amountRefunded: t.field({
      type: Money,
      description: 'What has gone back: the sum of the refunds that succeeded.',
      resolve: (p) => money(p, p.amountRefunded),
    }),
    amountRefundPending: t.field({
      type: Money,
      description: 'What is going back: the sum of the refunds that are under way.',
      resolve: (p) => money(p, p.amountRefunding),
    }),
    amountReversed: t.field({
      type: Money,
      description: "What was captured and then taken back by the payer's bank.",
      resolve: (p) => money(p, p.amountReversed),
    }),
    maximumCapturable: t.field({
      type: Money,
      description: 'What can still be captured.',
      resolve: (p) => money(p, capturable(lifecycleOf(p))),
    }),
    maximumRefundable: t.field({
      type: Money,
      description: 'What can still be refunded.',
      resolve: (p) => money(p, refundable(lifecycleOf(p))),
    }),
    captureMethod: t.expose('captureMethod', { type: CaptureMethod, description: 'When the amount is taken.' }),
    initiator: t.expose('initiator', { type: Initiator, description: 'Who started it.' }),
    offSession: t.exposeBoolean('offSession', { description: 'The customer is not there to be asked for anything.' }),
    idempotencyKey: t.exposeString('idempotencyKey', {
      ...MERCHANT_ONLY,
      nullable: true,
      description: 'The idempotency key with which it was created; null where that is not known any more.',
    }),
    decline: t.field({
      type: Decline,
      nullable: true,
      description: 'Why the last attempt failed; null where it did not.',
      resolve: declineOf,
    }),
    nextAction: t.field({
      type: NextAction,
      nullable: true,
      description: 'What the payer has to do, while the status is REQUIRES_ACTION.',
      resolve: ({ actionUrl, actionExpiresAt }) =>
        actionUrl === null || actionExpiresAt === null ? null : { redirectUrl: actionUrl, expiresAt: actionExpiresAt },
    }),
    description: t.exposeString('description', { nullable: true, description: 'Free text of the merchant.' }),
    statementDescriptor: t.exposeString('statementDescriptor', {
      nullable: true,
      description: "What the payer's card statement says.",
    }),
    returnUrl: t.exposeString('returnUrl', { nullable: true, description: 'Where the payer comes back to.' }),
    hostedPaymentUrl: t.string({
      ...NOT_FOR_READERS,
      nullable: true,
      description:
        'The page on which the payer pays: lead them there. Of a payment that was made without a card or a payment method; null for any other.',
      resolve: (p, _, { gateway }) => (p.hosted ? pageUrl(gateway, 'pay', p) : null),
    }),
    metadata: t.expose('metadata', { type: 'JSONObject', description: 'Texts by key, as the merchant gave them.' }),
    cancelRequestedAt: t.expose('cancelRequestedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'Someone asked to cancel it, and the processor has not answered yet.',
    }),
    expiryRequestedAt: t.expose('expiryRequestedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'Its time was over, and the processor has not confirmed yet.',
    }),
    billingAddress: t.field({
      type: Address,
      nullable: true,
      description: 'Of whoever pays, as it was given with this payment.',
      resolve: ({ billingAddress }) => billingAddress as AddressShape | null,
    }),
    tax: t.field({
      type: Tax,
      nullable: true,
      description: 'What the amount is made of, where that was told.',
      resolve: (p) => (p.taxAmount === null ? null : p),
    }),
    applicationFee: t.field({
      ...MERCHANT_ONLY,
      type: Money,
      nullable: true,
      description: 'What of the amount the platform keeps, where that was told.',
      resolve: (p) => (p.applicationFee === null ? null : money(p, p.applicationFee)),
    }),
    trackAttempts: t.boolean({
      description: 'Always true: every attempt is recorded.',
      resolve: () => true,
    }),
    livemode: t.boolean({
      description: 'Whether money moves: the mode of the key that reads it.',
      resolve: (_payment, _arguments, { caller }) => caller.mode === 'LIVE',
    }),
    active: t.exposeBoolean('active', {
      description: 'Whether the gateway goes on with it by itself: scheduled charges and automatic retries.',
    }),
    paymentDate: t.expose('paymentDate', {
      type: 'DateTime',
      nullable: true,
      description: 'When it is to be charged by itself, or was.',
    }),
    expiresAt: t.expose('expiresAt', {
      type: 'DateTime',
      nullable: true,
      description: 'After this it expires, unless it was paid.',
    }),
    authorizationExpiresAt: t.expose('authorizationExpiresAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When the processor lets go what was authorised and not captured, where it tells.',
    }),
    retryAt: t.expose('retryAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it is tried again by itself, while the status is RETRY_SCHEDULED.',
    }),
    chargedAt: t.expose('chargedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When a processor first held or took the amount.',
    }),
    succeededAt: t.expose('succeededAt', { type: 'DateTime', nullable: true, description: 'When it succeeded.' }),
    failedAt: t.expose('failedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When the last attempt failed; null again once another began.',
    }),
    canceledAt: t.expose('canceledAt', { type: 'DateTime', nullable: true, description: 'When it was canceled.' }),
    expiredAt: t.expose('expiredAt', { type: 'DateTime', nullable: true, description: 'When it expired.' }),
    refundedAt: t.expose('refundedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When all that was captured had gone back; null while it has not.',
    }),
    settledAt: t.expose('settledAt', {
      type: 'DateTime',
      nullable: true,
      description:
        'When the processor had paid out all that was captured and not taken back; null while it has not, or while more can be captured. Refunds change nothing of it.',
    }),
    receiptNumber: t.string({
      nullable: true,
      description: 'R- and the humanId, once anything was captured.',
      resolve: (p) => (p.amountCaptured > 0n ? receiptNumberOf(p.humanId) : null),
    }),
    receiptUrl: t.string({
      // It names the customer.
      ...CUSTOMERS_TOO,
      nullable: true,
      description:
        'A page that says what was paid, to be printed, once anything was captured. Whoever has the address may see it.',
      resolve: (p, _, { gateway }) => (p.amountCaptured > 0n ? pageUrl(gateway, 'receipt', p) : null),
    }),
    sequence: t.exposeInt('sequence', { description: 'The number of its last event.' }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was created.' }),
    updatedAt: t.expose('updatedAt', { type: 'DateTime', description: 'When it was changed last.' }),
    createdBy: t.exposeString('createdBy', { description: 'The key that created it.' }),
    updatedBy: t.exposeString('updatedBy', { description: 'The key that changed it last, "processor", or "gateway".' }),
    createdByCommit: t.exposeString('createdByCommit', { description: 'The build of the gateway that created it.' }),
    updatedByCommit: t.exposeString('updatedByCommit', {
      description: 'The build of the gateway that changed it last.',
    }),
  }),
});

const PaymentEdge = builder.edgeObject({
  name: 'PaymentEdge',
  type: Payment,
  description: 'An entry of a list of payments.',
});

export const PaymentConnection = builder.connectionObject(
  { name: 'PaymentConnection', type: Payment, description: 'A page of a list of payments.' },
  PaymentEdge,
);
