import { pino } from 'pino';
import { startApp } from '../../src/app.ts';
import { startChild, tillAt, type GatewayChild } from '../harness/crash-process.ts';
import { cloneDatabase, openPool } from '../harness/database.ts';
import type { Till } from '../harness/till.ts';

const SECRET = 'a secret of the crash tests that has more than 32 characters';

/** What a crash happens on: a database of its own, a gateway that is going to crash, and then one that does not. */
export interface Scene {
  readonly child: GatewayChild;
  /** Sends to the gateway that is going to crash. */
  readonly till: Till;
  readonly query: <R extends object>(statement: string, parameters?: readonly unknown[]) => Promise<R[]>;
  /**
   * Two hours pass, by moving what is stored: deadlines are over, and so are the leases of what a dead process had taken
   * on; a retry after an hour is due, what is pending at the processor has its result, and a charge that was given up is
   * looked for once more.
   */
  readonly letTimePass: () => Promise<void>;
  /** Starts the second gateway, in this process. @returns a merchant that sends to it */
  restart(): Promise<Till>;
}

const TWO_HOURS_PASS = `
  WITH calls AS (
    UPDATE operation SET created_at = created_at - hours, call_deadline = call_deadline - hours,
      completed_at = completed_at - hours, recover_at = recover_at - hours
    FROM (SELECT interval '2 hours' AS hours)),
  charges AS (UPDATE sandbox_charge SET next_at = next_at - interval '2 hours'),
  movements AS (UPDATE sandbox_movement SET next_at = next_at - interval '2 hours')
  UPDATE payment SET retry_at = retry_at - interval '2 hours', payment_date = payment_date - interval '2 hours',
    due_at = due_at - interval '2 hours'`;

/** @param ends what is to be ended with the scene */
export async function setScene(ends: AsyncDisposableStack): Promise<Scene> {
  const database = await cloneDatabase();
  ends.defer(() => database.drop());
  const { connection } = database;
  const child = await startChild({
    database: connection,
    secret: SECRET,
    // It does nothing by itself before it is told that time has passed.
    sandbox: { delayMs: 3_600_000, limits: { callTimeoutMs: 60_000 } },
    settings: { recoveryDelayMs: 30_000 },
  });
  ends.defer(() => child.kill());
  const pool = openPool(connection, 4);
  ends.defer(() => pool.end());
  return {
    child,
    till: tillAt(child),
    query: async <R extends object>(statement: string, parameters: readonly unknown[] = []) =>
      (await pool.query<R>(statement, [...parameters])).rows,
    async letTimePass() {
      await pool.query(TWO_HOURS_PASS);
    },
    async restart() {
      const log = pino({ level: 'silent' });
      const app = await startApp({ database: connection, secret: SECRET, host: '127.0.0.1', port: 0, log });
      ends.defer(() => app.close());
      return tillAt({ url: `${app.server.url}/graphql`, keys: child.keys });
    },
  };
}
