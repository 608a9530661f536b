import { randomBytes, randomUUID } from 'node:crypto';
import type { Client } from 'pg';
import { insert, type Ledger, type Row } from './ledger.ts';

/** A ledger with a secret key of its environment. */
export type Keyed<L extends Ledger = Ledger> = L & { readonly keyId: string };

export async function addApiKey<L extends Ledger>(client: Client, of: L): Promise<Keyed<L>> {
  const row = apiKeyRow(of);
  await insert(client, 'api_key', row);
  return { ...of, keyId: String(row['id']) };
}

/** A key that nobody has the secret of. */
export function apiKeyRow({ environmentId }: Pick<Ledger, 'environmentId'>): Row {
  return {
    environment_id: environmentId,
    id: randomUUID(),
    name: 'a key',
    hash: randomBytes(32),
    hint: 'hint',
    scopes: '{READ,WRITE}',
    created_by: 'test',
  };
}

export function auditRow({ environmentId }: Pick<Ledger, 'environmentId'>): Row {
  return {
    environment_id: environmentId,
    id: randomUUID(),
    act: 'ROUTING_SET',
    actor: 'command',
    subject: `env_${environmentId}`,
  };
}
