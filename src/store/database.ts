import { createHash } from 'node:crypto';
import { PrismaPg } from '@prisma/adapter-pg';
import pg from 'pg';
import { PrismaClient } from '../../generated/prisma/client.ts';
import type { Telemetry } from '../telemetry.ts';
import { traceStatements } from './statement-spans.ts';

/** Where a PostgreSQL is reached: a URL, or the parts of one (a Unix socket's directory is a host). */
export type ConnectionTarget =
  | string
  | Readonly<Pick<pg.ClientConfig, 'host' | 'port' | 'user' | 'password' | 'database'>>;

/** The one pool of a process, and Prisma on top of it. */
export interface Database {
  readonly pool: pg.Pool;
  readonly prisma: PrismaClient;
  /** Waits for the statements under way, then ends every connection. */
  close(): Promise<void>;
}

/** On two cores, 16 connections did more payments in a second than 64. */
const POOL_SIZE = 16;

/**
 * Opens the pool. Nothing connects before the first statement.
 * @param onError told of a connection that broke while idle: the pool replaces it, so it is news, not a failure
 */
export function openDatabase(
  target: ConnectionTarget,
  options: {
    readonly onError: (error: Error) => void;
    readonly poolSize?: number;
    /** Makes spans of statements, if it is tracing. */
    readonly telemetry?: Telemetry;
  },
): Database {
  let closing = false;
  // A pool has ended before its sockets are closed: what a server that stops then says to them is no news.
  const onError = (error: Error): void => {
    if (!closing) options.onError(error);
  };
  const pool = new pg.Pool({
    ...(typeof target === 'string' ? { connectionString: target } : target),
    max: options.poolSize ?? POOL_SIZE,
    application_name: 'tender',
    connectionTimeoutMillis: 10_000,
    keepAlive: true,
    // A process that freezes in a transaction holds a payment's lock and the horizon of the event log no longer.
    idle_in_transaction_session_timeout: 30_000,
    lock_timeout: 15_000,
    statement_timeout: 30_000,
  });
  pool.on('error', onError);
  pool.on('connect', (client) => {
    client.on('error', onError);
  });
  if (options.telemetry?.isTracing === true) traceStatements(pool, options.telemetry);
  const adapter = new PrismaPg(pool, {
    statementNameGenerator: ({ sql }) => statementName(sql),
    onPoolError: onError,
    onConnectionError: onError,
  });
  const prisma = new PrismaClient({ adapter });
  return {
    pool,
    prisma,
    async close() {
      closing = true;
      await prisma.$disconnect();
      await pool.end();
    },
  };
}

/** A name that stands for one text, so that PostgreSQL plans it once per connection. */
export function statementName(sql: string): string {
  return createHash('sha1').update(sql).digest('base64url');
}
