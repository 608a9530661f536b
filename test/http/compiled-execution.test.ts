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
          const count = executions.push(JSON.stringify(credential));
          await answers();
          return `${id} for the ${count}.`;
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

test('who asks for the same while another does is told the same, found out once', async () => {
  const [first, ...others] = await Promise.all([ask(), ask(), ask(), ask()]);
  expect(executions).toHaveLength(2);
  expect(first).toEqual({ data: { told: 'x for the 1.' } });
  expect(others[0]).toEqual({ data: { told: 'x for the 2.' } });
  for (const each of others) expect(each).toBe(others[0]);
});

test.each<[string, Asker]>([
  ['another key', { credential: key('b') }],
  ['the same key with other scopes', { credential: key('a', 'READ') }],
  ['a payer', { credential: token('a') }],
  ['other variables', { variableValues: { id: 'y' } }],
  ['another operation of the document', { operationName: 'other' }],
])('%s is answered apart', async (_what, other) => {
  const asking = [ask(), ask(other), ask(), ask(other), ask(), ask(other)];
  const told = await Promise.all(asking);
  // Each kind's first, and its others together.
  expect(executions).toHaveLength(4);
  expect(told[4]).toBe(told[2]);
  expect(told[5]).toBe(told[3]);
  expect(told[5]).not.toBe(told[4]);
  const credentials = [key('a'), other.credential ?? key('a')].map((credential) => JSON.stringify(credential));
  expect(executions.toSorted()).toEqual([...credentials, ...credentials].toSorted());
});

test('who asks after it has begun is told nothing that is older than the question', async () => {
  const held = Promise.withResolvers<void>();
  answers = () => held.promise;
  const asking = [ask()];
  for (const begun of [1, 2, 3]) {
    while (executions.length < begun) await setImmediate();
    asking.push(ask());
  }
  held.resolve();
  await Promise.all(asking);
  // The first at once, two more each by itself; the last waits for one of these to end.
  expect(executions).toHaveLength(4);
});

test('who leaves takes nothing from the others', async () => {
  const held = Promise.withResolvers<void>();
  answers = () => held.promise;
  const leaving = new AbortController();
  const first = ask();
  const left = ask({ leaving: leaving.signal });
  const stays = ask();
  while (executions.length < 2) await setImmediate();
  leaving.abort();
  expect(await left).toMatchObject({ errors: [{ extensions: { code: 'OPERATION_CANCELED' } }] });
  held.resolve();
  expect(await first).toEqual({ data: { told: 'x for the 1.' } });
  expect(await stays).toEqual({ data: { told: 'x for the 2.' } });
  expect(executions).toHaveLength(2);
});

test('once all have left, what is read for them ends', async () => {
  const readings: AbortSignal[] = [];
  answers = () => {
    const signal = ownSignal() as AbortSignal;
    readings.push(signal);
    return new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('cancelled'))));
  };
  const leaving = new AbortController();
  const first = new AbortController();
  const leave = { leaving: leaving.signal };
  const asking = [ask({ leaving: first.signal }), ask(leave), ask(leave)];
  while (readings.length < 2) await setImmediate();
  leaving.abort();
  await Promise.all(asking.slice(1));
  expect(readings.map(({ aborted }) => aborted)).toEqual([false, true]);
  first.abort();
  expect(await asking[0]).toMatchObject({ errors: [{ extensions: { code: 'OPERATION_CANCELED' } }] });
  expect(readings.map(({ aborted }) => aborted)).toEqual([true, true]);
});

test('an error is nobody else’s: each finds out for itself', async () => {
  answers = () => Promise.reject(new GraphQLError('for a moment'));
  const told = await Promise.all([ask(), ask(), ask()]);
  // The first's, once for the two others, and once more for each.
  expect(executions).toHaveLength(5);
  for (const { errors } of told) expect(errors).toMatchObject([{ message: 'for a moment', path: ['told'] }]);
  answers = () => setImmediate();
  expect(await ask()).toEqual({ data: { told: 'x for the 6.' } });
});

test('its text is written once; what something is added to has its own', async () => {
  const [, one, other] = await Promise.all([ask(), ask(), ask()]);
  const { stringify } = one as { stringify?: () => string };
  expect(other).toBe(one);
  expect(stringify?.()).toBe('{"data":{"told":"x for the 2."}}');
  expect({ ...one, extensions: { cost: 1 } }).not.toHaveProperty('stringify');
});
