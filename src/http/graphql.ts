import { createYoga, type YogaServerInstance } from 'graphql-yoga';
import type { Gateway } from '../payments/gateway.ts';
import { createContext, type Context } from '../schema/context.ts';
import { buildSchema } from '../schema/schema.ts';
import type { EventFeed } from '../store/event-feed.ts';
import type { Logger } from '../telemetry.ts';
import { authenticate, credentialOf, refuseKeyOfPage } from './authentication.ts';
import { DocumentCache } from './document-cache.ts';
import { useDocumentLimits } from './document-limits.ts';
import type { Limits } from '../domain/limits.ts';
import { createMask, useQuietErrors } from './masking.ts';
import { REQUEST_ID, type Observation } from './observation.ts';
import { useOperationTime } from './operation-time.ts';
import { useProduction } from './production.ts';
import { useQueryCost } from './query-cost.ts';
import { useSharedExecution } from './shared-execution.ts';
import { checkTrustedDocuments, useTrustedDocuments, type TrustedDocuments } from './trusted-documents.ts';
import { UnderWay, useUnderWay } from './under-way.ts';

export const GRAPHQL_PATH = '/graphql';

/** A body larger than this is refused: the largest honest request is a payment with a hundred destinations. */
const BODY_BYTES_MAX = 200_000;

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
  readonly observation: Observation;
}

/** What the WebSocket adds to an operation. */
export interface TransportContext {
  /** A WebSocket's credential: it was given once, in connection_init. */
  readonly credential?: string | undefined;
  /** Given when the client completes the operation, or goes away. */
  readonly signal?: AbortSignal | undefined;
}

export type GraphQLServer = YogaServerInstance<TransportContext, Context>;

/**
 * GraphQL over HTTP and server-sent events, and the executor that the WebSocket shares.
 * @throws TrustedDocumentsError if one of the trusted documents cannot be executed
 */
export function createGraphQL(options: GraphQLOptions): GraphQLServer {
  const { gateway, feed, log, limits, production, trustedDocuments, observation, underWay = new UnderWay() } = options;
  const schema = buildSchema();
  if (trustedDocuments !== undefined) checkTrustedDocuments(schema, limits, trustedDocuments);
  return createYoga<TransportContext, Context>({
    schema,
    graphqlEndpoint: GRAPHQL_PATH,
    landingPage: false,
    logging: false,
    multipart: false,
    batching: false,
    // Payers' browsers ask from the merchant's pages. Nothing is known of them but what they carry themselves: no cookies.
    cors: {
      origin: '*',
      credentials: false,
      methods: ['POST'],
      allowedHeaders: ['authorization', 'content-type', REQUEST_ID, 'traceparent'],
      exposedHeaders: [REQUEST_ID],
    },
    maxRequestBodySize: BODY_BYTES_MAX,
    maskedErrors: { maskError: createMask(log, gateway.telemetry) },
    graphiql: false,
    // What was refused is looked at anew: it is bounded, and would fill the cache with what nobody asks for again.
    parserAndValidationCache: {
      documentCache: new DocumentCache(),
      errorCache: { get: () => undefined, set: () => {} },
    },
    plugins: [
      observation.plugin(),
      useQuietErrors(),
      useTrustedDocuments(trustedDocuments),
      useDocumentLimits(limits),
      ...(production ? [useProduction()] : []),
      useQueryCost(limits),
      useOperationTime(limits),
      // After the time limit, which replaces what executes. What outlives it is left to recovery.
      useUnderWay(underWay),
      useSharedExecution(limits),
    ],
    context: async ({ request, credential }) => {
      const given = credential ?? credentialOf((name) => request?.headers.get(name));
      const authenticated = await authenticate(gateway, given);
      refuseKeyOfPage(authenticated, request?.headers.get('sec-fetch-site'));
      return createContext(gateway, feed, authenticated, gateway.telemetry.scope?.errand.requestId);
    },
  });
}
