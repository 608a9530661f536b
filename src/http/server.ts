import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
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
  /** Takes no more requests, lets those under way end, closes the sockets. */
  close(): Promise<void>;
}

/** The gateway cannot listen where it was told to. One line for the person who started it. */
export class ListenError extends Error {}

/** How long requests under way may take to end once the server stops. */
const CLOSE_MS = 5_000;

/**
 * Starts the HTTP server.
 * @throws ListenError if the port is taken, or the host or the port cannot be had
 */
export async function startServer(options: ServerOptions): Promise<GatewayServer> {
  const { gateway, log, host, port, demo, pages, explorer, settings, observation } = options;
  const admission = new Admission(gateway, settings.rates, () => performance.now());
  const connections = new Connections(settings);
  const cors = new Cors(settings.corsOrigins, gateway.publicUrl);
  const headers = new SecurityHeaders(gateway.publicUrl);
  const graphql = createGraphQL({ ...options, admission, connections });
  const boundToLoopback = ['127.0.0.1', '::1', 'localhost'].includes(host);
  const open = new Set<ServerResponse>();
  const server = createListener(settings, { headers, log }, (request, response) => {
    open.add(response);
    response.once('close', () => open.delete(response));
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
    } else if (path !== GRAPHQL_PATH) {
      for (const page of pages) if (await page(request, response)) return;
      response.writeHead(404, { 'content-type': 'text/plain' }).end(`GraphQL is at ${GRAPHQL_PATH}\n`);
    } else if (explorer && asksForExplorer(request)) {
      await sendExplorer(request, response, { database: gateway.database, demo, boundToLoopback });
    } else if (request.method === 'OPTIONS') {
      cors.set(request, response);
      cors.answerPreflight(request, response);
    } else {
      cors.set(request, response);
      await graphql(request, response);
    }
  };
  const mask = createMask(log, gateway.telemetry);
  const closeSockets = serveWebSocket(server, { ...options, admission, connections, cors, headers, graphql, mask });
  await listen(server, port, host);
  const address = server.address() as AddressInfo;
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${address.port}`,
    async close() {
      const closed = new Promise<void>((resolve) => {
        server.close(() => resolve());
      });
      await closeSockets();
      server.closeIdleConnections();
      // Streams never end by themselves. Cut off, their clients know that it was not the end, and come again.
      for (const response of open) if (isEventStream(response)) response.destroy();
      const timer = setTimeout(() => server.closeAllConnections(), CLOSE_MS);
      await closed;
      clearTimeout(timer);
    },
  };
}

function pathOf({ url }: IncomingMessage): string | undefined {
  return url?.split('?')[0];
}

function isEventStream(response: ServerResponse): boolean {
  return String(response.getHeader('content-type')).startsWith('text/event-stream');
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
