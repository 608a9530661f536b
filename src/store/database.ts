import { PrismaPg } from '@prisma/adapter-pg';
import pg from 'pg';
import { PrismaClient } from '../../generated/prisma/client.ts';
import { timeAnswers } from './answer-time.ts';
import { makeCancellable, notCancelled } from './cancellation.ts';
import type { Telemetry } from '../telemetry.ts';
import { askOn, type Ask } from './ask.ts';
import { statementName } from './statement-name.ts';
import { traceStatements, traceTransactions } from './statement-spans.ts';
import { TRANSACTIONS_AT_ONCE, workTogether, type OnUndone, type Together } from './together.ts';

/** Where a PostgreSQL is reached: a URL, or the parts of one (a Unix socket's directory is a host). */
export type ConnectionTarget =
  | string
  | Readonly<Pick<pg.ClientConfig, 'host' | 'port' | 'user' | 'password' | 'database'>>;

/** The one pool of a process, and Prisma on top of it. */
export interface Database {
  readonly pool: pg.Pool;
  readonly prisma: PrismaClient;
  readonly together: Together;
  readonly ask: Ask;
  /** The same for whose key it is: nobody is kept out because others wait for an answer. */
  readonly askWhose: Ask;
  /** Waits for the statements under way, then ends every connection. */
  close(): Promise<void>;
}

/** Prisma joins what is asked for in this way at one moment, by a mutation, too, into a single statement. */
const joined = <A, R>({ args, query }: { args: A; query: (args: A) => R }): R => notCancelled(() => query(args));

/** On two cores, 16 connections did more payments in a second than 64. */
const POOL_SIZE = 16;
/** The longest that a statement may run. */
const STATEMENT_MS = 30_000;
/** A server that has not answered by then has not ended the statement either: it cannot be reached any more. */
const ANSWER_MS = STATEMENT_MS + 5_000;
/** A transaction that is open hides the events behind it. No longer than what a reader of the log counts on. */
const TRANSACTION_MS = 45_000;

export interface DatabaseOptions {
  /** Told of a connection that broke while idle: the pool replaces it, so it is news, not a failure. */
  readonly onError: (error: Error) => void;
  readonly onUndone?: OnUndone;
  readonly poolSize?: number | undefined;
  readonly transactionsAtOnce?: number;
  /** Makes spans of statements and of what is done together, if it is tracing. */
  readonly telemetry?: Telemetry;
  /** How long a server may take to answer, in a test. */
  readonly answerMs?: number;
  /** Looks at each new connection before it is used. One at which this throws is not. */
  readonly onConnect?: (client: pg.ClientBase) => Promise<void>;
}

/** Opens the pool. Nothing connects before the first statement. */
export function openDatabase(target: ConnectionTarget, options: DatabaseOptions): Database {
  let closing = false;
  // A pool has ended before its sockets are closed: what a server that stops then says to them is no news.
  const onError = (error: Error): void => {
    if (!closing) options.onError(error);
  };
  const connection: pg.ClientConfig = {
    ...(typeof target === 'string' ? { connectionString: target } : target),
    application_name: 'tender',
    // Statements that do not wait for each other take one round trip, and each begins when the one before it has ended.
    pipeline: true,
    connectionTimeoutMillis: 10_000,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    // A process that freezes in a transaction holds a payment's lock and the horizon of the event log no longer.
    idle_in_transaction_session_timeout: 30_000,
    lock_timeout: 15_000,
    statement_timeout: STATEMENT_MS,
  };
  const answerMs = options.answerMs ?? ANSWER_MS;
  const pool = new pg.Pool({
    ...connection,
    max: options.poolSize ?? POOL_SIZE,
    // oxlint-disable-next-line typescript/no-misused-promises -- the pool waits for it, which its types do not say
    onConnect: async (client) => {
      timeAnswers(client, answerMs);
      await limitTransactions(client);
      await options.onConnect?.(client);
    },
  });
  makeCancellable(pool, { ...connection, query_timeout: answerMs }, onError);
  pool.on('error', onError);
  pool.on('connect', (client) => {
    client.on('error', onError);
  });
  const together = workTogether(pool, {
    atOnce: options.transactionsAtOnce ?? TRANSACTIONS_AT_ONCE,
    onUndone: options.onUndone ?? (() => {}),
  });
  const telemetry = options.telemetry?.isTracing === true ? options.telemetry : undefined;
  if (telemetry !== undefined) traceStatements(pool, telemetry);
  const adapter = new PrismaPg(pool, {
    statementNameGenerator: ({ sql }) => statementName(sql),
    onPoolError: onError,
    onConnectionError: onError,
  });
  const prisma = new PrismaClient({ adapter }).$extends({
    query: { $allModels: { findUnique: joined, findUniqueOrThrow: joined } },
  }) as unknown as PrismaClient;
  return {
    pool,
    prisma,
    together: telemetry === undefined ? together : traceTransactions(together, telemetry),
    ask: askOn(pool),
    askWhose: askOn(pool),
    async close() {
      closing = true;
      await prisma.$disconnect();
      await pool.end();
    },
  };
}

/** PostgreSQL has had this limit since its release 17; before, one that is busy all the time is not limited. */
async function limitTransactions(client: pg.ClientBase): Promise<void> {
  await client.query(
    `SELECT set_config(name, '${TRANSACTION_MS}', false) FROM pg_settings WHERE name = 'transaction_timeout'`,
  );
}
