import { GraphQLError } from 'graphql';
import { readClientToken } from '../payments/client-token.ts';
import type { Gateway } from '../payments/gateway.ts';
import { TOKEN_LENGTH_MAX, TOKEN_PREFIX } from '../payments/token-text.ts';
import type { Credential } from '../schema/context.ts';
import { findKey } from '../store/access.ts';

/**
 * What a request carries to say who is asking: `Authorization: Bearer <key>`, the bare key in `Authorization`, or
 * `x-api-key`; a client token stands in the place of a key. Undefined where there is none.
 */
export function credentialOf(header: (name: string) => string | null | undefined): string | undefined {
  const authorization = header('authorization')?.trim();
  const given = authorization ? authorization.replace(/^Bearer\s+/i, '') : header('x-api-key')?.trim();
  return given !== undefined && given !== '' && given.length <= TOKEN_LENGTH_MAX ? given : undefined;
}

/**
 * Refuses a secret key that a page of another origin sends: it stands in that page then, for all to read, and works only
 * until someone has. Client tokens are made for it.
 * @throws a GraphQL error that HTTP answers with 403
 */
export function refuseKeyOfPage({ kind }: Credential, fetchSite: string | null | undefined): void {
  if (kind !== 'key' || fetchSite == null || fetchSite === 'same-origin' || fetchSite === 'none') return;
  throw new GraphQLError('A secret key has no place in a browser: make a client token for this page.', {
    extensions: { code: 'SECRET_KEY_IN_BROWSER', http: { status: 403 } },
  });
}

/** Who is asking. @throws a GraphQL error that HTTP answers with 401 */
export async function authenticate(gateway: Gateway, credential: string | undefined): Promise<Credential> {
  if (credential === undefined) {
    throw unauthenticated('Give a key: Authorization: Bearer sk_test_… or x-api-key: sk_test_…');
  }
  if (credential.startsWith(TOKEN_PREFIX)) {
    const token = await readClientToken(gateway, credential);
    if (token === undefined) throw unauthenticated('This client token is not known, it is over, or it was revoked.');
    return { kind: 'token', token };
  }
  const key = await findKey(gateway.database, credential);
  if (key === undefined) throw unauthenticated('This key is not known, it is over, or it was revoked.');
  gateway.keyUses.note(key, gateway.now());
  return { kind: 'key', key };
}

function unauthenticated(message: string): GraphQLError {
  return new GraphQLError(message, {
    extensions: {
      code: 'UNAUTHENTICATED',
      http: { status: 401, headers: { 'www-authenticate': 'Bearer realm="tender"' } },
    },
  });
}
