import { randomBytes, randomInt } from 'node:crypto';
import { expireKeys } from './due/keys.ts';
import { receiveNotification } from './due/notifications.ts';
import { applyNotifications, forgetNotifications } from './due/processor-notifications.ts';
import { runDuePayments } from './due/payments.ts';
import { Bookkeeper } from './due/reconciliation.ts';
import { recoverDue } from './due/recover.ts';
import { startRounds, type Round } from './due/rounds.ts';
import { forgetDeliveries, WebhookCourier } from './due/webhooks.ts';
import { HUMAN_IDS, humanIdOf } from './domain/human-id.ts';
import { uuidv7 } from './domain/ids.ts';
import { TRANSPORT_DEFAULTS, type TransportSettings } from './domain/transport-limits.ts';
import { networkReader } from './http/address.ts';
import { challenge, CHALLENGE_PATH } from './http/challenge.ts';
import type { Demo } from './http/explorer.ts';
import { hosted } from './http/hosted.ts';
import { DEFAULT_LIMITS, type Limits } from './domain/limits.ts';
import { Readiness, readyz } from './http/health.ts';
import { Metrics } from './http/metrics.ts';
import { notifications, type Refusal } from './http/notifications.ts';
import { Observation } from './http/observation.ts';
import { receipt } from './http/receipt.ts';
import { startServer, type GatewayServer } from './http/server.ts';
import type { TrustedDocuments } from './http/trusted-documents.ts';
import { Circuits } from './payments/circuits.ts';
import { Connections } from './payments/connections.ts';
import type { Gateway, Settings } from './payments/gateway.ts';
import { createKeyring } from './payments/keyring.ts';
import type { Observer } from './payments/observer.ts';
import type { Reconciler } from './payments/reconcile.ts';
import { countMissing } from './postgres/migrations.ts';
import type { Connector } from './processors/account-port.ts';
import type { Notification, Processor } from './processors/port.ts';
import { SandboxBooks } from './processors/sandbox/books.ts';
import { deliverNotifications } from './processors/sandbox/notifications.ts';
import { Sandbox, type SandboxOptions } from './processors/sandbox/sandbox.ts';
import { gather } from './store/gather.ts';
import { openDatabase, type ConnectionTarget, type Database } from './store/database.ts';
import { explainShortage, readCapacity } from './store/capacity.ts';
import { Epochs, type PresentEpoch } from './store/epoch.ts';
import { CHANNEL, EventFeed } from './store/event-feed.ts';
import { KeyUses } from './store/key-uses.ts';
import { countSealedOtherwise } from './store/processor-accounts.ts';
import { stopApp, STOP_TIMES, type StopTimes } from './stop.ts';
import { Telemetry, type Logger, type Tracer } from './telemetry.ts';
import { resolveByDns, resolveHere, type Resolve } from './webhooks/resolve.ts';

export interface AppOptions {
  readonly database: ConnectionTarget;
  readonly secret: string;
  /** Secrets whose work is taken, too: those of before, or the next one. */
  readonly otherSecrets?: readonly string[] | undefined;
  readonly host: string;
  readonly port: number;
  /** Where payers reach this gateway; the address that it listens on if it is left out. */
  readonly publicUrl?: string | undefined;
  readonly log: Logger;
  /** Where spans go; left out, there are none. */
  readonly tracer?: Tracer | undefined;
  /** What this replica does; everything if it is left out. */
  readonly role?: Role;
  /** Connections to the database, at most. */
  readonly poolSize?: number;
  /** The names of the migrations without which this build is not ready. */
  readonly migrations?: readonly string[];
  /** Which build this is; "unknown" if it is left out. */
  readonly commit?: string;
  /** Makes sure of the demo account and tells its key; left out, there is none. */
  readonly demo?: (gateway: Gateway) => Promise<Demo>;
  readonly sandbox?: SandboxOptions & { readonly interpose?: Interposition };
  /** Who has it may read the metrics; left out, nobody may. */
  readonly metricsToken?: string | undefined;
  /** The kinds of processors of which merchants may have accounts. */
  readonly connectors?: readonly Connector[];
  readonly settings?: Partial<Settings>;
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

/** What stands between the gateway and the sandbox: the faults of a test, for instance. */
export interface Interposition {
  processor(sandbox: Processor): Processor;
  receive(receive: Receive): Receive;
}

type Receive = (notification: Notification) => Promise<void>;

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

const DAY_MS = 24 * 3_600_000;

/** What compares a processor's books without a gateway around it: the command of tools/reconcile.ts. */
export function createReconciler(
  database: Database,
  { secret, otherSecrets, connectors = [], log }: Pick<AppOptions, 'secret' | 'otherSecrets' | 'connectors' | 'log'>,
): Reconciler {
  const sandbox = new Sandbox(new SandboxBooks(database.pool));
  const keyring = createKeyring(secret, otherSecrets);
  return {
    database,
    processors: new Connections({ sandbox, connectors, database, keyring }),
    now: () => new Date(),
    newId,
    report: (message, details) => log.warn(details, message),
  };
}

/** A UUIDv7 for a new row. */
export function newId(): string {
  return uuidv7(Date.now(), randomBytes(10));
}

/** Puts the gateway together and starts it on a database that is migrated already. This is the only wiring. */
export async function startApp(options: AppOptions): Promise<App> {
  const { log } = options;
  const telemetry = new Telemetry(options.tracer);
  const metrics = new Metrics();
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
    const gateway = createGateway(database, events, {
      ...options,
      telemetry,
      observer: metrics,
      epoch,
      publicUrl,
      sandbox: sandboxOf(books, options.sandbox, publicUrl),
    });
    await events.start();
    await tellSealed(gateway);
    const demo = await options.demo?.(gateway);
    const { host, port, production = false, explorer = !production, trustedDocuments } = options;
    const limits = { ...DEFAULT_LIMITS, ...options.limits };
    metrics.watch({ ...gateway, feed: events });
    const refusals = new Map<Refusal, number>();
    const onRefused = (reason: Refusal): void => {
      metrics.notificationRefused(reason);
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
    if (options.metricsToken !== undefined) pages.push(metrics.page(options.metricsToken));
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
      observation: new Observation({ telemetry, metrics, log, newId }),
    });
    url = options.publicUrl ?? server.url;
    const courier = new WebhookCourier(gateway, { resolve: resolverOf(gateway, options), random: Math.random });
    const bookkeeper = new Bookkeeper(gateway);
    const rounds: Round[] =
      role === 'api'
        ? []
        : [
            { name: 'reconciliation', everyMs: 2_000, run: ({ stopping }) => bookkeeper.run(stopping) },
            ...roundsOf(gateway, books, options.sandbox?.interpose),
            { name: 'webhooks', everyMs: 1_000, run: () => courier.run() },
          ];
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

function sandboxOf(books: SandboxBooks, options: AppOptions['sandbox'], url: () => string): Processor {
  const challengeUrl = (chargeId: string): string => `${url()}${CHALLENGE_PATH}${chargeId}`;
  const sandbox = new Sandbox(books, { challengeUrl, ...options });
  return options?.interpose?.processor(sandbox) ?? sandbox;
}

function roundsOf(gateway: Gateway, books: SandboxBooks, interpose: Interposition | undefined): Round[] {
  const receive: Receive = (notification) => receiveNotification(gateway, notification);
  const interposed = interpose?.receive(receive) ?? receive;
  return [
    { name: 'recovery', everyMs: 1_000, run: (stop) => recoverDue(gateway, stop) },
    { name: 'due payments', everyMs: 1_000, run: (stop) => runDuePayments(gateway, stop) },
    { name: 'expiry of keys', everyMs: 60_000, run: () => expireKeys(gateway) },
    { name: 'processor notifications', everyMs: 500, run: (stop) => applyNotifications(gateway, stop) },
    { name: 'retention of notifications', everyMs: 60_000, run: () => forgetNotifications(gateway) },
    { name: 'retention of webhooks', everyMs: 60_000, run: () => forgetDeliveries(gateway) },
    { name: 'sandbox', everyMs: 250, run: () => deliverNotifications(books, interposed) },
  ];
}

function createGateway(
  database: Database,
  feed: EventFeed,
  options: Pick<AppOptions, 'secret' | 'otherSecrets' | 'log' | 'settings' | 'commit' | 'connectors'> & {
    readonly telemetry: Telemetry;
    readonly observer: Observer;
    readonly epoch: PresentEpoch;
    readonly publicUrl: () => string;
    readonly sandbox: Processor;
  },
): Gateway {
  const { log, telemetry, observer, epoch, sandbox, publicUrl, connectors = [] } = options;
  const keyring = createKeyring(options.secret, options.otherSecrets);
  return {
    database,
    processors: new Connections({ sandbox, connectors, database, keyring }),
    circuits: new Circuits(
      () => performance.now(),
      (processorAccountId, { state: from }, { state: to }) =>
        log.warn({ processorAccountId, from, to }, 'the circuit of a processor account has changed'),
    ),
    telemetry,
    observer,
    keyring,
    keyUses: new KeyUses(database),
    get epoch() {
      return epoch.current;
    },
    settings: settingsOf(options.settings),
    publicUrl,
    now: () => new Date(),
    newId,
    newHumanId: () => humanIdOf(randomInt(HUMAN_IDS)),
    commit: options.commit ?? 'unknown',
    // What the feed reads, and when it reads next, is not for the request that woke it.
    eventsAppended: () => telemetry.outside(() => feed.appended()),
    report: (message, details) => log.warn(details, message),
    note: (message, details) => log.info(details, message),
  };
}

function settingsOf(given: Partial<Settings> = {}): Settings {
  const settings: Settings = {
    idempotencyRetentionMs: 30 * DAY_MS,
    recoveryDelayMs: 5_000,
    leaseMs: 30_000,
    raiseAfterMs: DAY_MS,
    eventRetentionMs: 30 * DAY_MS,
    lateSuccessLookMs: DAY_MS / 24,
    keyLookMs: 5_000,
    webhookPrivateNetworks: false,
    webhookTimeoutMs: 15_000,
    ...given,
  };
  if (settings.recoveryDelayMs < 1 || settings.recoveryDelayMs > 30_000) {
    throw new Error('recovery first asks 1 to 30,000 ms after the deadline of a call');
  }
  return settings;
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
