import type {
  Reconciliation as RunRow,
  ReconciliationDifference as DifferenceRow,
} from '../../generated/prisma/client.ts';
import { dayOf } from '../domain/day.ts';
import { decodeIdOf, encodeId } from '../domain/ids.ts';
import { notFound } from '../payments/failure.ts';
import { reconcileDay } from '../payments/reconcile-day.ts';
import { builder } from './builder.ts';
import { keysetConnection, listOf } from './connection.ts';
import { enumOf } from './enums.ts';
import { mutationResult } from './errors.ts';
import { Money, type MoneyShape } from './money.ts';
import { Node } from './node.ts';
import { Operation } from './operation.ts';
import { Payment } from './payment.ts';
import { ProcessorAccount } from './processor-account.ts';
import { promised } from './promised.ts';
import { ADMINISTERS, READS } from './reach.ts';

const ReconciliationStatus = enumOf<RunRow['status']>(
  'ReconciliationStatus',
  'How far a comparison with a processor’s books has come.',
  {
    WAITING: 'It begins as soon as a gateway process comes to it.',
    RUNNING: 'It is under way. Its differences are there when it is over.',
    COMPLETED: 'It has come to its end.',
    FAILED: 'The books were not all to be had. nextAttemptAt says when it is tried again.',
  },
);

const DifferenceKind = enumOf<DifferenceRow['kind']>('DifferenceKind', 'How two books differ.', {
  MISSING_HERE: 'The processor has done what nobody here asked for, or has done it once more.',
  MISSING_THERE: 'The processor has nothing of what it is said here to have done.',
  OTHER_AMOUNT: 'Both have it, with another amount.',
  OTHER_CURRENCY: 'Both have it, in another currency.',
  OTHER_STATE: 'Both have it, and do not agree on what came of it.',
});

const StatementKind = enumOf<DifferenceRow['of']>('StatementKind', 'What an entry in somebody’s books is.', {
  CHARGE: 'A charge, with what was captured of it.',
  REFUND: 'What was given back of a charge.',
});

const StatementState = enumOf<NonNullable<DifferenceRow['ourState']>>(
  'StatementState',
  'What came of an entry, in the terms of somebody’s books.',
  {
    AUTHORIZED: 'The amount is held, and nothing of it was captured.',
    SUCCEEDED: 'The amount was captured, or given back.',
    PENDING: 'Its result is still to come.',
    FAILED: 'It came to nothing.',
    CANCELED: 'It was let go before anything was captured.',
    UNKNOWN: 'The answer was lost. Only we can have this in our books.',
  },
);

const StatementEntry = builder
  .objectRef<MoneyShape & { readonly state: NonNullable<DifferenceRow['ourState']> }>('StatementEntry')
  .implement({
    description: 'What one side has in its books.',
    fields: (t) => ({
      amount: t.field({ type: Money, description: 'How much.', resolve: (entry) => entry }),
      state: t.expose('state', { type: StatementState, description: 'What came of it.' }),
    }),
  });

const entry = (amount: bigint | null, currency: string | null, state: DifferenceRow['ourState']) =>
  amount === null || currency === null || state === null ? null : { amount, currency, state };

const ReconciliationDifference = builder.prismaObject('ReconciliationDifference', {
  description: 'Something about which we and a processor do not agree.',
  fields: (t) => ({
    kind: t.expose('kind', { type: DifferenceKind, description: 'How the two differ.' }),
    of: t.expose('of', { type: StatementKind, description: 'What it is about.' }),
    payment: t.field({
      type: Payment,
      nullable: true,
      description: 'The payment; null for what nobody here asked for.',
      resolve: ({ paymentId }, _, { loaders }) =>
        paymentId === null ? null : promised(loaders.payment.load(paymentId)),
    }),
    operation: t.field({
      type: Operation,
      nullable: true,
      description: 'The call with which it was asked for; null for what nobody here asked for.',
      resolve: ({ operationId }, _, { loaders }) =>
        operationId === null ? null : promised(loaders.operation.load(operationId)),
    }),
    processorReference: t.exposeString('processorReference', {
      nullable: true,
      description: 'The processor’s own id of it, as far as it is known.',
    }),
    ours: t.field({
      type: StatementEntry,
      nullable: true,
      description: 'What we have; null where that is nothing.',
      resolve: ({ ourAmount, ourCurrency, ourState }) => entry(ourAmount, ourCurrency, ourState),
    }),
    theirs: t.field({
      type: StatementEntry,
      nullable: true,
      description: 'What the processor has; null where that is nothing.',
      resolve: ({ theirAmount, theirCurrency, theirState }) => entry(theirAmount, theirCurrency, theirState),
    }),
    occurredAt: t.expose('occurredAt', {
      type: 'DateTime',
      description: 'When the processor booked it, or was asked for it where it has not.',
    }),
  }),
});

const DifferenceConnection = builder.connectionObject(
  {
    name: 'ReconciliationDifferenceConnection',
    type: ReconciliationDifference,
    description: 'A page of a list of differences.',
  },
  builder.edgeObject({
    name: 'ReconciliationDifferenceEdge',
    type: ReconciliationDifference,
    description: 'An entry of a list of differences.',
  }),
);

const BY_POSITION = [{ column: 'position', kind: 'sequence' }] as const;

const Reconciliation = builder.prismaObject('Reconciliation', {
  description:
    'A day, compared with a processor’s own books. docs/reconciliation.md says what is compared, and what to do about differences.',
  interfaces: [Node],
  fields: (t) => ({
    id: t.id({ description: 'rec_ and a UUID.', resolve: ({ id }) => encodeId('Reconciliation', id) }),
    day: t.string({ description: 'Which day, of UTC: "2026-11-20".', resolve: ({ fromAt }) => dayOf(fromAt) }),
    processorAccount: t.field({
      type: ProcessorAccount,
      nullable: true,
      description: 'Your account with the processor; null for the sandbox.',
      resolve: ({ processorAccountId }, _, { loaders }) =>
        processorAccountId === null ? null : promised(loaders.processorAccount.load(processorAccountId)),
    }),
    status: t.expose('status', { type: ReconciliationStatus, description: 'How far it has come.' }),
    daily: t.exposeBoolean('daily', { description: 'Whether it is the one that the gateway makes by itself.' }),
    tries: t.exposeInt('tries', { description: 'How often it was begun.' }),
    nextAttemptAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When it is tried again after it failed; null where it is not.',
      resolve: ({ status, dueAt }) => (status === 'FAILED' ? dueAt : null),
    }),
    agreeing: t.exposeInt('agreeing', { description: 'Charges and refunds about which both agree.' }),
    differing: t.exposeInt('differing', {
      description: 'How many differences there are. The first 10,000 of them can be read.',
    }),
    underWay: t.exposeInt('underWay', {
      description: 'Those that do not agree yet, because their result is still to come or came minutes before.',
    }),
    strangers: t.exposeInt('strangers', {
      description: 'What the processor has that has nothing to do with this gateway: other business of the account.',
    }),
    differences: t.connection(
      {
        type: ReconciliationDifference,
        description: 'What does not agree, in the order in which it was found.',
        resolve: ({ id }, args, { loaders }) =>
          keysetConnection<DifferenceRow>({
            args,
            descending: false,
            order: BY_POSITION,
            read: (page) => loaders.differencesOfReconciliation(id, page),
            count: () => loaders.differenceCountOfReconciliation.load(id),
          }),
      },
      DifferenceConnection,
    ),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was put down.' }),
    startedAt: t.expose('startedAt', { type: 'DateTime', nullable: true, description: 'When it was begun last.' }),
    finishedAt: t.expose('finishedAt', { type: 'DateTime', nullable: true, description: 'When it was over.' }),
    createdBy: t.exposeString('createdBy', {
      description: 'Who wanted it: a key, "gateway" for the daily ones, or "command".',
    }),
  }),
});

const ReconciliationConnection = builder.connectionObject(
  { name: 'ReconciliationConnection', type: Reconciliation, description: 'A page of a list of comparisons.' },
  builder.edgeObject({
    name: 'ReconciliationEdge',
    type: Reconciliation,
    description: 'An entry of a list of comparisons.',
  }),
);

/** Ids are made in the order of time, and the primary key serves this order. */
const BY_ID = [{ column: 'id', kind: 'uuid' }] as const;

builder.queryFields((t) => ({
  reconciliations: t.connection(
    {
      ...READS,
      type: Reconciliation,
      description: 'Comparisons with processors’ books, the newest first: of several of one day, the newest counts.',
      resolve: (_, args, { gateway, caller: { environmentId } }) =>
        listOf<RunRow>(gateway.database, { model: 'Reconciliation', args, where: { environmentId }, order: BY_ID }),
    },
    ReconciliationConnection,
  ),
}));

const ReconcileDayInput = builder.inputType('ReconcileDayInput', {
  description: 'What is to be compared with a processor’s books.',
  fields: (t) => ({
    day: t.string({ required: true, description: 'Which day, of UTC: "2026-11-20". It may not be over yet.' }),
    processorAccountId: t.id({ description: 'With which account’s books; the sandbox’s if it is left out.' }),
  }),
});

const ReconcileDayPayload = builder.objectRef<{ id: string }>('ReconcileDayPayload').implement({
  description: 'The comparison was put down.',
  fields: (t) => ({
    reconciliation: t.field({
      type: Reconciliation,
      description: 'As it stands now: ask for it again until it is over.',
      resolve: ({ id }, _, { loaders }) => promised(loaders.reconciliation.load(id)),
    }),
  }),
});

const Reconcile = mutationResult('ReconcileDay', ReconcileDayPayload, ['INVALID_INPUT', 'NOT_FOUND']);

builder.mutationFields((t) => ({
  reconcileDay: t.field({
    ...ADMINISTERS,
    type: Reconcile.type,
    description:
      'Compares a day with the books of a processor, once more. While the same comparison waits or runs, it answers that one.',
    args: { input: t.arg({ type: ReconcileDayInput, required: true, description: 'What is compared.' }) },
    resolve: async (_, { input: { day, processorAccountId: account } }, context) => {
      const processorAccountId = account == null ? null : decodeIdOf('ProcessorAccount', account);
      const result =
        processorAccountId === undefined
          ? notFound('processor account', 'processorAccountId')
          : await reconcileDay(context.gateway, context.caller, { day, processorAccountId });
      return Reconcile.answer(context, result, ({ id }) => ({ id }));
    },
  }),
}));
