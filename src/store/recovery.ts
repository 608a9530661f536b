import type { Database } from './database.ts';

/** Operations of an environment of which nobody knows yet what became of them. */
export interface RecoveryState {
  readonly unknown: number;
  /** Of which an operator was told. */
  readonly raised: number;
  readonly oldestUnknownSince: Date | null;
  readonly oldestUnknownAgeSeconds: number;
}

/** Counts them, through the partial index of open operations. A call that is simply under way is none of them. */
export async function readRecovery(database: Database, environmentId: string): Promise<RecoveryState> {
  const { rows } = await database.pool.query<{ unknown: number; raised: number; since: Date | null; age: number }>({
    name: 'read_recovery',
    text: `SELECT count(*) FILTER (WHERE status <> 'RAISED')::int AS unknown,
             count(*) FILTER (WHERE status = 'RAISED')::int AS raised,
             min(created_at) AS since,
             coalesce(floor(extract(epoch FROM now() - min(created_at))), 0)::int AS age
           FROM operation
           WHERE environment_id = $1 AND status <> 'COMPLETED'
             AND (status IN ('UNKNOWN', 'RAISED') OR (status = 'DISPATCHED' AND call_deadline < now()))`,
    values: [environmentId],
  });
  const [row] = rows;
  if (row === undefined) throw new Error('readRecovery answered no row');
  const { unknown, raised, since, age } = row;
  return { unknown, raised, oldestUnknownSince: since, oldestUnknownAgeSeconds: age };
}
