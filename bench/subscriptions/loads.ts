import type { GatewayCalls, Written } from './gateway.ts';
import { nowMs, type Child } from './process.ts';
import type { RawCalls } from './raw.ts';
import type { Arrivals, SubscribersCalls } from './subscribers.ts';

/** So many subscribers come first, and are not measured. */
export const WARM_UP = 100;
/** So many changes at a time, all of which are to arrive before the next. */
const TURN = 200;

export interface Extent {
  readonly subscribers: number;
  readonly seconds: number;
  /** So many payments change in a second, where each subscriber has its own. */
  readonly perSecond: number;
  readonly profile: boolean;
}

/** The processes of a load. */
export interface Scene {
  /** The gateway itself, or another one beside it. */
  readonly writer: Child<GatewayCalls>;
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
    /** Whether another gateway makes the changes, of which both peers hear from the database. */
    isElsewhere: true,
  },
  'all one feed': {
    query: `subscription { paymentEvents { cursor event { ${FIELDS} } } }`,
    variables: (): Record<string, unknown> => ({}),
    measure: measureFeed,
    paymentsFor: (subscribers: number): number => Math.min(subscribers, WARM_UP),
    isElsewhere: false,
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
async function measureFeed({ writer, raw, clients }: Scene, { subscribers, seconds }: Extent): Promise<Measured> {
  const gatewayMs: number[] = [];
  const rawMs: number[] = [];
  for (const end = nowMs() + seconds * 1_000; nowMs() < end;) {
    const { committedAtMs } = await writer.ask('write', { index: gatewayMs.length % Math.min(subscribers, WARM_UP) });
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

/** Changes of payments at random, of which both peers hear from the database and tell their subscribers. */
async function measureEach({ writer, clients }: Scene, { subscribers, seconds, perSecond }: Extent): Promise<Measured> {
  const gatewayMs: number[] = [];
  const rawMs: number[] = [];
  for (const end = nowMs() + seconds * 1_000; nowMs() < end;) {
    const written = await writer.ask('writeEach', { of: subscribers, count: TURN, perSecond });
    const [ours, theirs] = await Promise.all([
      clients.ask('take', { peer: 'gateway', count: TURN }),
      clients.ask('take', { peer: 'raw', count: TURN }),
    ]);
    checkSame(ours, theirs);
    gatewayMs.push(...sinceCommit(ours, written));
    rawMs.push(...sinceCommit(theirs, written));
  }
  return { gatewayMs, rawMs, events: gatewayMs.length, deliveries: gatewayMs.length };
}

/** @throws unless both have told the same, but for how the payment was when they read it */
function checkSame(ours: Arrivals, theirs: Arrivals): void {
  const told = eventsIn(theirs);
  if (eventsIn(ours).some((event, index) => event !== told[index])) throw new Error('the peers told other events');
}

function eventsIn({ texts }: Arrivals): string[] {
  return texts.map((text) => text.slice(0, text.indexOf('"payment":{'))).toSorted();
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
