import { GraphQLError } from 'graphql';

/** A text to look for, as PostgreSQL can be given it. @throws BAD_USER_INPUT for one that no row can hold */
export function searchText(text: string): string {
  if (text.includes('\u0000') || !text.isWellFormed())
    throw badInput('A text holds Unicode characters only, and not NUL.');
  return text;
}

/** For arguments of queries, which have no union of errors: the field is null and the error says why. */
export function badInput(message: string, ...inputPath: string[]): GraphQLError {
  const where = inputPath.length === 0 ? {} : { inputPath };
  return new GraphQLError(message, { extensions: { code: 'BAD_USER_INPUT', ...where } });
}

/** Ids that are no ids of a type match nothing, as unknown ones do. */
export const NOTHING = '00000000-0000-0000-0000-000000000000';
