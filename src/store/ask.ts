import type pg from 'pg';
import { asError, gather } from './gather.ts';
import { query, type Queries, type SetBased } from './transaction.ts';

/**
 * Runs a set-based statement in no transaction, once for all requests that ask for it at the same time; and in one round
 * trip with the other statements that are asked for then.
 */
export type Ask = <K, V>(statement: SetBased<K, V>, key: K) => Promise<V>;

interface Question {
  readonly statement: SetBased<unknown, unknown>;
  readonly key: unknown;
}

/** Two keep PostgreSQL busy while the process reads what has arrived. */
export const ROUND_TRIPS_AT_ONCE = 2;

export function askOn(pool: pg.Pool): Ask {
  const ask = gather({ atOnce: ROUND_TRIPS_AT_ONCE }, (questions: readonly Question[]) => askTogether(pool, questions));
  return async <K, V>(statement: SetBased<K, V>, key: K): Promise<V> =>
    (await ask({ statement: statement as Question['statement'], key })) as V;
}

/** @throws what one of the statements threw, after the last has ended */
async function askTogether(pool: pg.Pool, questions: readonly Question[]): Promise<unknown[]> {
  const client = await pool.connect();
  let broken: Error | undefined;
  try {
    const queries: Queries = { query: (sql, parameters) => query(client, sql, parameters) };
    const ofEach = [...Map.groupBy(questions, ({ statement }) => statement)];
    const answered = await Promise.allSettled(
      ofEach.map(([statement, asked]) =>
        statement(
          queries,
          asked.map(({ key }) => key),
        ),
      ),
    );
    const answers = new Map<Question, unknown>();
    for (const [index, [, asked]] of ofEach.entries()) {
      const values = answered[index];
      if (values?.status !== 'fulfilled') throw asError(values?.reason);
      if (values.value.length !== asked.length) throw new Error('a set-based statement has not answered every key');
      for (const [at, question] of asked.entries()) answers.set(question, values.value[at]);
    }
    return questions.map((question) => answers.get(question));
  } catch (error) {
    // As the pool itself does: after an error, the connection is not used again.
    broken = asError(error);
    throw error;
  } finally {
    client.release(broken);
  }
}
