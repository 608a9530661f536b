import { randomUUID } from 'node:crypto';
import type { Client } from 'pg';
import { insert, type Ledger, type Row } from './ledger.ts';

type Of<L extends Ledger, Key extends keyof L> = Pick<L, 'environmentId' | Key>;

/** A ledger with an account with a processor of the world outside. */
export type Accounted<L extends Ledger = Ledger> = L & { readonly accountId: string };

export async function addProcessorAccount<L extends Ledger>(client: Client, of: L): Promise<Accounted<L>> {
  const row = accountRow(of);
  await insert(client, 'processor_account', row);
  return { ...of, accountId: String(row['id']) };
}

export function accountRow({ environmentId }: Pick<Ledger, 'environmentId'>): Row {
  return {
    environment_id: environmentId,
    id: randomUUID(),
    name: randomUUID(),
    processor: 'stripe',
    credentials: Buffer.from('sealed'),
    credentials_key_id: 'key',
    hint: 'hint',
    created_by: 'test',
    updated_by: 'test',
  };
}

/** Of an event that waits to be looked into. */
export function notificationRow({ environmentId, accountId }: Of<Accounted, 'accountId'>): Row {
  return {
    environment_id: environmentId,
    id: randomUUID(),
    processor_account_id: accountId,
    event_id: randomUUID(),
    type: 'charge.succeeded',
    body: Buffer.from('{}'),
    about: ['ch_1'],
    next_at: new Date(),
  };
}

/** What another row says of being done in the account. */
export function inAccount({ accountId }: Pick<Accounted, 'accountId'>): Row {
  return { processor: 'stripe', processor_account_id: accountId };
}
