import { WebSocket } from 'ws';
import { nowMs, serve } from './process.ts';

/** Who is connected to both servers, and notes when what arrives. It speaks graphql-transport-ws by hand: that is fast. */
export type SubscribersCalls = typeof calls;

type Peer = 'gateway' | 'raw';

/** What arrived: the n-th entry of each is of one message; of texts that are all the same, only one is told. */
export interface Arrivals {
  readonly atMs: Float64Array;
  readonly subscriber: Int32Array;
  readonly texts: readonly string[];
}

export interface ConnectOptions {
  readonly url: string;
  readonly key: string;
  readonly query: string;
  /** One per subscriber. */
  readonly variables: readonly Record<string, unknown>[];
  /** How many subscribers there are before these. */
  readonly after: number;
}

/** So many connect at once. */
const AT_ONCE = 64;
const PATIENCE_MS = 60_000;

const inbox: Record<Peer, { at: number; subscriber: number; text: string }[]> = { gateway: [], raw: [] };
const sockets: Record<Peer, WebSocket[]> = { gateway: [], raw: [] };
const arrived: Record<Peer, () => void> = { gateway: () => {}, raw: () => {} };
let connected = 0;

const calls = {
  /** Subscribes, until each has had its first message. @returns how long it took */
  async subscribe(options: ConnectOptions): Promise<number> {
    const { after, variables } = options;
    return connectAll('gateway', { after, count: variables.length }, (index) => subscribe(options, index));
  },
  async connectRaw({ url, after, count }: { url: string } & Stretch): Promise<number> {
    return connectAll('raw', { after, count }, async (index) => {
      const socket = new WebSocket(`${url}/${index}`, { perMessageDeflate: false });
      socket.on('message', (data: Buffer) => note('raw', index, data));
      await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
      return socket;
    });
  },
  progress: (): number => connected,
  /** Waits until so many messages have come since the last time. @throws if they do not come */
  async take({ peer, count }: { peer: Peer; count: number }): Promise<Arrivals> {
    const box = inbox[peer];
    if (box.length < count) {
      const all = Promise.withResolvers<void>();
      arrived[peer] = () => {
        if (box.length >= count) all.resolve();
      };
      const timer = setTimeout(() => {
        all.reject(new Error(`of ${count} messages of the ${peer}, ${box.length} have come in ${PATIENCE_MS} ms`));
      }, PATIENCE_MS);
      await all.promise.finally(() => clearTimeout(timer));
    }
    const taken = box.splice(0);
    return {
      atMs: Float64Array.from(taken, ({ at }) => at),
      subscriber: Int32Array.from(taken, ({ subscriber }) => subscriber),
      texts: taken.every(({ text }) => text === taken[0]?.text)
        ? taken.slice(0, 1).map(({ text }) => text)
        : taken.map(({ text }) => text),
    };
  },
  async leave(): Promise<void> {
    const all = [...sockets.gateway.splice(0), ...sockets.raw.splice(0)];
    await Promise.all(
      all.map(async (socket) => {
        const closed = new Promise((resolve) => socket.once('close', resolve));
        socket.close();
        await closed;
      }),
    );
  },
};

/** So many subscribers, after so many others. */
interface Stretch {
  readonly after: number;
  readonly count: number;
}

async function connectAll(
  peer: Peer,
  { after, count }: Stretch,
  connect: (index: number) => Promise<WebSocket>,
): Promise<number> {
  const begun = nowMs();
  connected = after;
  let next = after;
  const worker = async (): Promise<void> => {
    for (let index = next++; index < after + count; index = next++) {
      sockets[peer][index] = await connect(index);
      connected++;
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return nowMs() - begun;
}

function subscribe({ url, key, query, variables, after }: ConnectOptions, index: number): Promise<WebSocket> {
  const begun = Promise.withResolvers<WebSocket>();
  const socket = new WebSocket(url.replace('http', 'ws'), 'graphql-transport-ws', { perMessageDeflate: false });
  const say = (message: object): void => socket.send(JSON.stringify(message));
  let hasBegun = false;
  socket.on('open', () => say({ type: 'connection_init', payload: { authorization: `Bearer ${key}` } }));
  socket.on('error', begun.reject);
  socket.on('close', (code) => begun.reject(new Error(`the gateway closed a socket: ${code}`)));
  socket.on('message', (data: Buffer) => {
    if (hasBegun) {
      note('gateway', index, data);
      return;
    }
    const { type, payload } = JSON.parse(String(data)) as { type: string; payload?: { errors?: unknown } };
    if (type === 'connection_ack') {
      say({ id: '1', type: 'subscribe', payload: { query, variables: variables[index - after] } });
    } else if (type === 'next' && payload?.errors === undefined) {
      hasBegun = true;
      begun.resolve(socket);
    } else {
      begun.reject(new Error(`the gateway refused a subscription: ${String(data)}`));
    }
  });
  return begun.promise;
}

function note(peer: Peer, subscriber: number, data: Buffer): void {
  inbox[peer].push({ at: nowMs(), subscriber, text: data.toString('latin1') });
  arrived[peer]();
}

serve(calls);
