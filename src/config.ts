import type { Limits } from './domain/limits.ts';
import { TRANSPORT_LIMITS, type TransportLimit, type TransportSettings } from './domain/transport-limits.ts';
import { isEverywhere, NAMES, Variables, type Values } from './variables.ts';

/** A load balancer that asks every second or two has noticed after this. */
const DRAIN_SECONDS = 5;

export interface Config {
  /** A PostgreSQL of the operator's own; without it, the embedded one is used. */
  readonly databaseUrl: string | undefined;
  readonly host: string;
  readonly logLevel: string;
  /** JSON lines for machines, or lines for people. */
  readonly logFormat: 'json' | 'pretty';
  /** Where traces are sent: a collector that speaks OTLP over HTTP. Without it there are none. */
  readonly traceEndpoint: string | undefined;
  /** Which part of the traces that begin here is kept, from 0 to 1. */
  readonly traceRatio: number;
  /** What traces call this installation. */
  readonly serviceName: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** Where the embedded database lives. */
  readonly dataDirectory: string | undefined;
  /** What the keyed hashes are derived from; the embedded default makes one and keeps it. */
  readonly secret: string | undefined;
  /** What else they may have been derived from: the secrets of before, or the next one. */
  readonly otherSecrets: readonly string[];
  /** Which build this is, where no .git tells. */
  readonly commit: string | undefined;
  /** Where payers reach the gateway, if that is not the address that it listens on. */
  readonly publicUrl: string | undefined;
  /** How long the feed of events can be resumed from one of its cursors. */
  readonly eventRetentionDays: number;
  /** How long an idempotency key is kept. */
  readonly keyRetentionDays: number;
  /** How long an unknown outcome is looked for before an operator is told. */
  readonly raiseAfterHours: number;
  /** How long after a call's deadline the processor is first asked what became of it. */
  readonly recoveryDelaySeconds: number;
  /** How long after a capture the sandbox settles it. */
  readonly sandboxSettlementSeconds: number;
  /** Who has it may read the metrics. */
  readonly metricsToken: string | undefined;
  /** What this replica does: everything, or serve requests, or what is due. */
  readonly role: 'all' | 'api' | 'worker';
  /** Whether a start applies the migrations that the database lacks. */
  readonly migrates: boolean;
  /** Connections to PostgreSQL, at most. One of them listens. */
  readonly poolSize: number;
  /** How long requests are still taken once /readyz has said 503. */
  readonly drainSeconds: number;
  /** How long a stop may take, that included. */
  readonly stopSeconds: number;
  /** Where Stripe is asked, if that is not at Stripe itself. */
  readonly stripeApiUrl: string | undefined;
  /** Whether webhooks may go to private networks, and without TLS. */
  readonly webhooksPrivateNetworks: boolean;
  /** What the transport takes at most, and from whom. */
  readonly transport: TransportSettings;
  /** What one operation may come to. */
  readonly limits: Limits;
  /** Whether strangers may ask: then the schema is told to nobody without a secret key. */
  readonly production: boolean;
  /** Whether GraphiQL is served. */
  readonly explorer: boolean;
  /** The file of documents that clients send by their hash. */
  readonly trustedDocuments: string | undefined;
  /** Whether nothing but those is executed. */
  readonly trustedDocumentsOnly: boolean;
}

/** One line for the person who started the gateway. */
export class ConfigError extends Error {}

/**
 * Reads the configuration. This is the only place that reads the environment; an unknown or malformed value ends the start
 * with one line that names the variable.
 * @throws ConfigError
 */
export function readConfig(environment: Readonly<Record<string, string | undefined>> = process.env): Config {
  const unknown = Object.keys(environment).find((name) => name.startsWith('TENDER_') && !NAMES.includes(name));
  if (unknown !== undefined) {
    throw new ConfigError(`${unknown}: there is no such setting. There are ${NAMES.join(', ')}.`);
  }
  // An empty variable counts as one that is not set.
  const given = Object.fromEntries(
    NAMES.map((name) => [name, environment[name] === '' ? undefined : environment[name]]),
  );
  const parsed = Variables.safeParse(given);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new ConfigError(`${String(issue?.path[0])}: ${issue?.message ?? 'is not valid'}`);
  }
  const { data } = parsed;
  if (data.DATABASE_URL !== undefined && data.TENDER_SECRET === undefined) {
    throw new ConfigError(
      'TENDER_SECRET: with DATABASE_URL it has to be set, to a random text of 32 characters or more that is kept outside the database.',
    );
  }
  if (data.TENDER_SECRET !== undefined && data.TENDER_OTHER_SECRETS.includes(data.TENDER_SECRET)) {
    throw new ConfigError('TENDER_OTHER_SECRETS: TENDER_SECRET is among them; they are the secrets besides it.');
  }
  checkReplica(data);
  // Where there is no database of the operator's own, there is no other replica to go to, either.
  const drainSeconds = data.TENDER_DRAIN_SECONDS ?? (data.DATABASE_URL === undefined ? 0 : DRAIN_SECONDS);
  if (drainSeconds >= data.TENDER_STOP_SECONDS) {
    throw new ConfigError(
      `TENDER_STOP_SECONDS: must be more than the ${drainSeconds} seconds of TENDER_DRAIN_SECONDS, which are a part of it.`,
    );
  }
  if (data.TENDER_TRUSTED_DOCUMENTS_ONLY === 'true' && data.TENDER_TRUSTED_DOCUMENTS === undefined) {
    throw new ConfigError(
      'TENDER_TRUSTED_DOCUMENTS_ONLY: it needs TENDER_TRUSTED_DOCUMENTS, the file that they are in.',
    );
  }
  const production = data.NODE_ENV === 'production' || data.DATABASE_URL !== undefined;
  return {
    role: data.TENDER_ROLE,
    migrates: data.TENDER_MIGRATE === 'on',
    poolSize: data.TENDER_POOL_SIZE,
    drainSeconds,
    stopSeconds: data.TENDER_STOP_SECONDS,
    databaseUrl: data.DATABASE_URL,
    host: data.HOST,
    logLevel: data.LOG_LEVEL,
    logFormat: data.TENDER_LOG_FORMAT,
    traceEndpoint: data.OTEL_EXPORTER_OTLP_ENDPOINT,
    traceRatio: data.TENDER_TRACE_RATIO,
    serviceName: data.OTEL_SERVICE_NAME,
    port: data.PORT,
    dataDirectory: data.TENDER_DATA_DIR,
    secret: data.TENDER_SECRET,
    otherSecrets: data.TENDER_OTHER_SECRETS,
    commit: data.TENDER_COMMIT,
    publicUrl: data.TENDER_PUBLIC_URL,
    eventRetentionDays: data.TENDER_EVENT_RETENTION_DAYS,
    keyRetentionDays: data.TENDER_KEY_RETENTION_DAYS,
    raiseAfterHours: data.TENDER_RAISE_AFTER_HOURS,
    recoveryDelaySeconds: data.TENDER_RECOVERY_DELAY_SECONDS,
    sandboxSettlementSeconds: data.TENDER_SANDBOX_SETTLEMENT_SECONDS,
    metricsToken: data.TENDER_METRICS_TOKEN,
    stripeApiUrl: data.TENDER_STRIPE_API_URL,
    webhooksPrivateNetworks: data.TENDER_WEBHOOKS_PRIVATE_NETWORKS === 'true',
    limits: limitsOf(data),
    production,
    explorer: data.TENDER_EXPLORER === undefined ? !production : data.TENDER_EXPLORER === 'on',
    trustedDocuments: data.TENDER_TRUSTED_DOCUMENTS,
    trustedDocumentsOnly: data.TENDER_TRUSTED_DOCUMENTS_ONLY === 'true',
    transport: transportOf(data),
  };
}

function transportOf(data: Values): TransportSettings {
  const given: Readonly<Record<string, unknown>> = data;
  const limits = Object.entries(TRANSPORT_LIMITS).map(([key, { name, scale }]) => [key, Number(given[name]) * scale]);
  return {
    ...(Object.fromEntries(limits) as Record<TransportLimit, number>),
    corsOrigins: isEverywhere(data.TENDER_CORS_ORIGINS) ? '*' : data.TENDER_CORS_ORIGINS,
    trustedProxies: data.TENDER_TRUSTED_PROXIES,
    rates: {
      key: data.TENDER_RATE_LIMIT_KEY,
      token: data.TENDER_RATE_LIMIT_TOKEN,
      address: data.TENDER_RATE_LIMIT_ADDRESS,
    },
  };
}

function limitsOf(data: Values): Limits {
  return {
    tokens: data.TENDER_MAX_TOKENS,
    depth: data.TENDER_MAX_DEPTH,
    nesting: data.TENDER_MAX_NESTING,
    aliases: data.TENDER_MAX_ALIASES,
    directives: data.TENDER_MAX_DIRECTIVES,
    duplicateFields: data.TENDER_MAX_DUPLICATE_FIELDS,
    fragments: data.TENDER_MAX_FRAGMENTS,
    cost: data.TENDER_MAX_COST,
    payerCost: data.TENDER_MAX_PAYER_COST,
    operationMs: data.TENDER_OPERATION_SECONDS * 1_000,
  };
}

/** What only makes sense for a replica among others. */
function checkReplica({ TENDER_ROLE: role, ...data }: Values): void {
  if (role !== 'all' && data.DATABASE_URL === undefined) {
    throw new ConfigError(`TENDER_ROLE: ${role} needs DATABASE_URL: nobody else can use the embedded database.`);
  }
  if (role === 'worker' && data.TENDER_PUBLIC_URL === undefined) {
    throw new ConfigError(
      'TENDER_PUBLIC_URL: with TENDER_ROLE=worker it has to be set, because payers are not led to a worker.',
    );
  }
}
