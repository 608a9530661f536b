import { randomUUID } from 'node:crypto';
import type { Client } from 'pg';
import { insert, type Ledger, type Row } from './ledger.ts';

type Of<Key extends keyof Ledger> = Pick<Ledger, 'environmentId' | Key>;

/** A ledger that was compared with the sandbox's books. */
export type Reconciled<L extends Ledger = Ledger> = L & { readonly reconciliationId: string };

export async function addReconciliation<L extends Ledger>(client: Client, of: L): Promise<Reconciled<L>> {
  const row = reconciliationRow(of);
  await insert(client, 'reconciliation', row);
  return { ...of, reconciliationId: String(row['id']) };
}

/** A run that is over. */
export function reconciliationRow({ environmentId }: Pick<Ledger, 'environmentId'>): Row {
  return {
    environment_id: environmentId,
    id: randomUUID(),
    processor: 'sandbox',
    from_at: new Date(0),
    until_at: new Date(86_400_000),
    daily: false,
    status: 'COMPLETED',
    started_at: new Date(),
    finished_at: new Date(),
    created_by: 'test',
  };
}

/** What both sides have, with another amount. */
export function differenceRow(of: Of<'paymentId' | 'operationId'> & { readonly reconciliationId: string }): Row {
  return {
    environment_id: of.environmentId,
    reconciliation_id: of.reconciliationId,
    position: 1,
    kind: 'OTHER_AMOUNT',
    of: 'CHARGE',
    payment_id: of.paymentId,
    operation_id: of.operationId,
    processor_reference: 'ch_1',
    ...side('our', 1000),
    ...side('their', 999),
    occurred_at: new Date(),
  };
}

/** What one side has; null for nothing. */
export function side(whose: 'our' | 'their', amount: number | null): Row {
  const entry = amount === null ? [null, null, null] : [amount, 'EUR', 'SUCCEEDED'];
  return { [`${whose}_amount`]: entry[0], [`${whose}_currency`]: entry[1], [`${whose}_state`]: entry[2] };
}
