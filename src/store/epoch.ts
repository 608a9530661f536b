import type { Pool } from 'pg';

/**
 * The epoch of this cluster: transaction ids are comparable within one. A restore into another cluster, or a
 * failover, is another system identifier or timeline, and so begins the next.
 */
export async function currentEpoch(pool: Pool): Promise<number> {
  const { rows } = await pool.query<{ epoch: number }>(
    `WITH here AS (
       SELECT (SELECT system_identifier::text FROM pg_control_system()) AS system_identifier,
              (SELECT timeline_id FROM pg_control_checkpoint()) AS timeline
     ), added AS (
       INSERT INTO event_epoch (system_identifier, timeline) SELECT * FROM here ON CONFLICT DO NOTHING RETURNING epoch
     )
     SELECT epoch FROM added UNION ALL SELECT epoch FROM event_epoch JOIN here USING (system_identifier, timeline)`,
  );
  const [row] = rows;
  // Another process added it in this very moment: it is there on the second look.
  return row === undefined ? currentEpoch(pool) : row.epoch;
}
