import { AsyncLocalStorage } from 'node:async_hooks';
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { Stripe } from 'stripe';
import { faultOf, type Fault } from './errors.ts';

/** What the SDK's types and our code are for; an account's own default never changes what is answered. */
const API_VERSION = '2026-10-28.endive';

export interface StripeClientOptions {
  /** Another address than Stripe's own: protocol, host and port, of a stand-in for instance. */
  readonly apiUrl?: string | undefined;
  readonly timeoutMs: number;
}

export type Answered<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly fault: Fault };

type HttpClient = ReturnType<typeof Stripe.createNodeHttpClient>;

/** One question to Stripe, which the SDK may send more than once. */
interface Asking {
  readonly signal: AbortSignal;
  readonly deadlineMs: number;
  wasClosed: boolean;
}

/**
 * Asks Stripe through its SDK. An answer is a value, and so is a fault.
 *
 * The SDK sends a request once more, under the same key, when its connection was closed, retries or not. It tells of the
 * second one only; what became of the first is kept here. And it cannot be aborted: a request that is not answered in
 * time is left behind, ended by its own time-out, and not sent again.
 */
export class StripeClient {
  readonly #stripe: Stripe;
  readonly #timeoutMs: number;
  readonly #askings = new AsyncLocalStorage<Asking>();

  constructor(secretKey: string, { apiUrl = 'https://api.stripe.com', timeoutMs }: StripeClientOptions) {
    const { protocol, hostname, port } = new URL(apiUrl);
    const isPlain = protocol === 'http:';
    const agent = isPlain ? new HttpAgent({ keepAlive: true }) : new HttpsAgent({ keepAlive: true });
    this.#timeoutMs = timeoutMs;
    this.#stripe = new Stripe(secretKey, {
      apiVersion: API_VERSION,
      protocol: isPlain ? 'http' : 'https',
      // An address of IPv6 stands in brackets in a URL, and nowhere else.
      host: hostname.replace(/^\[(.*)\]$/, '$1'),
      port: port === '' ? (isPlain ? 80 : 443) : Number(port),
      httpClient: this.#watched(Stripe.createNodeHttpClient(agent)),
      maxNetworkRetries: 0,
      timeout: timeoutMs,
      telemetry: false,
    });
  }

  get webhooks(): Stripe['webhooks'] {
    return this.#stripe.webhooks;
  }

  async ask<T>(signal: AbortSignal, question: (stripe: Stripe) => Promise<T>): Promise<Answered<T>> {
    if (signal.aborted) return { ok: false, fault: { kind: 'not_sent' } };
    const asking: Asking = { signal, deadlineMs: performance.now() + this.#timeoutMs, wasClosed: false };
    const aborted = Promise.withResolvers<never>();
    const abort = (): void => aborted.reject(new Error('the answer came too late'));
    signal.addEventListener('abort', abort, { once: true });
    try {
      const answer = this.#askings.run(asking, () => question(this.#stripe));
      return { ok: true, value: await Promise.race([answer, aborted.promise]) };
    } catch (error) {
      return { ok: false, fault: faultOf(error, asking.wasClosed) };
    } finally {
      signal.removeEventListener('abort', abort);
    }
  }

  /** The SDK's own HTTP client, with an eye on what it sends for whom. */
  #watched(client: HttpClient): HttpClient {
    return {
      getClientName: () => client.getClientName(),
      makeRequest: async (host, port, path, method, headers, body, protocol, timeoutMs) => {
        const asking = this.#askings.getStore();
        if (asking === undefined) throw new Error('Stripe was asked past its client');
        const leftMs = Math.floor(asking.deadlineMs - performance.now());
        if (asking.signal.aborted || leftMs <= 0) throw new Error('there is no time left to send it again');
        try {
          const withinMs = Math.min(timeoutMs, leftMs);
          return await client.makeRequest(host, port, path, method, headers, body, protocol, withinMs);
        } catch (error) {
          asking.wasClosed ||= isClosed(error);
          throw error;
        }
      },
    };
  }
}

function isClosed(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return Stripe.HttpClient.CONNECTION_CLOSED_ERROR_CODES.some((closed) => closed === code);
}
