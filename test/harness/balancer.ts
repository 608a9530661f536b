import { Agent, createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';

/** How often each backend is asked whether it is ready. */
const ASK_MS = 100;

interface Backend {
  readonly url: URL;
  isReady: boolean;
}

/**
 * A load balancer like those in front of replicas: it asks /readyz, keeps connections to its backends, and passes on
 * WebSockets and streams. A request is given to another backend only if the first took no connection at all.
 */
export class Balancer {
  readonly #agent = new Agent({ keepAlive: true });
  readonly #server = createServer((request, response) => void this.#forward(request, response));
  readonly #tunnels = new Set<Duplex>();
  #backends: Backend[] = [];
  #turn = 0;
  #asking: NodeJS.Timeout | undefined;
  /** Requests that could not be passed on, or were broken off. */
  readonly failures: string[] = [];

  /** @returns where it listens */
  async start(): Promise<string> {
    this.#server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) =>
      this.#tunnel(request, socket, head),
    );
    await new Promise<void>((resolve) => {
      this.#server.listen(0, '127.0.0.1', resolve);
    });
    this.#asking = setInterval(() => void this.#askAll(), ASK_MS);
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    clearInterval(this.#asking);
    for (const tunnel of this.#tunnels) tunnel.destroy();
    const closed = new Promise((resolve) => {
      this.#server.close(resolve);
    });
    this.#server.closeAllConnections();
    this.#agent.destroy();
    await closed;
  }

  add(url: string): void {
    this.#backends.push({ url: new URL(url), isReady: false });
  }

  remove(url: string): void {
    this.#backends = this.#backends.filter((backend) => backend.url.href !== new URL(url).href);
  }

  isReady(url: string): boolean {
    return this.#backends.some((backend) => backend.url.href === new URL(url).href && backend.isReady);
  }

  async #askAll(): Promise<void> {
    await Promise.all(
      this.#backends.map(async (backend) => {
        const answer = await fetch(new URL('/readyz', backend.url)).catch(() => undefined);
        backend.isReady = answer?.status === 200;
      }),
    );
  }

  /**
   * Those that are ready, another first each time. Where none is, because their database takes its time, all are asked: it
   * is the same for whoever comes.
   */
  #inTurn(): Backend[] {
    const ready = this.#backends.filter(({ isReady }) => isReady);
    const asked = ready.length === 0 ? this.#backends : ready;
    const first = this.#turn++ % Math.max(1, asked.length);
    return [...asked.slice(first), ...asked.slice(0, first)];
  }

  async #forward(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body: Buffer[] = [];
    for await (const part of request as AsyncIterable<Buffer>) body.push(part);
    for (const { url } of this.#inTurn()) {
      const outcome = await this.#pass(url, request, Buffer.concat(body), response);
      if (outcome === 'passed') return;
      if (outcome !== 'ECONNREFUSED') {
        this.failures.push(outcome);
        break;
      }
    }
    if (!response.headersSent) response.writeHead(502);
    response.end();
  }

  #pass(url: URL, request: IncomingMessage, body: Buffer, response: ServerResponse): Promise<string> {
    const { promise, resolve } = Promise.withResolvers<string>();
    const { method, headers } = request;
    const outgoing = httpRequest(new URL(request.url ?? '/', url), { method, headers, agent: this.#agent });
    response.once('close', () => outgoing.destroy());
    outgoing
      .on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
      .on('response', (incoming) => {
        const { connection: _, ...own } = incoming.headers;
        response.writeHead(incoming.statusCode ?? 502, own);
        incoming.pipe(response);
        incoming.once('error', () => {
          if (!response.destroyed) this.failures.push(`${method} was broken off`);
          response.destroy();
        });
        resolve('passed');
      })
      .end(body);
    return promise;
  }

  #tunnel(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const [backend] = this.#inTurn();
    socket.on('error', () => socket.destroy());
    if (backend === undefined) {
      socket.destroy();
      return;
    }
    const upstream = connect(Number(backend.url.port), backend.url.hostname);
    this.#tunnels.add(socket);
    upstream.on('error', () => socket.destroy());
    upstream.once('close', () => socket.destroy());
    socket.once('close', () => {
      this.#tunnels.delete(socket);
      upstream.destroy();
    });
    const lines = [`${request.method} ${request.url} HTTP/1.1`];
    for (let at = 0; at < request.rawHeaders.length; at += 2) {
      lines.push(`${request.rawHeaders[at]}: ${request.rawHeaders[at + 1]}`);
    }
    upstream.write(`${lines.join('\r\n')}\r\n\r\n`);
    upstream.write(head);
    socket.pipe(upstream).pipe(socket);
  }
}
