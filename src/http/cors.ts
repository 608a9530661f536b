import type { IncomingMessage, ServerResponse } from 'node:http';
import type { TransportSettings } from '../domain/transport-limits.ts';
import { REQUEST_ID } from './observation.ts';

/** Two hours: no browser but Firefox keeps a preflight's answer for longer. */
const MAX_AGE_SECONDS = 7_200;

const ALLOWED_HEADERS = `authorization, content-type, graphql-require-preflight, traceparent, x-api-key, ${REQUEST_ID}`;
const EXPOSED_HEADERS = `ratelimit, ratelimit-policy, retry-after, ${REQUEST_ID}`;

/**
 * Which pages of other origins may ask: those that the operator names. They may never do so with what a browser adds by
 * itself, such as cookies: nothing is known of payers but the token that the page sends.
 */
export class Cors {
  readonly #origins: TransportSettings['corsOrigins'];
  readonly #publicUrl: () => string;

  constructor(origins: TransportSettings['corsOrigins'], publicUrl: () => string) {
    this.#origins = origins;
    this.#publicUrl = publicUrl;
  }

  /** Says in an answer who may read it. */
  set({ headers: { origin } }: IncomingMessage, response: ServerResponse): void {
    if (this.#origins !== '*') response.setHeader('vary', 'Origin');
    if (origin === undefined || !this.#names(origin)) return;
    response.setHeader('access-control-allow-origin', this.#origins === '*' ? '*' : origin);
    response.setHeader('access-control-expose-headers', EXPOSED_HEADERS);
  }

  /** Answers a preflight: by headers that are the same for all, and nothing of what it asks for. */
  answerPreflight({ headers: { origin } }: IncomingMessage, response: ServerResponse): void {
    if (origin !== undefined && this.#names(origin)) {
      response.setHeader('access-control-allow-methods', 'GET, POST');
      response.setHeader('access-control-allow-headers', ALLOWED_HEADERS);
      response.setHeader('access-control-max-age', MAX_AGE_SECONDS);
    }
    response.writeHead(204, { allow: 'GET, POST, OPTIONS' }).end();
  }

  /**
   * Whether a WebSocket may be opened: browsers ask for those without a preflight, so it is refused here. A program sends no
   * origin, and a page of this gateway sends its own.
   */
  mayConnect({ headers }: IncomingMessage): boolean {
    const { origin, host } = headers;
    if (origin === undefined || this.#names(origin) || origin === this.#publicUrl()) return true;
    return URL.canParse(origin) && host !== undefined && new URL(origin).host === host.toLowerCase();
  }

  #names(origin: string): boolean {
    return this.#origins === '*' || this.#origins.includes(origin);
  }
}
