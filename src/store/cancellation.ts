import { AsyncLocalStorage } from 'node:async_hooks';
import pg from 'pg';

const signals = new AsyncLocalStorage<AbortSignal | undefined>();

/**
 * Runs work whose statements end with a signal: after it none begins, and those under way are cancelled. It is for reading:
 * what writes is never cut off in the middle.
 */
export function cancelledBy<T>(signal: AbortSignal, work: () => T): T {
  return signals.run(signal, work);
}

/** The signal that what runs now is to end with; undefined where there is none. */
export function ownSignal(): AbortSignal | undefined {
  return signals.getStore();
}

/**
 * Runs a statement that may be joined with another operation's: begun in time, it goes on to its end.
 * @throws the signal's reason, if that was given
 */
export function notCancelled<T>(work: () => T): T {
  signals.getStore()?.throwIfAborted();
  return signals.run(undefined, work);
}

/** Has the statements of a pool heed the signal that they run under. */
export function makeCancellable(pool: pg.Pool, options: pg.ClientConfig, onError: (error: Error) => void): void {
  const query = pool.query.bind(pool) as (...statement: unknown[]) => unknown;
  const cancel = createCancel(options, onError);
  pool.query = ((...statement: unknown[]) => {
    const signal = signals.getStore();
    return signal === undefined ? query(...statement) : queryUntil(pool, signal, statement, cancel);
  }) as typeof pool.query;
}

type Cancel = (processId: number) => Promise<void>;

async function queryUntil(pool: pg.Pool, signal: AbortSignal, statement: unknown[], cancel: Cancel): Promise<unknown> {
  signal.throwIfAborted();
  const client = await pool.connect();
  let cancelling: Promise<void> | undefined;
  const onAbort = (): void => {
    cancelling = cancel(processIdOf(client));
  };
  let broken: Error | undefined;
  try {
    signal.throwIfAborted();
    signal.addEventListener('abort', onAbort, { once: true });
    return await (client.query as (...args: unknown[]) => Promise<unknown>)(...statement);
  } catch (error) {
    // As the pool itself does: after an error, the connection is not used again.
    if (!signal.aborted || cancelling !== undefined) broken = error as Error;
    throw error;
  } finally {
    signal.removeEventListener('abort', onAbort);
    if (cancelling === undefined) client.release(broken);
    // The cancellation may come late: it must not meet the statement of another on the same connection.
    else void cancelling.then(() => client.release(true));
  }
}

/** @types/pg does not know it; PostgreSQL tells it to every connection. */
function processIdOf(client: pg.PoolClient): number {
  const { processID } = client as pg.PoolClient & { processID?: unknown };
  if (typeof processID !== 'number') throw new Error('a connection that runs statements has a process');
  return processID;
}

/** The pool may have no connection left, which is when it counts: those that are cancelled together share one of their own. */
function createCancel(options: pg.ClientConfig, onError: (error: Error) => void): Cancel {
  let next: { readonly processIds: number[]; readonly sent: Promise<void> } | undefined;
  const send = async (processIds: readonly number[]): Promise<void> => {
    next = undefined;
    const client = new pg.Client(options);
    client.on('error', onError);
    try {
      await client.connect();
      await client.query('SELECT pg_cancel_backend(pid) FROM unnest($1::int[]) AS running(pid)', [processIds]);
    } catch (error) {
      // The statement ends at its own time limit then.
      onError(error as Error);
    } finally {
      await client.end().catch(onError);
    }
  };
  return (processId) => {
    if (next === undefined) {
      const processIds: number[] = [];
      next = { processIds, sent: Promise.resolve().then(() => send(processIds)) };
    }
    next.processIds.push(processId);
    return next.sent;
  };
}
