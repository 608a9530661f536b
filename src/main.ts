import { join } from 'node:path';
import { startApp, type App } from './app.ts';
import { commitOf } from './build.ts';
import { ConfigError, readConfig, type Config } from './config.ts';
import { readOrMakeDemo, readOrMakeSecret } from './demo.ts';
import { ListenError } from './http/server.ts';
import { readTrustedDocuments, TrustedDocumentsError } from './http/trusted-documents.ts';
import { startCluster, type Cluster } from './postgres/cluster.ts';
import { defaultDataDirectory } from './postgres/directories.ts';
import { DatabaseSetupError } from './postgres/errors.ts';
import { applyMigrations, migrationNames, requireMigrations } from './postgres/migrations.ts';
import { deferredStripe } from './processors/stripe/deferred.ts';
import { PoolTooLargeError } from './store/capacity.ts';
import { createLogger, type Logger, type Tracer } from './telemetry.ts';

const CHECKOUT = join(import.meta.dirname, '..');
const MIGRATIONS = join(CHECKOUT, 'prisma', 'migrations');

/** A running gateway and how to end it. */
interface Running {
  readonly app: App;
  readonly cluster: Cluster | undefined;
}

const say = (text: string): void => void process.stdout.write(`${text}\n`);

async function start(config: Config, log: Logger): Promise<Running> {
  const { databaseUrl, secret, otherSecrets, host, port, publicUrl } = config;
  const commit = config.commit ?? commitOf(CHECKOUT);
  const settings = {
    idempotencyRetentionMs: config.keyRetentionDays * 24 * 3_600_000,
    eventRetentionMs: config.eventRetentionDays * 24 * 3_600_000,
    raiseAfterMs: config.raiseAfterHours * 3_600_000,
    recoveryDelayMs: config.recoveryDelaySeconds * 1_000,
    webhookPrivateNetworks: config.webhooksPrivateNetworks,
  };
  const sandbox = { settlementMs: config.sandboxSettlementSeconds * 1_000 };
  const { stripeApiUrl, metricsToken, transport } = config;
  const connectors = [deferredStripe(stripeApiUrl === undefined ? {} : { apiUrl: stripeApiUrl })];
  const { limits, production, explorer } = config;
  const trustedDocuments =
    config.trustedDocuments === undefined
      ? undefined
      : { documents: readTrustedDocuments(config.trustedDocuments), only: config.trustedDocumentsOnly };
  const migrations = migrationNames(MIGRATIONS);
  const tracer = await tracerOf(config, commit, log);
  const options = {
    tracer,
    migrations,
    otherSecrets,
    host,
    port,
    publicUrl,
    log,
    settings,
    connectors,
    metricsToken,
    sandbox,
    commit,
    role: config.role,
    poolSize: config.poolSize,
    transport,
    limits,
    production,
    explorer,
    trustedDocuments,
  };
  if (databaseUrl !== undefined && secret !== undefined) {
    const target = { database: databaseUrl, directory: MIGRATIONS };
    await (config.migrates ? applyMigrations(target) : requireMigrations(target));
    return { app: await startApp({ ...options, database: databaseUrl, secret }), cluster: undefined };
  }
  const directory = config.dataDirectory ?? defaultDataDirectory(CHECKOUT);
  const cluster = await startCluster({ directory, log: (line) => log.info(line) });
  try {
    await applyMigrations({ database: cluster.connection, directory: MIGRATIONS });
    const app = await startApp({
      ...options,
      database: cluster.connection,
      secret: secret ?? (await readOrMakeSecret(directory)),
      demo: (gateway) => readOrMakeDemo(gateway, directory),
    });
    cluster.announce(app.server.url);
    return { app, cluster };
  } catch (error) {
    await cluster.stop();
    throw error;
  }
}

/** The libraries of tracing are loaded where it is switched on, and nowhere else. */
async function tracerOf(config: Config, commit: string, log: Logger): Promise<Tracer | undefined> {
  const { traceEndpoint: endpoint, traceRatio: ratio, serviceName } = config;
  if (endpoint === undefined) return undefined;
  const { createTracer } = await import('./tracing.ts');
  const onError = ({ name }: Error): void => log.warn({ name }, 'traces cannot be sent');
  return createTracer({ endpoint, ratio, serviceName, commit, onError });
}

/** What the console shows once the gateway is up. */
function greet({ app }: Running, { explorer }: Config): void {
  const endpoint = `${app.server.url}/graphql`;
  say(`\nTender is up.\n\n  ${explorer ? 'GraphQL and GraphiQL' : 'GraphQL             '}   ${endpoint}`);
  if (app.demo === undefined) {
    say('\nCtrl-C ends it.\n');
    return;
  }
  const query =
    'mutation($input: CreatePaymentInput!) { createPayment(input: $input) { __typename ... on CreatePaymentPayload { payment { id status amount { decimal currency } } } ... on Error { code message path } } }';
  const input = {
    idempotencyKey: 'my-first-payment',
    amount: 4999,
    currency: 'EUR',
    process: true,
    card: { number: '4242424242424242', expMonth: 12, expYear: new Date().getUTCFullYear() + 8, cvc: '123' },
  };
  say(`  Test key               ${app.demo.key}

Take a payment:

  curl -s ${endpoint} \\
    -H 'authorization: Bearer ${app.demo.key}' -H 'content-type: application/json' \\
    -d '${JSON.stringify({ query, variables: { input } })}'

Ctrl-C ends it, its database included.
`);
}

/** npm passes on the Ctrl-C that its child has had from the terminal already: for so long it is the same one. */
const SAME_SIGNAL_MS = 1_000;

/**
 * Ends everything on a signal. During the start, and at a second signal, that is at once: the embedded database is
 * then told to end by the exit of this process.
 */
function stopOnSignal(starting: Promise<Running>, { drainSeconds, stopSeconds }: Config, log: Logger): void {
  let running: Running | undefined;
  let stoppingSince: number | undefined;
  const stop = async (code: number): Promise<void> => {
    if (stoppingSince !== undefined && performance.now() - stoppingSince < SAME_SIGNAL_MS) return;
    if (stoppingSince !== undefined || running === undefined) process.exit(130);
    stoppingSince = performance.now();
    try {
      const times = { drainMs: drainSeconds * 1_000, stopMs: stopSeconds * 1_000 };
      const hasEnded = await running.app.stop(times);
      await running.cluster?.stop();
      if (!hasEnded) process.exit(1);
    } catch (error) {
      log.error({ name: (error as Error).name }, 'the gateway did not stop as it should');
      process.exit(1);
    }
    process.exit(code);
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void stop(0));
  const watch = async (): Promise<void> => {
    running = await starting;
    await running.cluster?.exited;
    if (running.cluster === undefined || stoppingSince !== undefined) return;
    log.fatal('the embedded database ended by itself');
    await stop(1);
  };
  // Who waits for the start as well hears of its failure.
  void watch().catch(() => {});
}

try {
  const config = readConfig();
  const log = createLogger(config.logLevel, { format: config.logFormat });
  const starting = start(config, log);
  stopOnSignal(starting, config, log);
  greet(await starting, config);
} catch (error) {
  const expected = [ConfigError, DatabaseSetupError, ListenError, PoolTooLargeError, TrustedDocumentsError].some(
    (kind) => error instanceof kind,
  );
  process.stderr.write(expected ? `${(error as Error).message}\n` : `${(error as Error).stack ?? String(error)}\n`);
  process.exit(1);
}
