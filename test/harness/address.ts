import { once } from 'node:events';
import { createConnection, createServer, type AddressInfo, type Socket } from 'node:net';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Connection } from '../../src/postgres/connection.ts';

/** Where a PostgreSQL is reached, as a failover or a fault of the network changes it. */
export interface Address {
  readonly connection: Connection;
  /** Cuts every connection, and leads to another server from now on. */
  move(next: Connection): void;
  /** Nothing gets through any more on the connections that there are, and neither side is told. */
  freeze(): void;
}

/** An address that leads to a server on a socket, and ends with its test. */
export async function openAddress(first: Connection): Promise<Address> {
  let to = first;
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = createConnection(join(to.host, `.s.PGSQL.${to.port}`));
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.pipe(other);
      socket.once('close', () => {
        sockets.delete(socket);
        other.destroy();
      });
    }
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  onTestFinished(() => {
    cut();
    server.close();
  });
  return {
    connection: { ...first, host: '127.0.0.1', port: (server.address() as AddressInfo).port },
    move(next) {
      to = next;
      cut();
    },
    freeze() {
      for (const socket of sockets) socket.unpipe().pause();
    },
  };
}
