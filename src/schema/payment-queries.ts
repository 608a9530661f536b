import type { Payment as PaymentRow, Prisma, Refund as RefundRow } from '../../generated/prisma/client.ts';
import { decodeIdOf } from '../domain/ids.ts';
import { parseCurrency } from '../domain/currency.ts';
import { badInput, NOTHING, searchText } from './bad-input.ts';
import { builder } from './builder.ts';
import { BY_CREATION, listOf } from './connection.ts';
import { DestinationType, PaymentRefundStatus, PaymentStatus, RefundStatus } from './enums.ts';
import { Refund, RefundConnection } from './movements.ts';
import { Payment, PaymentConnection } from './payment.ts';

const DestinationFilter = builder.inputType('DestinationFilter', {
  description: 'What a payment pays for.',
  fields: (t) => ({
    type: t.field({ type: DestinationType, required: true, description: 'What kind of thing.' }),
    id: t.string({ required: true, description: "The merchant's own id of it." }),
  }),
});

const PaymentFilter = builder.inputType('PaymentFilter', {
  description: 'Which payments: those that fit everything that is given.',
  fields: (t) => ({
    status: t.field({ type: [PaymentStatus], description: 'In one of these states.' }),
    refundStatus: t.field({ type: [PaymentRefundStatus], description: 'Refunded so far.' }),
    customerId: t.id({ description: 'Of this customer.' }),
    currency: t.field({ type: 'Currency', description: 'In this currency.' }),
    destination: t.field({ type: DestinationFilter, description: 'For this invoice, order, …' }),
    createdFrom: t.field({ type: 'DateTime', description: 'Created at this moment or later.' }),
    createdTo: t.field({ type: 'DateTime', description: 'Created before this moment.' }),
  }),
});

const OrderDirection = builder.enumType('OrderDirection', {
  description: 'Which end of a list comes first.',
  values: {
    ASC: { description: 'The oldest or smallest first.' },
    DESC: { description: 'The newest or largest first.' },
  },
});

const PaymentOrderField = builder.enumType('PaymentOrderField', {
  description: 'What payments can be ordered by.',
  values: {
    CREATED_AT: { description: 'When they were created.' },
    AMOUNT: { description: 'Their amount in minor units, whatever the currency.' },
  },
});

const PaymentOrder = builder.inputType('PaymentOrder', {
  description: 'How payments are ordered.',
  fields: (t) => ({
    field: t.field({ type: PaymentOrderField, required: true, description: 'By what.' }),
    direction: t.field({ type: OrderDirection, required: true, description: 'From which end.' }),
  }),
});

const BY_AMOUNT = [
  { column: 'amount', kind: 'integer' },
  { column: 'id', kind: 'uuid' },
] as const;

function whereOf(
  environmentId: string,
  filter: (typeof PaymentFilter)['$inferInput'] | null | undefined,
): Prisma.PaymentWhereInput & { environmentId: string } {
  if (filter == null) return { environmentId };
  const { status, refundStatus, customerId, currency, destination, createdFrom, createdTo } = filter;
  const code = currency == null ? undefined : parseCurrency(currency);
  if (currency != null && code === undefined) throw badInput('The currency is no ISO 4217 code in use.');
  return {
    environmentId,
    ...(status && { status: { in: [...status] } }),
    ...(refundStatus && { refundStatus: { in: [...refundStatus] } }),
    ...(customerId != null && { customerId: decodeIdOf('Customer', customerId) ?? NOTHING }),
    ...(code !== undefined && { currency: code }),
    ...(destination && {
      destinations: { some: { type: destination.type, destinationId: searchText(destination.id) } },
    }),
    createdAt: { ...(createdFrom && { gte: createdFrom }), ...(createdTo && { lt: createdTo }) },
  };
}

builder.queryFields((t) => ({
  payment: t.field({
    type: Payment,
    nullable: true,
    description: 'A payment; null where there is none with this id.',
    args: { id: t.arg.id({ required: true, description: 'pay_…' }) },
    resolve: (_, { id }, { loaders }) => {
      const uuid = decodeIdOf('Payment', id);
      return uuid === undefined ? null : loaders.payment.load(uuid);
    },
  }),
  payments: t.connection(
    {
      type: Payment,
      description: 'Payments, the newest first unless told otherwise.',
      args: {
        filter: t.arg({ type: PaymentFilter, description: 'Which of them.' }),
        orderBy: t.arg({ type: PaymentOrder, description: 'In which order.' }),
      },
      resolve: (_, { filter, orderBy, ...args }, { gateway, caller, loaders }) => {
        const { payment } = gateway.database.prisma;
        const where = whereOf(caller.environmentId, filter);
        return listOf<PaymentRow>(payment, {
          args,
          where,
          order: orderBy?.field === 'AMOUNT' ? BY_AMOUNT : BY_CREATION,
          descending: orderBy?.direction !== 'ASC',
          // Whatever leads back to a payment of this page needs no second look.
          seen: (row) => loaders.payment.prime(row.id, row),
        });
      },
    },
    PaymentConnection,
  ),
}));

const RefundFilter = builder.inputType('RefundFilter', {
  description: 'Which refunds: those that fit everything that is given.',
  fields: (t) => ({
    status: t.field({ type: [RefundStatus], description: 'In one of these states.' }),
    paymentId: t.id({ description: 'Of this payment.' }),
    createdFrom: t.field({ type: 'DateTime', description: 'Created at this moment or later.' }),
    createdTo: t.field({ type: 'DateTime', description: 'Created before this moment.' }),
  }),
});

builder.queryFields((t) => ({
  refund: t.field({
    type: Refund,
    nullable: true,
    description: 'A refund; null where there is none with this id.',
    args: { id: t.arg.id({ required: true, description: 're_…' }) },
    resolve: (_, { id }, { loaders }) => {
      const uuid = decodeIdOf('Refund', id);
      return uuid === undefined ? null : loaders.refund.load(uuid);
    },
  }),
  refunds: t.connection(
    {
      type: Refund,
      description: 'Refunds, the newest first.',
      args: { filter: t.arg({ type: RefundFilter, description: 'Which of them.' }) },
      resolve: (_, { filter, ...args }, { gateway, caller }) => {
        const { refund } = gateway.database.prisma;
        const where = {
          environmentId: caller.environmentId,
          ...(filter?.status && { status: { in: [...filter.status] } }),
          ...(filter?.paymentId != null && { paymentId: decodeIdOf('Payment', filter.paymentId) ?? NOTHING }),
          createdAt: {
            ...(filter?.createdFrom && { gte: filter.createdFrom }),
            ...(filter?.createdTo && { lt: filter.createdTo }),
          },
        } satisfies Prisma.RefundWhereInput;
        return listOf<RefundRow>(refund, { args, where });
      },
    },
    RefundConnection,
  ),
}));
