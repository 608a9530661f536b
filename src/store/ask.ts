import type pg from 'pg';
import { gather } from './gather.ts';
import { query, type Queries, type SetBased } from './transaction.ts';

/** Runs a set-based statement in no transaction, once for all requests that ask for it at the same time. */
export type Ask = <K, V>(statement: SetBased<K, V>, key: K) => Promise<V>;

/** Of one statement: two keep PostgreSQL busy while the process reads what has arrived. */
export const STATEMENTS_AT_ONCE = 2;

export function askOn(pool: pg.Pool): Ask {
  const queries: Queries = { query: (sql, parameters) => query(pool, sql, parameters) };
  const asking = new Map<unknown, (key: unknown) => Promise<unknown>>();
  return async <K, V>(statement: SetBased<K, V>, key: K): Promise<V> => {
    const known = asking.get(statement) as ((key: K) => Promise<V>) | undefined;
    const ask = known ?? gather(STATEMENTS_AT_ONCE, (keys: readonly K[]) => statement(queries, keys));
    if (known === undefined) asking.set(statement, ask as (key: unknown) => Promise<unknown>);
    return ask(key);
  };
}
