import type { IncomingMessage, ServerResponse } from 'node:http';
import type { GraphQLError } from 'graphql';
import type { GraphQLParams, Plugin } from 'graphql-yoga';
import type { TransportSettings } from '../domain/transport-limits.ts';
import type { Credential } from '../schema/context.ts';
import type { NetworkOf } from './address.ts';
import type { Admission } from './admission.ts';
import { credentialOf, refuseKeyOfPage } from './authentication.ts';
import { BrokenOff, readBody } from './body.ts';
import { paramsOfBody, paramsOfQuery } from './params.ts';
import { refusal } from './refusal.ts';

/** What Yoga is given with each request over HTTP. */
export interface HttpContext {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  /** Who asks, once they were let in. */
  credential?: Credential;
}

export interface RequestOptions {
  readonly settings: TransportSettings;
  readonly admission: Admission;
  readonly networkOf: NetworkOf;
}

/** What can be answered. A request whose answer nobody would take is not executed. */
const MEDIA_TYPES = [
  'application/graphql-response+json',
  'application/json',
  'text/event-stream',
  'application/*',
  'text/*',
  '*/*',
];

/** No page can add one of them to a request without asking first, by a preflight. */
const NOT_SIMPLE = ['authorization', 'x-api-key', 'graphql-require-preflight', 'apollo-require-preflight'];

/** After this, a credential that was looked at before its body came is looked at once more. */
const FRESH_MS = 1_000;

/**
 * Takes requests over HTTP in place of Yoga: what is wrong with their head is refused before their credential is looked at,
 * and that before anything of their body is read.
 */
export function useStrictRequests(options: RequestOptions): Plugin<object, HttpContext> {
  return {
    onRequestParse({ serverContext, setRequestParser }) {
      checkHead(serverContext, options.settings);
      setRequestParser(() => receive(serverContext, options));
    },
  };
}

/**
 * What a request asks for, once its credential was let in.
 * @throws a GraphQL error for what is not
 */
export async function receive(context: HttpContext, options: RequestOptions): Promise<GraphQLParams> {
  const { settings, admission, networkOf } = options;
  const { req, res } = context;
  const text = credentialOf((name) => req.headers[name] as string | undefined);
  const admitted = await admission.admit(text, networkOf(req));
  for (const [name, value] of Object.entries(admitted.headers)) res.setHeader(name, value);
  context.credential = admitted.credential;
  refuseKeyOfPage(admitted.credential, req.headers['sec-fetch-site']);
  if (req.method === 'GET') return paramsOfQuery(req.url ?? '');
  const admittedAt = performance.now();
  const params = paramsOfBody(await bodyOf(context, settings.bodyBytesMax));
  if (performance.now() - admittedAt > FRESH_MS) context.credential = await admission.greet(text, networkOf(req));
  return params;
}

async function bodyOf({ req }: HttpContext, bytesMax: number): Promise<Buffer> {
  const body = await readBody(req, bytesMax).catch((error: unknown) => {
    throw error instanceof BrokenOff ? refusal('BODY_BROKEN_OFF', 400, 'The body ends too soon.') : error;
  });
  if (body === undefined) throw refusal('BODY_TOO_LARGE', 413, `A body has at most ${bytesMax} bytes.`);
  return body;
}

/** @throws a GraphQL error for what the headers alone tell */
export function checkHead({ req }: HttpContext, { queryStringBytesMax }: TransportSettings): void {
  const { method, headers, url = '' } = req;
  if (method !== 'GET' && method !== 'POST') {
    throw refusal('METHOD_NOT_ALLOWED', 405, 'GraphQL is asked by POST, or by GET.', {
      headers: { allow: 'GET, POST' },
    });
  }
  if (!isAcceptable(headers.accept)) {
    throw refusal('NOT_ACCEPTABLE', 406, `Answers are ${MEDIA_TYPES.slice(0, 3).join(', ')}.`);
  }
  if (method === 'POST') {
    const refused = refusalOfContent(headers);
    if (refused !== undefined) throw refused;
    return;
  }
  if (url.length - url.indexOf('?') - 1 > queryStringBytesMax) {
    throw refusal('QUERY_STRING_TOO_LONG', 414, `A query string has at most ${queryStringBytesMax} bytes: use POST.`);
  }
  if (!NOT_SIMPLE.some((name) => headers[name] !== undefined)) {
    throw refusal('CSRF_PREVENTED', 403, 'A GET that any page could send: add the header graphql-require-preflight.');
  }
}

/** A form of any page can post the three simple types without asking, and this is none of them. */
function refusalOfContent(headers: IncomingMessage['headers']): GraphQLError | undefined {
  const [type, ...parameters] = (headers['content-type'] ?? '').split(';').map((part) => part.trim().toLowerCase());
  const charset = parameters.find((each) => each.startsWith('charset='))?.slice('charset='.length);
  if (type !== 'application/json' || (charset !== undefined && !/^"?utf-?8"?$/.test(charset))) {
    return refusal('UNSUPPORTED_MEDIA_TYPE', 415, 'The body of a POST is application/json in UTF-8.', {
      headers: { 'accept-post': 'application/json' },
    });
  }
  if ((headers['content-encoding'] ?? 'identity') === 'identity') return undefined;
  return refusal('UNSUPPORTED_MEDIA_TYPE', 415, 'The body of a POST is not compressed.', {
    headers: { 'accept-encoding': 'identity' },
  });
}

/** As Yoga reads it, which looks only once there is an answer. */
function isAcceptable(accept: string | undefined): boolean {
  if (accept === undefined || accept.trim() === '') return true;
  return accept
    .replace(/\s/g, '')
    .toLowerCase()
    .split(',')
    .some((part) => {
      const [type = '', ...parameters] = part.split(';');
      const charset = parameters.find((each) => each.includes('charset='));
      return MEDIA_TYPES.includes(type) && (charset === undefined || charset === 'charset=utf-8');
    });
}
