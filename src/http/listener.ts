import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { TransportSettings } from '../domain/transport-limits.ts';
import type { Logger } from '../telemetry.ts';
import type { SecurityHeaders } from './security-headers.ts';

/** How often connections are looked at that are late: twice in the shortest time, and once a second at the most. */
const LOOK_MS_MAX = 1_000;

/** How often refused connections are told of. */
const TELL_MS = 60_000;

/** Node's HTTP server with a limit on everything that a client can let it wait for or keep. */
export function createListener(
  settings: TransportSettings,
  { headers, log }: { readonly headers: SecurityHeaders; readonly log: Logger },
  answer: RequestListener,
): Server {
  /** The last answer on each connection, begun or not. */
  const answers = new WeakMap<Duplex, ServerResponse>();
  const server = createServer(
    {
      connectionsCheckingInterval: Math.min(
        LOOK_MS_MAX,
        Math.ceil(Math.min(settings.headersTimeoutMs, settings.requestTimeoutMs) / 2),
      ),
      headersTimeout: Math.min(settings.headersTimeoutMs, settings.requestTimeoutMs),
      requestTimeout: settings.requestTimeoutMs,
      keepAliveTimeout: settings.keepAliveTimeoutMs,
      maxHeaderSize: settings.headerBytesMax,
      // Looked at below: Node's own refusal has no headers.
      requireHostHeader: false,
    },
    (request, response) => {
      answers.set(request.socket, response);
      headers.set(response);
      if (lacksHost(request)) response.writeHead(400, { connection: 'close' }).end();
      else answer(request, response);
    },
  );
  server.timeout = settings.stallTimeoutMs;
  server.maxConnections = settings.connectionsMax;
  server.maxRequestsPerSocket = settings.requestsPerConnectionMax;
  server.on('checkExpectation', (_request: IncomingMessage, response: ServerResponse) => {
    headers.set(response);
    response.writeHead(417, { connection: 'close' }).end();
  });
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    const begun = answers.get(socket);
    const isFree = begun === undefined || begun.writableFinished || !begun.headersSent;
    if (error.code === 'ECONNRESET' || !socket.writable || !isFree) socket.destroy();
    else socket.end(headers.rawAnswer(statusOf(error.code)), () => socket.destroy());
  });
  tellDropped(server, log);
  return server;
}

/** What came is no request, or came too late. */
function statusOf(code: string | undefined): string {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return '431 Request Header Fields Too Large';
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return '413 Payload Too Large';
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return '408 Request Timeout';
    default:
      return '400 Bad Request';
  }
}

function lacksHost({ headers, httpVersion }: IncomingMessage): boolean {
  return headers.host === undefined && httpVersion === '1.1';
}

/** A flood of connections must not become one of lines. */
function tellDropped(server: Server, log: Logger): void {
  let dropped = 0;
  server.on('drop', () => {
    if (dropped++ > 0) return;
    setTimeout(() => {
      log.warn({ dropped }, 'connections were refused: there are as many as TENDER_CONNECTIONS_MAX');
      dropped = 0;
    }, TELL_MS).unref();
    log.warn('a connection was refused: there are as many as TENDER_CONNECTIONS_MAX');
  });
}
