import type { Prisma, Refund as RefundRow } from '../../generated/prisma/client.ts';
import { decodeIdOf } from '../domain/ids.ts';
import { NOTHING } from './bad-input.ts';
import { builder } from './builder.ts';
import { listOf } from './connection.ts';
import { RefundStatus } from './enums.ts';
import { Refund, RefundConnection } from './movements.ts';
import { READS } from './reach.ts';

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
    ...READS,
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
      ...READS,
      type: Refund,
      description: 'Refunds, the newest first.',
      args: { filter: t.arg({ type: RefundFilter, description: 'Which of them.' }) },
      resolve: (_, { filter, ...args }, { gateway, caller }) => {
        const where = {
          environmentId: caller.environmentId,
          ...(filter?.status && { status: { in: [...filter.status] } }),
          ...(filter?.paymentId != null && { paymentId: decodeIdOf('Payment', filter.paymentId) ?? NOTHING }),
          createdAt: {
            ...(filter?.createdFrom && { gte: filter.createdFrom }),
            ...(filter?.createdTo && { lt: filter.createdTo }),
          },
        } satisfies Prisma.RefundWhereInput;
        return listOf<RefundRow>(gateway.database, { model: 'Refund', args, where });
      },
    },
    RefundConnection,
  ),
}));
