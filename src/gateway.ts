import { CHALLENGE_PATH } from './http/challenge.ts';
import { newHumanId, newId } from './new-id.ts';
import { Circuits } from './payments/circuits.ts';
import { Connections } from './payments/connections.ts';
import type { Gateway } from './payments/gateway.ts';
import { createKeyring } from './payments/keyring.ts';
import type { Observer } from './payments/observer.ts';
import type { Reconciler } from './payments/reconcile.ts';
import { settingsOf, type Settings } from './payments/settings.ts';
import type { Connector } from './processors/account-port.ts';
import type { Notification, Processor } from './processors/port.ts';
import { SandboxBooks } from './processors/sandbox/books.ts';
import { Sandbox, type SandboxOptions } from './processors/sandbox/sandbox.ts';
import type { Database } from './store/database.ts';
import type { PresentEpoch } from './store/epoch.ts';
import type { EventFeed } from './store/event-feed.ts';
import { KeyUses } from './store/key-uses.ts';
import type { Logger, Telemetry } from './telemetry.ts';

/** What of an app's options its commands work with; the others are about who asks, and how. */
export interface GatewayOptions {
  readonly secret: string;
  /** Secrets whose work is taken, too: those of before, or the next one. */
  readonly otherSecrets?: readonly string[] | undefined;
  readonly log: Logger;
  /** Which build this is; "unknown" if it is left out. */
  readonly commit?: string;
  readonly sandbox?: SandboxOptions & { readonly interpose?: Interposition };
  /** The kinds of processors of which merchants may have accounts. */
  readonly connectors?: readonly Connector[];
  readonly settings?: Partial<Settings>;
}

/** What stands between the gateway and the sandbox: the faults of a test, for instance. */
export interface Interposition {
  processor(sandbox: Processor): Processor;
  receive(receive: Receive): Receive;
}

export type Receive = (notification: Notification) => Promise<void>;

/** What is open already when a gateway is put together. */
interface GatewayParts {
  readonly database: Database;
  readonly feed: EventFeed;
  readonly books: SandboxBooks;
  readonly telemetry: Telemetry;
  readonly observer: Observer;
  readonly epoch: PresentEpoch;
  readonly publicUrl: () => string;
}

/** What every command works with. */
export function createGateway(parts: GatewayParts, options: GatewayOptions): Gateway {
  const { database, feed, telemetry, observer, epoch, publicUrl } = parts;
  const { log, connectors = [] } = options;
  const sandbox = sandboxOf(parts, options.sandbox);
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
    newHumanId,
    commit: options.commit ?? 'unknown',
    // What the feed reads, and when it reads next, is not for the request that woke it.
    eventsAppended: () => telemetry.outside(() => feed.appended()),
    report: (message, details) => log.warn(details, message),
    note: (message, details) => log.info(details, message),
  };
}

/** What compares a processor's books without a gateway around it: the command of tools/reconcile.ts. */
export function createReconciler(
  database: Database,
  {
    secret,
    otherSecrets,
    connectors = [],
    log,
  }: Pick<GatewayOptions, 'secret' | 'otherSecrets' | 'connectors' | 'log'>,
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

function sandboxOf({ books, publicUrl }: GatewayParts, options: GatewayOptions['sandbox']): Processor {
  const challengeUrl = (chargeId: string): string => `${publicUrl()}${CHALLENGE_PATH}${chargeId}`;
  const sandbox = new Sandbox(books, { challengeUrl, ...options });
  return options?.interpose?.processor(sandbox) ?? sandbox;
}
