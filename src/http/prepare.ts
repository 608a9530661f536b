import type { DocumentNode, ExecutionArgs, GraphQLError, GraphQLSchema, subscribe } from 'graphql';
import type { GraphQLServer, TransportContext } from './graphql.ts';
import { refusal } from './refusal.ts';

/** What Yoga prepares for an operation. Its own types leave every function `any`. */
interface Enveloped {
  readonly schema: GraphQLSchema;
  readonly parse: (source: string) => DocumentNode;
  readonly validate: (schema: GraphQLSchema, document: DocumentNode) => readonly GraphQLError[];
  readonly contextFactory: () => unknown;
  readonly execute: Execute;
  readonly subscribe: Execute;
}

type Execute = (args: ExecutionArgs) => ReturnType<typeof subscribe>;

/** An operation, and what executes it. */
export interface Prepared extends Pick<Enveloped, 'execute' | 'subscribe'> {
  readonly args: ExecutionArgs;
}

/** What a request asks for, under the names of every protocol. */
interface Params {
  readonly query?: string | undefined;
  readonly operationName?: string | null | undefined;
  readonly variables?: Readonly<Record<string, unknown>> | null | undefined;
}

/**
 * Parses and validates an operation that did not come through Yoga, with all of Yoga's plugins, and gives it a context of its
 * own.
 * @returns the errors of one that is not valid
 * @throws a GraphQL error for one that cannot be parsed or exceeds a limit
 */
export async function prepare(
  graphql: GraphQLServer,
  params: Params,
  transport: TransportContext,
): Promise<Prepared | readonly GraphQLError[]> {
  const { query, operationName = null, variables = null } = params;
  if (typeof query !== 'string') throw refusal('BAD_REQUEST', 400, 'The member query is the text of an operation.');
  const given: unknown = { ...transport, params };
  const enveloped: Enveloped = graphql.getEnveloped(given as Parameters<GraphQLServer['getEnveloped']>[0]);
  const { schema, execute, subscribe } = enveloped;
  const document = enveloped.parse(query);
  const errors = enveloped.validate(schema, document);
  if (errors.length > 0) return errors;
  const contextValue = await enveloped.contextFactory();
  return { args: { schema, document, operationName, variableValues: variables, contextValue }, execute, subscribe };
}
