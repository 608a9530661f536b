import { connect, type Socket } from 'node:net';

/** An answer over HTTP/1.1. */
export interface Reply {
  readonly status: number;
  readonly body: string;
}

const HEADERS_END = Buffer.from('\r\n\r\n');
const CHUNKS_END = Buffer.from('\r\n0\r\n\r\n');

/** A request as it goes over the wire, made once and sent often. */
export function requestBytes(url: string, body: string, headers: Readonly<Record<string, string>> = {}): Buffer {
  const { pathname, host } = new URL(url);
  const all = {
    host,
    'content-type': 'application/json',
    accept: 'application/json',
    'content-length': String(Buffer.byteLength(body)),
    ...headers,
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.from(`POST ${pathname} HTTP/1.1\r\n${lines.join('')}\r\n${body}`);
}

/**
 * One kept connection that asks one thing after another. It is written on the socket itself: a client that costs as much
 * as a server would be measured with it.
 */
export class KeptConnection {
  readonly #socket: Socket;
  #received: Buffer[] = [];
  #length = 0;
  /** Of the answer under way, headers included; undefined while they are not whole. */
  #expected: number | 'chunked' | undefined;
  #waiting: PromiseWithResolvers<Reply> | undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (data: Buffer) => this.#take(data));
    socket.on('error', (error) => this.#waiting?.reject(error));
    socket.on('close', () => this.#waiting?.reject(new Error('the server closed a connection')));
  }

  static async open(url: string): Promise<KeptConnection> {
    const { hostname, port } = new URL(url);
    const socket = connect(Number(port), hostname);
    await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject));
    return new KeptConnection(socket);
  }

  ask(request: Buffer): Promise<Reply> {
    this.#waiting = Promise.withResolvers<Reply>();
    this.#socket.write(request);
    return this.#waiting.promise;
  }

  close(): void {
    this.#socket.destroy();
  }

  #take(data: Buffer): void {
    this.#received.push(data);
    this.#length += data.length;
    this.#expected ??= expectedLength(this.#whole());
    const { expected } = { expected: this.#expected };
    if (expected === undefined || (typeof expected === 'number' && this.#length < expected)) return;
    const whole = this.#whole();
    if (expected === 'chunked' && !whole.subarray(-CHUNKS_END.length).equals(CHUNKS_END)) return;
    this.#received = [];
    this.#length = 0;
    this.#expected = undefined;
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.resolve(replyOf(whole, expected === 'chunked'));
  }

  #whole(): Buffer {
    if (this.#received.length > 1) this.#received = [Buffer.concat(this.#received)];
    return this.#received[0] ?? Buffer.alloc(0);
  }
}

function expectedLength(received: Buffer): number | 'chunked' | undefined {
  const end = received.indexOf(HEADERS_END);
  if (end < 0) return undefined;
  const headers = received.toString('latin1', 0, end);
  const length = /\r\ncontent-length: *(\d+)/i.exec(headers)?.[1];
  return length === undefined ? 'chunked' : end + HEADERS_END.length + Number(length);
}

function replyOf(whole: Buffer, isChunked: boolean): Reply {
  const start = whole.indexOf(HEADERS_END) + HEADERS_END.length;
  const status = Number(whole.toString('latin1', 9, 12));
  const body = whole.subarray(start);
  return { status, body: (isChunked ? unchunk(body) : body).toString() };
}

function unchunk(body: Buffer): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; ;) {
    const lineEnd = body.indexOf('\r\n', at);
    const size = Number.parseInt(body.toString('latin1', at, lineEnd), 16);
    if (size === 0) return Buffer.concat(parts);
    parts.push(body.subarray(lineEnd + 2, lineEnd + 2 + size));
    at = lineEnd + 2 + size + 2;
  }
}
