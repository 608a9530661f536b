import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Client } from 'pg';
import { applyMigrations } from '../../src/postgres/migrations.ts';
import type { Connection } from '../../src/postgres/connection.ts';
import { startTemporaryCluster } from '../../src/postgres/temporary.ts';
import type { GatewayCalls, Written } from './gateway.ts';
import { nowMs, startChild, type Child, type Usage } from './process.ts';
import type { RawCalls } from './raw.ts';
import type { Arrivals, SubscribersCalls } from './subscribers.ts';
import { machine, percentile, tableOf, type Figures, type Result } from './table.ts';

/**
 * From the commit to the last subscriber, and what a subscriber takes: the gateway beside raw sockets, to which the same
 * subscribers are connected and the same bytes are sent in turns.
 *
 *   npm run bench:subscriptions -- [--subscribers 5000] [--seconds 15] [--per-second 100] [--profile]
 */
const ROOT = join(import.meta.dirname, '..', '..');
const RESULTS = join(ROOT, 'bench', 'results');

/** Both peers at once, and some files besides. */
const DESCRIPTORS_EACH = 2;
const DESCRIPTORS_BESIDES = 100;

const WARM_UP = 100;
/** The peers take turns of so many changes. */
const TURN = 200;

const FIELDS = 'cursor id type sequence status refundStatus createdAt payment { id status sequence }';

const LOADS = {
  'each its own payment': {
    query: `subscription ($id: ID!) { paymentStatusChanged(id: $id) { ${FIELDS} } }`,
    variables: (id: string): Record<string, unknown> => ({ id }),
    measure: measureEach,
    paymentsFor: (subscribers: number): number => subscribers,
  },
  'all one feed': {
    query: `subscription { paymentEvents { cursor event { ${FIELDS} } } }`,
    variables: (): Record<string, unknown> => ({}),
    measure: measureFeed,
    paymentsFor: (subscribers: number): number => Math.min(subscribers, WARM_UP),
  },
} as const;

type Load = keyof typeof LOADS;

interface Extent {
  readonly subscribers: number;
  readonly seconds: number;
  /** So many payments change in a second, where each subscriber has its own. */
  readonly perSecond: number;
  readonly profile: boolean;
}

/** The three processes of a load. */
interface Scene {
  readonly gateway: Child<GatewayCalls>;
  readonly raw: Child<RawCalls>;
  readonly clients: Child<SubscribersCalls>;
}

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
  say(`CPU is the server's, with ${list(results)} ms for each change itself. KB is resident memory, after collection.`);
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
  const { subscribers, seconds, perSecond, profile } = extent;
  const scene: Scene = {
    gateway: startChild<GatewayCalls>('gateway.ts'),
    raw: startChild<RawCalls>('raw.ts'),
    clients: startChild<SubscribersCalls>('subscribers.ts'),
  };
  const { gateway, raw, clients } = scene;
  const { query, variables, measure, paymentsFor } = LOADS[load];
  try {
    say(`${load}: making payments`);
    const { url, key, paymentIds } = await gateway.ask('start', { database, payments: paymentsFor(subscribers) });
    const rawUrl = await raw.ask('start');
    const subscribe = (count: number): Promise<number> => {
      const given = Array.from({ length: count }, (_, index) => variables(paymentIds[index] ?? ''));
      return clients.ask('subscribe', { url, key, query, variables: given });
    };
    // Code that has run before, and memory that was taken once.
    const some = Math.min(subscribers, WARM_UP);
    await subscribe(some);
    await clients.ask('connectRaw', { url: rawUrl, subscribers: some });
    await measure(scene, { ...extent, subscribers: some, seconds: 1 });
    await clients.ask('leave');
    const cpuMsPerWrite = await cpuOfWrite(gateway, paymentIds.length, perSecond);
    const before = await usages(scene);
    if (profile) await gateway.ask('startProfile');
    const connectMs = await progress(clients, `${load}: subscribing`, subscribers, subscribe(subscribers));
    if (profile) await gateway.ask('stopProfile', profileName(load, 'connecting'));
    const rawMs = await clients.ask('connectRaw', { url: rawUrl, subscribers });
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
        kilobytes: (after[peer].rss - before[peer].rss) / 1024 / subscribers,
        connectSeconds: connecting / 1_000,
      };
    };
    return {
      load,
      events,
      gateway: figures('gateway', gatewayMs, connectMs),
      raw: figures('raw', rawTimes, rawMs),
      cpuMsPerWrite,
    };
  } finally {
    await Promise.all(Object.values(scene).map((child: Child<never>) => child.end()));
  }
}

interface Measured {
  readonly gatewayMs: readonly number[];
  readonly rawMs: readonly number[];
  readonly events: number;
  readonly deliveries: number;
}

/** One event for all, then the same bytes from the peer, and so on. */
async function measureFeed({ gateway, raw, clients }: Scene, { subscribers, seconds }: Extent): Promise<Measured> {
  const gatewayMs: number[] = [];
  const rawMs: number[] = [];
  for (const end = nowMs() + seconds * 1_000; nowMs() < end;) {
    const { committedAtMs } = await gateway.ask('write', { index: gatewayMs.length % Math.min(subscribers, WARM_UP) });
    const told = await clients.ask('take', { peer: 'gateway', count: subscribers });
    gatewayMs.push(lastOf(told, subscribers) - committedAtMs);
    const sentAtMs = await raw.ask('sendAll', told.texts[0] ?? '');
    rawMs.push(lastOf(await clients.ask('take', { peer: 'raw', count: subscribers }), subscribers) - sentAtMs);
  }
  return { gatewayMs, rawMs, events: gatewayMs.length, deliveries: gatewayMs.length * subscribers };
}

/** @throws unless each has had the one message that there was */
function lastOf({ atMs, subscriber, texts }: Arrivals, subscribers: number): number {
  if (new Set(subscriber).size !== subscribers || atMs.length !== subscribers || texts.length !== 1) {
    throw new Error('not every subscriber was told the same, once');
  }
  return atMs.reduce((last, at) => Math.max(last, at));
}

/** Changes of payments at random, then the same messages to the same subscribers from the peer, and so on. */
async function measureEach(
  { gateway, raw, clients }: Scene,
  { subscribers, seconds, perSecond }: Extent,
): Promise<Measured> {
  const gatewayMs: number[] = [];
  const rawMs: number[] = [];
  for (const end = nowMs() + seconds * 1_000; nowMs() < end;) {
    const written = await gateway.ask('writeEach', { of: subscribers, count: TURN, perSecond });
    const told = await clients.ask('take', { peer: 'gateway', count: TURN });
    gatewayMs.push(...sinceCommit(told, written));
    const messages = told.texts.map((text, index) => ({ to: told.subscriber[index] ?? 0, text }));
    const sent = await raw.ask('sendEach', { messages, perSecond });
    const { atMs } = await clients.ask('take', { peer: 'raw', count: TURN });
    rawMs.push(...sent.map((at, index) => (atMs[index] ?? Number.NaN) - at));
  }
  return { gatewayMs, rawMs, events: gatewayMs.length, deliveries: gatewayMs.length };
}

/** @throws unless every change was told to its subscriber, and nothing else */
function sinceCommit({ atMs, subscriber, texts }: Arrivals, written: readonly Written[]): number[] {
  const committed = new Map(
    written.map(({ index, sequence, committedAtMs }) => [`${index}/${sequence}`, committedAtMs]),
  );
  return texts.map((text, index) => {
    const change = `${subscriber[index]}/${/"sequence":(\d+)/.exec(text)?.[1]}`;
    const committedAtMs = committed.get(change);
    if (committedAtMs === undefined) throw new Error(`told twice, or never written: ${change}`);
    committed.delete(change);
    return (atMs[index] ?? Number.NaN) - committedAtMs;
  });
}

async function cpuOfWrite(gateway: Scene['gateway'], payments: number, perSecond: number): Promise<number> {
  const before = await gateway.ask('usage', { collect: false });
  await gateway.ask('writeEach', { of: payments, count: TURN, perSecond });
  const after = await gateway.ask('usage', { collect: false });
  return ((after.cpuSeconds - before.cpuSeconds) * 1_000) / TURN;
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

function list(results: readonly Result[]): string {
  return results.map(({ cpuMsPerWrite }) => cpuMsPerWrite.toFixed(1)).join(' and ');
}

function say(text: string): void {
  console.log(text);
}

function fail(text: string): never {
  console.error(text);
  process.exit(1);
}
