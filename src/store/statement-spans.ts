import type { Pool, PoolClient } from 'pg';
import type { Telemetry } from '../telemetry.ts';
import type { Together } from './together.ts';

/** A text that is longer is cut: the first lines say which it is. */
const TEXT_MAX = 2_000;
/** Names that are remembered. The gateway has a few hundred texts; Prisma makes one for every length of a list. */
const NAMES_MAX = 1_000;

/**
 * Makes a span of every statement of a pool, with its name and its text: values are never told. It stands at the pool, so that
 * no statement has to know of it, and only where tracing is on.
 */
export function traceStatements(pool: Pool, telemetry: Telemetry): void {
  const names = new Map<string, string>();
  const traced = (run: (...args: unknown[]) => unknown) => {
    return (...args: unknown[]): unknown => {
      // Called back, it is the pool's own way to ask a client: it is in a span already.
      if (typeof args.at(-1) === 'function' || telemetry.scope?.span === undefined) return run(...args);
      const { text, name: statement } = statementOf(args[0]);
      const name = names.get(text) ?? summaryOf(text);
      if (names.size < NAMES_MAX) names.set(text, name);
      const facts = { query: text.slice(0, TEXT_MAX), ...(statement !== undefined && { statement }) };
      return telemetry.span(name, 'client', facts, () => Promise.resolve(run(...args)));
    };
  };
  pool.query = traced(pool.query.bind(pool)) as Pool['query'];
  pool.on('connect', (client) => {
    client.query = traced(client.query.bind(client)) as PoolClient['query'];
  });
}

/**
 * Makes a span of every piece of work that is done together with others: what they all ask for stands in the trace of one
 * of them, and this says of the others how long it took.
 */
export function traceTransactions(together: Together, telemetry: Telemetry): Together {
  return (kind, subjects, work) =>
    telemetry.span(`transaction ${kind}`, 'internal', {}, () => together(kind, subjects, work));
}

function statementOf(query: unknown): { readonly text: string; readonly name?: string } {
  if (typeof query === 'string') return { text: query };
  const { text = '', name } = query as { readonly text?: string; readonly name?: string };
  return name === undefined ? { text } : { text, name };
}

/** "UPDATE operation": what is done, and the first table that it is done to. A statement that writes and reads writes. */
export function summaryOf(text: string): string {
  const [, write, written] = /(?<!FOR |DO )\b(INSERT INTO|UPDATE|DELETE FROM)\s+([a-z_"."]{1,80})/.exec(text) ?? [];
  if (write !== undefined && written !== undefined) return `${write.split(' ')[0]} ${nameIn(written)}`;
  const verb = /^\W*(\w+)/.exec(text)?.[1]?.toUpperCase() ?? 'SQL';
  // What is called is no table: unnest(…).
  const read = /\b(?:FROM|JOIN)\s+([a-z_"."]{1,80})(?![a-z_"."(])(?!\s+\()/.exec(text)?.[1];
  return read === undefined ? verb : `${verb === 'WITH' ? 'SELECT' : verb} ${nameIn(read)}`;
}

/** payment of "public"."payment" */
function nameIn(table: string): string {
  return table.replaceAll('"', '').split('.').at(-1) ?? table;
}
