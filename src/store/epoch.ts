import type { ClientBase } from 'pg';

/** What transaction ids belong to: they are comparable within one epoch. */
export interface PresentEpoch {
  readonly current: number;
}

interface Here {
  readonly system: string;
  readonly timeline: number;
}

/** What does not answer this at once is no server to write to. */
const ANSWER_MS = 10_000;

/**
 * The epoch of the cluster that a pool is connected to. A restore into another cluster, or a failover, is another system
 * identifier or timeline, and so begins the next one. A process may live through that: it looks with every new connection,
 * before anything else is done with it.
 */
export class Epochs implements PresentEpoch {
  #here: Here | undefined;
  #current: number | undefined;
  readonly #onChange: (epoch: number) => void;

  /** @param onChange told of the next epoch that begins while this process runs */
  constructor(onChange: (epoch: number) => void = () => undefined) {
    this.#onChange = onChange;
  }

  /** @throws before the first connection */
  get current(): number {
    if (this.#current === undefined) throw new Error('the epoch is asked for before there was a connection');
    return this.#current;
  }

  /** Looks where a new connection has led to. @throws if that is a standby, to which nothing can be written */
  async look(client: Pick<ClientBase, 'query'>): Promise<void> {
    const here = await whereIs(client);
    if (this.#here?.system === here.system && this.#here.timeline === here.timeline) return;
    const epoch = await epochOf(client, here);
    const isNext = this.#current !== undefined && this.#current !== epoch;
    this.#here = here;
    this.#current = epoch;
    if (isNext) this.#onChange(epoch);
  }
}

/** The timeline that is written now: pg_control tells that of the last checkpoint, which a failover may be minutes ahead of. */
async function whereIs(client: Pick<ClientBase, 'query'>): Promise<Here> {
  const question = {
    text: `SELECT system_identifier::text AS system, pg_is_in_recovery() AS is_standby,
             CASE WHEN NOT pg_is_in_recovery() THEN left(pg_walfile_name(pg_current_wal_insert_lsn()), 8) END AS timeline
           FROM pg_control_system()`,
    query_timeout: ANSWER_MS,
  };
  const { rows } = await client.query<{ system: string; is_standby: boolean; timeline: string | null }>(question);
  const [row] = rows;
  if (row === undefined) throw new Error('pg_control_system() answered no row');
  if (row.timeline === null) throw new Error('this PostgreSQL is a standby: nothing can be written to it');
  return { system: row.system, timeline: Number.parseInt(row.timeline, 16) };
}

async function epochOf(client: Pick<ClientBase, 'query'>, here: Here): Promise<number> {
  const question = {
    text: `WITH added AS (
             INSERT INTO event_epoch (system_identifier, timeline) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING epoch
           )
           SELECT epoch FROM added UNION ALL SELECT epoch FROM event_epoch WHERE system_identifier = $1 AND timeline = $2`,
    values: [here.system, here.timeline],
    query_timeout: ANSWER_MS,
  };
  const { rows } = await client.query<{ epoch: number }>(question);
  const [row] = rows;
  // Another process added it in this very moment: it is there on the second look.
  return row === undefined ? epochOf(client, here) : row.epoch;
}
