import {
  executeSubscriptionEvent,
  getOperationAST,
  validateSubscriptionArgs,
  type ExecutionArgs,
  type ExecutionResult,
  type OperationDefinitionNode,
} from 'graphql';
import type { CompiledQuery } from 'graphql-jit';
import type { Context } from '../schema/context.ts';
import { compileQuery, endOf, isShort } from './compiled-execution.ts';

/** So many events are told before a subscription is compiled: who watches one payment is told a handful. */
const EVENTS_MIN = 10;
/** What has an error is executed twice: after one, so many events more. */
const EVENTS_AFTER_ERROR = 1_000;
/**
 * Queries are bounded by what Yoga remembers. A subscription is remembered by whoever subscribes, with a text of its own:
 * so many are compiled, of so many fields. One of 400 fields took 30 ms and 0.8 MB.
 */
const SUBSCRIPTIONS_MAX = 32;
const FIELDS_MAX = 200;

type Query = CompiledQuery['query'];

/** What a subscription was compiled to, or how many events it has been told; null if it is not to be compiled. */
const subscriptions = new WeakMap<OperationDefinitionNode, Query | number | null>();
let compiled: readonly WeakRef<OperationDefinitionNode>[] = [];

type Answer = Promise<ExecutionResult> | ExecutionResult;

/**
 * Executes a subscription for one event, which is the root value: in the way of queries that are asked again. What is to be
 * told is there at once where nothing has to be read, and no event waits for the compiler.
 * @throws if the subscription is not valid, which was found out when it began
 */
export function executeEvent(args: ExecutionArgs): Answer {
  const operation = getOperationAST(args.document, args.operationName);
  if (operation == null) throw new Error('a subscription that is none any more');
  const known = subscriptions.get(operation) ?? 0;
  if (typeof known === 'function') return executeCompiled(known, operation, args);
  if (known !== null) subscriptions.set(operation, known + 1);
  if (known !== null && known >= EVENTS_MIN) compileLater(operation, args);
  return executeAlone(args);
}

function compileLater(operation: OperationDefinitionNode, args: ExecutionArgs): void {
  if (!isShort(args.document, operation, FIELDS_MAX)) subscriptions.set(operation, null);
  else if (takesRoom(operation)) void compile(operation, args);
}

async function compile(operation: OperationDefinitionNode, args: ExecutionArgs): Promise<void> {
  // Also where it cannot be compiled, and so that it is compiled once.
  subscriptions.set(operation, null);
  const query = await compileQuery(args).catch(() => null);
  subscriptions.set(operation, query);
}

function takesRoom(operation: OperationDefinitionNode): boolean {
  if (compiled.some((each) => each.deref() === operation)) return true;
  compiled = compiled.filter((each) => each.deref() !== undefined);
  if (compiled.length === SUBSCRIPTIONS_MAX) return false;
  compiled = [...compiled, new WeakRef(operation)];
  return true;
}

function executeCompiled(query: Query, operation: OperationDefinitionNode, args: ExecutionArgs): Answer {
  const anew = (): Answer => {
    subscriptions.set(operation, EVENTS_MIN - EVENTS_AFTER_ERROR);
    return executeAlone(args);
  };
  const complete = ({ data, errors }: ExecutionResult): Answer =>
    data == null || errors !== undefined ? anew() : { data };
  const answer = query(args.rootValue, { ...(args.contextValue as Context) }, args.variableValues);
  // Thousands need not wait, each by themselves, for what is there.
  if (!(answer instanceof Promise)) return complete(answer);
  return Promise.race([answer.then(complete, anew), endOf(args.abortSignal)]);
}

function executeAlone({ abortSignal, ...args }: ExecutionArgs): Answer {
  const valid = validateSubscriptionArgs(args);
  if (!('schema' in valid)) throw new Error('a subscription that is not valid any more');
  return executeSubscriptionEvent({ ...valid, externalAbortSignal: abortSignal ?? undefined });
}
