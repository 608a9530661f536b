import type { LookupAddress } from 'node:dns';
import http from 'node:http';
import https from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import type { Resolve } from './resolve.ts';
import { hostOf } from './url.ts';

export interface WebhookRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface Conditions {
  readonly resolve: Resolve;
  /** Whether a URL may be one without TLS: it was when the endpoint was made, and may not be any more. */
  readonly isPlainAllowed: boolean;
  readonly isAllowed: (address: string) => boolean;
  /** For everything: finding the address, connecting, and the answer. */
  readonly timeoutMs: number;
  /** Aborted when the gateway stops. */
  readonly stopping: AbortSignal;
}

/** Why there was no answer. */
export type Unanswered = 'TIMEOUT' | 'CONNECTION' | 'TLS' | 'NAME_NOT_RESOLVED' | 'ADDRESS_REFUSED' | 'INTERRUPTED';

/** What came of one request. */
export type Posted =
  | {
      readonly answered: true;
      readonly status: number;
      /** The beginning of the body, as far as it came, without control characters. */
      readonly text: string;
      readonly retryAfter: string | undefined;
    }
  | { readonly answered: false; readonly error: Unanswered };

/** What is read of an answer, and what is kept of it. */
const READ_MAX_BYTES = 64 * 1_024;
/** Hints (1xx) that are passed over while the answer is waited for. */
const HINTS_MAX = 20;
const KEPT_MAX_CHARACTERS = 1_024;

/** What Node and OpenSSL call a certificate or a handshake that cannot be trusted. */
const TLS_CODE = /^(ERR_TLS_|ERR_SSL_|CERT_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|HOSTNAME_MISMATCH|INVALID_CA|EPROTO$)/;

/**
 * Sends one request. Its host is looked up once; what is not allowed of what was found is left out, and the connection
 * goes to what is left: to no other address, whatever the name leads to by then. A redirect is an answer like any other:
 * it is not followed.
 */
export async function post(request: WebhookRequest, conditions: Conditions): Promise<Posted> {
  const { stopping, timeoutMs } = conditions;
  // Not AbortSignal.any: what it makes of a signal that lives as long as the process is kept there for as long.
  const ending = new AbortController();
  const end = (): void => ending.abort();
  const timer = setTimeout(end, timeoutMs);
  stopping.addEventListener('abort', end, { once: true });
  if (stopping.aborted) end();
  try {
    return await attempt(request, conditions, ending.signal);
  } finally {
    clearTimeout(timer);
    stopping.removeEventListener('abort', end);
  }
}

async function attempt(request: WebhookRequest, conditions: Conditions, ending: AbortSignal): Promise<Posted> {
  const { stopping, resolve, isAllowed } = conditions;
  const unanswered = (error: Unanswered): Posted => {
    if (stopping.aborted) return { answered: false, error: 'INTERRUPTED' };
    return { answered: false, error: ending.aborted ? 'TIMEOUT' : error };
  };
  const url = new URL(request.url);
  if (url.protocol !== 'https:' && !conditions.isPlainAllowed) return unanswered('TLS');
  let found: readonly LookupAddress[];
  try {
    const host = hostOf(url);
    const family = isIP(host);
    found = family === 0 ? await unlessAborted(resolve(host), ending) : [{ address: host, family }];
  } catch {
    return unanswered('NAME_NOT_RESOLVED');
  }
  const allowed = found.filter(({ address }) => isAllowed(address));
  const [first] = allowed;
  if (first === undefined) return unanswered(found.length === 0 ? 'NAME_NOT_RESOLVED' : 'ADDRESS_REFUSED');
  try {
    const response = await send(url, request, { first, allowed, ending });
    // The status decides, whatever becomes of the rest.
    const text = await readText(response);
    return { answered: true, status: response.statusCode ?? 0, text, retryAfter: response.headers['retry-after'] };
  } catch (error) {
    return unanswered(TLS_CODE.test(String((error as NodeJS.ErrnoException).code)) ? 'TLS' : 'CONNECTION');
  }
}

function send(
  url: URL,
  { headers, body }: WebhookRequest,
  to: { readonly first: LookupAddress; readonly allowed: readonly LookupAddress[]; readonly ending: AbortSignal },
): Promise<http.IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<http.IncomingMessage>();
  // Node asks for a host's addresses here, and connects to one of them.
  const lookUp: LookupFunction = (_host, options, answer) => {
    if (options.all === true) answer(null, [...to.allowed]);
    else answer(null, to.first.address, to.first.family);
  };
  const { request } = url.protocol === 'https:' ? https : http;
  const outgoing = request(url, {
    method: 'POST',
    headers: { ...headers, 'content-length': Buffer.byteLength(body) },
    // A connection of its own: one that is kept was made to what the name led to before.
    agent: false,
    lookup: lookUp,
    signal: to.ending,
  });
  let hints = 0;
  outgoing
    .on('response', resolve)
    .on('error', reject)
    .on('information', () => ++hints > HINTS_MAX && outgoing.destroy())
    // An answer that asks for another protocol (101) ends the request without a response and without an error.
    .on('close', () => reject(new Error('the connection was closed')));
  outgoing.end(body);
  return promise;
}

/** The beginning of an answer's body, as far as it comes. Leaving the loop closes the connection. */
async function readText(response: http.IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const part of response as AsyncIterable<Buffer>) {
      parts.push(part);
      bytes += part.length;
      if (bytes >= READ_MAX_BYTES) break;
    }
  } catch {
    // It was cut, or took too long.
  }
  return keptText(Buffer.concat(parts));
}

/** What is kept of an answer, for people: nothing that a terminal or a database would take for a command. */
export function keptText(bytes: Buffer): string {
  return bytes
    .toString('utf8')
    .replace(/\p{Cc}/gu, '')
    .slice(0, KEPT_MAX_CHARACTERS)
    .toWellFormed();
}

async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const abort = (): void => reject(signal.reason as Error);
  if (signal.aborted) abort();
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
