import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Limits } from '../domain/limits.ts';
import type { TransportSettings } from '../domain/transport-limits.ts';
import type { Gateway } from '../payments/gateway.ts';
import type { EventFeed } from '../store/event-feed.ts';
import type { Logger } from '../telemetry.ts';
import type { NetworkOf } from './address.ts';
import { Admission } from './admission.ts';
import { BrokenOff } from './body.ts';
import { Connections } from './connections.ts';
import { Cors } from './cors.ts';
import { asksForExplorer, sendExplorer, type Demo } from './explorer.ts';
import { createGraphQL, GRAPHQL_PATH } from './graphql.ts';
import { createListener } from './listener.ts';
import { createMask } from './masking.ts';
import { SecurityHeaders } from './security-headers.ts';
import type { TrustedDocuments } from './trusted-documents.ts';
import type { Observation } from './observation.ts';
import { UnderWay } from './under-way.ts';
import { answerPlain, isPlain } from './plain-requests.ts';
import { serveWebSocket } from './websocket.ts';

export interface ServerOptions {
  readonly gateway: Gateway;
  readonly feed: EventFeed;
  readonly log: Logger;
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  readonly demo: Demo | undefined;
  readonly observation: Observation;
  /** Pages beside GraphQL: each says whether the request was one for it. */
  readonly pages: readonly Page[];
  /** Whether GraphQL is served, too. */
  readonly isApi?: boolean;
  readonly settings: TransportSettings;
  readonly networkOf: NetworkOf;
  readonly limits: Limits;
  /** Whether strangers may ask: then the schema is told to nobody without a secret key. */
  readonly production: boolean;
  /** Whether GraphiQL is served. */
  readonly explorer: boolean;
  readonly trustedDocuments: TrustedDocuments | undefined;
}

export type Page = (request: IncomingMessage, response: ServerResponse) => Promise<boolean>;

export interface GatewayServer {
  /** http://127.0.0.1:4000 */
  readonly url: string;
  /** Clients are told with each answer not to keep their connection: the next one leads to another replica. */
  letGo(): void;
  /**
   * Takes no more connections, and tells subscribers to go elsewhere. Settles when all that was under way has ended and
   * every connection is closed, which a client may keep from coming.
   */
  stop(): Promise<void>;
  /** What is left of that. */
  left(): Left;
  /** Cuts it. */
  destroy(): void;
}

/** What is still under way in a server. */
export interface Left {
  readonly requests: number;
  readonly sockets: number;
  /** GraphQL operations, also those whose client has gone. */
  readonly operations: number;
}

const WORKER = 'This replica does what is due, and takes no requests.\n';

/** The gateway cannot listen where it was told to. One line for the person who started it. */
export class ListenError extends Error {}

/**
 * Starts the HTTP server.
 * @throws ListenError if the port is taken, or the host or the port cannot be had
 */
export async function startServer(options: ServerOptions): Promise<GatewayServer> {
  const { gateway, feed, log, host, port, demo, pages, explorer, settings, observation, isApi = true } = options;
  const admission = new Admission(gateway, settings.rates, () => performance.now());
  const connections = new Connections(settings);
  const cors = new Cors(settings.corsOrigins, gateway.publicUrl);
  const headers = new SecurityHeaders(gateway.publicUrl);
  const underWay = new UnderWay();
  const mask = createMask(log, gateway.telemetry);
  const graphql = createGraphQL({ ...options, admission, connections, underWay });
  const boundToLoopback = ['127.0.0.1', '::1', 'localhost'].includes(host);
  const open = new Set<ServerResponse>();
  let isLettingGo = false;
  const server = createListener(settings, { headers, log }, (request, response) => {
    open.add(response);
    response.shouldKeepAlive &&= !isLettingGo;
    response.once('close', () => {
      open.delete(response);
      // Its headers may have said that the connection is kept: a stream's did, for one.
      if (isLettingGo) request.socket.end();
    });
    const isGraphQL = request.method === 'POST' && pathOf(request) === GRAPHQL_PATH;
    observation.request(request, response, isGraphQL, () => {
      route(request, response).catch((error: unknown) => {
        response.destroy();
        // Anyone can leave within a body, as often as they like.
        if (error instanceof BrokenOff) return;
        log.error({ name: error instanceof Error ? error.name : typeof error }, 'a request ended with no answer');
      });
    });
  });
  const route = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const path = pathOf(request);
    if (path === '/livez') {
      response.writeHead(200, { 'content-type': 'text/plain' }).end('ok\n');
    } else if (path !== GRAPHQL_PATH || !isApi) {
      for (const page of pages) if (await page(request, response)) return;
      response.writeHead(404, { 'content-type': 'text/plain' }).end(isApi ? `GraphQL is at ${GRAPHQL_PATH}\n` : WORKER);
    } else if (explorer && asksForExplorer(request)) {
      await sendExplorer(request, response, { database: gateway.database, demo, boundToLoopback });
    } else if (request.method === 'OPTIONS') {
      cors.set(request, response);
      cors.answerPreflight(request, response);
    } else {
      cors.set(request, response);
      if (isPlain(request)) await answerPlain(request, response, { ...options, admission, graphql, mask });
      else await graphql(request, response);
    }
  };
  const clients = new Set<Socket>();
  server.on('connection', (socket) => {
    clients.add(socket);
    socket.once('close', () => clients.delete(socket));
  });
  const sockets = serveWebSocket(server, { ...options, admission, connections, cors, headers, graphql, mask });
  await listen(server, port, host);
  const address = server.address() as AddressInfo;
  const letGo = (): void => {
    isLettingGo = true;
    for (const response of open) response.shouldKeepAlive = false;
  };
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${address.port}`,
    letGo,
    async stop() {
      letGo();
      const closed = new Promise<void>((resolve) => {
        server.close(() => resolve());
      });
      feed.dismiss();
      sockets.leave();
      server.closeIdleConnections();
      // Node takes a connection on which nothing was ever asked, as browsers open them, for a request that is coming.
      for (const socket of clients) if (socket.bytesRead === 0) socket.destroy();
      await closed;
      await underWay.none();
    },
    left: () => ({ requests: open.size, sockets: sockets.count, operations: underWay.count }),
    destroy() {
      sockets.destroy();
      server.closeAllConnections();
    },
  };
}

function pathOf({ url }: IncomingMessage): string | undefined {
  return url?.split('?')[0];
}

function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(explain(error, port, host));
    });
    server.listen(port, host, () => resolve());
  });
}

function explain(cause: NodeJS.ErrnoException, port: number, host: string): Error {
  switch (cause.code) {
    case 'EADDRINUSE':
      return new ListenError(`Port ${port} is taken by another program. Set PORT to a free one: PORT=4001 npm start`, {
        cause,
      });
    case 'EACCES':
      return new ListenError(`Port ${port} is not open to this user. Set PORT to one from 1024 on.`, { cause });
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return new ListenError(`HOST: this machine has no address ${host}. Leave it out for 127.0.0.1.`, { cause });
    default:
      return cause;
  }
}
