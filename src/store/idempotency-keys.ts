import type { IdempotencyKey } from '../../generated/prisma/client.ts';
import type { Database } from './database.ts';
import { given, givenColumns, toGiven } from './given-rows.ts';
import type { TransactionClock } from './ledger.ts';
import { allOf } from './rows.ts';
import type { SetBased, Transaction } from './transaction.ts';

/** The keys under which clients send requests again: who claims one does the work, and the others are told what came of it. */

type KeyOfRow = Pick<IdempotencyKey, 'environmentId' | 'principal' | 'operation' | 'key'>;

const COLUMNS = givenColumns('idempotencyKey')
  .map(({ name }) => name)
  .join(', ');

/** The keys that are asked for, column by column, as `askFor` gives them. */
const ASKED =
  'unnest($1::uuid[], $2::text[], $3::text[], $4::text[]) AS asked (environment_id, principal, operation, key)';

function askFor(keys: readonly KeyOfRow[]): string[][] {
  return [
    keys.map(({ environmentId }) => environmentId),
    keys.map(({ principal }) => principal),
    keys.map(({ operation }) => operation),
    keys.map(({ key }) => key),
  ];
}

/**
 * Claims an idempotency key, and says whether it is now ours; one that another transaction is claiming is waited for.
 * It also reads the transaction's clock.
 */
export async function claimKey(
  transaction: Transaction,
  row: IdempotencyKey,
): Promise<{ clock: TransactionClock; claimed: boolean }> {
  const claim = await transaction.together(claimKeys, row);
  if (claim.claimed) transaction.onRefusal(() => transaction.together(releaseKeys, row));
  return claim;
}

const claimKeys: SetBased<IdempotencyKey, { clock: TransactionClock; claimed: boolean }> = async (queries, keys) => {
  const rows = await queries.query<{ now: Date; xid: string; ours: string[] | null }>(
    `WITH ours AS (
       INSERT INTO idempotency_key (${COLUMNS})
       SELECT ${COLUMNS} FROM ${given('idempotencyKey', 1)}
       ORDER BY environment_id, principal, operation, key
       ON CONFLICT DO NOTHING
       RETURNING resource_id
     )
     SELECT now() AS now, pg_current_xact_id()::text AS xid, (SELECT array_agg(resource_id::text) FROM ours) AS ours`,
    [toGiven('idempotencyKey', keys)],
  );
  const row = rows[0];
  if (row === undefined) throw new Error('claimKeys answered no row');
  const ours = new Set(row.ours);
  const clock = { now: row.now, xid: BigInt(row.xid) };
  return keys.map((key) => ({ clock, claimed: ours.has(key.resourceId) }));
};

const releaseKeys: SetBased<KeyOfRow, void> = async (queries, keys) => {
  await queries.query(
    `DELETE FROM idempotency_key AS key USING ${ASKED}
     WHERE key.environment_id = asked.environment_id AND key.principal = asked.principal
       AND key.operation = asked.operation AND key.key = asked.key`,
    askFor(keys),
  );
  return keys.map(() => undefined);
};

/** Says which operation a claimed key is to wait for: another than was planned, or null where none was needed. */
export async function keepOperation(
  transaction: Transaction,
  key: KeyOfRow,
  operationId: string | null,
): Promise<void> {
  await transaction.query(
    `UPDATE idempotency_key SET operation_id = $5
     WHERE environment_id = $1 AND principal = $2 AND operation = $3 AND key = $4`,
    [key.environmentId, key.principal, key.operation, key.key, operationId],
  );
}

/** A key that someone claimed before; undefined if it was given up since. */
export async function readKey(
  { together }: Pick<Transaction, 'together'>,
  key: KeyOfRow,
): Promise<IdempotencyKey | undefined> {
  return together(readKeys, key);
}

/** The same in no transaction. */
export async function findClaimedKey({ ask }: Database, key: KeyOfRow): Promise<IdempotencyKey | undefined> {
  return ask(readKeys, key);
}

const readKeys: SetBased<KeyOfRow, IdempotencyKey | undefined> = async (queries, keys) => {
  const rows = await queries.query<IdempotencyKey>(
    `SELECT ${allOf('IdempotencyKey', 'key')} FROM ${ASKED}
     JOIN idempotency_key AS key USING (environment_id, principal, operation, key)`,
    askFor(keys),
  );
  const found = new Map(rows.map((row) => [nameOf(row), row]));
  return keys.map((key) => found.get(nameOf(key)));
};

function nameOf({ environmentId, principal, operation, key }: KeyOfRow): string {
  return JSON.stringify([environmentId, principal, operation, key]);
}
