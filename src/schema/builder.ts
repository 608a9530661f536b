import SchemaBuilder from '@pothos/core';
import PrismaPlugin from '@pothos/plugin-prisma';
import RelayPlugin from '@pothos/plugin-relay';
import ScopeAuthPlugin from '@pothos/plugin-scope-auth';
import type { Payment } from '../../generated/prisma/client.ts';
import type PrismaTypes from '../../generated/pothos.ts';
import { getDatamodel } from '../../generated/pothos.ts';
import type { Context } from './context.ts';
import { forbidden, scopesOf } from './reach.ts';

interface SchemaTypes {
  Context: Context;
  AuthScopes: ReturnType<typeof scopesOf>;
  PrismaTypes: PrismaTypes;
  DefaultFieldNullability: false;
  DefaultEdgesNullability: false;
  DefaultNodeNullability: false;
  /** What every connection can tell: it is counted only when it is asked for. */
  Connection: { totalCount: () => Promise<number> };
  Scalars: {
    ID: { Input: string; Output: string };
    DateTime: { Input: Date; Output: Date };
    JSONObject: { Input: unknown; Output: Payment['metadata'] };
    SafeInt: { Input: number; Output: number };
    Currency: { Input: string; Output: string };
  };
}

/** The one builder: every file of this folder adds its types to it, schema.ts makes the schema of it. */
export const builder = new SchemaBuilder<SchemaTypes>({
  // The last one is asked first.
  plugins: [PrismaPlugin, RelayPlugin, ScopeAuthPlugin],
  defaultFieldNullability: false,
  prisma: {
    client: (context) => context.gateway.database.prisma,
    dmmf: getDatamodel(),
    exposeDescriptions: false,
  },
  scopeAuth: {
    authScopes: scopesOf,
    authorizeOnSubscribe: true,
    unauthorizedError: forbidden,
  },
  relay: {
    cursorType: 'String',
    nodeQueryOptions: false,
    nodesQueryOptions: false,
    edgesFieldOptions: { nullable: false, description: 'The entries of this page.' },
    nodeFieldOptions: { nullable: false, description: 'The entry.' },
    cursorFieldOptions: { description: 'Where the entry stands in its list: for after or before.' },
    firstArgOptions: { description: 'So many from the front; 20 unless told otherwise, at most 100.' },
    lastArgOptions: { description: 'So many from the end, at most 100.' },
    afterArgOptions: { description: 'Only what comes after this cursor.' },
    beforeArgOptions: { description: 'Only what comes before this cursor.' },
    pageInfoFieldOptions: { description: 'Whether there is more.' },
    pageInfoTypeOptions: { description: 'Where a page stands in its list.' },
    hasNextPageFieldOptions: { description: 'There is more behind this page.' },
    hasPreviousPageFieldOptions: { description: 'There is more before this page.' },
    startCursorFieldOptions: { description: 'The cursor of the first entry; null where there is none.' },
    endCursorFieldOptions: { description: 'The cursor of the last entry; null where there is none.' },
  },
});

/** What an object type of this schema is a reference to. */
export type BuilderTypes = PothosSchemaTypes.ExtendDefaultTypes<SchemaTypes>;
