import type { Database } from './database.ts';

/** What was claimed for the length of a lease, and until when that is. */
export interface Leased {
  readonly environmentId: string;
  readonly id: string;
  readonly until: Date | null;
}

/** Where each queue has its leases, and the count of how often a piece was taken. */
const QUEUES = {
  operation: { until: 'recover_at', taken: 'inquiries' },
  payment: { until: 'due_at', taken: undefined },
  processor_notification: { until: 'next_at', taken: 'tries' },
} as const;

/**
 * Ends the leases of what was claimed and not done: it is due now, for whoever comes. What has changed since it was claimed
 * is left as it is.
 * @returns how many leases were ended
 */
export async function handBack(
  { pool }: Database,
  queue: keyof typeof QUEUES,
  leases: readonly Leased[],
): Promise<number> {
  if (leases.length === 0) return 0;
  const { until, taken } = QUEUES[queue];
  const { rowCount } = await pool.query({
    name: `hand_back_${queue}`,
    text: `UPDATE ${queue} SET ${until} = now()${taken === undefined ? '' : `, ${taken} = greatest(${taken} - 1, 0)`}
           FROM unnest($1::uuid[], $2::uuid[], $3::timestamptz[]) AS leased (environment_id, id, until)
           WHERE ${queue}.environment_id = leased.environment_id AND ${queue}.id = leased.id
             AND ${queue}.${until} = leased.until`,
    values: [
      leases.map(({ environmentId }) => environmentId),
      leases.map(({ id }) => id),
      leases.map((leased) => leased.until),
    ],
  });
  return rowCount ?? 0;
}
