import { isUtf8 } from 'node:buffer';
import type { GraphQLParams } from 'graphql-yoga';
import { refusal } from './refusal.ts';

const NAMES = ['query', 'operationName', 'variables', 'extensions'] as const;

/**
 * What a body asks for. A refusal repeats nothing of it: a card number could be in it.
 * @throws a GraphQL error that HTTP answers with 400
 */
export function paramsOfBody(body: Buffer): GraphQLParams {
  if (!isUtf8(body)) throw refusal('INVALID_UTF8', 400, 'The body is no UTF-8.');
  return paramsOf(parseJson(body.toString(), 'The body'));
}

/**
 * The same of the address of a GET.
 * @throws a GraphQL error that HTTP answers with 400
 */
export function paramsOfQuery(url: string): GraphQLParams {
  const query = url.slice(url.indexOf('?') + 1);
  if (!isDecodable(query)) throw refusal('INVALID_UTF8', 400, 'The query string is no UTF-8.');
  const given = new URLSearchParams(query);
  const jsonOf = (name: string): unknown => {
    const text = given.get(name);
    return text === null || text === '' ? undefined : parseJson(text, `The parameter ${name}`);
  };
  return paramsOf({
    query: given.get('query') ?? undefined,
    operationName: given.get('operationName') ?? undefined,
    variables: jsonOf('variables'),
    extensions: jsonOf('extensions'),
  });
}

/** Built anew of four members, so that no other key of what was sent goes on: `__proto__` for instance. */
function paramsOf(given: unknown): GraphQLParams {
  if (Array.isArray(given)) throw refusal('BATCHING_NOT_SUPPORTED', 400, 'Send one operation in each request.');
  if (typeof given !== 'object' || given === null) throw malformed('The body is no JSON object.');
  if (Object.keys(given).some((name) => !NAMES.includes(name as (typeof NAMES)[number]))) {
    throw malformed(`The body has other members than ${NAMES.join(', ')}.`);
  }
  const { query, operationName, variables, extensions } = given as Record<(typeof NAMES)[number], unknown>;
  // A trusted document is asked for by its hash, which is in the extensions.
  if (typeof query !== 'string' && (query != null || extensions == null)) {
    throw malformed('The member query is the text of an operation.');
  }
  if (operationName != null && typeof operationName !== 'string')
    throw malformed('The member operationName is a text.');
  if (!isMap(variables)) throw malformed('The member variables is an object.');
  if (!isMap(extensions)) throw malformed('The member extensions is an object.');
  return {
    ...(typeof query === 'string' && { query }),
    ...(operationName != null && operationName !== '' && { operationName }),
    ...(variables != null && { variables }),
    ...(extensions != null && { extensions }),
  };
}

function isMap(value: unknown): value is Record<string, unknown> | null | undefined {
  return value == null || (typeof value === 'object' && !Array.isArray(value));
}

function malformed(message: string): ReturnType<typeof refusal> {
  return refusal('BAD_REQUEST', 400, message);
}

function parseJson(text: string, what: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw refusal('INVALID_JSON', 400, `${what} is no JSON.`);
  }
}

function isDecodable(text: string): boolean {
  try {
    return decodeURIComponent(text) !== undefined;
  } catch {
    return false;
  }
}
