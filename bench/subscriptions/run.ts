import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Client } from 'pg';
import { applyMigrations } from '../../src/postgres/migrations.ts';
import type { Connection } from '../../src/postgres/connection.ts';
import { startTemporaryCluster } from '../../src/postgres/temporary.ts';
import type { GatewayCalls } from './gateway.ts';
import { LOADS, WARM_UP, type Extent, type Load, type Scene } from './loads.ts';
import { startChild, type Child, type Usage } from './process.ts';
import type { RawCalls } from './raw.ts';
import type { SubscribersCalls } from './subscribers.ts';
import { machine, percentile, tableOf, type Figures, type Result } from './table.ts';

/**
 * From the commit to the last subscriber, and what a subscriber takes: the gateway beside raw sockets, to which the same
 * subscribers are connected and which send the same.
 *
 *   npm run bench:subscriptions -- [--subscribers 5000] [--seconds 15] [--per-second 100] [--profile]
 */
const ROOT = join(import.meta.dirname, '..', '..');
const RESULTS = join(ROOT, 'bench', 'results');

/** Both peers at once, and some files besides. */
const DESCRIPTORS_EACH = 2;
const DESCRIPTORS_BESIDES = 100;

const extent = readExtent();
const cluster = await startTemporaryCluster();
try {
  await applyMigrations({ database: cluster.connection, directory: join(ROOT, 'prisma', 'migrations') });
  const about = machine(await versionOf(cluster.connection));
  say(`${about}; ${extent.subscribers} subscribers`);
  const results: Result[] = [];
  for (const load of Object.keys(LOADS) as Load[]) results.push(await runLoad(load, cluster.connection));
  say(`\n${tableOf(results)}\n`);
  say('"each its own payment": from the commit of a change to its subscriber. "all one feed": to the last of all.');
  say("CPU is the server's. KB is resident memory, after collection.");
  mkdirSync(RESULTS, { recursive: true });
  const at = new Date().toISOString();
  const file = join(RESULTS, `subscriptions-${at.replaceAll(/[:.]/g, '-')}.json`);
  writeFileSync(file, JSON.stringify({ at, machine: about, ...extent, results }, null, 2));
  say(file);
} finally {
  await cluster.stop();
}

function readExtent(): Extent {
  const { values } = parseArgs({
    options: {
      subscribers: { type: 'string', default: '5000' },
      seconds: { type: 'string', default: '15' },
      'per-second': { type: 'string', default: '100' },
      profile: { type: 'boolean', default: false },
    },
  });
  const [subscribers, seconds] = [Number(values.subscribers), Number(values.seconds)];
  if (!Number.isInteger(subscribers) || subscribers < 1) fail('--subscribers takes a whole number from 1 on.');
  if (!(seconds > 0)) fail('--seconds takes a number above 0.');
  const perSecond = Number(values['per-second']);
  if (!(perSecond > 0)) fail('--per-second takes a number above 0.');
  // Node raises its own limit as far as it may.
  const limit = openFilesMax();
  const needed = subscribers * DESCRIPTORS_EACH + DESCRIPTORS_BESIDES;
  if (limit < needed) {
    fail(
      `${subscribers} subscribers need ${needed} open files, and the limit is ${limit}: ulimit -Hn, or --subscribers.`,
    );
  }
  return { subscribers, seconds, perSecond, profile: values.profile };
}

function openFilesMax(): number {
  const report = process.report.getReport() as { userLimits?: { open_files?: { soft: number | 'unlimited' } } };
  const soft = report.userLimits?.open_files?.soft;
  return typeof soft === 'number' ? soft : Number.POSITIVE_INFINITY;
}

async function runLoad(load: Load, database: Connection): Promise<Result> {
  const { subscribers, seconds, profile } = extent;
  const { query, variables, measure, paymentsFor, isElsewhere } = LOADS[load];
  const own = startChild<GatewayCalls>('gateway.ts');
  const scene: Scene = {
    gateway: own,
    writer: isElsewhere ? startChild<GatewayCalls>('gateway.ts') : own,
    raw: startChild<RawCalls>('raw.ts'),
    clients: startChild<SubscribersCalls>('subscribers.ts'),
  };
  const { writer, gateway, raw, clients } = scene;
  try {
    say(`${load}: making payments`);
    const {
      url: writerUrl,
      key,
      paymentIds,
    } = await writer.ask('start', { database, payments: paymentsFor(subscribers) });
    const url = isElsewhere ? (await gateway.ask('start', { database, payments: 0 })).url : writerUrl;
    const rawUrl = await raw.ask('start');
    if (isElsewhere) await raw.ask('watch', { database, paymentIds });
    const subscribe = (count: number, after = 0): Promise<number> => {
      const given = Array.from({ length: count }, (_, index) => variables(paymentIds[after + index] ?? ''));
      return clients.ask('subscribe', { url, key, query, variables: given, after });
    };
    // Code that has run before, and memory that was taken once.
    const some = Math.min(subscribers, WARM_UP);
    await subscribe(some);
    await clients.ask('connectRaw', { url: rawUrl, count: some, after: 0 });
    await measure(scene, { ...extent, subscribers: some, seconds: 1 });
    await clients.ask('leave');
    if (profile) await gateway.ask('startProfile');
    // What the first ones take is mostly taken once, for however many: space for young objects, and compiled code.
    const [first, others] = [Math.floor(subscribers / 2), Math.ceil(subscribers / 2)];
    const what = `${load}: subscribing`;
    const before = await usages(scene);
    let connectMs = await progress(clients, what, subscribers, subscribe(first));
    let rawMs = await clients.ask('connectRaw', { url: rawUrl, count: first, after: 0 });
    const halfway = await usages(scene);
    connectMs += await progress(clients, what, subscribers, subscribe(others, first));
    if (profile) await gateway.ask('stopProfile', profileName(load, 'connecting'));
    rawMs += await clients.ask('connectRaw', { url: rawUrl, count: others, after: first });
    const after = await usages(scene);
    say(`${load}: measuring for ${seconds} s`);
    if (profile) await gateway.ask('startProfile');
    const { gatewayMs, rawMs: rawTimes, events, deliveries } = await measure(scene, extent);
    if (profile) await gateway.ask('stopProfile', profileName(load, 'telling'));
    const end = await usages(scene, false);
    const figures = (peer: 'gateway' | 'raw', times: readonly number[], connecting: number): Figures => {
      const sorted = times.toSorted((one, other) => one - other);
      return {
        p50Ms: percentile(sorted, 0.5),
        p99Ms: percentile(sorted, 0.99),
        maxMs: percentile(sorted, 1),
        cpuSeconds: end[peer].cpuSeconds - after[peer].cpuSeconds,
        deliveries,
        kilobytes: (after[peer].rss - halfway[peer].rss) / 1024 / others,
        kilobytesWithFirst: (after[peer].rss - before[peer].rss) / 1024 / subscribers,
        connectSeconds: connecting / 1_000,
      };
    };
    return {
      load,
      events,
      gateway: figures('gateway', gatewayMs, connectMs),
      raw: figures('raw', rawTimes, rawMs),
    };
  } finally {
    await Promise.all(Object.values(scene).map((child: Child<never>) => child.end()));
  }
}

async function usages({ gateway, raw }: Scene, collect = true): Promise<{ gateway: Usage; raw: Usage }> {
  return { gateway: await gateway.ask('usage', { collect }), raw: await raw.ask('usage', { collect }) };
}

/** Says how many are connected while it goes on. */
async function progress<T>(clients: Scene['clients'], what: string, of: number, under: Promise<T>): Promise<T> {
  const timer = setInterval(() => {
    void clients.ask('progress').then((connected) => say(`${what}: ${connected} of ${of}`));
  }, 2_000);
  return under.finally(() => clearInterval(timer));
}

function profileName(load: Load, what: string): string {
  mkdirSync(RESULTS, { recursive: true });
  return join(RESULTS, `${load.replaceAll(' ', '-')}-${what}.cpuprofile`);
}

async function versionOf(database: Connection): Promise<string> {
  const client = new Client(database);
  await client.connect();
  try {
    const { rows } = await client.query<{ server_version: string }>('SHOW server_version');
    return rows[0]?.server_version ?? 'unknown';
  } finally {
    await client.end();
  }
}

function say(text: string): void {
  console.log(text);
}

function fail(text: string): never {
  console.error(text);
  process.exit(1);
}
