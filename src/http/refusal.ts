import { GraphQLError } from 'graphql';

/** Why a request is not executed; docs/transport.md and docs/limits.md list them. */
export type RefusalCode =
  | 'BAD_REQUEST'
  | 'BATCHING_NOT_SUPPORTED'
  | 'BODY_BROKEN_OFF'
  | 'BODY_TOO_LARGE'
  | 'CSRF_PREVENTED'
  | 'DOCUMENT_TOO_DEEP'
  | 'INVALID_JSON'
  | 'INTROSPECTION_NOT_ALLOWED'
  | 'INVALID_UTF8'
  | 'METHOD_NOT_ALLOWED'
  | 'NOT_ACCEPTABLE'
  | 'OPERATION_CANCELED'
  | 'OPERATION_NOT_FOUND'
  | 'OPERATION_TIMEOUT'
  | 'PERSISTED_QUERY_ID_REQUIRED'
  | 'PERSISTED_QUERY_NOT_IN_LIST'
  | 'QUERY_STRING_TOO_LONG'
  | 'QUERY_TOO_LARGE'
  | 'RATE_LIMITED'
  | 'TOO_DEEPLY_NESTED'
  | 'TOO_MANY_ALIASES'
  | 'TOO_MANY_CONNECTIONS'
  | 'TOO_MANY_DIRECTIVES'
  | 'TOO_MANY_DUPLICATE_FIELDS'
  | 'TOO_MANY_FRAGMENTS'
  | 'TOO_MANY_OPERATIONS'
  | 'TOO_MANY_TOKENS'
  | 'UNSUPPORTED_MEDIA_TYPE';

/**
 * A request that is not let through, as HTTP answers it under every media type, because nothing of it was done; other
 * transports tell the code.
 */
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

/** A request that exceeds a limit: the limit and what was found are in the error's extensions. */
export function overLimit(
  code: RefusalCode,
  message: string,
  sizes: { readonly limit: number; readonly found: number },
): GraphQLError {
  return refusal(code, 400, message, { extensions: sizes });
}
