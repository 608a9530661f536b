import {
  execute,
  getOperationAST,
  Kind,
  OperationTypeNode,
  type DocumentNode,
  type ExecutionArgs,
  type ExecutionResult,
  type FragmentDefinitionNode,
  type OperationDefinitionNode,
  type SelectionSetNode,
} from 'graphql';
import type { CompiledQuery } from 'graphql-jit';
import { renewLoaders, type Context } from '../schema/context.ts';
import { LookAhead } from '../schema/look-ahead.ts';

/** Fragments are written out where they are used, so a short document may come to a long program: this many fields. */
const FIELDS_MAX = 2_000;

/**
 * Executes a query. One that is asked again is compiled: a page of twenty payments then takes a third of the executor's time.
 * What is compiled answers only where all goes well. Whatever has an error, or needs what was not foreseen, is executed anew,
 * by the executor that knows all about errors and is used for everything else: a query changes nothing.
 */
export function executeQuery(args: ExecutionArgs): ExecutionResult | Promise<ExecutionResult> {
  const { document, operationName } = args;
  const operation = getOperationAST(document, operationName);
  if (operation?.operation !== OperationTypeNode.QUERY) return execute(args);
  const known = operations.get(operation);
  if (known === undefined) operations.set(operation, isShort(document, operation) ? 'once' : null);
  if (known === undefined || known === null) return execute(args);
  return known === 'once' ? executeAgain(operation, args) : executeCompiled(known, args);
}

/** The compiler is loaded with the first query that is asked again: it is a tenth of what a start would load. */
async function executeAgain(operation: OperationDefinitionNode, args: ExecutionArgs): Promise<ExecutionResult> {
  const { compileQuery, isCompiledQuery } = await import('graphql-jit');
  let known = operations.get(operation);
  if (known === 'once') {
    const compiled = compileQuery(args.schema, args.document, args.operationName ?? undefined);
    known = isCompiledQuery(compiled) ? compiled : null;
    operations.set(operation, known);
  }
  return known == null ? execute(args) : executeCompiled(known, args);
}

async function executeCompiled(compiled: CompiledQuery, args: ExecutionArgs): Promise<ExecutionResult> {
  const context = args.contextValue as Context;
  const lookAhead = new LookAhead();
  context.lookAhead = lookAhead;
  const result: ExecutionResult = await Promise.race([
    compiled.query(args.rootValue, context, args.variableValues),
    endOf(args.abortSignal),
  ]);
  context.lookAhead = undefined;
  if (result.errors === undefined && lookAhead.sufficed) {
    lookAhead.learn();
    return result;
  }
  renewLoaders(context);
  return execute(args);
}

/** What is compiled knows nothing of time: an answer that does not come in time comes to nothing. */
function endOf(signal: AbortSignal | null | undefined): Promise<never> {
  return new Promise((_, reject) => {
    signal?.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
}

/** What is known of an operation: that it was asked for once, or what it was compiled to; null if it is not to be. */
type Known = 'once' | CompiledQuery | null;

/** By their place in a document: Yoga parses a text once, and they go with what it forgets. */
const operations = new WeakMap<OperationDefinitionNode, Known>();

/** Whether an operation has few enough fields, fragments written out. A valid document's fragments are in no circle. */
function isShort(document: DocumentNode, operation: OperationDefinitionNode): boolean {
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const each of document.definitions) {
    if (each.kind === Kind.FRAGMENT_DEFINITION) fragments.set(each.name.value, each);
  }
  let left = FIELDS_MAX;
  const take = ({ selections }: SelectionSetNode): void => {
    for (const each of selections) {
      if (--left < 0) return;
      const next = each.kind === Kind.FRAGMENT_SPREAD ? fragments.get(each.name.value) : each;
      if (next?.selectionSet !== undefined) take(next.selectionSet);
    }
  };
  take(operation.selectionSet);
  return left >= 0;
}
