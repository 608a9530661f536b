import type { ExecutionResult } from 'graphql';
import type { Server } from 'graphql-ws';
import type { WebSocket } from 'ws';
import type { TransportSettings } from '../domain/transport-limits.ts';
import { tooSlow } from '../schema/event-stream.ts';
import type { Answers } from './shared-execution.ts';

/** Codes of our own and of graphql-ws, where a client is to know why. */
export const CLOSE = {
  /** The server goes away: its clients connect again, and reach another. */
  goingAway: 1001,
  binary: 1003,
  /** Clients of graphql-ws come again after this one. */
  tryAgainLater: 1013,
  slow: 4413,
  /** Too many of something at once. */
  tooMany: 4429,
  /** graphql-ws's own, for what it did not expect. */
  internal: 4500,
} as const;

/** How long a socket that is being closed may take to read what is on its way to it. */
export const CLOSE_TIMEOUT_MS = 10_000;

/** How long the subscriptions of a socket that is cut off may take to say after which cursor to go on. */
const LAST_WORD_MS = 1_000;

type SocketSettings = Pick<TransportSettings, 'pingIntervalMs' | 'sendBufferBytesMax' | 'operationsPerSocketMax'>;

/** An open socket, as an operation on it is given it. Thousands wait here, so it keeps what it needs and nothing else. */
export class OpenSocket {
  readonly socket: WebSocket;
  /** Whose address it came from. */
  readonly network: string;
  /** Messages that are being worked on: an operation is one for as long as it goes on. */
  underWay = 0;
  /** Frees its place among the connections of its credential. */
  leave: (() => void) | undefined;
  /** It was cut off because it does not read. */
  slow = false;
  #isGoingAway = false;
  readonly #settings: SocketSettings;
  /** What ends each subscription. */
  readonly #streams = new Set<() => void>();
  /** How many texts the socket was given, and how many of them it has taken. */
  #given = 0;
  #taken = 0;
  readonly #take = (): void => this.#letGo(++this.#taken);
  /** Those who wait until the socket has taken so many. */
  readonly #sending: { readonly until: number; readonly resolve: (isOnItsWay: true) => void }[] = [];

  constructor(socket: WebSocket, network: string, settings: SocketSettings) {
    this.socket = socket;
    this.network = network;
    this.#settings = settings;
  }

  /** Whether an operation that has just come is one too many. */
  get isBusy(): boolean {
    return this.underWay > this.#settings.operationsPerSocketMax;
  }

  /** Lets it speak the protocol. */
  open(protocol: Server<OpenSocket>): void {
    const { socket } = this;
    // The socket closes itself with the code of what was wrong.
    socket.on('error', () => undefined);
    const stopPinging = this.#keepPinging();
    const closed = protocol.opened(
      {
        protocol: socket.protocol,
        send: async (text) => void (await this.send(text)),
        close: (code, reason) => socket.close(code, reason),
        onMessage: (take) => socket.on('message', (data: Buffer, isBinary) => this.#receive(data, isBinary, take)),
      },
      this,
    );
    // Its answer to a ping waits like everything else.
    socket.on('ping', () => this.#isTooSlow());
    socket.once('close', (code, reason) => {
      stopPinging();
      this.leave?.();
      this.#letGo(Infinity);
      // Also those that graphql-ws has lost sight of: an id may be used again while its stream is still ending.
      for (const end of this.#streams) end();
      void closed(code, String(reason));
    });
  }

  /**
   * A subscriber that is slow is asked for no more until the socket has taken what it was sent.
   * @returns whether it is on its way; a promise where the socket has not taken it at once
   */
  send(text: string): boolean | Promise<boolean> {
    const { socket } = this;
    if (socket.readyState !== socket.OPEN) return false;
    if (!this.slow && this.#isTooSlow()) return false;
    const until = ++this.#given;
    socket.send(text, this.#take);
    if (this.slow || socket.bufferedAmount === 0) return true;
    return new Promise((resolve) => this.#sending.push({ until, resolve }));
  }

  #letGo(taken: number): void {
    while (this.#sending[0] !== undefined && this.#sending[0].until <= taken) this.#sending.shift()?.resolve(true);
  }

  /** A subscription has begun. @returns what says that it is over */
  begin(end: () => void): () => void {
    this.#streams.add(end);
    return () => {
      this.#streams.delete(end);
      // After what it says last.
      if (this.slow && this.#streams.size === 0) setImmediate(() => this.#closeSlow());
    };
  }

  #receive(data: Buffer, isBinary: boolean, take: (text: string) => Promise<void>): void {
    const { socket } = this;
    const { operationsPerSocketMax } = this.#settings;
    if (this.slow || socket.readyState !== socket.OPEN) return;
    if (isBinary) return socket.close(CLOSE.binary, 'Messages are text.');
    // Those that are refused wait, too, until their answer was taken: by then there are no more.
    if (this.underWay >= 2 * operationsPerSocketMax) return socket.close(CLOSE.tooMany, 'Too many messages at once.');
    this.underWay++;
    take(data.toString())
      .catch(() => socket.close(CLOSE.internal, 'Internal server error'))
      .finally(() => {
        this.underWay--;
        if (this.#isGoingAway) this.goAway();
      });
  }

  /** Closes it as soon as everything that was asked on it is answered. */
  goAway(): void {
    this.#isGoingAway = true;
    if (this.underWay === 0) this.socket.close(CLOSE.goingAway, 'The server stops: connect again.');
  }

  #isTooSlow(): boolean {
    if (this.socket.bufferedAmount <= this.#settings.sendBufferBytesMax) return false;
    this.#cutOff();
    return true;
  }

  /**
   * Closes a socket whose client does not read. Each subscription on it is told after which cursor to go on: whoever reads on
   * now finds that behind what was sent before.
   */
  #cutOff(): void {
    if (this.slow) return;
    this.slow = true;
    this.#letGo(Infinity);
    if (this.#streams.size === 0) return this.#closeSlow();
    setTimeout(() => this.#closeSlow(), LAST_WORD_MS).unref();
    for (const end of this.#streams) end();
  }

  #closeSlow(): void {
    this.socket.close(CLOSE.slow, 'Too slow: subscribe again after the last cursor.');
  }

  /** A client that does not answer a ping until the next one is gone, or has not read it: which of them cannot be told. */
  #keepPinging(): () => void {
    const { socket } = this;
    let answered = true;
    const pinging = setInterval(() => {
      if (socket.readyState !== socket.OPEN) return;
      if (answered) {
        answered = false;
        socket.ping();
      } else {
        this.#cutOff();
      }
    }, this.#settings.pingIntervalMs);
    socket.on('pong', () => {
      answered = true;
    });
    return () => clearInterval(pinging);
  }
}

/**
 * Sends what a subscription tells: subscribers who are told the same answer are sent the same text, which is made once.
 * @param tell what the client is told of an error
 * @returns what graphql-ws goes through: an iterator that only ends
 */
export function sendAll(
  open: OpenSocket,
  id: string,
  answers: Answers,
  tell: (error: unknown) => object,
): AsyncIterableIterator<never, undefined> {
  const head = `{"id":${JSON.stringify(id)},"type":"next","payload":`;
  let sent: string | null = null;
  const end = (): void => answers.end();
  const over = open.begin(end);
  const note = (isOnItsWay: boolean): void => {
    if (isOnItsWay) sent = answers.told;
    if (open.slow) throw tooSlow(sent);
  };
  const send = (result: ExecutionResult): Promise<void> | undefined => {
    const sending = !open.slow && open.send(`${head}${textOf(result, tell)}}`);
    if (sending instanceof Promise) return sending.then(note);
    note(sending);
    return undefined;
  };
  return {
    async next() {
      try {
        await answers.tell(send);
        if (open.slow) throw tooSlow(sent);
        return DONE;
      } finally {
        over();
      }
    },
    return() {
      end();
      over();
      return Promise.resolve(DONE);
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

const DONE = { done: true, value: undefined } as const;

const texts = new WeakMap<object, string>();

function textOf(result: ExecutionResult, tell: (error: unknown) => object): string {
  // Each subscriber is told an id of its own, which is in the log.
  if (result.errors !== undefined) return JSON.stringify({ ...result, errors: result.errors.map(tell) });
  const text = texts.get(result) ?? JSON.stringify(result);
  texts.set(result, text);
  return text;
}
