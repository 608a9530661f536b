import type { Pool } from 'pg';

/** How many connections a server takes, and who has them. */
export interface Capacity {
  /** For users who are not the server's own: max_connections without what is reserved. */
  readonly limit: number;
  /** Gateways that are connected already: each has one connection that listens. */
  readonly others: number;
}

/** The server cannot take the pool of even one replica. */
export class PoolTooLargeError extends Error {}

/** @param channel on which gateways listen */
export async function readCapacity(pool: Pool, channel: string): Promise<Capacity> {
  const { rows } = await pool.query<Capacity>(
    `SELECT (SELECT sum(CASE name WHEN 'max_connections' THEN setting::int ELSE -setting::int END)::int FROM pg_settings
             WHERE name IN ('max_connections', 'superuser_reserved_connections', 'reserved_connections')) AS limit,
            (SELECT count(*)::int FROM pg_stat_activity
             WHERE application_name = 'tender' AND query = $1 AND pid <> pg_backend_pid()) AS others`,
    [`LISTEN ${channel}`],
  );
  const [row] = rows;
  if (row === undefined) throw new Error('readCapacity was answered no row');
  return row;
}

/**
 * Compares what the server takes with what the replicas may open, this one among them, if all have pools of one size.
 * @returns what an operator has to know; undefined if all is well
 * @throws PoolTooLargeError
 */
export function explainShortage({ limit, others }: Capacity, poolSize: number): string | undefined {
  const remedy = 'lower TENDER_POOL_SIZE, or raise max_connections';
  if (poolSize > limit) {
    throw new PoolTooLargeError(
      `TENDER_POOL_SIZE: ${poolSize} connections are more than the ${limit} that PostgreSQL takes: ${remedy}.`,
    );
  }
  const wanted = (others + 1) * poolSize;
  if (wanted <= limit) return undefined;
  return `${others + 1} replicas with ${poolSize} connections each may open ${wanted}, and PostgreSQL takes ${limit}: ${remedy}`;
}
