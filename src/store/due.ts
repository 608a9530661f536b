import type { Operation } from '../../generated/prisma/client.ts';
import { fromRow, ROW_TYPES } from './columns.ts';
import type { Database } from './database.ts';

/**
 * Takes operations whose time has come, each for the length of a lease: another process passes them by until
 * then, and takes them after it if this one dies. Times are the database's.
 */
export async function claimDueOperations(
  database: Database,
  { limit, leaseMs }: { readonly limit: number; readonly leaseMs: number },
): Promise<Operation[]> {
  const { rows } = await database.pool.query<Record<string, unknown>>({
    name: 'claim_due_operations',
    text: `UPDATE operation SET recover_at = now() + make_interval(secs => $2::float8 / 1000), inquiries = least(inquiries + 1, 32767)
           WHERE (environment_id, id) IN (
             SELECT environment_id, id FROM operation WHERE recover_at <= now()
             ORDER BY recover_at LIMIT $1 FOR UPDATE SKIP LOCKED
           )
           RETURNING *`,
    values: [limit, leaseMs],
    types: ROW_TYPES,
  });
  return rows.map((row) => fromRow<Operation>(row));
}

/** The operation that a processor was asked for under a key. */
export async function findOperation(
  database: Database,
  of: { readonly processor: string; readonly merchant: string; readonly key: string },
): Promise<Operation | undefined> {
  const operation = await database.prisma.operation.findUnique({
    where: {
      environmentId_processor_processorKey: {
        environmentId: of.merchant,
        processor: of.processor,
        processorKey: of.key,
      },
    },
  });
  return operation ?? undefined;
}
