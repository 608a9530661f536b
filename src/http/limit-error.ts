import { GraphQLError } from 'graphql';

/**
 * An error about a limit that an operation exceeds: the limit and what was found are in its extensions. HTTP answers it
 * with 400 under either media type, because nothing of the operation was done.
 */
export function limitError(code: string, message: string, sizes: { limit: number; found: number }): GraphQLError {
  return new GraphQLError(message, { extensions: { code, ...sizes, http: { status: 400 } } });
}

/** An error about an operation that cannot be told from its request, or must not run. */
export function operationError(code: string, message: string, status = 400): GraphQLError {
  return new GraphQLError(message, { extensions: { code, http: { status } } });
}
