import { GraphQLError } from 'graphql';

/** For arguments of queries, which have no union of errors: the field is null and the error says why. */
export function badInput(message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code: 'BAD_USER_INPUT' } });
}
