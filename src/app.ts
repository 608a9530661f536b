import { DEFAULT_LIMITS, type Limits } from './domain/limits.ts';
import { TRANSPORT_DEFAULTS, type TransportSettings } from './domain/transport-limits.ts';
import { receiveNotification } from './due/notifications.ts';
import { startRounds } from './due/rounds.ts';
import { timetable } from './due/timetable.ts';
import { WebhookCourier } from './due/webhooks.ts';
import { createGateway, type GatewayOptions, type Receive } from './gateway.ts';
import { networkReader } from './http/address.ts';
import { challenge } from './http/challenge.ts';
import { UNCOUNTED } from './http/counts.ts';
import type { Demo } from './http/explorer.ts';
import { Readiness, readyz } from './http/health.ts';
import { hosted } from './http/hosted.ts';
import type { Metrics } from './http/metrics.ts';
import { notifications, type Refusal } from './http/notifications.ts';
import { Observation } from './http/observation.ts';
import { receipt } from './http/receipt.ts';
import { startServer, type GatewayServer } from './http/server.ts';
import type { TrustedDocuments } from './http/trusted-documents.ts';
import { newId } from './new-id.ts';
import type { Gateway } from './payments/gateway.ts';
import { countMissing } from './postgres/migrations.ts';
import { SandboxBooks } from './processors/sandbox/books.ts';
import { stopApp, STOP_TIMES, type StopTimes } from './stop.ts';
import { explainShortage, readCapacity } from './store/capacity.ts';
import { openDatabase, type ConnectionTarget, type Database } from './store/database.ts';
import { Epochs } from './store/epoch.ts';
import { CHANNEL, EventFeed } from './store/event-feed.ts';
import { gather } from './store/gather.ts';
import { countSealedOtherwise } from './store/processor-accounts.ts';
import { Telemetry, type Logger, type Tracer } from './telemetry.ts';
import { resolveByDns, resolveHere, type Resolve } from './webhooks/resolve.ts';

export interface AppOptions extends GatewayOptions {
  readonly database: ConnectionTarget;
  readonly host: string;
  readonly port: number;
  /** Where payers reach this gateway; the address that it listens on if it is left out. */
  readonly publicUrl?: string | undefined;
  /** Where spans go; left out, there are none. */
  readonly tracer?: Tracer | undefined;
  /** What this replica does; everything if it is left out. */
  readonly role?: Role;
  /** Connections to the database, at most. */
  readonly poolSize?: number;
  /** The names of the migrations without which this build is not ready. */
  readonly migrations?: readonly string[];
  /** Makes sure of the demo account and tells its key; left out, there is none. */
  readonly demo?: (gateway: Gateway) => Promise<Demo>;
  /** Who has it may read the metrics; left out, nobody may. */
  readonly metricsToken?: string | undefined;
  /** What the transport takes, where that is not the default. */
  readonly transport?: Partial<TransportSettings>;
  /** What one operation may come to, where that is not the default. */
  readonly limits?: Partial<Limits>;
  /** Whether strangers may ask: then the schema is told to nobody without a secret key. */
  readonly production?: boolean;
  /** Whether GraphiQL is served: unless told otherwise, where it is not production. */
  readonly explorer?: boolean;
  /** Documents that clients send by their hash. */
  readonly trustedDocuments?: TrustedDocuments | undefined;
  /** How many transactions of one kind may be open at once, in a test that holds some of them. */
  readonly transactionsAtOnce?: number;
  /** How the receivers of webhooks are found, in a test. */
  readonly resolveHost?: Resolve;
}

/** One replica may serve requests only, and another do what is due; who serves still ends what it has begun. */
export type Role = 'all' | 'api' | 'worker';

export interface App {
  readonly gateway: Gateway;
  readonly server: GatewayServer;
  readonly demo: Demo | undefined;
  /**
   * Ends what is under way, and then the connections.
   * @returns whether all of it has ended; if not, the time was over, and what was left was cut and handed back
   */
  stop(times: StopTimes): Promise<boolean>;
  /** The same where nobody else is there to go to. */
  close(): Promise<void>;
}

/** Puts the gateway together and starts it on a database that is migrated already. This is the only wiring. */
export async function startApp(options: AppOptions): Promise<App> {
  const { log } = options;
  const telemetry = new Telemetry(options.tracer);
  const metrics = await metricsFor(options);
  const counts = metrics ?? UNCOUNTED;
  const { poolSize, role = 'all' } = options;
  const epoch = new Epochs((next) =>
    log.warn({ epoch: next }, 'another PostgreSQL has taken over: an epoch of events begins'),
  );
  const database = openDatabase(options.database, {
    telemetry,
    onError: (error) => log.warn({ name: error.name }, 'a database connection broke'),
    poolSize,
    onConnect: (client) => epoch.look(client),
    ...(options.transactionsAtOnce && { transactionsAtOnce: options.transactionsAtOnce }),
    onUndone: ({ name, ...error }, pieces) =>
      log.warn(
        { name, code: 'code' in error ? error.code : null, pieces },
        'payments that failed together are written one by one',
      ),
  });
  let feed: EventFeed | undefined;
  // Known once the server listens; nobody is sent anywhere before.
  let url = options.publicUrl ?? '';
  const publicUrl = (): string => url;
  try {
    const books = new SandboxBooks(database.pool, { gather, ...options.sandbox });
    await tellShortage(database, log);
    const events = new EventFeed({
      pool: database.pool,
      epoch,
      onError: (error) => log.warn({ name: error.name }, 'the event log could not be read'),
    });
    feed = events;
    const gateway = createGateway(
      { database, feed: events, books, telemetry, observer: counts, epoch, publicUrl },
      options,
    );
    await events.start();
    await tellSealed(gateway);
    const demo = await options.demo?.(gateway);
    const { host, port, production = false, explorer = !production, trustedDocuments } = options;
    const limits = { ...DEFAULT_LIMITS, ...options.limits };
    metrics?.watch({ ...gateway, feed: events });
    const refusals = new Map<Refusal, number>();
    const onRefused = (reason: Refusal): void => {
      counts.notificationRefused(reason);
      refusals.set(reason, (refusals.get(reason) ?? 0) + 1);
    };
    const transport = { ...TRANSPORT_DEFAULTS, ...options.transport };
    const networkOf = networkReader(transport.trustedProxies);
    const readiness = new Readiness({
      countMissingMigrations: () => countMissing(database.pool, options.migrations ?? []),
      nowMs: () => performance.now(),
    });
    const pages = [readyz(readiness)];
    if (role !== 'worker') {
      pages.push(challenge(books), hosted(gateway, networkOf), receipt(gateway), notifications(gateway, onRefused));
    }
    if (metrics !== undefined) pages.push(metrics.page);
    const server = await startServer({
      gateway,
      feed: events,
      log,
      host,
      port,
      demo,
      pages,
      isApi: role !== 'worker',
      limits,
      production,
      explorer,
      trustedDocuments,
      settings: transport,
      networkOf,
      observation: new Observation({ telemetry, metrics: counts, log, newId }),
    });
    url = options.publicUrl ?? server.url;
    const courier = new WebhookCourier(gateway, { resolve: resolverOf(gateway, options), random: Math.random });
    const rounds = role === 'api' ? [] : timetable(gateway, { books, courier, receive: receiverOf(gateway, options) });
    if (role !== 'worker') {
      rounds.push(
        { name: 'refused notifications', everyMs: 60_000, run: () => tellRefusals(log, refusals) },
        { name: 'use of keys', everyMs: 5_000, run: () => gateway.keyUses.write(gateway.now()) },
      );
    }
    const due = startRounds(rounds, (round, error) =>
      log.warn({ round, name: error.name }, 'a round ended with an error; it comes again'),
    );
    const atEnd = async (): Promise<void> => {
      await keepUses(gateway, log);
      await telemetry.stop();
    };
    const stop = (times: StopTimes): Promise<boolean> =>
      stopApp({ readiness, server, courier, due, feed: events, database, log, atEnd }, times);
    return {
      gateway,
      server,
      demo,
      stop,
      async close() {
        await stop(STOP_TIMES);
      },
    };
  } catch (error) {
    await feed?.stop();
    await database.close();
    throw error;
  }
}

/** The library that counts is loaded where somebody may read it: it is a tenth of what a start loads. */
async function metricsFor({ metricsToken }: AppOptions): Promise<Metrics | undefined> {
  if (metricsToken === undefined) return undefined;
  const { Metrics } = await import('./http/metrics.ts');
  return new Metrics(metricsToken);
}

/** Whoever has changed the secret hears at once what cannot be opened any more, and not with the first payment. */
async function tellSealed({ database, keyring, report }: Gateway): Promise<void> {
  const accounts = await countSealedOtherwise(
    database,
    keyring.all.map(({ id }) => id),
  );
  if (accounts > 0) report('the credentials of processor accounts were sealed with another secret', { accounts });
}

/** What was noted of keys and not written yet. Nothing fails because it cannot be. */
async function keepUses({ keyUses, now }: Gateway, log: Logger): Promise<void> {
  try {
    await keyUses.write(now(), { all: true });
  } catch (error) {
    log.warn({ name: (error as Error).name }, 'when keys were used last could not be written');
  }
}

/** @throws PoolTooLargeError */
async function tellShortage({ pool }: Database, log: Logger): Promise<void> {
  const shortage = explainShortage(await readCapacity(pool, CHANNEL), pool.options.max);
  if (shortage !== undefined) log.warn(shortage);
}

/** Whoever sends what is refused must not fill the log with it. */
function tellRefusals(log: Logger, refusals: Map<Refusal, number>): Promise<void> {
  for (const [reason, count] of refusals) log.warn({ reason, count }, 'notifications of processors were refused');
  refusals.clear();
  return Promise.resolve();
}

function resolverOf({ settings }: Gateway, { resolveHost }: Pick<AppOptions, 'resolveHost'>): Resolve {
  return resolveHost ?? (settings.webhookPrivateNetworks ? resolveHere : resolveByDns());
}

/** Takes what the sandbox tells, past whatever a test has put in between. */
function receiverOf(gateway: Gateway, { sandbox }: Pick<AppOptions, 'sandbox'>): Receive {
  const receive: Receive = (notification) => receiveNotification(gateway, notification);
  return sandbox?.interpose?.receive(receive) ?? receive;
}
