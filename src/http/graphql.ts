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
import { DocumentCache } from './document-cache.ts';
import { useDocumentLimits } from './document-limits.ts';
import type { Limits } from '../domain/limits.ts';
import { createMask, useQuietErrors } from './masking.ts';
import type { Observation } from './observation.ts';
import { useOperationTime } from './operation-time.ts';
import { useProduction } from './production.ts';
import { useQueryCost } from './query-cost.ts';
import { useSharedExecution } from './shared-execution.ts';
import { useStreams } from './streams.ts';
import { useStrictRequests, type HttpContext } from './strict-requests.ts';
import { checkTrustedDocuments, useTrustedDocuments, type TrustedDocuments } from './trusted-documents.ts';
import { UnderWay, useUnderWay } from './under-way.ts';

export const GRAPHQL_PATH = '/graphql';

export interface GraphQLOptions {
  readonly gateway: Gateway;
  readonly feed: EventFeed;
  readonly log: Logger;
  /** Counts what is under way. */
  readonly underWay?: UnderWay;
  readonly limits: Limits;
  /** Whether strangers may ask: then the schema is told to nobody without a secret key. */
  readonly production: boolean;
  readonly trustedDocuments: TrustedDocuments | undefined;
  readonly settings: TransportSettings;
  readonly admission: Admission;
  readonly connections: Connections;
  readonly networkOf: NetworkOf;
  readonly observation: Observation;
}

/** What a transport adds to an operation. */
export interface TransportContext extends Partial<HttpContext> {
  /** Who asks: every transport lets operations in before it hands them on. */
  credential?: Credential;
  /** Given when the client of a WebSocket completes the operation, or goes away. */
  readonly signal?: AbortSignal | undefined;
  /** Whether answers of a subscription are handed on as they come; otherwise they are asked for. */
  readonly isTold?: boolean;
  /** What stands for fetch's Request, where Yoga has made none. */
  readonly request?: object;
}

export type GraphQLServer = YogaServerInstance<TransportContext, Context>;

/**
 * GraphQL over HTTP and server-sent events, and the executor that the WebSocket shares.
 * @throws TrustedDocumentsError if one of the trusted documents cannot be executed
 */
export function createGraphQL(options: GraphQLOptions): GraphQLServer {
  const { gateway, feed, log, limits, production, trustedDocuments, settings, connections, observation } = options;
  const { underWay = new UnderWay() } = options;
  const schema = buildSchema();
  if (trustedDocuments !== undefined) checkTrustedDocuments(schema, limits, trustedDocuments);
  return createYoga<TransportContext, Context>({
    schema,
    graphqlEndpoint: GRAPHQL_PATH,
    landingPage: false,
    logging: false,
    multipart: false,
    batching: false,
    cors: false,
    // What reads bodies is useStrictRequests.
    maxRequestBodySize: false,
    maskedErrors: { maskError: createMask(log, gateway.telemetry) },
    graphiql: false,
    // What was refused is looked at anew: it is bounded, and would fill the cache with what nobody asks for again.
    parserAndValidationCache: {
      documentCache: new DocumentCache(),
      errorCache: { get: () => undefined, set: () => {} },
    },
    plugins: [
      observation.plugin(),
      useStrictRequests(options),
      useQuietErrors(),
      useTrustedDocuments(trustedDocuments),
      useDocumentLimits(limits),
      ...(production ? [useProduction()] : []),
      useQueryCost(limits),
      useOperationTime(limits),
      // After the time limit, which replaces what executes. What outlives it is left to recovery.
      useUnderWay(underWay),
      useStreams(connections, settings.stallTimeoutMs),
      useSharedExecution(limits),
    ],
    context: ({ credential }) => {
      if (credential === undefined) throw new Error('an operation that nobody was let in with');
      return createContext(gateway, feed, credential, gateway.telemetry.scope?.errand.requestId);
    },
  });
}
