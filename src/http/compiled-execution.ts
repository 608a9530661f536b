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
import { contextApart, type Context } from '../schema/context.ts';
import { LookAhead } from '../schema/look-ahead.ts';
import { GatheredReads } from '../store/gathered-reads.ts';

/** Fragments are written out where they are used, so a short document may come to a long program: this many fields. */
const FIELDS_MAX = 2_000;

/**
 * Executes a query. One that is asked again is compiled: a page of twenty payments then takes a third of the executor's time.
 * What is compiled answers only where all goes well. Whatever has an error, or needs what was not foreseen, is executed anew,
 * by the executor that knows all about errors and is used for everything else: a query changes nothing.
 */
export function executeQuery(args: ExecutionArgs): ExecutionResult | Promise<ExecutionResult> {
  const operation = getOperationAST(args.document, args.operationName);
  if (operation?.operation !== OperationTypeNode.QUERY) return execute(args);
  const known = knownOf(operation, args.document);
  if (known === undefined) return execute(args);
  return known === 'once' ? executeAgain(operation, args) : executeCompiled(known, args);
}

/** @returns undefined for an operation that is asked for for the first time, or is not to be compiled */
function knownOf(operation: OperationDefinitionNode, document: DocumentNode): 'once' | Compiled | undefined {
  const known = operations.get(operation);
  if (known === undefined) operations.set(operation, isShort(document, operation, FIELDS_MAX) ? 'once' : null);
  return known ?? undefined;
}

async function executeAgain(operation: OperationDefinitionNode, args: ExecutionArgs): Promise<ExecutionResult> {
  const compiled = await compile(operation, args);
  return compiled === null ? execute(args) : executeCompiled(compiled, args);
}

/** Who asks at the same time waits for the same. */
async function compile(operation: OperationDefinitionNode, args: ExecutionArgs): Promise<Compiled | null> {
  const pending = compiling.get(operation) ?? compileQuery(args);
  compiling.set(operation, pending);
  const query = await pending;
  const known = operations.get(operation) ?? null;
  if (known !== 'once') return known;
  const compiled = query === null ? null : { query, asking: new Map() };
  operations.set(operation, compiled);
  return compiled;
}

const compiling = new WeakMap<OperationDefinitionNode, Promise<CompiledQuery['query'] | null>>();

/**
 * The compiler is loaded when something is first asked for again: it is a tenth of what a start would load.
 * @returns null for what cannot be compiled
 */
export async function compileQuery({
  schema,
  document,
  operationName,
}: ExecutionArgs): Promise<CompiledQuery['query'] | null> {
  const compiler = await import('graphql-jit');
  const compiled = compiler.compileQuery(schema, document, operationName ?? undefined);
  return compiler.isCompiledQuery(compiled) ? compiled.query : null;
}

/**
 * Who asks what nobody else asks now is answered at once. Those who ask for the same meanwhile, with the same credential, are
 * told the same: it is found out once for them, after the last of them has asked. What is not told is found out by each for
 * itself. Gathered like the others, the first took a sixth more CPU where everybody asks for something else.
 */
async function executeCompiled(compiled: Compiled, args: ExecutionArgs): Promise<ExecutionResult> {
  const asked = nameOf(args);
  const others = compiled.asking.get(asked);
  const answer =
    others === undefined ? answerFirst(compiled, asked, args) : (others ?? gatherOthers(compiled, asked)).load(args);
  return (await answer) ?? execute(args);
}

async function answerFirst(
  { query, asking }: Compiled,
  asked: string,
  args: ExecutionArgs,
): Promise<Answer | undefined> {
  asking.set(asked, null);
  try {
    return await Promise.race([answerTo(query, args), endOf(args.abortSignal)]);
  } finally {
    if (asking.get(asked) === null) asking.delete(asked);
  }
}

function gatherOthers({ query, asking }: Compiled, asked: string): Others {
  const read = async (all: readonly ExecutionArgs[]): Promise<(Answer | undefined)[]> => {
    const answer = await answerTo(query, all[0] as ExecutionArgs);
    return all.map(() => answer);
  };
  const others = new GatheredReads(read, () => asking.delete(asked));
  asking.set(asked, others);
  return others;
}

/** What is compiled knows nothing of time: an answer that does not come in time comes to nothing. */
export function endOf(signal: AbortSignal | null | undefined): Promise<never> {
  return new Promise((_, reject) => {
    signal?.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
}

/** @returns undefined where there are errors, or something was not foreseen */
async function answerTo(query: CompiledQuery['query'], args: ExecutionArgs): Promise<Answer | undefined> {
  const lookAhead = new LookAhead();
  const context: Context = { ...contextApart(args.contextValue as Context), lookAhead };
  const { data, errors }: ExecutionResult = await query(args.rootValue, context, args.variableValues);
  if (data == null || errors !== undefined || !lookAhead.sufficed) return undefined;
  lookAhead.learn();
  return new Answer(data);
}

/** Data, and the text of it, which is written once for all who are told it. */
class Answer implements ExecutionResult {
  readonly data: Readonly<Record<string, unknown>>;
  #text: string | undefined;

  constructor(data: Answer['data']) {
    this.data = data;
  }

  /** Yoga asks for it. It is the class's and not a property: a copy to which something is added has a text of its own. */
  get stringify(): () => string {
    return () => (this.#text ??= JSON.stringify({ data: this.data }));
  }
}

/** All that an answer depends on besides the operation and the time. A token is what it was signed as; a key may change. */
function nameOf({ contextValue, variableValues }: ExecutionArgs): string {
  const { credential } = contextValue as Context;
  return JSON.stringify([credential.kind === 'key' ? credential.key : credential.token.id, variableValues]);
}

interface Compiled {
  readonly query: CompiledQuery['query'];
  /** By all that an answer depends on: who asks now besides the first; null while nobody does. */
  readonly asking: Map<string, Others | null>;
}

type Others = GatheredReads<ExecutionArgs, Answer | undefined>;

/** What is known of an operation: that it was asked for once, or what it was compiled to; null if it is not to be. */
type Known = 'once' | Compiled | null;

/** By their place in a document: Yoga parses a text once, and they go with what it forgets. */
const operations = new WeakMap<OperationDefinitionNode, Known>();

/** Whether an operation has few enough fields, fragments written out. A valid document's fragments are in no circle. */
export function isShort(document: DocumentNode, operation: OperationDefinitionNode, fieldsMax: number): boolean {
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const each of document.definitions) {
    if (each.kind === Kind.FRAGMENT_DEFINITION) fragments.set(each.name.value, each);
  }
  let left = fieldsMax;
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
