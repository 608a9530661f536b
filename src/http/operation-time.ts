import {
  execute,
  getOperationAST,
  OperationTypeNode,
  type ExecutionArgs,
  type ExecutionResult,
  type GraphQLError,
} from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { cancelledBy } from '../store/cancellation.ts';
import { executeQuery } from './compiled-execution.ts';
import { refusal } from './refusal.ts';

/** What the transport has put beside the context: the end of the request, or of the operation on a socket. */
interface Transport {
  readonly request?: { readonly signal: AbortSignal };
  readonly signal?: AbortSignal;
}

/**
 * Bounds the time of an operation. When it is over, or nobody waits for a query any more, no further field is resolved and
 * what is being read is cancelled. A mutation that has begun goes on by itself: money is moved whole or not at all, and the
 * same idempotency key tells what became of it.
 */
export function useOperationTime({ operationMs }: { readonly operationMs: number }): Plugin {
  return {
    onExecute: ({ setExecuteFn }) => setExecuteFn((args: ExecutionArgs) => executeInTime(args, operationMs)),
  };
}

function executeInTime(args: ExecutionArgs, limitMs: number): Promise<ExecutionResult> | ExecutionResult {
  const operation = getOperationAST(args.document, args.operationName);
  if (operation?.operation === OperationTypeNode.MUTATION) {
    return inTime(limitMs, undefined, mutationTimeout, (abortSignal) => execute({ ...args, abortSignal }));
  }
  const { request, signal = request?.signal } = args.contextValue as Transport;
  return readInTime(limitMs, signal, (abortSignal) => executeQuery({ ...args, abortSignal }));
}

/**
 * Runs what only reads, within a time and as long as somebody waits for it.
 * @returns an error with OPERATION_TIMEOUT when the time is over
 */
export function readInTime<R extends ExecutionResult>(
  limitMs: number,
  leaving: AbortSignal | undefined,
  read: (signal: AbortSignal) => Promise<R> | R,
): Promise<R | ExecutionResult> | R {
  return inTime(limitMs, leaving, queryTimeout, (signal) => cancelledBy(signal, () => read(signal)));
}

function inTime<R extends ExecutionResult>(
  limitMs: number,
  leaving: AbortSignal | undefined,
  timeout: (limitMs: number) => GraphQLError,
  run: (signal: AbortSignal) => Promise<R> | R,
): Promise<R | ExecutionResult> | R {
  const ending = new AbortController();
  const result = run(ending.signal);
  if (!(result instanceof Promise)) return result;
  const timer = setTimeout(() => ending.abort(timeout(limitMs)), limitMs);
  const leave = (): void => ending.abort(refusal('OPERATION_CANCELED', 499, 'Nobody waits for the answer.'));
  if (leaving?.aborted === true) leave();
  leaving?.addEventListener('abort', leave, { once: true });
  return result
    .catch((error: unknown) => {
      if (ending.signal.aborted) return { errors: [ending.signal.reason as GraphQLError] };
      throw error;
    })
    .finally(() => {
      clearTimeout(timer);
      leaving?.removeEventListener('abort', leave);
    });
}

function queryTimeout(limitMs: number): GraphQLError {
  return timeoutError(limitMs, `This took longer than ${limitMs / 1_000} seconds and was ended: ask for less at once.`);
}

function mutationTimeout(limitMs: number): GraphQLError {
  return timeoutError(
    limitMs,
    `This took longer than ${limitMs / 1_000} seconds. What had begun goes on: ` +
      'send the same request with the same idempotency key again to read its outcome.',
  );
}

function timeoutError(limitMs: number, message: string): GraphQLError {
  return refusal('OPERATION_TIMEOUT', 504, message, { extensions: { limitMs } });
}
