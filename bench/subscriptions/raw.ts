import type { AddressInfo } from 'node:net';
import { WebSocketServer, type WebSocket } from 'ws';
import { nowMs, serve, usage } from './process.ts';

/** The peer of the measurement: sockets and nothing else. It is told what to send, byte by byte. */
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
  /** @returns when it was told to begin */
  sendAll(text: string): number {
    const at = nowMs();
    for (const socket of sockets) socket.send(text);
    return at;
  },
  /** Sends each at its time. @returns when each was sent */
  async sendEach({ messages, perSecond }: { messages: { to: number; text: string }[]; perSecond: number }) {
    const sent: number[] = [];
    const begun = nowMs();
    for (const [index, { to, text }] of messages.entries()) {
      const wait = begun + (index * 1_000) / perSecond - nowMs();
      if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
      sent.push(nowMs());
      sockets[to]?.send(text);
    }
    return sent;
  },
};

serve(calls);
