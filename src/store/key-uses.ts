import type { Database } from './database.ts';

type UsedKey = { readonly environmentId: string; readonly id: string };

interface Use {
  readonly environmentId: string;
  at: Date;
}

/** When a key was used last is written so often, and no oftener: it is asked for by people. */
const EVERY_MS = 60_000;

/**
 * When keys were used last. It is noted in memory, and written by a round of its own: no request waits for it, and none
 * fails because of it. A process that dies takes with it what it has not written.
 */
export class KeyUses {
  readonly #database: Database;
  /** Not written yet, by the key's id. */
  readonly #noted = new Map<string, Use>();
  /** When this process has written a key last, for as long as it is not to write it again. */
  readonly #written = new Map<string, Date>();

  constructor(database: Database) {
    this.#database = database;
  }

  /** A key was used. */
  note({ environmentId, id }: UsedKey, at: Date): void {
    const use = this.#noted.get(id);
    if (use === undefined) this.#noted.set(id, { environmentId, at });
    else use.at = at;
  }

  /**
   * Writes what was noted, of each key a minute after it was written last; what is noted sooner waits until then. Another
   * process that has written the key meanwhile is counted, too.
   * @param all whether nothing is left for later, because there is none
   * @returns how many keys it wrote
   */
  async write(now: Date, { all = false } = {}): Promise<number> {
    for (const [id, at] of this.#written) if (isLongAgo(at, now)) this.#written.delete(id);
    const due = [...this.#noted].filter(([id]) => all || !this.#written.has(id));
    if (due.length === 0) return 0;
    for (const [id] of due) {
      this.#noted.delete(id);
      this.#written.set(id, now);
    }
    try {
      const { rowCount } = await this.#database.pool.query({
        name: 'write_key_uses',
        text: `UPDATE api_key SET last_used_at = used.at
               FROM unnest($1::uuid[], $2::uuid[], $3::timestamptz[]) AS used (environment_id, id, at)
               WHERE api_key.environment_id = used.environment_id AND api_key.id = used.id
                 AND (last_used_at IS NULL OR last_used_at <= used.at - make_interval(secs => $4::float8 / 1000))`,
        values: [
          due.map(([, { environmentId }]) => environmentId),
          due.map(([id]) => id),
          due.map(([, { at }]) => at),
          all ? 0 : EVERY_MS,
        ],
      });
      return rowCount ?? 0;
    } catch (error) {
      // It is told the next time, unless the key was used since.
      for (const [id, { environmentId, at }] of due) {
        this.#written.delete(id);
        if (!this.#noted.has(id)) this.#noted.set(id, { environmentId, at });
      }
      throw error;
    }
  }
}

function isLongAgo(at: Date, now: Date): boolean {
  return now.getTime() - at.getTime() >= EVERY_MS;
}
