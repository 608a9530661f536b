import type { ProcessorAccount as AccountRow } from '../../generated/prisma/client.ts';
import type { Circuit } from '../domain/circuit.ts';
import { decodeIdOf, encodeId } from '../domain/ids.ts';
import { notFound } from '../payments/failure.ts';
import {
  createProcessorAccount,
  testProcessorAccount,
  updateProcessorAccount,
  type AccountTest,
} from '../payments/processor-account.ts';
import { notificationUrl } from '../payments/page-link.ts';
import { builder } from './builder.ts';
import { enumOf } from './enums.ts';
import { mutationResult } from './errors.ts';
import { Node } from './node.ts';
import { promised } from './promised.ts';
import { ADMINISTERS, MERCHANT_ONLY, READS } from './reach.ts';

const PROCESSORS = { STRIPE: 'stripe' } as const;
type ProcessorKind = keyof typeof PROCESSORS;

const ProcessorKind = enumOf<ProcessorKind>('ProcessorKind', 'A kind of processor, of which you may have accounts.', {
  STRIPE: 'Stripe: docs/stripe.md.',
});

const kindOf = ({ processor }: AccountRow): ProcessorKind => {
  const kinds = Object.keys(PROCESSORS) as ProcessorKind[];
  const kind = kinds.find((each) => PROCESSORS[each] === processor);
  if (kind === undefined) throw new Error(`an account with ${processor}`);
  return kind;
};

const CircuitState = enumOf<Circuit['state']>('CircuitState', 'Whether a processor is asked for new charges.', {
  CLOSED: 'It is.',
  OPEN: 'It has not answered five times in a row: for half a minute it is not.',
  HALF_OPEN: 'One charge is let through, to find out whether it answers again.',
});

export const ProcessorAccount = builder.prismaObject('ProcessorAccount', {
  description: 'An account of yours with a processor. Its credentials are kept sealed, and told to nobody.',
  interfaces: [Node],
  fields: (t) => ({
    id: t.id({ description: 'pra_ and a UUID.', resolve: ({ id }) => encodeId('ProcessorAccount', id) }),
    name: t.exposeString('name', { description: 'What it is, in your own words.' }),
    processor: t.field({ type: ProcessorKind, description: 'Whose it is.', resolve: kindOf }),
    hint: t.exposeString('hint', { description: 'The last characters of its secret key.' }),
    rawCards: t.exposeBoolean('rawCards', { description: 'Whether card numbers may be sent to it.' }),
    enabled: t.exposeBoolean('enabled', {
      description: 'Whether new charges are made in it. What was charged there is captured and refunded in any case.',
    }),
    notificationUrl: t.string({
      description: 'Where the processor is to send its notifications.',
      resolve: (account, _, { gateway }) => notificationUrl(gateway, account),
    }),
    circuit: t.field({
      type: CircuitState,
      description: 'Whether its processor answers, as the gateway process that you ask has seen it.',
      resolve: ({ id }, _, { gateway }) => gateway.circuits.of(id).state,
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was added.' }),
    updatedAt: t.expose('updatedAt', { type: 'DateTime', description: 'When it was changed last.' }),
    createdBy: t.exposeString('createdBy', { description: 'The key that added it.' }),
    updatedBy: t.exposeString('updatedBy', { description: 'The key that changed it last.' }),
  }),
});

for (const type of ['Attempt', 'PaymentMethod'] as const) {
  builder.prismaObjectField(type, 'processorAccount', (t) =>
    t.field({
      ...MERCHANT_ONLY,
      type: ProcessorAccount,
      nullable: true,
      description: 'Your account with the processor; null with the sandbox.',
      resolve: ({ processorAccountId }, _, { loaders }) =>
        processorAccountId === null ? null : promised(loaders.processorAccount.load(processorAccountId)),
    }),
  );
}

builder.queryFields((t) => ({
  processorAccounts: t.field({
    ...READS,
    type: [ProcessorAccount],
    description: 'All accounts with processors, the oldest first: at most 20.',
    resolve: (_, _args, { gateway, caller: { environmentId } }) =>
      gateway.database.prisma.processorAccount.findMany({ where: { environmentId }, orderBy: { id: 'asc' } }),
  }),
}));

const SECRET_KEY =
  'The secret key: of test mode under a test key, of live mode under a live key. Give it as a variable.';
const NOTIFICATION_SECRETS = 'With which its notifications are signed: two while one replaces the other.';
const RAW_CARDS =
  'Whether card numbers may be sent to it. Without that, cards are tokens that your page had from the processor.';

const CreateProcessorAccountInput = builder.inputType('CreateProcessorAccountInput', {
  description: 'A new account with a processor. An environment has at most 20.',
  fields: (t) => ({
    name: t.string({ required: true, description: 'What it is, in 1 to 100 characters; no two are called the same.' }),
    processor: t.field({ type: ProcessorKind, required: true, description: 'Whose it is.' }),
    secretKey: t.string({ required: true, description: SECRET_KEY }),
    notificationSecrets: t.stringList({ description: NOTIFICATION_SECRETS }),
    rawCards: t.boolean({ required: true, defaultValue: false, description: RAW_CARDS }),
  }),
});

const UpdateProcessorAccountInput = builder.inputType('UpdateProcessorAccountInput', {
  description: 'What is to change of an account. What is left out stays as it is.',
  fields: (t) => ({
    accountId: t.id({ required: true, description: 'Which account.' }),
    name: t.string({ description: 'What it is, in 1 to 100 characters.' }),
    secretKey: t.string({
      description: 'Another secret key of the same account at the processor. Give it as a variable.',
    }),
    notificationSecrets: t.stringList({ description: NOTIFICATION_SECRETS }),
    rawCards: t.boolean({ description: RAW_CARDS }),
    enabled: t.boolean({ description: 'Whether new charges are made in it.' }),
  }),
});

const TestProcessorAccountInput = builder.inputType('TestProcessorAccountInput', {
  description: 'Which account is to be tried.',
  fields: (t) => ({ accountId: t.id({ required: true, description: 'Which account.' }) }),
});

interface AccountPayload {
  account: AccountRow;
}

const payload = (verbNoun: string, description: string) =>
  builder.objectRef<AccountPayload>(`${verbNoun}Payload`).implement({
    description,
    fields: (t) => ({
      processorAccount: t.expose('account', { type: ProcessorAccount, description: 'As it is now.' }),
    }),
  });

const CheckResult = enumOf<Uppercase<AccountTest['kind']>>('ProcessorAccountCheck', 'What a processor says of a key.', {
  GOOD: 'It takes it.',
  REFUSED: 'It does not take it.',
  UNREACHABLE: 'It could not be asked.',
  SEALED: 'The key cannot be opened any more, because the secret of the gateway was changed: give it anew.',
});

const TestPayload = builder
  .objectRef<AccountPayload & { check: AccountTest }>('TestProcessorAccountPayload')
  .implement({
    description: 'The processor was asked, or could not be.',
    fields: (t) => ({
      processorAccount: t.expose('account', { type: ProcessorAccount, description: 'As it is.' }),
      result: t.field({
        type: CheckResult,
        description: 'What it says of the key.',
        resolve: ({ check }) => check.kind.toUpperCase() as Uppercase<AccountTest['kind']>,
      }),
      message: t.string({
        nullable: true,
        description: 'Why it does not take it; null where it does, or could not be asked.',
        resolve: ({ check }) => (check.kind === 'refused' ? check.message : null),
      }),
    }),
  });

const Create = mutationResult(
  'CreateProcessorAccount',
  payload('CreateProcessorAccount', 'The account was added: its processor takes the key.'),
  ['INVALID_INPUT', 'PROCESSOR_UNAVAILABLE'],
);
const Update = mutationResult('UpdateProcessorAccount', payload('UpdateProcessorAccount', 'The account was changed.'), [
  'INVALID_INPUT',
  'NOT_FOUND',
  'PROCESSOR_UNAVAILABLE',
]);
const Test = mutationResult('TestProcessorAccount', TestPayload, ['NOT_FOUND']);

const noAccount = notFound('processor account', 'accountId');

builder.mutationFields((t) => ({
  createProcessorAccount: t.field({
    ...ADMINISTERS,
    type: Create.type,
    description: 'Adds an account of yours with a processor.',
    args: { input: t.arg({ type: CreateProcessorAccountInput, required: true, description: 'The account.' }) },
    resolve: async (_, { input: { processor, notificationSecrets, ...rest } }, context) => {
      const fields = { ...rest, processor: PROCESSORS[processor], notificationSecrets: notificationSecrets ?? [] };
      const result = await createProcessorAccount(context.gateway, context.caller, fields);
      return Create.answer(context, result, (account) => ({ account }));
    },
  }),
  updateProcessorAccount: t.field({
    ...ADMINISTERS,
    type: Update.type,
    description: 'Changes an account, or disables it, or enables it again.',
    args: { input: t.arg({ type: UpdateProcessorAccountInput, required: true, description: 'The changes.' }) },
    resolve: async (_, { input }, context) => {
      const id = decodeIdOf('ProcessorAccount', input.accountId);
      const fields = {
        name: input.name ?? undefined,
        secretKey: input.secretKey ?? undefined,
        notificationSecrets: input.notificationSecrets ?? undefined,
        rawCards: input.rawCards ?? undefined,
        enabled: input.enabled ?? undefined,
      };
      const result =
        id === undefined ? noAccount : await updateProcessorAccount(context.gateway, context.caller, id, fields);
      return Update.answer(context, result, (account) => ({ account }));
    },
  }),
  testProcessorAccount: t.field({
    ...ADMINISTERS,
    type: Test.type,
    description: 'Asks a processor whether it takes the key of an account. Nothing changes by it.',
    args: { input: t.arg({ type: TestProcessorAccountInput, required: true, description: 'Which account.' }) },
    resolve: async (_, { input }, context) => {
      const id = decodeIdOf('ProcessorAccount', input.accountId);
      const result = id === undefined ? noAccount : await testProcessorAccount(context.gateway, context.caller, id);
      return Test.answer(context, result, (tested) => tested);
    },
  }),
}));
