import { addKey, findKey } from '../../src/store/access.ts';
import { readToken, writeToken } from '../../src/payments/token-text.ts';
import type { TestGateway } from './gateway.ts';

/** Credentials that end within a test. */

/** Another key of the test environment. */
export async function temporaryKey({ app, keys }: TestGateway): Promise<{ key: string; revoke: () => Promise<void> }> {
  const { database, newId } = app.gateway;
  const owner = await findKey(database, keys.test);
  if (owner === undefined) throw new Error('the key of the tests is not known');
  const id = newId();
  const key = await addKey(database, { id, environment: { id: owner.environmentId, mode: 'TEST' }, name: 'temporary' });
  return {
    key,
    revoke: async () => void (await database.pool.query('UPDATE api_key SET revoked_at = now() WHERE id = $1', [id])),
  };
}

/** The same client token, but over sooner: a token is made for a minute at least. */
export async function cutShort({ app }: TestGateway, token: string, ms: number): Promise<string> {
  const read = await readToken(app.gateway, token);
  if (read === undefined) throw new Error('the token is not known');
  return writeToken(app.gateway, { ...read, expiresAt: new Date(Date.now() + ms) });
}
