import { GraphQLError } from 'graphql';

/** Why the transport refuses a request; docs/transport.md lists them. */
export type RefusalCode =
  | 'BAD_REQUEST'
  | 'BATCHING_NOT_SUPPORTED'
  | 'BODY_BROKEN_OFF'
  | 'BODY_TOO_LARGE'
  | 'CSRF_PREVENTED'
  | 'INVALID_JSON'
  | 'INVALID_UTF8'
  | 'METHOD_NOT_ALLOWED'
  | 'NOT_ACCEPTABLE'
  | 'QUERY_STRING_TOO_LONG'
  | 'RATE_LIMITED'
  | 'TOO_MANY_CONNECTIONS'
  | 'TOO_MANY_OPERATIONS'
  | 'UNSUPPORTED_MEDIA_TYPE';

/** A request that is not let through, as HTTP answers it under every media type; other transports tell the code. */
export function refusal(
  code: RefusalCode,
  status: number,
  message: string,
  more: {
    readonly headers?: Readonly<Record<string, string>>;
    readonly extensions?: Readonly<Record<string, unknown>>;
  } = {},
): GraphQLError {
  const { headers = {}, extensions = {} } = more;
  return new GraphQLError(message, { extensions: { code, ...extensions, http: { status, headers } } });
}
