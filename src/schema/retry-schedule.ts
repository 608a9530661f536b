import { setRetrySchedule } from '../payments/retry-schedule.ts';
import { builder } from './builder.ts';
import { mutationResult } from './errors.ts';
import { ADMINISTERS, READS } from './reach.ts';

const RetrySchedule = builder.objectRef<readonly number[]>('RetrySchedule').implement({
  description: 'How often, and how far apart, a retryable decline is tried again by itself. Hard declines never are.',
  fields: (t) => ({
    delaysSeconds: t.intList({
      description: 'Seconds to wait before each retry; empty where there is none.',
      resolve: (delays) => [...delays],
    }),
  }),
});

builder.queryField('retrySchedule', (t) =>
  t.field({
    ...READS,
    type: RetrySchedule,
    description: 'The schedule of automatic retries.',
    resolve: async (_root, _arguments, { gateway, caller }) => {
      const { environment } = gateway.database.prisma;
      const { retryDelays } = await environment.findUniqueOrThrow({ where: { id: caller.environmentId } });
      return retryDelays;
    },
  }),
);

const SetRetryScheduleInput = builder.inputType('SetRetryScheduleInput', {
  description: 'How often, and how far apart.',
  fields: (t) => ({
    delaysSeconds: t.intList({
      required: true,
      description:
        'Seconds to wait before each retry: [3600, 86400] tries after an hour, then after a day. At most 10.',
    }),
  }),
});

const SetSchedule = mutationResult(
  'SetRetrySchedule',
  builder.objectRef<{ retrySchedule: readonly number[] }>('SetRetrySchedulePayload').implement({
    description: 'The schedule was set.',
    fields: (t) => ({
      retrySchedule: t.expose('retrySchedule', { type: RetrySchedule, description: 'As it is now.' }),
    }),
  }),
  ['INVALID_INPUT'],
);

builder.mutationField('setRetrySchedule', (t) =>
  t.field({
    ...ADMINISTERS,
    type: SetSchedule.type,
    description: 'Sets the schedule of automatic retries. It holds for declines from now on; an empty list ends it.',
    args: { input: t.arg({ type: SetRetryScheduleInput, required: true, description: 'The schedule.' }) },
    resolve: async (_, { input }, context) => {
      const result = await setRetrySchedule(context.gateway, context.caller, input.delaysSeconds);
      return SetSchedule.answer(context, result, (retrySchedule) => ({ retrySchedule }));
    },
  }),
);
