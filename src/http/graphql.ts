import { createYoga, type YogaServerInstance } from 'graphql-yoga';
import type { Gateway } from '../payments/gateway.ts';
import { createContext, type Context } from '../schema/context.ts';
import { buildSchema } from '../schema/schema.ts';
import type { EventFeed } from '../store/event-feed.ts';
import type { Logger } from '../telemetry.ts';
import { authenticate, credentialOf, refuseKeyOfPage } from './authentication.ts';
import { createMask, useQuietErrors } from './masking.ts';
import { usePayerCost } from './query-cost.ts';
import { useSharedExecution } from './shared-execution.ts';
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
}

/** What the WebSocket adds to an operation. */
export interface TransportContext {
  /** A WebSocket's credential: it was given once, in connection_init. */
  readonly credential?: string | undefined;
}

export type GraphQLServer = YogaServerInstance<TransportContext, Context>;

/** GraphQL over HTTP and server-sent events, and the executor that the WebSocket shares. */
export function createGraphQL({ gateway, feed, log, underWay = new UnderWay() }: GraphQLOptions): GraphQLServer {
  return createYoga<TransportContext, Context>({
    schema: buildSchema(),
    graphqlEndpoint: GRAPHQL_PATH,
    landingPage: false,
    logging: false,
    multipart: false,
    batching: false,
    // Payers' browsers ask from the merchant's pages. Nothing is known of them but what they carry themselves: no cookies.
    cors: { origin: '*', credentials: false, methods: ['POST'], allowedHeaders: ['authorization', 'content-type'] },
    maxRequestBodySize: BODY_BYTES_MAX,
    maskedErrors: { maskError: createMask(log) },
    graphiql: false,
    plugins: [useQuietErrors(), usePayerCost(), useSharedExecution(), useUnderWay(underWay)],
    context: async ({ request, credential }) => {
      const given = credential ?? credentialOf((name) => request?.headers.get(name));
      const authenticated = await authenticate(gateway, given);
      refuseKeyOfPage(authenticated, request?.headers.get('sec-fetch-site'));
      return createContext(gateway, feed, authenticated);
    },
  });
}
