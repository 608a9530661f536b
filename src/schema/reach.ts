import { GraphQLError, type GraphQLResolveInfo } from 'graphql';
import type { Prisma } from '../../generated/prisma/client.ts';
import type { KeyScope } from '../domain/key-scope.ts';
import type { Failure } from '../payments/failure.ts';
import { isOwnPayment } from '../payments/payer.ts';
import type { Context } from './context.ts';

/**
 * Who may use what: a secret key by its scopes, a payer by those of the client token. A field at the root is closed until it
 * says, with one of these, which scope a key needs, and whether payers may use it; below a payment of their own, payers see
 * what is of that payment.
 */

type Scopes = ReturnType<typeof scopesOf>;

/** What a field needs of a key, or else of a payer. */
function needs(scope: KeyScope, payers: Partial<Scopes> = {}) {
  const authScopes: { $any: Partial<Scopes> } = { $any: { [scope]: true, ...payers } };
  return { skipTypeScopes: true, authScopes, extensions: { [KEY_SCOPE]: scope } } as const;
}

/** The same for a mutation, which tells a key what it lacks as it tells every other refusal. */
function mutationNeeds(scope: KeyScope, payers?: Partial<Scopes>) {
  return { ...needs(scope, payers), unauthorizedResolver: refuse };
}

/** Under this name a field of the schema says which scope it needs of a key. */
export const KEY_SCOPE = 'keyScope';

/** Reading, and being told. */
export const READS = needs('READ');

/** For payers who may read, too. */
export const READERS_TOO = needs('READ', { read: true });

/** Reading what only who administers is to see. */
export const ADMIN_READS = needs('ADMIN');

/** Making and changing payments, customers and payment methods. */
export const WRITES = mutationNeeds('WRITE');

/** For payers who may pay, too. */
export const PAYERS_TOO = mutationNeeds('WRITE', { pay: true });

/** For payers only: a secret key has another way. */
export const PAYERS_ONLY = { skipTypeScopes: true, authScopes: { pay: true } } as const;

export const REFUNDS = mutationNeeds('REFUND');

/** Each leaves an entry in the audit log. */
export const ADMINISTERS = mutationNeeds('ADMIN');

/** Not for payers, though what it is a field of is. */
export const MERCHANT_ONLY = { authScopes: { merchant: true } } as const;

/** Not for those who may only read, payers or keys: it lets whoever has it pay. */
export const NOT_FOR_READERS = {
  authScopes: { $any: { WRITE: true, pay: true } },
  extensions: { [KEY_SCOPE]: 'WRITE' },
} as const;

/** What a payer may read who is known as a customer, and not only by one payment. */
export const CUSTOMERS_TOO = { authScopes: { $any: { merchant: true, customer: true } } } as const;

/** Of the types at the root: for nobody, until a field says otherwise. */
export const CLOSED = { authScopes: { nobody: true } } as const;

const NOTHING_OF_KEYS = { merchant: false, READ: false, WRITE: false, REFUND: false, ADMIN: false, nobody: false };
const NOTHING_OF_PAYERS = { read: false, pay: false, customer: false };

/** What a request may do, by the credential that it carries. */
export function scopesOf({ credential }: Context) {
  if (credential.kind === 'key') {
    const has = (scope: KeyScope): boolean => credential.key.scopes.includes(scope);
    const scopes = { READ: has('READ'), WRITE: has('WRITE'), REFUND: has('REFUND'), ADMIN: has('ADMIN') };
    return { ...NOTHING_OF_KEYS, ...NOTHING_OF_PAYERS, merchant: true, ...scopes };
  }
  const { scopes, payer } = credential.token;
  return {
    ...NOTHING_OF_KEYS,
    read: scopes.includes('READ'),
    pay: scopes.includes('PAY'),
    // What a payment leads to is read, even where paying it led to the payment.
    customer: payer.customerId !== null && scopes.includes('READ'),
  };
}

/** What a key is told that may not use a field. @returns undefined for a payer, and where no scope would open it */
function lacks({ credential }: Context, info: GraphQLResolveInfo): Extract<Failure, { code: 'FORBIDDEN' }> | undefined {
  const scope = info.parentType.getFields()[info.fieldName]?.extensions[KEY_SCOPE] as KeyScope | undefined;
  if (credential.kind !== 'key' || scope === undefined) return undefined;
  const message = `This needs a key with the scope ${scope}.`;
  return { code: 'FORBIDDEN', message, path: [], requiredScope: scope };
}

/** The error of a field that may not be used. */
export function forbidden(_parent: unknown, context: Context, info: GraphQLResolveInfo): GraphQLError {
  const { message, requiredScope } = lacks(context, info) ?? { message: 'This credential does not allow it.' };
  return new GraphQLError(message, {
    extensions: { code: 'FORBIDDEN', ...(requiredScope !== undefined && { requiredScope }) },
  });
}

/** Mutations answer it: every result can be a ForbiddenError, though the plugin cannot know it. */
function refuse(_parent: unknown, _args: object, context: Context, info: GraphQLResolveInfo, error: Error): never {
  const failure = lacks(context, info);
  if (failure === undefined) throw error;
  return failure as never;
}

/** The payments that the caller may see, as a condition. */
export function ownPayments({ caller }: Context): Prisma.PaymentWhereInput & { environmentId: string } {
  const { environmentId, payer } = caller;
  if (payer === null) return { environmentId };
  return payer.paymentId === null
    ? { environmentId, customerId: payer.customerId }
    : { environmentId, id: payer.paymentId };
}

/** Whether the caller may see a row, by what it belongs to. To them, any other does not exist. */
export async function isInReach(
  { caller: { payer }, loaders }: Context,
  typeName: string,
  row: { readonly id: string; readonly paymentId?: string | null; readonly customerId?: string | null },
): Promise<boolean> {
  if (payer === null) return true;
  switch (typeName) {
    case 'Payment':
      return isOwnPayment(payer, { id: row.id, customerId: row.customerId ?? null });
    case 'Customer':
      return row.id === payer.customerId;
    case 'PaymentMethod':
      return payer.customerId !== null && row.customerId === payer.customerId;
    case 'Attempt':
    case 'Capture':
    case 'PaymentEvent':
    case 'Refund': {
      const payment = row.paymentId == null ? null : await loaders.payment.load(row.paymentId);
      return payment !== null && isOwnPayment(payer, payment);
    }
    default:
      return false;
  }
}
