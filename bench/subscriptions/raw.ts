import type { AddressInfo } from 'node:net';
import { WebSocketServer, type WebSocket } from 'ws';
import type { Connection } from '../../src/postgres/connection.ts';
import { nowMs, serve, usage } from './process.ts';
import { watch } from './watch.ts';

/** The peer of the measurement: sockets, and a loop that reads what happens. */
const sockets: WebSocket[] = [];

export type RawCalls = typeof calls;

const calls = {
  async start(): Promise<string> {
    const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
    server.on('connection', (socket, request) => {
      sockets[Number(request.url?.slice(1))] = socket;
    });
    await new Promise((resolve) => server.once('listening', resolve));
    return `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
  },
  usage,
  /** Tells each subscriber from now on what happens to its payment: the n-th has the n-th one. */
  async watch({ database, paymentIds }: { database: Connection; paymentIds: readonly string[] }): Promise<void> {
    const indexes = new Map(paymentIds.map((id, index) => [id, index]));
    await watch(database, (paymentId, message) => sockets[indexes.get(paymentId) ?? -1]?.send(message));
  },
  /** Tells all the same. @returns when it was told to begin */
  sendAll(text: string): number {
    const at = nowMs();
    for (const socket of sockets) socket.send(text);
    return at;
  },
};

serve(calls);
