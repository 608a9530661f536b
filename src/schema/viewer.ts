import { encodeId } from '../domain/ids.ts';
import type { KeyOwner } from '../store/access.ts';
import { builder } from './builder.ts';
import type { Credential } from './context.ts';
import { KeyScope, Mode } from './enums.ts';
import { READS } from './reach.ts';

const Account = builder.prismaObject('Account', {
  description: 'A merchant.',
  fields: (t) => ({
    id: t.id({ description: 'acc_ and a UUID.', resolve: ({ id }) => encodeId('Account', id) }),
    name: t.exposeString('name', { description: 'The name.' }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was opened.' }),
  }),
});

const Viewer = builder.objectRef<KeyOwner>('Viewer').implement({
  description: 'Who is asking: the key that the request carries.',
  fields: (t) => ({
    keyId: t.id({ description: 'key_ and a UUID: what createdBy says.', resolve: ({ id }) => encodeId('ApiKey', id) }),
    keyName: t.exposeString('name', { description: 'What the key is called.' }),
    keyHint: t.exposeString('hint', { description: 'Its last four characters.' }),
    keyScopes: t.field({ type: [KeyScope], description: 'What it may do.', resolve: ({ scopes }) => scopes }),
    keyExpiresAt: t.expose('expiresAt', {
      type: 'DateTime',
      nullable: true,
      description: 'Until when it is good, as it was when the request began; null for as long as nobody revokes it.',
    }),
    mode: t.expose('mode', { type: Mode, description: 'Whether money moves with this key.' }),
    account: t.field({
      type: Account,
      description: 'Whose key it is.',
      resolve: async ({ accountId }, _, { loaders }) => {
        const account = await loaders.account.load(accountId);
        if (account === null) throw new Error('a key without an account');
        return account;
      },
    }),
  }),
});

function keyOf(credential: Credential): KeyOwner {
  if (credential.kind === 'key') return credential.key;
  throw new Error('a viewer without a key');
}

builder.queryField('viewer', (t) =>
  t.field({
    ...READS,
    type: Viewer,
    description: 'Who is asking.',
    resolve: (_root, _arguments, { credential }) => keyOf(credential),
  }),
);
