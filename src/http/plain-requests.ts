import { getOperationAST, OperationTypeNode, type ExecutionResult, type GraphQLError } from 'graphql';
import { processRegularResult, type FetchAPI } from 'graphql-yoga';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { GraphQLServer } from './graphql.ts';
import type { createMask } from './masking.ts';
import { prepare } from './prepare.ts';
import { checkHead, receive, type HttpContext, type RequestOptions } from './strict-requests.ts';
import { withTrusted, type TrustedDocuments } from './trusted-documents.ts';

const JSON_TYPES = ['application/graphql-response+json', 'application/json'];

interface Options extends RequestOptions {
  readonly graphql: GraphQLServer;
  readonly mask: ReturnType<typeof createMask>;
  readonly trustedDocuments: TrustedDocuments | undefined;
}

/** Whether a request can have no other answer than one of JSON: nothing has to be streamed then, whatever it asks for. */
export function isPlain({ method, headers: { accept } }: IncomingMessage): boolean {
  return (
    method === 'POST' && accept !== undefined && accept.split(',').every((type) => JSON_TYPES.includes(nameOf(type)))
  );
}

/**
 * Answers such a request from Node's own to Node's own. It is parsed, validated and executed by the same plugins, and its
 * answer has the status and the headers that Yoga gives it; what is left out are the Request and the Response between them.
 */
export async function answerPlain(req: IncomingMessage, res: ServerResponse, options: Options): Promise<void> {
  const result = await resultOf({ req, res }, options).catch((error: unknown) => ({
    errors: [options.mask(error) as GraphQLError],
  }));
  const type = nameOf(req.headers.accept?.split(',')[0] ?? '');
  const { body, init } = processRegularResult(
    result,
    { Response: Answer } as unknown as FetchAPI,
    type,
  ) as unknown as Answer;
  res.writeHead(init.status, { ...init.headers, 'content-length': Buffer.byteLength(body) }).end(body);
}

async function resultOf(context: HttpContext, options: Options): Promise<ExecutionResult> {
  checkHead(context, options.settings);
  const params = withTrusted(options.trustedDocuments, await receive(context, options));
  const prepared = await prepare(options.graphql, params, { ...context, request: new Asked(context) });
  if (!('args' in prepared)) return { errors: prepared };
  const { args, execute, subscribe } = prepared;
  const operation = getOperationAST(args.document, args.operationName);
  const result = await (operation?.operation === OperationTypeNode.SUBSCRIPTION ? subscribe(args) : execute(args));
  if (Symbol.asyncIterator in result) throw new Error('a stream for who takes none');
  return result;
}

/** What plugins look at, in the place of fetch's Request. */
class Asked {
  readonly method = 'POST';
  readonly headers: { readonly get: (name: string) => string | null };
  /** Given when the client goes away before it is answered. */
  readonly signal: AbortSignal;

  constructor({ req, res }: HttpContext) {
    const ending = new AbortController();
    this.signal = ending.signal;
    this.headers = { get: (name) => (req.headers[name] as string | undefined) ?? null };
    res.once('close', () => {
      if (!res.writableEnded) ending.abort();
    });
  }
}

/** What Yoga makes its answer of, in the place of fetch's Response. */
class Answer {
  readonly body: string;
  readonly init: { readonly status: number; readonly headers: Readonly<Record<string, string>> };

  constructor(body: string, init: Answer['init']) {
    this.body = body;
    this.init = init;
  }
}

function nameOf(type: string): string {
  return type.replace(/;.*/, '').trim().toLowerCase();
}
