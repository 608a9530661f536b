import { Readable } from 'node:stream';
import {
  GraphQLInt,
  GraphQLNonNull,
  GraphQLObjectType,
  GraphQLSchema,
  GraphQLString,
  parse,
  type DocumentNode,
  type ExecutionResult,
} from 'graphql';
import { beforeEach, expect, test } from 'vitest';
import { useSharedExecution } from '../../src/http/shared-execution.ts';
import type { EventMessage } from '../../src/schema/event-stream.ts';

/** What is shared and what is not, with a schema that tells who was executed for. */

type Context = { messages: EventMessage[]; credential: object; resolve: () => unknown };
type Subscribe = (args: object) => Promise<AsyncIterableIterator<ExecutionResult>>;

let executions = 0;
beforeEach(() => {
  executions = 0;
});

const message: EventMessage = { cursor: '1', event: { id: 'event' } as EventMessage['event'] };
const fresh = (): EventMessage => ({ ...message, event: { ...message.event } as EventMessage['event'] });

const args = { id: { type: GraphQLString } };
const schema = new GraphQLSchema({
  query: new GraphQLObjectType({ name: 'Query', fields: { nothing: { type: GraphQLInt } } }),
  subscription: new GraphQLObjectType<EventMessage, Context>({
    name: 'Subscription',
    fields: {
      told: {
        type: new GraphQLNonNull(GraphQLString),
        args,
        subscribe: (_, __, { messages }) => Readable.from(messages),
        resolve: async (_, { id }, { resolve, credential }) => {
          executions++;
          return (await resolve()) ?? JSON.stringify({ id: id as unknown, credential });
        },
      },
    },
  }),
});

const key = (id: string) => ({ kind: 'key', key: { id } });
const TOLD = parse('subscription one($id: String) { told(id: $id) } subscription other { told(id: "other") }');

const fault = () => Promise.reject(new Error('for a moment'));

interface Asker {
  readonly document?: DocumentNode;
  readonly operationName?: string;
  readonly variableValues?: Record<string, unknown>;
  readonly credential?: object;
  readonly resolve?: () => unknown;
  readonly abortSignal?: AbortSignal;
  readonly operationMs?: number;
}

/** A subscriber that is told some messages. */
async function subscriber(
  messages: EventMessage[],
  { credential = key('a'), resolve, operationMs = 30_000, ...asker }: Asker = {},
) {
  let subscribe: Subscribe | undefined;
  const setSubscribeFn = (given: unknown) => (subscribe = given as Subscribe);
  void useSharedExecution({ operationMs }).onSubscribe?.({ setSubscribeFn } as never);
  const contextValue: Context = { messages, credential, resolve: resolve ?? (() => undefined) };
  const rest = { document: TOLD, operationName: 'one', variableValues: { id: 'x' }, ...asker };
  const stream = await subscribe?.({ schema, contextValue, ...rest });
  if (stream === undefined) throw new Error('the plugin sets no function');
  return { stream, next: async () => (await stream.next()).value as ExecutionResult };
}

test('who asks for the same under the same key gets the same answer', async () => {
  const one = await subscriber([message]);
  const other = await subscriber([message]);
  const [first, second] = await Promise.all([one.next(), other.next()]);
  expect(second).toBe(first);
  expect(executions).toBe(1);
});

test.each<[string, Asker]>([
  ['another key', { credential: key('b') }],
  ['another operation of the document', { operationName: 'other' }],
  ['other variables', { variableValues: { id: 'y' } }],
  ['no variables', { variableValues: {} }],
  ['another document', { document: parse('subscription one($id: String) { called: told(id: $id) }') }],
  ['a client token', { credential: { kind: 'token', token: { id: 'a' } } }],
])('%s gets an answer of its own', async (_, asker) => {
  const shared = [fresh()];
  const one = await subscriber(shared);
  const other = await subscriber(shared, asker);
  const [first, second] = await Promise.all([one.next(), other.next()]);
  expect(executions).toBe(2);
  expect(second).not.toEqual(first);
  expect(second.errors).toBeUndefined();
});

test('what an event comes to has its time, and the next event another', async () => {
  let hangs = true;
  const resolve = () => (hangs ? new Promise(() => {}) : 'told');
  const { next } = await subscriber([fresh(), fresh()], { resolve, operationMs: 20 });
  expect((await next()).errors).toMatchObject([{ extensions: { code: 'OPERATION_TIMEOUT', limitMs: 20 } }]);
  hangs = false;
  expect((await next()).data).toEqual({ told: 'told' });
});

test('client tokens share nothing, not even one with itself', async () => {
  const shared = [fresh()];
  const credential = { kind: 'token', token: { id: 'a' } };
  await (await subscriber(shared, { credential })).next();
  await (await subscriber(shared, { credential })).next();
  expect(executions).toBe(2);
});

test('another event, and a message without one, are executed anew', async () => {
  const empty: EventMessage = { cursor: '0', event: null };
  const messages = [empty, fresh(), fresh()];
  for (const { next } of [await subscriber(messages), await subscriber(messages)]) {
    for (const _ of messages) await next();
  }
  expect(executions).toBe(4);
});

test('one who leaves or is aborted during the execution does not end it for the others', async () => {
  const shared = [fresh()];
  const begun = Promise.withResolvers<void>();
  const goOn = Promise.withResolvers<undefined>();
  const abort = new AbortController();
  const resolve = () => {
    begun.resolve();
    return goOn.promise;
  };
  const leaver = await subscriber(shared, { resolve, abortSignal: abort.signal });
  const stayer = await subscriber(shared);
  const left = leaver.next();
  const told = stayer.next();
  await begun.promise;
  abort.abort();
  void leaver.stream.return?.();
  goOn.resolve(undefined);
  expect(await told).toMatchObject({ data: { told: expect.any(String) } });
  await left;
  expect(executions).toBe(1);
});

test('an error is for those who wait for it: whoever comes later finds out anew', async () => {
  const shared = [fresh()];
  // Executed for the first time, it is not compiled: what is compiled is executed anew where there is an error.
  const asker = { document: parse('subscription one($id: String) { told(id: $id) }'), resolve: fault };
  const [one, other] = [await subscriber(shared, asker), await subscriber(shared, asker)];
  const [first, second] = await Promise.all([one.next(), other.next()]);
  expect(first.errors).toHaveLength(1);
  expect(second).toBe(first);
  const later = await subscriber(shared, { document: asker.document });
  expect(await later.next()).toMatchObject({ data: { told: expect.any(String) } });
  expect(executions).toBe(2);
});
