import { setImmediate } from 'node:timers/promises';
import { buildSchema, parse, type ExecutionResult, type GraphQLObjectType } from 'graphql';
import { expect, test } from 'vitest';
import { executeEvent } from '../../src/http/compiled-events.ts';
import { readInTime } from '../../src/http/operation-time.ts';

/** What an event comes to, by graphql-js the first times and compiled after them. */

/** After so many events a subscription is compiled. */
const EVENTS_MIN = 10;

const schema = buildSchema(`
  type Query { nothing: Int }
  type Subscription { happened: Event! other: Event }
  interface Node { id: ID! }
  enum Kind { MADE ENDED }
  type Event implements Node { id: ID! kind: Kind! payment: Payment nodes: [Node!]! late: String faulty: String broken: String! }
  type Payment implements Node { id: ID! amount(in: String): Int! events: [Event!]! }
`);

/** The compiler calls no methods of values: what is a method here has a resolver. */
for (const [type, ...names] of [
  ['Event', 'late', 'faulty', 'broken', 'payment', 'nodes'],
  ['Payment', 'amount', 'events'],
] as const) {
  const fields = (schema.getType(type) as GraphQLObjectType<Record<string, (args: object) => unknown>>).getFields();
  for (const name of names) Object.assign(fields[name] ?? {}, { resolve: methodOf(name) });
}

function methodOf(name: string) {
  return (source: Record<string, (args: object) => unknown>, args: object): unknown => source[name]?.(args);
}

let resolved = 0;

function fault(): never {
  resolved++;
  throw new Error('no such luck');
}

const event = {
  __typename: 'Event',
  id: 'evt_1',
  kind: 'MADE',
  late: () => Promise.resolve('in time'),
  faulty: fault,
  broken: () => Promise.reject(new Error('no such luck')),
  payment: () =>
    Promise.resolve({
      __typename: 'Payment',
      id: 'pay_1',
      amount: ({ in: currency = 'EUR' }: { in?: string }) => (currency === 'EUR' ? 12 : 13),
      events: () => [event],
    }),
  nodes: () => [event, event.payment()],
};

interface Asked {
  readonly text: string;
  readonly operationName?: string;
  readonly variableValues?: Record<string, unknown>;
}

/** Waits until what is being compiled is. */
async function compiler(): Promise<void> {
  await import('graphql-jit');
  await setImmediate();
}

/** What a document comes to, event after event. */
function subscription({ text, ...asked }: Asked) {
  const document = parse(text);
  return async (rootValue: object = { happened: event, other: event }): Promise<ExecutionResult> =>
    readInTime(10_000, undefined, (abortSignal) =>
      executeEvent({ schema, document, rootValue, contextValue: {}, abortSignal, ...asked }),
    );
}

const plain = (result: ExecutionResult): unknown => JSON.parse(JSON.stringify(result));

test.each<[string, Asked]>([
  ['what is there at once', { text: 'subscription { happened { __typename id kind } }' }],
  ['what has to be waited for', { text: 'subscription { happened { late payment { id amount } } }' }],
  ['other names', { text: 'subscription { told: happened { its: id payment { a: amount b: amount(in: "USD") } } }' }],
  [
    'fragments and abstract types',
    {
      text: `subscription { happened { ...Its nodes { id ... on Payment { amount } ... on Event { kind } } } }
        fragment Its on Event { payment { events { id } } }`,
    },
  ],
  [
    'conditions',
    {
      text: 'subscription ($yes: Boolean!, $no: Boolean = false) { happened { id @skip(if: $yes) kind @include(if: $yes) late @include(if: $no) } }',
      variableValues: { yes: true },
    },
  ],
  [
    'variables',
    {
      text: 'subscription ($in: String) { happened { payment { amount(in: $in) } } }',
      variableValues: { in: 'USD' },
    },
  ],
  [
    'one of two operations',
    { text: 'subscription one { happened { id } } subscription two { other { kind } }', operationName: 'two' },
  ],
  ['an error of a field that may be null', { text: 'subscription { happened { id faulty payment { id } } }' }],
  ['an error of one that may not', { text: 'subscription { happened { id broken } }' }],
  ['an error that leaves null of the whole', { text: 'subscription { other { id broken } }' }],
])('%s: compiled, it is the same', async (_what, asked) => {
  const next = subscription(asked);
  const first = await next();
  expect(first).toHaveProperty('data');
  for (let told = 0; told <= EVENTS_MIN + 2; told++) {
    expect(plain(await next())).toEqual(plain(first));
    await compiler();
  }
});

test('what is there at once need not be waited for', async () => {
  const document = parse('subscription { happened { id } }');
  const next = () => executeEvent({ schema, document, rootValue: { happened: event }, contextValue: {} });
  for (let told = 0; told <= EVENTS_MIN; told++) await next();
  await compiler();
  expect(next()).toEqual({ data: { happened: { id: 'evt_1' } } });
});

test('an event whose time is over ends, and the next one is told', async () => {
  const document = parse('subscription { happened { late } }');
  const next = (late: () => unknown) =>
    readInTime(20, undefined, (abortSignal) =>
      executeEvent({ schema, document, rootValue: { happened: { ...event, late } }, contextValue: {}, abortSignal }),
    );
  for (let told = 0; told <= EVENTS_MIN + 1; told++)
    expect(await next(() => 'told')).toMatchObject({ data: { happened: { late: 'told' } } });
  const hangs = await next(() => new Promise(() => {}));
  expect(hangs).toMatchObject({ errors: [{ extensions: { code: 'OPERATION_TIMEOUT' } }] });
  expect(await next(() => 'told')).toMatchObject({ data: { happened: { late: 'told' } } });
});

/** Tells it so often that it is compiled, if it is ever. @returns how often a field with an error is resolved then */
async function resolvedWhenCompiled(text: string): Promise<number> {
  const next = subscription({ text });
  for (let told = 0; told <= EVENTS_MIN; told++) await next();
  await compiler();
  resolved = 0;
  expect(await next()).toMatchObject({ errors: [{ message: 'no such luck' }] });
  return resolved;
}

test('however many texts are subscribed to, only some are compiled, and all are told', async () => {
  const counts: number[] = [];
  for (let index = 0; index < 50; index++) {
    counts.push(await resolvedWhenCompiled(`subscription { happened { name${index}: id faulty } }`));
  }
  // What is compiled is executed anew where there is an error.
  expect(counts.filter((count) => count === 2).length).toBeGreaterThan(5);
  expect(counts.filter((count) => count === 2).length).toBeLessThanOrEqual(32);
  expect(counts.at(-1)).toBe(1);
});

test('what has an error is not executed twice each time', async () => {
  const next = subscription({ text: 'subscription { happened { id faulty late } }' });
  for (let told = 0; told <= EVENTS_MIN + 1; told++) await next();
  resolved = 0;
  for (let told = 0; told < 5; told++) await next();
  expect(resolved).toBe(5);
});
