import { GraphQLError } from 'graphql';
import { findKey, type KeyOwner } from '../store/access.ts';
import type { Database } from '../store/database.ts';

/** The longest header that can hold a key: anything longer is none. */
const CREDENTIAL_LENGTH_MAX = 200;

/**
 * The secret key that a request carries: `Authorization: Bearer <key>`, the bare key in `Authorization`, or
 * `x-api-key`. Undefined where there is none.
 */
export function credentialOf(header: (name: string) => string | null | undefined): string | undefined {
  const authorization = header('authorization')?.trim();
  const given = authorization ? authorization.replace(/^Bearer\s+/i, '') : header('x-api-key')?.trim();
  return given !== undefined && given !== '' && given.length <= CREDENTIAL_LENGTH_MAX ? given : undefined;
}

/** Whose key it is. @throws a GraphQL error that HTTP answers with 401 */
export async function authenticate(database: Database, credential: string | undefined): Promise<KeyOwner> {
  if (credential === undefined) {
    throw unauthenticated('Give a key: Authorization: Bearer sk_test_… or x-api-key: sk_test_…');
  }
  const owner = await findKey(database, credential);
  if (owner === undefined) throw unauthenticated('This key is not known, or it was revoked.');
  return owner;
}

function unauthenticated(message: string): GraphQLError {
  return new GraphQLError(message, {
    extensions: {
      code: 'UNAUTHENTICATED',
      http: { status: 401, headers: { 'www-authenticate': 'Bearer realm="tender"' } },
    },
  });
}
