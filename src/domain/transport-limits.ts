import type { Rate } from './rate.ts';

/** A whole number that an operator can set. */
interface Limit {
  /** The variable. */
  readonly name: `TENDER_${string}`;
  /** In the variable's unit. */
  readonly default: number;
  readonly min: number;
  readonly max: number;
  /** How many of the setting's unit are one of the variable's: 1,000 where seconds are milliseconds inside. */
  readonly scale: 1 | 1_000;
}

const limit = (name: Limit['name'], standard: number, min: number, max: number): Limit => ({
  name,
  default: standard,
  min,
  max,
  scale: 1,
});

const seconds = (name: Limit['name'], standard: number, min: number, max: number): Limit => ({
  ...limit(name, standard, min, max),
  scale: 1_000,
});

/** What the transport takes at most. None can be switched off. docs/transport.md says what each is for. */
export const TRANSPORT_LIMITS = {
  /** A body over HTTP, and a message over WebSocket. The largest honest one is a payment with a hundred destinations. */
  bodyBytesMax: limit('TENDER_BODY_BYTES_MAX', 200_000, 10_000, 10_000_000),
  queryStringBytesMax: limit('TENDER_QUERY_STRING_BYTES_MAX', 8_192, 256, 65_536),
  /** Of all headers together. A client token has at most 12,000. */
  headerBytesMax: limit('TENDER_HEADER_BYTES_MAX', 16_384, 14_000, 65_536),
  /** From the first byte of a request, or from the connection's beginning, to the end of its headers. */
  headersTimeoutMs: seconds('TENDER_HEADERS_TIMEOUT_SECONDS', 10, 1, 300),
  /** To the end of its body. */
  requestTimeoutMs: seconds('TENDER_REQUEST_TIMEOUT_SECONDS', 30, 1, 600),
  /** Longer than a load balancer keeps an idle connection, which is 60 seconds for most: it must be the one that closes. */
  keepAliveTimeoutMs: seconds('TENDER_KEEP_ALIVE_SECONDS', 65, 1, 3_600),
  /** How long nothing moves while an answer is waited for or sent: longer than any operation takes, and two pings (12 s). */
  stallTimeoutMs: seconds('TENDER_STALL_TIMEOUT_SECONDS', 120, 30, 3_600),
  connectionsMax: limit('TENDER_CONNECTIONS_MAX', 20_000, 10, 1_000_000),
  requestsPerConnectionMax: limit('TENDER_REQUESTS_PER_CONNECTION_MAX', 10_000, 100, 10_000_000),
  connectionInitTimeoutMs: seconds('TENDER_CONNECTION_INIT_SECONDS', 5, 1, 60),
  /** A WebSocket that has not answered a ping when the next is due is closed. */
  pingIntervalMs: seconds('TENDER_PING_SECONDS', 12, 1, 300),
  /** What may wait for a client that does not read. An answer that is larger alone still goes out. */
  sendBufferBytesMax: limit('TENDER_SEND_BUFFER_BYTES_MAX', 4_000_000, 100_000, 1_000_000_000),
  operationsPerSocketMax: limit('TENDER_OPERATIONS_PER_SOCKET_MAX', 100, 1, 10_000),
  /** WebSockets and event streams together. */
  connectionsPerKeyMax: limit('TENDER_CONNECTIONS_PER_KEY_MAX', 10_000, 1, 1_000_000),
  connectionsPerTokenMax: limit('TENDER_CONNECTIONS_PER_TOKEN_MAX', 20, 1, 10_000),
} as const satisfies Readonly<Record<string, Limit>>;

export type TransportLimit = keyof typeof TRANSPORT_LIMITS;

/** How many operations a second, and how many at once. */
export const TRANSPORT_RATES = {
  /** Of one secret key. */
  key: perSecond(1_000, 5_000),
  /** Of one client token. */
  token: perSecond(20, 100),
  /** From one network address without a valid credential. */
  address: perSecond(20, 100),
} as const;

export interface TransportSettings extends Readonly<Record<TransportLimit, number>> {
  /** The origins whose pages may ask this gateway, or all. */
  readonly corsOrigins: readonly string[] | '*';
  /** Addresses and networks ("10.0.0.0/8") whose word on a client's address is taken. */
  readonly trustedProxies: readonly string[];
  readonly rates: Readonly<Record<keyof typeof TRANSPORT_RATES, Rate>>;
}

export function perSecond(count: number, burst: number): Rate {
  return { count, windowMs: 1_000, burst };
}

/** What holds where nothing is set. */
export const TRANSPORT_DEFAULTS: TransportSettings = {
  ...(Object.fromEntries(
    Object.entries(TRANSPORT_LIMITS).map(([key, { default: standard, scale }]) => [key, standard * scale]),
  ) as Record<TransportLimit, number>),
  corsOrigins: [],
  trustedProxies: [],
  rates: TRANSPORT_RATES,
};
