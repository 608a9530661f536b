import type { ApiKey as KeyRow, Prisma } from '../../generated/prisma/client.ts';
import { decodeIdOf, encodeId } from '../domain/ids.ts';
import {
  createApiKey,
  keyStatus,
  revokeApiKey,
  rollApiKey,
  type Keymaker,
  type KeyWithSecret,
} from '../payments/api-key.ts';
import { notFound } from '../payments/failure.ts';
import { builder } from './builder.ts';
import { listOf } from './connection.ts';
import type { Context } from './context.ts';
import { enumOf, KeyScope } from './enums.ts';
import { mutationResult } from './errors.ts';
import { ADMIN_READS, ADMINISTERS } from './reach.ts';

const ApiKeyStatus = enumOf<ReturnType<typeof keyStatus>>('ApiKeyStatus', 'Whether a secret key is taken.', {
  ACTIVE: 'It is.',
  EXPIRED: 'Its time is over, or that of the overlap after it was rolled.',
  REVOKED: 'It was revoked.',
});

const KeyRef = builder.objectRef<KeyRow>('ApiKey');

const ApiKey = KeyRef.implement({
  description: 'A secret key. The key itself is told once, when it is made: its hash alone is kept.',
  fields: (t) => ({
    id: t.id({ description: 'key_ and a UUID: what createdBy says.', resolve: ({ id }) => encodeId('ApiKey', id) }),
    name: t.exposeString('name', { description: 'What it is called.' }),
    hint: t.exposeString('hint', { description: 'Its last four characters.' }),
    scopes: t.field({ type: [KeyScope], description: 'What it may do.', resolve: ({ scopes }) => scopes }),
    status: t.field({
      type: ApiKeyStatus,
      description: 'Whether it is taken.',
      resolve: (key, _, { gateway }) => keyStatus(key, gateway.now()),
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was made.' }),
    createdBy: t.exposeString('createdBy', {
      nullable: true,
      description: 'The key that made it, "command" or "gateway"; null where that is not known.',
    }),
    expiresAt: t.expose('expiresAt', {
      type: 'DateTime',
      nullable: true,
      description: 'Until when it is good; null for as long as nobody revokes it.',
    }),
    revokedAt: t.expose('revokedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it was revoked; null if it was not.',
    }),
    lastUsedAt: t.expose('lastUsedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it was used last, to a minute or so; null if it never was.',
    }),
    replaces: t.field({
      type: KeyRef,
      nullable: true,
      description: 'The key in whose place it is, if it was made by a roll.',
      resolve: ({ replacesId }, _, { loaders }) => (replacesId === null ? null : loaders.apiKey.load(replacesId)),
    }),
    replacement: t.field({
      type: KeyRef,
      nullable: true,
      description: 'The key that is in its place, if it was rolled.',
      resolve: async ({ id }, _, { loaders }) => (await loaders.replacementsOfApiKey.load(id))[0] ?? null,
    }),
  }),
});

const ApiKeyConnection = builder.connectionObject(
  { name: 'ApiKeyConnection', type: ApiKey, description: 'A page of a list of keys.' },
  builder.edgeObject({ name: 'ApiKeyEdge', type: ApiKey, description: 'An entry of a list of keys.' }),
);

const ApiKeyFilter = builder.inputType('ApiKeyFilter', {
  description: 'Which keys.',
  fields: (t) => ({ status: t.field({ type: [ApiKeyStatus], description: 'In one of these states.' }) }),
});

/** The condition that `keyStatus` puts into words. */
function whereStatus(status: ReturnType<typeof keyStatus>, now: Date): Prisma.ApiKeyWhereInput {
  if (status === 'REVOKED') return { revokedAt: { not: null } };
  return status === 'EXPIRED'
    ? { revokedAt: null, expiresAt: { lte: now } }
    : { revokedAt: null, OR: [{ expiresAt: null }, { expiresAt: { gt: now } }] };
}

builder.queryField('apiKeys', (t) =>
  t.connection(
    {
      ...ADMIN_READS,
      type: ApiKey,
      description: 'The secret keys of the environment, the newest first; those that are over, too.',
      args: { filter: t.arg({ type: ApiKeyFilter, description: 'Which of them.' }) },
      resolve: (_, { filter, ...args }, { gateway, caller: { environmentId } }) => {
        const now = gateway.now();
        const status = filter?.status?.map((each) => whereStatus(each, now));
        const where = { environmentId, ...(status && { OR: status }) };
        return listOf<KeyRow>(gateway.database, { model: 'ApiKey', args, where });
      },
    },
    ApiKeyConnection,
  ),
);

const CreateApiKeyInput = builder.inputType('CreateApiKeyInput', {
  description: 'A new key. An environment has at most 100 that are good.',
  fields: (t) => ({
    name: t.string({ required: true, description: 'What it is for, in 1 to 100 characters.' }),
    scopes: t.field({
      type: [KeyScope],
      required: true,
      description: 'What it may do: none that your own key may not. READ goes with each of the others.',
    }),
    expiresAt: t.field({
      type: 'DateTime',
      description: 'Until when it is good, within ten years; for as long as nobody revokes it if it is left out.',
    }),
  }),
});

const RollApiKeyInput = builder.inputType('RollApiKeyInput', {
  description: 'Which key is to be replaced.',
  fields: (t) => ({
    keyId: t.id({ required: true, description: 'Which key: one with no scope that your own has not.' }),
    overlapSeconds: t.int({
      required: true,
      defaultValue: 86_400,
      description: 'How long it goes on beside the new one: 0 to 604800, which is a week.',
    }),
    expiresAt: t.field({
      type: 'DateTime',
      description:
        'Until when the new one is good; null for as long as nobody revokes it. If it is left out, it lasts as long as the old one was made for.',
    }),
  }),
});

const RevokeApiKeyInput = builder.inputType('RevokeApiKeyInput', {
  description: 'Which key is to end.',
  fields: (t) => ({ keyId: t.id({ required: true, description: 'Which key. It may be the one that you use.' }) }),
});

const SECRET = 'sk_test_… or sk_live_…: it is told here only.';

const CreatePayload = builder.objectRef<KeyWithSecret>('CreateApiKeyPayload').implement({
  description: 'The key was made.',
  fields: (t) => ({
    apiKey: t.expose('key', { type: ApiKey, description: 'What is known of it.' }),
    secret: t.exposeString('secret', { description: SECRET }),
  }),
});

const RollPayload = builder.objectRef<KeyWithSecret & { replaced: KeyRow }>('RollApiKeyPayload').implement({
  description: 'There is a new key in the place of the old one.',
  fields: (t) => ({
    apiKey: t.expose('key', { type: ApiKey, description: 'The new key, of the same name and scopes.' }),
    replaced: t.expose('replaced', { type: ApiKey, description: 'The old key: expiresAt says how long it goes on.' }),
    secret: t.exposeString('secret', { description: SECRET }),
  }),
});

const RevokePayload = builder.objectRef<{ key: KeyRow }>('RevokeApiKeyPayload').implement({
  description: 'The key is taken no more.',
  fields: (t) => ({ apiKey: t.expose('key', { type: ApiKey, description: 'As it is now.' }) }),
});

const Create = mutationResult('CreateApiKey', CreatePayload, ['INVALID_INPUT']);
const Roll = mutationResult('RollApiKey', RollPayload, ['INVALID_INPUT', 'NOT_FOUND']);
const Revoke = mutationResult('RevokeApiKey', RevokePayload, ['NOT_FOUND']);

const noKey = notFound('key', 'keyId');

function keymakerOf({ caller, credential }: Context): Keymaker {
  if (credential.kind !== 'key') throw new Error('a payer who makes keys');
  return { ...caller, scopes: credential.key.scopes };
}

builder.mutationFields((t) => ({
  createApiKey: t.field({
    ...ADMINISTERS,
    type: Create.type,
    description: 'Makes a secret key.',
    args: { input: t.arg({ type: CreateApiKeyInput, required: true, description: 'The key.' }) },
    resolve: async (_, { input }, context) => {
      const fields = { ...input, expiresAt: input.expiresAt ?? null };
      const result = await createApiKey(context.gateway, keymakerOf(context), fields);
      return Create.answer(context, result, (made) => made);
    },
  }),
  rollApiKey: t.field({
    ...ADMINISTERS,
    type: Roll.type,
    description:
      'Makes a key in the place of another, which goes on for a while. Requests under both share their idempotency keys.',
    args: { input: t.arg({ type: RollApiKeyInput, required: true, description: 'Which key.' }) },
    resolve: async (_, { input }, context) => {
      const keyId = decodeIdOf('ApiKey', input.keyId);
      const result =
        keyId === undefined ? noKey : await rollApiKey(context.gateway, keymakerOf(context), { ...input, keyId });
      return Roll.answer(context, result, (rolled) => rolled);
    },
  }),
  revokeApiKey: t.field({
    ...ADMINISTERS,
    type: Revoke.type,
    description: 'Ends a key at once, for good.',
    args: { input: t.arg({ type: RevokeApiKeyInput, required: true, description: 'Which key.' }) },
    resolve: async (_, { input }, context) => {
      const keyId = decodeIdOf('ApiKey', input.keyId);
      const result = keyId === undefined ? noKey : await revokeApiKey(context.gateway, context.caller, keyId);
      return Revoke.answer(context, result, (key) => ({ key }));
    },
  }),
}));
