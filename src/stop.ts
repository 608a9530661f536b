import type { Rounds } from './due/rounds.ts';
import type { WebhookCourier } from './due/webhooks.ts';
import type { Readiness } from './http/health.ts';
import type { GatewayServer } from './http/server.ts';
import type { Database } from './store/database.ts';
import type { EventFeed } from './store/event-feed.ts';
import type { Logger } from './telemetry.ts';

/** How long a stop may take, in milliseconds. */
export interface StopTimes {
  /** For so long requests are still taken, while /readyz says 503: a load balancer has to notice. */
  readonly drainMs: number;
  /** For all of it. More than `drainMs`. */
  readonly stopMs: number;
}

/** Where no load balancer asks. */
export const STOP_TIMES: StopTimes = { drainMs: 0, stopMs: 25_000 };

/** What is handed back when the time is over has so long to reach the database. */
const HAND_BACK_MS = 2_000;

/** The parts of a gateway that have to end. */
export interface Parts {
  readonly readiness: Readiness;
  readonly server: GatewayServer;
  readonly courier: WebhookCourier;
  readonly due: Rounds;
  readonly feed: EventFeed;
  readonly database: Database;
  readonly log: Logger;
  /** What is done last, while there is a database. */
  readonly atEnd: () => Promise<void>;
}

/**
 * Stops a gateway so that nobody notices who can go to another one. What is due is begun no more; requests are taken for
 * `drainMs`, and then only those under way; their calls to processors are waited for.
 * @returns whether everything has ended; if not, the time was over: what is left was cut, its leases are handed back, and
 * the connections to the database are still open
 */
export async function stopApp(parts: Parts, { drainMs, stopMs }: StopTimes): Promise<boolean> {
  const { readiness, server, courier, due, feed, database, log, atEnd } = parts;
  readiness.stop();
  server.letGo();
  // What is due is another replica's from now on.
  const dueEnded = Promise.all([courier.stop(), due.stop()]);
  const isOver = after(stopMs);
  try {
    await after(drainMs).promise;
    const ended = Promise.all([server.stop(), dueEnded]).then(() => true);
    if (await Promise.race([ended, isOver.promise])) {
      await atEnd();
      await feed.stop();
      await database.close();
      return true;
    }
  } finally {
    isOver.forget();
  }
  log.warn(
    { ...server.left(), due: due.underWay().join(', ') },
    'the time to stop is over, and not everything has ended',
  );
  due.giveUp();
  server.destroy();
  const handedBack = after(HAND_BACK_MS);
  await Promise.race([dueEnded, handedBack.promise]);
  handedBack.forget();
  void feed.stop();
  return false;
}

function after(ms: number): { readonly promise: Promise<false>; readonly forget: () => void } {
  const { promise, resolve } = Promise.withResolvers<false>();
  const timer = setTimeout(() => resolve(false), ms);
  return { promise, forget: () => clearTimeout(timer) };
}
