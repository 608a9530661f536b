import type { GatewayCalls, Written } from './gateway.ts';
import { nowMs, type Child } from './process.ts';
import type { RawCalls } from './raw.ts';
import type { Arrivals, SubscribersCalls } from './subscribers.ts';

/** So many subscribers come first, and are not measured. */
export const WARM_UP = 100;
/** The peers take turns of so many changes. */
const TURN = 200;

export interface Extent {
  readonly subscribers: number;
  readonly seconds: number;
  /** So many payments change in a second, where each subscriber has its own. */
  readonly perSecond: number;
  readonly profile: boolean;
}

/** The three processes of a load. */
export interface Scene {
  readonly gateway: Child<GatewayCalls>;
  readonly raw: Child<RawCalls>;
  readonly clients: Child<SubscribersCalls>;
}

const FIELDS = 'cursor id type sequence status refundStatus createdAt payment { id status sequence }';

export const LOADS = {
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

export type Load = keyof typeof LOADS;

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

/** What a change itself takes of the gateway, with nobody to tell it to: milliseconds of CPU. */
export async function cpuOfWrite(gateway: Scene['gateway'], payments: number, perSecond: number): Promise<number> {
  const before = await gateway.ask('usage', { collect: false });
  await gateway.ask('writeEach', { of: payments, count: TURN, perSecond });
  const after = await gateway.ask('usage', { collect: false });
  return ((after.cpuSeconds - before.cpuSeconds) * 1_000) / TURN;
}
