import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { GraphQLError, type ExecutionArgs, type FormattedExecutionResult, type GraphQLFormattedError } from 'graphql';
import { handleProtocols, makeServer, type ConnectionInitMessage } from 'graphql-ws';
import { WebSocketServer } from 'ws';
import type { TransportSettings } from '../domain/transport-limits.ts';
import type { Scope } from '../telemetry.ts';
import type { NetworkOf } from './address.ts';
import type { Admission } from './admission.ts';
import { credentialOf } from './authentication.ts';
import type { Connections } from './connections.ts';
import type { Cors } from './cors.ts';
import { GRAPHQL_PATH, type GraphQLServer } from './graphql.ts';
import type { createMask } from './masking.ts';
import type { Observation } from './observation.ts';
import { prepare, type Prepared } from './prepare.ts';
import { refusal } from './refusal.ts';
import { Answers } from './shared-execution.ts';
import type { SecurityHeaders } from './security-headers.ts';
import { CLOSE, CLOSE_TIMEOUT_MS, OpenSocket, sendAll } from './socket.ts';
import { withTrusted, type TrustedDocuments } from './trusted-documents.ts';

interface Options {
  readonly graphql: GraphQLServer;
  readonly mask: ReturnType<typeof createMask>;
  readonly settings: TransportSettings;
  readonly admission: Admission;
  readonly connections: Connections;
  readonly networkOf: NetworkOf;
  readonly cors: Cors;
  readonly headers: SecurityHeaders;
  readonly trustedDocuments: TrustedDocuments | undefined;
  readonly observation: Observation;
  /** Whether there are any. */
  readonly isApi?: boolean;
}

/** The sockets of a server. */
export interface Sockets {
  /** How many are open. */
  readonly count: number;
  /** Closes each with 1001 as soon as everything that was asked on it is answered. */
  leave(): void;
  /** Cuts those that are left. */
  destroy(): void;
}

/**
 * graphql-transport-ws on the same path and with the same executor as HTTP. The credential comes in the payload of
 * connection_init, under the names of the HTTP headers, and is looked at again for every operation.
 * @returns the sockets, for the end of the server
 */
export function serveWebSocket(server: Server, options: Options): Sockets {
  const { settings, networkOf, headers } = options;
  const all = new Set<OpenSocket>();
  let isLeaving = false;
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: settings.bodyBytesMax,
    handleProtocols,
    closeTimeout: CLOSE_TIMEOUT_MS,
  } as ConstructorParameters<typeof WebSocketServer>[0]);
  const protocol = speak(options);
  server.on('upgrade', (request, socket, head) => {
    // Node has taken its own listener away: a peer that goes away now would end the process.
    socket.on('error', destroy);
    const refused = refusalOf(request, options);
    if (refused !== undefined) {
      socket.end(headers.rawAnswer(refused), () => socket.destroy());
      return;
    }
    const network = networkOf(request);
    sockets.handleUpgrade(request, socket, head, (upgraded) => {
      const open = new OpenSocket(upgraded, network, settings);
      all.add(open);
      upgraded.once('close', () => all.delete(open));
      open.open(protocol);
      if (isLeaving) open.goAway();
    });
  });
  return {
    get count() {
      return all.size;
    },
    leave() {
      isLeaving = true;
      for (const open of all) open.goAway();
    },
    destroy() {
      for (const { socket } of all) socket.terminate();
    },
  };
}

function refusalOf(
  request: IncomingMessage,
  { cors, isApi = true }: Pick<Options, 'cors' | 'isApi'>,
): string | undefined {
  if (request.url?.split('?')[0] !== GRAPHQL_PATH || !isApi) return '404 Not Found';
  return cors.mayConnect(request) ? undefined : '403 Forbidden';
}

function speak({
  graphql,
  mask,
  settings,
  admission,
  connections,
  trustedDocuments,
  observation,
}: Options): ReturnType<typeof makeProtocol> {
  return makeProtocol({
    connectionInitWaitTimeout: settings.connectionInitTimeoutMs,
    // False closes the socket with 4403.
    onConnect: async ({ connectionParams, extra }) => {
      try {
        const credential = await admission.greet(credentialIn(connectionParams), extra.network);
        // It may have gone while it was looked at.
        if (extra.socket.readyState === extra.socket.OPEN) extra.leave = connections.enter(credential);
        return true;
      } catch (error) {
        if (!(error instanceof GraphQLError)) throw mask(error);
        const { code } = error.extensions;
        if (code === 'RATE_LIMITED') extra.socket.close(CLOSE.tryAgainLater, 'Too many tries: come again later.');
        if (code === 'TOO_MANY_CONNECTIONS') extra.socket.close(CLOSE.tooMany, 'Too many connections.');
        return false;
      }
    },
    onSubscribe: async ({ connectionParams, extra, subscriptions }, id, payload) => {
      // At once: it may be completed while its credential is looked at.
      const signal = endOf(subscriptions, id);
      const scope = observation.open();
      return observation.prepare(scope, async () => {
        try {
          if (extra.isBusy) throw tooManyOperations(settings.operationsPerSocketMax);
          const { credential } = await admission.admit(credentialIn(connectionParams), extra.network);
          const prepared = await prepare(graphql, withTrusted(trustedDocuments, payload), {
            credential,
            signal,
            isTold: true,
          });
          return 'args' in prepared ? { ...prepared.args, rootValue: { ...prepared, scope } } : prepared;
        } catch (error) {
          // Thrown on, it would close the whole socket for one operation's fault.
          return [mask(error) as GraphQLError];
        }
      });
    },
    // A stream that ends with an error arrives with its message only. One of ours says more, and any other nothing.
    onError: (_context, _id, _payload, errors) =>
      errors.map((error) => shown(error.cause instanceof GraphQLError ? error.cause : (mask(error) as GraphQLError))),
    onNext: (_context, _id, _payload, _args, { errors, ...result }) =>
      errors === undefined ? undefined : ({ ...result, errors: errors.map(shown) } as FormattedExecutionResult),
    onOperation: ({ extra }, id, _payload, args, result) => {
      if (!(result instanceof Answers)) return undefined;
      // graphql-ws keeps it until the subscription is over, and thousands wait.
      Object.assign(args, { contextValue: undefined, rootValue: undefined });
      return sendAll(extra, id, result, (error) => shown(mask(error) as GraphQLError));
    },
    execute: (args) => {
      const { execute, scope } = (args as Args).rootValue;
      return observation.execute(scope, () => execute(args));
    },
    subscribe: (args) => {
      const { subscribe, scope } = (args as Args).rootValue;
      return observation.execute(scope, () => subscribe(args));
    },
  });
}

const makeProtocol = makeServer<ConnectionInitMessage['payload'], OpenSocket>;

function tooManyOperations(max: number): GraphQLError {
  return refusal('TOO_MANY_OPERATIONS', 429, `At most ${max} operations are under way on one connection at once.`);
}

/** An error as HTTP tells it, too: without what was meant for HTTP. */
function shown(error: GraphQLError): GraphQLFormattedError {
  const { extensions, ...rest } = error.toJSON();
  if (extensions === undefined) return rest;
  const { http: _http, ...told } = extensions;
  return { ...rest, extensions: told };
}

/** It keeps nothing alive of the request that opened the socket. */
function destroy(this: Duplex): void {
  this.destroy();
}

/**
 * The end of an operation that is answered once. graphql-ws ends what streams when the client completes it or goes away, and
 * looks for that in the place of each operation; of one that has a single answer, nothing is there.
 */
function endOf(subscriptions: Record<string, unknown>, id: string): AbortSignal {
  const ending = new AbortController();
  const end = (): Promise<IteratorReturnResult<undefined>> => {
    ending.abort();
    return Promise.resolve({ done: true, value: undefined });
  };
  subscriptions[id] = { next: end, return: end, throw: end, [Symbol.asyncIterator]: () => subscriptions[id] };
  return ending.signal;
}

/** What graphql-ws hands on to who executes. */
type Args = ExecutionArgs & { rootValue: Pick<Prepared, 'execute' | 'subscribe'> & { readonly scope: Scope } };

/** The key in connection_init's payload, with names in any case, at its top or under `headers`. */
function credentialIn(payload: Readonly<Record<string, unknown>> | undefined): string | undefined {
  const headers = payload?.['headers'];
  const given = { ...(typeof headers === 'object' ? headers : {}), ...payload };
  const byName = new Map(Object.entries(given).map(([name, value]) => [name.toLowerCase(), value]));
  return credentialOf((name) => {
    const value = byName.get(name);
    return typeof value === 'string' ? value : null;
  });
}
