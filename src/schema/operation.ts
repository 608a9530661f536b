import type { Operation as OperationRow, Prisma } from '../../generated/prisma/client.ts';
import { decodeIdOf, encodeId } from '../domain/ids.ts';
import { notFound } from '../payments/failure.ts';
import { resolveOperation } from '../payments/resolve.ts';
import { readRecovery } from '../store/recovery.ts';
import { builder } from './builder.ts';
import { listOf } from './connection.ts';
import { OperationKind, OperationStatus, ResolutionOutcome } from './enums.ts';
import { KEYED, mutationResult } from './errors.ts';
import { Attempt, Capture, Refund } from './movements.ts';
import { Node } from './node.ts';
import { Payment } from './payment.ts';
import { KEY, REPLAYED } from './payment-inputs.ts';
import { promised } from './promised.ts';
import { ADMINISTERS, READS } from './reach.ts';

const OperationResolution = builder.prismaObject('OperationResolution', {
  description: 'What an operator said of an operation that nobody could settle. It is kept for good.',
  fields: (t) => ({
    outcome: t.expose('outcome', { type: ResolutionOutcome, description: 'What they found.' }),
    processorReference: t.exposeString('reference', {
      nullable: true,
      description: "The processor's id that they gave.",
    }),
    note: t.exposeString('note', { description: 'How they found out.' }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When they said so.' }),
    createdBy: t.exposeString('createdBy', { description: 'The key that they used.' }),
  }),
});

export const Operation = builder.prismaObject('Operation', {
  description: 'A call to a processor that moves money: written down before it is made, completed by its answer.',
  interfaces: [Node],
  fields: (t) => ({
    id: t.id({ description: 'op_ and a UUID.', resolve: ({ id }) => encodeId('Operation', id) }),
    kind: t.expose('kind', { type: OperationKind, description: 'What the processor was asked to do.' }),
    status: t.expose('status', { type: OperationStatus, description: 'How it stands.' }),
    processor: t.exposeString('processor', { description: 'Which processor was asked.' }),
    processorKey: t.exposeString('processorKey', {
      description: "The idempotency key that the processor was given: to look it up in the processor's own records.",
    }),
    processorReference: t.exposeString('processorReference', {
      nullable: true,
      description: "The processor's own id of it, once it is known.",
    }),
    payment: t.field({
      type: Payment,
      description: 'The payment whose money it moves.',
      resolve: ({ paymentId }, _, { loaders }) => promised(loaders.payment.load(paymentId)),
    }),
    attempt: t.field({
      type: Attempt,
      description: 'The attempt that it belongs to.',
      resolve: ({ attemptId }, _, { loaders }) => promised(loaders.attempt.load(attemptId)),
    }),
    capture: t.field({
      type: Capture,
      nullable: true,
      description: 'The capture that it makes, if it makes one.',
      resolve: ({ captureId }, _, { loaders }) => (captureId === null ? null : loaders.capture.load(captureId)),
    }),
    refund: t.field({
      type: Refund,
      nullable: true,
      description: 'The refund that it makes, if it makes one.',
      resolve: ({ refundId }, _, { loaders }) => (refundId === null ? null : loaders.refund.load(refundId)),
    }),
    inquiries: t.exposeInt('inquiries', { description: 'How often the processor was asked what became of it.' }),
    nextInquiryAt: t.expose('recoverAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When the processor is asked again; null once nothing is open.',
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was written down.' }),
    completedAt: t.expose('completedAt', { type: 'DateTime', nullable: true, description: 'When it was settled.' }),
    createdBy: t.exposeString('createdBy', { description: 'The key that caused it, "processor", or "gateway".' }),
    resolutions: t.field({
      type: [OperationResolution],
      description: 'What operators said of it, the oldest first.',
      resolve: ({ id }, _, { loaders }) => loaders.resolutionsOfOperation.load(id),
    }),
  }),
});

const OperationConnection = builder.connectionObject(
  { name: 'OperationConnection', type: Operation, description: 'A page of a list of operations.' },
  builder.edgeObject({ name: 'OperationEdge', type: Operation, description: 'An entry of a list of operations.' }),
);

const OperationFilter = builder.inputType('OperationFilter', {
  description: 'Which operations: those that fit everything that is given.',
  fields: (t) => ({
    status: t.field({ type: [OperationStatus], description: 'In one of these states.' }),
    kind: t.field({ type: [OperationKind], description: 'Of one of these kinds.' }),
  }),
});

const Recovery = builder.objectRef<Awaited<ReturnType<typeof readRecovery>>>('Recovery').implement({
  description: 'What is not known yet of the calls to processors.',
  fields: (t) => ({
    unknown: t.exposeInt('unknown', { description: 'Operations whose answer was lost and is being looked for.' }),
    raised: t.exposeInt('raised', { description: 'Operations that wait for an operator.' }),
    oldestUnknownSince: t.expose('oldestUnknownSince', {
      type: 'DateTime',
      nullable: true,
      description: 'When the oldest of all these was written down; null where there is none.',
    }),
    oldestUnknownAgeSeconds: t.exposeInt('oldestUnknownAgeSeconds', {
      description: "Its age on the database's clock; 0 where there is none.",
    }),
  }),
});

/** Ids are made in the order of time, and the primary key serves this order. */
const BY_ID = [{ column: 'id', kind: 'uuid' }] as const;

builder.queryFields((t) => ({
  operations: t.connection(
    {
      ...READS,
      type: Operation,
      description: 'Calls to processors, the newest first.',
      args: { filter: t.arg({ type: OperationFilter, description: 'Which of them.' }) },
      resolve: (_, { filter, ...args }, { gateway, caller }) => {
        const where = {
          environmentId: caller.environmentId,
          ...(filter?.status && { status: { in: [...filter.status] } }),
          ...(filter?.kind && { kind: { in: [...filter.kind] } }),
        } satisfies Prisma.OperationWhereInput;
        return listOf<OperationRow>(gateway.database, { model: 'Operation', args, where, order: BY_ID });
      },
    },
    OperationConnection,
  ),
  recovery: t.field({
    ...READS,
    type: Recovery,
    description: 'How many outcomes are unknown, and for how long.',
    resolve: (_root, _arguments, { gateway, caller }) => readRecovery(gateway.database, caller.environmentId),
  }),
}));

const ResolveOperationInput = builder.inputType('ResolveOperationInput', {
  description: 'What an operator found out about an operation that was raised.',
  fields: (t) => ({
    idempotencyKey: t.string({ required: true, description: KEY }),
    operationId: t.id({ required: true, description: 'Which operation.' }),
    outcome: t.field({ type: ResolutionOutcome, required: true, description: 'What was found.' }),
    processorReference: t.string({ description: "The processor's own id of what it did, where it did it." }),
    note: t.string({ required: true, description: 'How it was found out, in at most 500 characters.' }),
  }),
});

interface ResolveOperationPayload {
  operationId: string;
  replayed: boolean;
}

const Resolve = mutationResult(
  'ResolveOperation',
  builder.objectRef<ResolveOperationPayload>('ResolveOperationPayload').implement({
    description: 'What was said took effect, as the answer of the processor would have.',
    fields: (t) => ({
      operation: t.field({
        type: Operation,
        description: 'As it stands now.',
        resolve: ({ operationId }, _, { loaders }) => promised(loaders.operation.load(operationId)),
      }),
      replayed: t.exposeBoolean('replayed', { description: REPLAYED }),
    }),
  }),
  KEYED,
);

builder.mutationField('resolveOperation', (t) =>
  t.field({
    ...ADMINISTERS,
    type: Resolve.type,
    description:
      'Settles an operation that was raised, as it was found at the processor. Who said so, and why, is kept.',
    args: { input: t.arg({ type: ResolveOperationInput, required: true, description: 'What was found.' }) },
    resolve: async (_, { input }, context) => {
      const operationId = decodeIdOf('Operation', input.operationId);
      const result =
        operationId === undefined
          ? notFound('operation', 'operationId')
          : await resolveOperation(context.gateway, context.caller, {
              ...input,
              operationId,
              processorReference: input.processorReference ?? null,
            });
      return Resolve.answer(context, result, (resolved) => resolved);
    },
  }),
);
