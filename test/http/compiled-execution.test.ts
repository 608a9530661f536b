import { setImmediate } from 'node:timers/promises';
import { GraphQLError, GraphQLNonNull, GraphQLObjectType, GraphQLSchema, GraphQLString, parse } from 'graphql';
import { beforeEach, expect, test } from 'vitest';
import { executeQuery } from '../../src/http/compiled-execution.ts';
import { readInTime } from '../../src/http/operation-time.ts';
import { ownSignal } from '../../src/store/cancellation.ts';

/** What is shared and what is not, with a schema that counts. */

/** Who was executed for, one after another. */
const executions: string[] = [];
let answers: () => Promise<void>;

beforeEach(() => {
  executions.length = 0;
  answers = () => setImmediate();
});

const schema = new GraphQLSchema({
  query: new GraphQLObjectType<unknown, Context>({
    name: 'Query',
    fields: {
      told: {
        type: new GraphQLNonNull(GraphQLString),
        args: { id: { type: GraphQLString } },
        resolve: async (_, { id }: { id?: string }, { credential }) => {
          executions.push(JSON.stringify(credential));
          await answers();
          return `${id} for the ${executions.length}.`;
        },
      },
    },
  }),
});

interface Context {
  readonly credential: object;
}

interface Asker {
  readonly credential?: object;
  readonly variableValues?: Record<string, unknown>;
  readonly operationName?: string;
  readonly leaving?: AbortSignal;
}

const key = (id: string, ...scopes: string[]) => ({ kind: 'key', key: { id, scopes } });
const token = (id: string) => ({ kind: 'token', token: { id } });

const texts = 'query one($id: String) { told(id: $id) } query other($id: String) { told(id: $id) }';
let document = parse(texts);

async function ask({ credential = key('a'), leaving, ...asker }: Asker = {}) {
  const args = { schema, document, operationName: 'one', variableValues: { id: 'x' }, ...asker };
  const contextValue = { credential, gateway: {}, caller: {} };
  return readInTime(30_000, leaving, (abortSignal) => executeQuery({ ...args, contextValue, abortSignal }));
}

/** The first time it is interpreted; from the second on it is compiled, and can be shared. */
beforeEach(async () => {
  document = parse(texts);
  for (const operationName of ['one', 'other', 'one', 'other']) await ask({ operationName });
  executions.length = 0;
});

test('who asks for the same at the same time is told the same, found out once', async () => {
  const told = await Promise.all([ask(), ask(), ask()]);
  expect(executions).toHaveLength(1);
  for (const each of told) expect(each).toEqual({ data: { told: 'x for the 1.' } });
});

test.each<[string, Asker]>([
  ['another key', { credential: key('b') }],
  ['the same key with other scopes', { credential: key('a', 'READ') }],
  ['a payer', { credential: token('a') }],
  ['other variables', { variableValues: { id: 'y' } }],
  ['another operation of the document', { operationName: 'other' }],
])('%s is answered apart', async (_what, other) => {
  await Promise.all([ask(), ask(other), ask(), ask(other)]);
  expect(executions).toHaveLength(2);
  expect(new Set(executions)).toEqual(
    new Set([key('a'), other.credential ?? key('a')].map((credential) => JSON.stringify(credential))),
  );
});

test('who asks after it has begun is told nothing that is older than the question', async () => {
  const held = Promise.withResolvers<void>();
  answers = () => held.promise;
  const first = ask();
  while (executions.length === 0) await setImmediate();
  const second = ask();
  while (executions.length === 1) await setImmediate();
  held.resolve();
  await Promise.all([first, second]);
  expect(executions).toHaveLength(2);
});

test('who leaves takes nothing from the others', async () => {
  const held = Promise.withResolvers<void>();
  answers = () => held.promise;
  const leaving = new AbortController();
  const left = ask({ leaving: leaving.signal });
  const stays = ask();
  while (executions.length === 0) await setImmediate();
  leaving.abort();
  expect(await left).toMatchObject({ errors: [{ extensions: { code: 'OPERATION_CANCELED' } }] });
  held.resolve();
  expect(await stays).toEqual({ data: { told: 'x for the 1.' } });
  expect(executions).toHaveLength(1);
});

test('once all have left, what is read for them ends', async () => {
  const begun = Promise.withResolvers<AbortSignal | undefined>();
  answers = () => {
    const signal = ownSignal();
    begun.resolve(signal);
    return new Promise((_, reject) => signal?.addEventListener('abort', () => reject(new Error('cancelled'))));
  };
  const leaving = new AbortController();
  const asking = [ask({ leaving: leaving.signal }), ask({ leaving: leaving.signal })];
  const reading = await begun.promise;
  expect(reading?.aborted).toBe(false);
  leaving.abort();
  await Promise.all(asking);
  expect(reading?.aborted).toBe(true);
  expect(executions).toHaveLength(1);
});

test('an error is nobody else’s: each finds out for itself', async () => {
  answers = () => Promise.reject(new GraphQLError('for a moment'));
  const told = await Promise.all([ask(), ask()]);
  // Once for both, and once for each.
  expect(executions).toHaveLength(3);
  for (const { errors } of told) expect(errors).toMatchObject([{ message: 'for a moment', path: ['told'] }]);
  answers = () => setImmediate();
  expect(await ask()).toEqual({ data: { told: 'x for the 4.' } });
});

test('its text is written once; what something is added to has its own', async () => {
  const [one, other] = await Promise.all([ask(), ask()]);
  const { stringify } = one as { stringify?: () => string };
  expect(other).toBe(one);
  expect(stringify?.()).toBe('{"data":{"told":"x for the 1."}}');
  expect({ ...one, extensions: { cost: 1 } }).not.toHaveProperty('stringify');
});
