import { createYoga, type YogaServerInstance } from 'graphql-yoga';
import type { TransportSettings } from '../domain/transport-limits.ts';
import type { Gateway } from '../payments/gateway.ts';
import { createContext, type Context, type Credential } from '../schema/context.ts';
import { buildSchema } from '../schema/schema.ts';
import type { EventFeed } from '../store/event-feed.ts';
import type { Logger } from '../telemetry.ts';
import type { NetworkOf } from './address.ts';
import type { Admission } from './admission.ts';
import type { Connections } from './connections.ts';
import { createMask, useQuietErrors } from './masking.ts';
import { usePayerCost } from './query-cost.ts';
import { useSharedExecution } from './shared-execution.ts';
import { useStreams } from './streams.ts';
import { useStrictRequests, type HttpContext } from './strict-requests.ts';

export const GRAPHQL_PATH = '/graphql';

export interface GraphQLOptions {
  readonly gateway: Gateway;
  readonly feed: EventFeed;
  readonly log: Logger;
  readonly settings: TransportSettings;
  readonly admission: Admission;
  readonly connections: Connections;
  readonly networkOf: NetworkOf;
}

/** What a transport adds to an operation. */
export interface TransportContext extends Partial<HttpContext> {
  /** Who asks: every transport lets operations in before it hands them on. */
  credential?: Credential;
}

export type GraphQLServer = YogaServerInstance<TransportContext, Context>;

/** GraphQL over HTTP and server-sent events, and the executor that the WebSocket shares. */
export function createGraphQL(options: GraphQLOptions): GraphQLServer {
  const { gateway, feed, log, settings, connections } = options;
  return createYoga<TransportContext, Context>({
    schema: buildSchema(),
    graphqlEndpoint: GRAPHQL_PATH,
    landingPage: false,
    logging: false,
    multipart: false,
    batching: false,
    cors: false,
    // What reads bodies is useStrictRequests.
    maxRequestBodySize: false,
    maskedErrors: { maskError: createMask(log) },
    graphiql: false,
    plugins: [
      useStrictRequests(options),
      useQuietErrors(),
      usePayerCost(),
      useStreams(connections, settings.stallTimeoutMs),
      useSharedExecution(),
    ],
    context: ({ credential }) => {
      if (credential === undefined) throw new Error('an operation that nobody was let in with');
      return createContext(gateway, feed, credential);
    },
  });
}
