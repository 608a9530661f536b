import type { ExecutionArgs, ExecutionResult } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import type { Context } from '../schema/context.ts';
import { costOf } from './cost.ts';
import { overLimit } from './refusal.ts';
import type { Limits } from '../domain/limits.ts';

/** Who sends this header with "1", or `extensions: { cost: true }` beside the query, is told what it costs. */
const COST_HEADER = 'tender-cost';

/**
 * Refuses, before anything is read, what may come to too much: relations lead in circles, and a few lines grow beyond all
 * bounds. Payers' requests come from anywhere, so they are held to less.
 */
export function useQueryCost(limits: Pick<Limits, 'cost' | 'payerCost'>): Plugin<Context> {
  const weigh = ({ args, setResultAndStopExecution }: Hook): Pick<ExecutionResult, 'extensions'> | undefined => {
    const context = args.contextValue as Asking;
    const limit = context.caller.payer === null ? limits.cost : limits.payerCost;
    const requested = costOf(args);
    const cost = asksForCost(context) ? { extensions: { cost: { requested, limit } } } : undefined;
    if (requested > limit) {
      const message = 'This asks for too much at once: ask for less, or in smaller pages.';
      const errors = [overLimit('QUERY_TOO_LARGE', message, { limit, found: requested })];
      setResultAndStopExecution({ errors, ...cost });
      return undefined;
    }
    return cost;
  };
  return {
    onExecute(hook) {
      const cost = weigh(hook);
      if (cost === undefined) return undefined;
      return { onExecuteDone: ({ result, setResult }) => setResult({ ...(result as ExecutionResult), ...cost }) };
    },
    onSubscribe(hook) {
      hook.args.contextValue.extensions = weigh(hook)?.extensions;
    },
  };
}

interface Hook {
  readonly args: ExecutionArgs;
  readonly setResultAndStopExecution: (result: ExecutionResult) => void;
}

/** What the transport has put beside the context. */
type Asking = Context & {
  readonly request?: Request;
  readonly params?: { readonly extensions?: Readonly<Record<string, unknown>> | null };
};

function asksForCost({ request, params }: Asking): boolean {
  return params?.extensions?.['cost'] === true || request?.headers.get(COST_HEADER) === '1';
}
