import { readFileSync } from 'node:fs';
import { validate, type GraphQLSchema } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { z } from 'zod';
import { parseWithin } from './document-limits.ts';
import { refusal } from './refusal.ts';
import type { Limits } from '../domain/limits.ts';

/** Documents that clients were built with, by what they send in place of them. */
export interface TrustedDocuments {
  readonly documents: ReadonlyMap<string, string>;
  /** Nothing else is executed. */
  readonly only: boolean;
}

/** The documents cannot be taken. One line for the person who started the gateway. */
export class TrustedDocumentsError extends Error {}

/** Of graphql-codegen: { "<hash>": "<document>" }. */
const Codegen = z.record(z.string(), z.string());
/** Of Apollo's tools. */
const Manifest = z.object({
  format: z.literal('apollo-persisted-query-manifest'),
  version: z.literal(1),
  operations: z.array(z.object({ id: z.string(), body: z.string() })),
});

/**
 * Reads the file of TENDER_TRUSTED_DOCUMENTS.
 * @throws TrustedDocumentsError if it cannot be read, or is of neither format
 */
export function readTrustedDocuments(path: string): ReadonlyMap<string, string> {
  const content = readJson(path);
  const manifest = Manifest.safeParse(content);
  if (manifest.success) return new Map(manifest.data.operations.map(({ id, body }) => [id, body]));
  const codegen = Codegen.safeParse(content);
  if (codegen.success) return new Map(Object.entries(codegen.data));
  throw new TrustedDocumentsError(
    `TENDER_TRUSTED_DOCUMENTS: ${path} is neither of graphql-codegen's format nor of Apollo's.`,
  );
}

function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    const why = error instanceof SyntaxError ? 'is no JSON' : 'cannot be read';
    throw new TrustedDocumentsError(`TENDER_TRUSTED_DOCUMENTS: ${path} ${why}.`, { cause: error });
  }
}

/**
 * Makes sure at the start that each of them will be executed when it is asked for.
 * @throws TrustedDocumentsError if one exceeds a limit, or does not fit the schema
 */
export function checkTrustedDocuments(schema: GraphQLSchema, limits: Limits, { documents }: TrustedDocuments): void {
  for (const [hash, text] of documents) {
    const fault = faultOf(schema, limits, text);
    if (fault !== undefined) throw new TrustedDocumentsError(`TENDER_TRUSTED_DOCUMENTS: ${hash}: ${fault}`);
  }
}

function faultOf(schema: GraphQLSchema, limits: Limits, text: string): string | undefined {
  try {
    return validate(schema, parseWithin(limits, text))[0]?.message;
  } catch (error) {
    return (error as Error).message;
  }
}

/** What a request gives of the operation that it asks for, under the names of the protocols. */
interface Params {
  readonly query?: string;
  readonly extensions?: Readonly<Record<string, unknown>> | null | undefined;
}

/** Over WebSocket, there are no params yet when this is asked: see websocket.ts. */
export function useTrustedDocuments(trusted: TrustedDocuments | undefined): Plugin {
  return {
    onParams({ params, setParams }) {
      // What is no object is refused as such afterwards.
      if (typeof params === 'object' && params !== null) setParams(withTrusted(trusted, params));
    },
  };
}

/**
 * The request with the document that its hash stands for, under Apollo's name: `extensions.persistedQuery.sha256Hash`.
 * @throws GraphQLError for a hash that is not known, or for a document of its own where only trusted ones are taken
 */
export function withTrusted<P extends Params>(trusted: TrustedDocuments | undefined, params: P): P {
  if (trusted === undefined) return params;
  const hash = hashIn(params);
  const query = hash === undefined ? undefined : trusted.documents.get(hash);
  if (query !== undefined) return { ...params, query };
  if (hash !== undefined && (trusted.only || !params.query)) {
    throw refusal('PERSISTED_QUERY_NOT_IN_LIST', 400, 'No trusted document has this hash.');
  }
  if (trusted.only) {
    const message =
      'Only trusted documents are executed: give the hash of one in extensions.persistedQuery.sha256Hash.';
    throw refusal('PERSISTED_QUERY_ID_REQUIRED', 400, message);
  }
  return params;
}

function hashIn({ extensions }: Params): string | undefined {
  const { sha256Hash } = (extensions?.['persistedQuery'] ?? {}) as { sha256Hash?: unknown };
  return typeof sha256Hash === 'string' ? sha256Hash : undefined;
}
