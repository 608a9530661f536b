import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Webhook } from 'standardwebhooks';
import { until } from './until.ts';

/** A request as it came in. */
export interface Received {
  readonly path: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** What a message says. */
export interface Message {
  readonly type: string;
  readonly timestamp: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** How the receiver answers: with a status, or never, or by breaking the connection. */
export type Reply =
  | { readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly body?: string }
  | 'never'
  | 'cut'
  /** A good status and the beginning of a body, then nothing. */
  | 'half';

/** Where webhooks arrive: a server on loopback that keeps what it gets. */
export class Receiver {
  readonly received: Received[] = [];
  #reply: (request: Received) => Reply = () => ({ status: 204 });
  readonly #server = createServer((request, response) => void this.#take(request, response));

  async start(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#server.listen(0, '127.0.0.1', resolve);
    });
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => {
      this.#server.close(resolve);
    });
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** An address of its own for each endpoint. */
  url(path: string, host = '127.0.0.1'): string {
    return `http://${host}:${this.port}/${path}`;
  }

  /** From now on it answers so. */
  answer(reply: Reply | ((request: Received) => Reply)): void {
    this.#reply = typeof reply === 'function' ? reply : () => reply;
  }

  /** What has come to a path. */
  at(path: string): Received[] {
    return this.received.filter((each) => each.path === `/${path}`);
  }

  /** Waits for so many requests to a path. @returns all that have come by then */
  async wait(path: string, count: number): Promise<Received[]> {
    await until(() => this.at(path).length >= count);
    return this.at(path);
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const parts: Buffer[] = [];
    for await (const part of request as AsyncIterable<Buffer>) parts.push(part);
    const received: Received = {
      path: request.url ?? '',
      method: request.method ?? '',
      headers: request.headers as Record<string, string>,
      body: Buffer.concat(parts).toString(),
    };
    this.received.push(received);
    const reply = this.#reply(received);
    switch (reply) {
      case 'never':
        return;
      case 'cut':
        request.socket.destroy();
        return;
      case 'half':
        response.writeHead(200).write('half of it');
        return;
      default:
        response.writeHead(reply.status, reply.headers).end(reply.body);
    }
  }
}

/** What a message says, once the official library has verified it. @throws if it does not */
export function verified(secret: string, { body, headers }: Received): Message {
  return new Webhook(secret).verify(body, { ...headers }) as Message;
}
