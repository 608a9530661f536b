import {
  createSourceEventStream,
  executeSubscriptionEvent,
  mapSourceToResponseEvent,
  validateSubscriptionArgs,
  type DocumentNode,
  type ExecutionArgs,
} from 'graphql';
import type { Plugin } from 'graphql-yoga';
import type { Context } from '../schema/context.ts';
import type { EventMessage } from '../schema/event-stream.ts';

/**
 * Subscribers of one key that ask for the same are answered the same: what an event comes to is found out once for all of
 * them. Each is looked at before (`isStillAllowed`), and gets it in its own turn.
 */
export function useSharedExecution(): Plugin<Context> {
  return { onSubscribe: ({ setSubscribeFn }) => setSubscribeFn(subscribe) };
}

type Answer = ReturnType<typeof executeSubscriptionEvent>;

/** By the event and by what is asked. They go with the event. */
const answers = new WeakMap<object, Map<string, Answer>>();

async function subscribe(args: ExecutionArgs) {
  const valid = validateSubscriptionArgs(args);
  if (!('schema' in valid)) return { errors: valid };
  const stream = await createSourceEventStream(valid);
  if (!(Symbol.asyncIterator in stream)) return stream;
  const asked = questionOf(args);
  return mapSourceToResponseEvent(valid, stream, (told) => {
    const { event } = told.rootValue as EventMessage;
    if (event === null || asked === undefined) return executeSubscriptionEvent(told);
    const known = answers.get(event) ?? new Map<string, Answer>();
    answers.set(event, known);
    const answer = known.get(asked) ?? executeSubscriptionEvent(told);
    known.set(asked, answer);
    return answer;
  });
}

/** Everything that an answer depends on besides the event; undefined for payers, of whom each sees something else. */
function questionOf({ document, operationName, variableValues, contextValue }: ExecutionArgs): string | undefined {
  const { credential } = contextValue as Context;
  if (credential.kind !== 'key') return undefined;
  return JSON.stringify([numberOf(document), operationName, variableValues, credential.key.id]);
}

const numbers = new WeakMap<DocumentNode, number>();
let documents = 0;

/** Yoga parses a text once: the same text is the same document, while it remembers it. */
function numberOf(document: DocumentNode): number {
  const number = numbers.get(document) ?? documents++;
  numbers.set(document, number);
  return number;
}
