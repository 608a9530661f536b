import {
  createSourceEventStream,
  validateSubscriptionArgs,
  type DocumentNode,
  type ExecutionArgs,
  type ExecutionResult,
} from 'graphql';
import type { Plugin } from 'graphql-yoga';
import type { Context } from '../schema/context.ts';
import type { EventMessage, EventStream } from '../schema/event-stream.ts';
import type { Limits } from '../domain/limits.ts';
import { executeEvent } from './compiled-events.ts';
import { readInTime } from './operation-time.ts';

/**
 * Subscribers of one key that ask for the same are answered the same: what an event comes to is found out once for all of
 * them. Each is looked at before (`isStillAllowed`), and gets it in its own turn.
 */
export function useSharedExecution({ operationMs }: Pick<Limits, 'operationMs'>): Plugin<Context> {
  return { onSubscribe: ({ setSubscribeFn }) => setSubscribeFn((args: ExecutionArgs) => subscribe(args, operationMs)) };
}

type Answer = Promise<ExecutionResult> | ExecutionResult;

/** By the event and by what is asked. They go with the event. */
const answers = new WeakMap<object, Map<string, Answer>>();

/** What a transport has put beside the context that hands on answers as they come. */
type Subscriber = Context & { readonly isTold?: boolean };

/** What a subscriber asks for. */
interface Question {
  readonly args: Pick<ExecutionArgs, 'schema' | 'document' | 'operationName' | 'variableValues'>;
  /** The same for all who are answered the same. */
  readonly asked: string | undefined;
  readonly operationMs: number;
}

async function subscribe(args: ExecutionArgs, operationMs: number) {
  const valid = validateSubscriptionArgs(args);
  if (!('schema' in valid)) return { errors: valid };
  const messages = await createSourceEventStream(valid);
  if (!(Symbol.asyncIterator in messages)) return messages;
  const { schema, document, operationName, variableValues } = args;
  const question = { args: { schema, document, operationName, variableValues }, asked: nameOf(args), operationMs };
  const context = args.contextValue as Subscriber;
  if (context.isTold === true) return new Answers(messages as EventStream, question);
  // graphql's own way keeps each answer until the next one, and thousands of subscribers wait.
  return mapped(messages as AsyncIterable<EventMessage>, (message) => answerTo(question, context, message));
}

/**
 * What a subscription comes to, for a transport that hands it on as it comes. No iterator: envelop would go through it four
 * times over for each answer, and each of these would be under way for every subscriber that waits.
 */
export class Answers {
  readonly #stream: EventStream;
  readonly #question: Question;

  constructor(stream: EventStream, question: Question) {
    this.#stream = stream;
    this.#question = question;
  }

  /** The cursor of what was told last. */
  get told(): string | null {
    return this.#stream.context.told;
  }

  /**
   * Tells everything, until it ends.
   * @param take what there is to be waited for before the next is told, if there is anything
   * @throws why it is over where that was not the subscriber's wish
   */
  tell(take: (result: ExecutionResult) => Promise<void> | undefined): Promise<void> {
    return this.#stream.tell({
      answer: (message) => answerTo(this.#question, this.#stream.context, message),
      take: (answer) => (answer instanceof Promise ? answer.then(take) : take(answer)),
    });
  }

  /** The subscriber leaves. */
  end(): void {
    this.#stream.end();
  }
}

function answerTo(question: Question, context: Context, message: EventMessage): Answer {
  const { event } = message;
  if (event === null || question.asked === undefined) return unheeded(executeFor(question, context, message));
  return once(event, question.asked, () => executeFor(question, context, message));
}

/** One that fails harms nobody where it is told to nobody: the credential may turn out to be over meanwhile. */
function unheeded(answer: Answer): Answer {
  if (answer instanceof Promise) answer.catch(() => undefined);
  return answer;
}

/** With a context that is nobody's, and without the end of anyone's request: who leaves does not end it for the others. */
function executeFor({ args, operationMs }: Question, context: Context, message: EventMessage): Answer {
  const answer = readInTime(operationMs, undefined, (abortSignal) =>
    executeEvent({ ...args, rootValue: message, contextValue: { ...context }, abortSignal }),
  );
  return extended(answer, context);
}

function extended(answer: Answer, { extensions }: Context): Answer {
  if (extensions === undefined) return answer;
  return answer instanceof Promise ? answer.then((each) => ({ ...each, extensions })) : { ...answer, extensions };
}

/** Each value as what it is mapped to. A fault ends the source, too. */
function mapped<T, R>(
  source: AsyncIterable<T>,
  map: (value: T) => R | Promise<R>,
): AsyncIterableIterator<R, undefined> {
  const iterator: AsyncIterator<T, unknown> = source[Symbol.asyncIterator]();
  const end = async (): Promise<IteratorReturnResult<undefined>> => {
    await iterator.return?.();
    return { done: true, value: undefined };
  };
  return {
    async next() {
      const told = await iterator.next();
      if (told.done === true) return { done: true, value: undefined };
      try {
        return { done: false, value: await map(told.value) };
      } catch (error) {
        await end();
        throw error;
      }
    },
    return: end,
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

function once(event: object, asked: string, execute: () => Answer): Answer {
  const known = answers.get(event) ?? new Map<string, Answer>();
  answers.set(event, known);
  const answer = known.get(asked) ?? forgetFaulty(execute(), () => known.delete(asked));
  known.set(asked, answer);
  return answer;
}

/** An answer with errors is for those who wait for it now: whoever comes later finds out anew. */
function forgetFaulty(answer: Answer, forget: () => void): Answer {
  void Promise.resolve(answer).then(({ errors }) => {
    if (errors !== undefined) forget();
  }, forget);
  return answer;
}

/**
 * Everything that an answer depends on besides the event. The document stands for its text, the variables are as they came
 * and so are JSON; the key decides the environment, the mode and the scopes. Undefined for payers: tokens differ in their
 * reach, and few subscribers have the same.
 */
function nameOf({ document, operationName, variableValues, contextValue }: ExecutionArgs): string | undefined {
  const { credential, extensions } = contextValue as Context;
  if (credential.kind !== 'key') return undefined;
  return JSON.stringify([credential.key.id, numberOf(document), operationName, variableValues, extensions]);
}

const numbers = new WeakMap<DocumentNode, number>();
let documents = 0;

/** Yoga parses a text once: the same text is the same document, while it remembers it. */
function numberOf(document: DocumentNode): number {
  const number = numbers.get(document) ?? documents++;
  numbers.set(document, number);
  return number;
}
