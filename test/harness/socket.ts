import type { TestGateway } from './gateway.ts';

/** A message of graphql-transport-ws. */
export interface SocketMessage {
  readonly type: string;
  readonly id?: string;
  readonly payload?: unknown;
}

/** A socket that speaks the protocol itself, so that a test sees every message of the server. */
export async function openSocket(gateway: TestGateway, payload: unknown) {
  const socket = new WebSocket(gateway.url.replace('http', 'ws'), 'graphql-transport-ws');
  const messages: SocketMessage[] = [];
  const closed = new Promise<number>((resolve) => socket.addEventListener('close', ({ code }) => resolve(code)));
  socket.addEventListener('message', ({ data }) => messages.push(JSON.parse(String(data)) as SocketMessage));
  await new Promise((resolve) => socket.addEventListener('open', resolve));
  const send = (message: object) => socket.send(JSON.stringify(message));
  send({ type: 'connection_init', payload });
  return { socket, messages, closed, send };
}
