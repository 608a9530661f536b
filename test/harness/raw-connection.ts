import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import type { TestGateway } from './gateway.ts';

/** A connection on which a test writes bytes itself: what no client library would send, or would not send so slowly. */
export interface RawConnection {
  readonly socket: Socket;
  write(text: string | Buffer): void;
  /** What has come so far. */
  readonly received: () => string;
  /** Everything that came, once the server has closed it. */
  readonly ended: Promise<string>;
}

export async function openRaw({ url }: Pick<TestGateway, 'url'>): Promise<RawConnection> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  onTestFinished(() => void socket.destroy());
  let text = '';
  socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
  // A reset is an end, too: what came before it counts.
  socket.on('error', () => undefined);
  const ended = new Promise<string>((resolve) => socket.once('close', () => resolve(text)));
  await once(socket, 'connect');
  return { socket, write: (data) => void socket.write(data), received: () => text, ended };
}

/** The head of a POST to GraphQL, with a key. */
export function postHead({ keys }: Pick<TestGateway, 'keys'>, ...headers: readonly string[]): string {
  const lines = [
    'POST /graphql HTTP/1.1',
    'host: localhost',
    `authorization: Bearer ${keys.test}`,
    'content-type: application/json',
    ...headers,
  ];
  return `${lines.join('\r\n')}\r\n\r\n`;
}
