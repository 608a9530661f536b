import type { Payment as PaymentRow, Prisma } from '../../generated/prisma/client.ts';
import { decodeIdOf } from '../domain/ids.ts';
import { parseCurrency } from '../domain/currency.ts';
import { parseHumanId } from '../domain/human-id.ts';
import { badInput, NOTHING, searchText } from './bad-input.ts';
import { rangeOf, readList } from '../store/lists.ts';
import { isOwnPayment } from '../payments/payer.ts';
import { builder } from './builder.ts';
import { BY_CREATION, listOf } from './connection.ts';
import { findPayment } from './look-ahead.ts';
import { DestinationType, PaymentRefundStatus, PaymentStatus } from './enums.ts';
import type { Context } from './context.ts';
import { Payment, PaymentConnection } from './payment.ts';
import { ownPayments, READERS_TOO } from './reach.ts';

export const DestinationFilter = builder.inputType('DestinationFilter', {
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
    humanId: t.string({ description: 'With this id for people, in either case.' }),
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
  context: Context,
  filter: (typeof PaymentFilter)['$inferInput'] | null | undefined,
): Prisma.PaymentWhereInput & { environmentId: string } {
  const own = ownPayments(context);
  if (filter == null) return own;
  const { status, refundStatus, customerId, humanId, currency, destination, createdFrom, createdTo } = filter;
  const code = currency == null ? undefined : parseCurrency(currency);
  if (currency != null && code === undefined) {
    throw badInput('The currency is no ISO 4217 code in use.', 'filter', 'currency');
  }
  return {
    AND: [own],
    environmentId: own.environmentId,
    ...(status && { status: { in: [...status] } }),
    ...(refundStatus && { refundStatus: { in: [...refundStatus] } }),
    ...(customerId != null && { customerId: decodeIdOf('Customer', customerId) ?? NOTHING }),
    ...(code !== undefined && { currency: code }),
    ...(humanId != null && { humanId: parseHumanId(humanId) ?? '' }),
    ...(destination && {
      destinations: { some: { type: destination.type, destinationId: searchText(destination.id) } },
    }),
    createdAt: { ...(createdFrom && { gte: createdFrom }), ...(createdTo && { lt: createdTo }) },
  };
}

builder.queryFields((t) => ({
  payment: t.field({
    ...READERS_TOO,
    type: Payment,
    nullable: true,
    description: 'A payment; null where there is none with this id.',
    args: { id: t.arg.id({ required: true, description: 'pay_…' }) },
    resolve: async (_, { id }, context, info) => {
      const { caller } = context;
      const uuid = decodeIdOf('Payment', id);
      const payment = uuid === undefined ? null : await findPayment(context, uuid, info);
      return payment !== null && isOwnPayment(caller.payer, payment) ? payment : null;
    },
  }),
  payments: t.connection(
    {
      ...READERS_TOO,
      type: Payment,
      description: 'Payments, the newest first unless told otherwise.',
      args: {
        filter: t.arg({ type: PaymentFilter, description: 'Which of them.' }),
        orderBy: t.arg({ type: PaymentOrder, description: 'In which order.' }),
      },
      resolve: (_, { filter, orderBy, ...args }, context, info) => {
        const { database } = context.gateway;
        const tree = context.lookAhead?.treeFor(info, 'edges', 'node');
        return listOf<PaymentRow>(database, {
          model: 'Payment',
          args,
          where: whereOf(context, filter),
          order: orderBy?.field === 'AMOUNT' ? BY_AMOUNT : BY_CREATION,
          descending: orderBy?.direction !== 'ASC',
          read: async (list, page) => {
            const rows = await (tree === undefined
              ? readList<PaymentRow>(database, list, page)
              : tree.read(database, context.loaders, rangeOf(list, page)));
            // Whatever leads back to a payment of this page needs no second look.
            for (const row of rows) context.loaders.payment.bring(row.id, row);
            return rows;
          },
        });
      },
    },
    PaymentConnection,
  ),
}));

const PaymentPage = builder
  .objectRef<{ items: PaymentRow[]; page: number; size: number; count: () => Promise<number> }>('PaymentPage')
  .implement({
    description: 'A page of a list of payments, by its number. A list that grows meanwhile shifts: cursors do not.',
    fields: (t) => ({
      items: t.field({ type: [Payment], description: 'The payments.', resolve: ({ items }) => items }),
      page: t.exposeInt('page', { description: 'The number of this page, from 0.' }),
      size: t.exposeInt('size', { description: 'How many a page has at most.' }),
      totalCount: t.int({ description: 'How many payments there are in all.', resolve: ({ count }) => count() }),
    }),
  });

/** So many rows a numbered page may skip: each costs the database a step. Cursors go on from there. */
const SKIPPED_MAX = 10_000;
const PAGE_SIZE_MAX = 100;

builder.queryField('paymentPage', (t) =>
  t.field({
    ...READERS_TOO,
    type: PaymentPage,
    description: 'Payments by the number of a page, the newest first unless told otherwise.',
    args: {
      page: t.arg.int({ required: true, defaultValue: 0, description: 'Which page, from 0.' }),
      size: t.arg.int({ required: true, defaultValue: 10, description: 'How many payments, at most 100.' }),
      filter: t.arg({ type: PaymentFilter, description: 'Which of them.' }),
      orderBy: t.arg({ type: PaymentOrder, description: 'In which order.' }),
    },
    resolve: async (_, { page, size, filter, orderBy }, context) => {
      if (size < 1 || size > PAGE_SIZE_MAX) throw badInput(`A page has 1 to ${PAGE_SIZE_MAX} payments.`, 'size');
      if (page < 0 || page * size > SKIPPED_MAX) {
        throw badInput(
          `A page begins within the first ${SKIPPED_MAX} payments: use payments(after:) for more.`,
          'page',
        );
      }
      const { payment } = context.gateway.database.prisma;
      const where = whereOf(context, filter);
      const direction = orderBy?.direction === 'ASC' ? 'asc' : 'desc';
      const column = orderBy?.field === 'AMOUNT' ? 'amount' : 'createdAt';
      const order: Prisma.PaymentOrderByWithRelationInput[] = [{ [column]: direction }, { id: direction }];
      const items = await payment.findMany({ where, orderBy: order, skip: page * size, take: size });
      return { items, page, size, count: () => payment.count({ where }) };
    },
  }),
);
