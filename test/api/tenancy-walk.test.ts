import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { getNamedType, isObjectType } from 'graphql';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PaymentEventsDocument } from '../../generated/operations/graphql.ts';
import { ID_PREFIXES, type IdType } from '../../src/domain/ids.ts';
import { buildSchema } from '../../src/schema/schema.ts';
import { ACROSS_ENVIRONMENTS } from '../harness/across-environments.ts';
import { FarProcessor } from '../harness/far-processor.ts';
import { doTheRest } from '../harness/further-doings.ts';
import { only, useGateway } from '../harness/gateway.ts';
import { documentFor, placesOf, selectionOf, variablesFor, type Examples, type Place } from '../harness/places.ts';
import { Receiver } from '../harness/receiver.ts';
import { subscribeOverEvents } from '../harness/subscription.ts';
import { unscopedIn } from '../harness/scoping.ts';
import { recordStatements } from '../harness/statements.ts';
import { Tenant } from '../harness/tenant.ts';
import { card, Till } from '../harness/till.ts';
import { until } from '../harness/until.ts';

/**
 * A walk over the whole schema with ids of other environments: another account's, and the same account's other mode. In
 * every place that takes an id they are answered exactly as ids that nothing has. The places are found in the schema. That a
 * place is reached at all, and not refused before anybody looks for the id, is shown with an id of one's own, which has to
 * be answered otherwise: a new place that the examples below do not lead to fails.
 */

const far = new FarProcessor();
const gateway = useGateway({ connectors: [far], settings: { webhookPrivateNetworks: true } });
const receiver = new Receiver();
const schema = buildSchema();
const places = placesOf(schema);

let own: Tenant;
let foreign: readonly Tenant[];
let before: string;
/** Everything that the gateway has asked its database for, and the tenants for their own ends. */
let statements: readonly string[];
/** Payments of one's own that can be changed and charged. */
let open: readonly string[];

beforeAll(async () => {
  statements = recordStatements(gateway().app.gateway.database);
  await receiver.start();
  const settle = (name: 'test' | 'live' | 'other') => Tenant.settle(gateway(), far, name, receiver.url(name));
  own = await settle('test');
  foreign = [await settle('live'), await settle('other')];
  const customerId = own.id('Customer');
  // Held: nothing erases the customer.
  await new Till(gateway).authorize({ customerId, paymentMethodId: own.id('PaymentMethod') });
  const created = [1, 2].map(() => new Till(gateway).create({ customerId }));
  open = (await Promise.all(created)).map((result) => only(result, 'CreatePaymentPayload').payment.id);
  before = await foreignRows();
});

afterAll(() => receiver.stop());

/** Every row of the other environments, as text. */
async function foreignRows(): Promise<string> {
  const { pool } = gateway().app.gateway.database;
  const { rows: tables } = await pool.query<{ name: string }>(
    `SELECT table_name AS name FROM information_schema.columns
     WHERE table_schema = 'public' AND column_name = 'environment_id' ORDER BY 1`,
  );
  const dumps = tables.map(async ({ name }) => {
    const { rows } = await pool.query<{ row: string }>(
      `SELECT (to_jsonb(each) - 'last_used_at')::text AS row FROM ${name} AS each WHERE environment_id = ANY ($1) ORDER BY 1`,
      [foreign.map(({ environmentId }) => environmentId)],
    );
    return [name, ...rows.map(({ row }) => row)].join('\n');
  });
  return (await Promise.all(dumps)).join('\n');
}

const EXAMPLES: Examples = {
  CardInput: () => ({ ...card() }),
  CreatePaymentInput: () => ({ idempotencyKey: randomUUID(), amount: 1000, currency: 'EUR' }),
  CreatePaymentMethodInput: ({ path }) => (path.includes('token') ? {} : { card: card() }),
  PaymentMethodTokenInput: () => ({ id: 'pm_good' }),
  ReconcileDayInput: () => ({ day: '2026-01-02' }),
  RoutingRuleInput: () => ({ name: 'all' }),
  SetRoutingInput: () => ({ version: 1 }),
  OrderInput: () => ({ type: 'ORDER' }),
  ProcessPaymentInput: () => ({ idempotencyKey: randomUUID(), paymentId: open[0] }),
  UpdatePaymentInput: () => ({ paymentId: open[1] }),
  ...Object.fromEntries(
    ['CancelPayment', 'CapturePayment', 'PayOrders', 'RefundPayment', 'ResolveOperation'].map((name) => [
      `${name}Input`,
      () => ({ idempotencyKey: randomUUID() }),
    ]),
  ),
};

const TYPES = Object.keys(ID_PREFIXES) as IdType[];

/** The types whose ids a place may take: those that it is called by, as "accountId" is, and else any. */
function typesOf({ path }: Place): readonly IdType[] {
  const name = String(path.findLast((key) => typeof key === 'string')).replace(/Id$/, '');
  const called = TYPES.filter((type) => type.toLowerCase().endsWith(name.toLowerCase()));
  return called.length === 0 ? TYPES : called;
}

const ask = async (place: Place, value: unknown, credential: string) => {
  const variables = variablesFor(place, value, EXAMPLES);
  // What a mutation answers says by its type alone whether it found something.
  const document = documentFor(place, variables, place.root.name === 'Mutation' ? 0 : 1);
  const { status, text } = await gateway().request(document, variables, { key: credential });
  return { status, text };
};

/** An answer with the value that was asked with taken out. */
const without = (value: string, { status, text }: { status: number; text: string }) => {
  const uuid = value.slice(value.indexOf('_') + 1);
  return { status, text: text.replaceAll(value, '<id>').replaceAll(uuid, '<uuid>') };
};

function expectNothingForeign(text: string): void {
  // The same account's other mode has the same account.
  const ours = new Set(own.uuids);
  for (const uuid of foreign.flatMap(({ uuids }) => uuids)) if (!ours.has(uuid)) expect(text).not.toContain(uuid);
}

/** What is gone afterwards is asked for last. */
const ENDINGS = ['rollApiKey', 'revokeApiKey', 'deleteWebhookEndpoint', 'detachPaymentMethod', 'eraseCustomer'];
const isLasting = ({ field }: Place): number => ENDINGS.indexOf(field.name);

const idPlaces = places
  .filter(({ typeName }) => typeName === 'ID')
  .toSorted((one, other) => isLasting(one) - isLasting(other));
const askedOnce = idPlaces.filter(({ root }) => root.name !== 'Subscription');

describe('events', () => {
  type Page = { events: { cursor: string; events: { id: string; payment: { id: string } }[] } };
  const read = async (tenant: Tenant, args: string) => {
    const document = `{ events(first: 100${args}) { cursor events { id payment { id } } } }`;
    return (await gateway().request<Page>(document, {}, { key: tenant.key })).data?.events;
  };

  test('a cursor of another environment is a place in the order, and leads to nothing of it', async () => {
    const all = (await read(own, ''))?.events ?? [];
    expect(all.length).toBeGreaterThan(5);
    for (const tenant of foreign) {
      const { cursor = '' } = (await read(tenant, '')) ?? {};
      const answer = await read(own, `, after: "${cursor}"`);
      expectNothingForeign(JSON.stringify(answer));
      expect(all.map(({ id }) => id)).toEqual(expect.arrayContaining(answer?.events.map(({ id }) => id) ?? []));
    }
  });

  const filters = idPlaces.filter(({ name }) => name.startsWith('Subscription.paymentEvents('));

  test.each(filters.map((place) => [place.name, place] as const))(
    '%s tells nothing of another environment',
    async (_, place) => {
      const name = String(place.path.at(-1));
      const type = typesOf(place)[0];
      if (type === undefined) throw new Error('an id of no type');
      const feed = (id: string) =>
        subscribeOverEvents(gateway(), PaymentEventsDocument, { filter: { [name]: id } }, own.key);
      const foreignFeeds = foreign.map((tenant) => feed(tenant.id(type)));
      const ownFeed = feed(own.id(type));
      for (const each of [...foreignFeeds, ownFeed]) expect((await each.next()).paymentEvents.event).toBeNull();
      for (const tenant of [...foreign, own]) {
        const till = new Till(gateway, tenant.name);
        await till.refund({ paymentId: tenant.id('Payment'), amount: 1 });
      }
      expect((await ownFeed.next()).paymentEvents.event?.payment.id).toBe(own.id('Payment'));
      // The feed tells events in their order: what there was for these would have come before.
      const pending = Symbol('pending');
      for (const each of foreignFeeds)
        expect(await Promise.race([each.next(), Promise.resolve(pending)])).toBe(pending);
      before = await until(async () => {
        const rows = await foreignRows();
        return rows === (await foreignRows()) && !/"status": ?"PENDING"/.test(rows) && rows;
      });
    },
  );

  const single = idPlaces.filter((place) => place.root.name === 'Subscription' && !filters.includes(place));

  test.each(single.map((place) => [place.name, place] as const))(
    '%s takes no id of another environment',
    async (_, place) => {
      const unknown = `pay_${randomUUID()}`;
      const first = async (id: string, after = '') => {
        const document = `subscription { ${place.field.name}(id: "${id}"${after}) { id } }`;
        const over = subscribeOverEvents(gateway(), document as unknown as typeof PaymentEventsDocument, {}, own.key);
        return JSON.stringify(await over.next().catch((error: unknown) => String(error))).replaceAll(id, '<id>');
      };
      const expected = await first(unknown);
      expect(expected).toContain('NOT_FOUND');
      for (const tenant of foreign) {
        expect(await first(tenant.id('Payment'))).toBe(expected);
        const { cursor = '' } = (await read(tenant, '')) ?? {};
        expect(await first(tenant.id('Payment'), `, after: "${cursor}"`)).toBe(expected);
      }
      expect(await first(own.id('Payment'))).toContain('evt_');
    },
  );
});

test.each(askedOnce.map((place) => [place.name, place] as const))(
  '%s takes no id of another environment',
  async (_, place) => {
    let reached = false;
    for (const type of typesOf(place)) {
      const unknown = `${ID_PREFIXES[type]}_${randomUUID()}`;
      for (const credential of [own.key, own.payerToken]) {
        const expected = without(unknown, await ask(place, unknown, credential));
        if (expected.text.includes('"FORBIDDEN"')) continue;
        // The same account's other mode has the same account.
        for (const tenant of foreign.filter((each) => each.id(type) !== own.id(type))) {
          const answer = without(tenant.id(type), await ask(place, tenant.id(type), credential));
          expect(answer).toEqual(expected);
          expectNothingForeign(answer.text);
        }
        if (reached) continue;
        const found = without(own.id(type), await ask(place, own.id(type), credential));
        reached = found.text !== expected.text;
      }
    }
    expect(reached, 'an id of one’s own is answered otherwise').toBe(true);
  },
);

test('a list of ids answers each for itself', async () => {
  const ids = foreign.flatMap((tenant) => TYPES.map((type) => tenant.id(type)));
  const document = 'query ($ids: [ID!]!) { nodes(ids: $ids) { id } }';
  const { data } = await gateway().request(document, { ids: [...ids, own.id('Payment')] });
  expect(data).toEqual({ nodes: [...ids.map(() => null), { id: own.id('Payment') }] });
});

/** By which texts something of it can be found. */
const textsOf = ({ email, humanId, order, actor }: Tenant) => [email, humanId, order, `${order}_1`, actor];

/** What texts of a query look for that they do not name: nothing can be found by these. */
const NO_SEARCH = /^Query\.explainRouting|\((after|before)\)$/;
const searchPlaces = places.filter(
  ({ name, root, typeName }) => root.name === 'Query' && typeName === 'String' && !NO_SEARCH.test(name),
);

test.each(searchPlaces.map((place) => [place.name, place] as const))(
  '%s finds nothing of another environment',
  async (_, place) => {
    const stranger = ['stranger@example.com', 'AAAAAA', 'ord_of_nobody', 'ord_of_nobody_1', `key_${randomUUID()}`];
    let reached = false;
    for (const [index, unknown] of stranger.entries()) {
      const withOrder = { ...EXAMPLES, DestinationFilter: () => ({ type: 'ORDER' }) };
      const askFor = async (text: string) => {
        const variables = variablesFor(place, text, withOrder);
        const { text: answer } = await gateway().request(documentFor(place, variables, 1), variables);
        return answer.replaceAll(text, '<text>');
      };
      const expected = await askFor(unknown);
      for (const tenant of foreign) expect(await askFor(textsOf(tenant)[index] ?? '')).toEqual(expected);
      reached ||= (await askFor(textsOf(own)[index] ?? '')) !== expected;
    }
    expect(reached, 'a text of one’s own finds something').toBe(true);
  },
);

describe('idempotency keys', () => {
  const keyed = places.filter(({ name }) => /^Mutation\..*\(input\.idempotencyKey\)$/.test(name));
  const VERBS: Readonly<Record<string, Parameters<typeof Tenant.keyOf>[1]>> = {
    'Mutation.cancelPayment': 'cancel',
    'Mutation.capturePayment': 'capture',
    'Mutation.createPayment': 'create',
    'Mutation.payOrders': 'payOrders',
    'Mutation.processPayment': 'process',
    'Mutation.refundPayment': 'refund',
    'Mutation.resolveOperation': 'resolve',
  };

  test.each(keyed.map((place) => [place.name, place] as const))('%s knows its own environment’s', async (_, place) => {
    const verb = VERBS[`Mutation.${place.field.name}`];
    if (verb === undefined)
      throw new Error('the tenants of this walk have not used a key for it: see harness/tenant.ts');
    const payment = () => ({ paymentId: own.id('Payment') });
    const examples: Examples = {
      ...EXAMPLES,
      CancelPaymentInput: payment,
      CapturePaymentInput: () => ({ ...payment(), amount: 1 }),
      CreatePaymentInput: () => ({ amount: 7, currency: 'EUR' }),
      PayOrdersInput: () => ({ paymentMethodId: own.ids.get('PaymentMethod')?.[0] }),
      ProcessPaymentInput: payment,
      RefundPaymentInput: () => ({ ...payment(), amount: 1 }),
      ResolveOperationInput: () => ({ operationId: own.id('Operation') }),
    };
    const answer = async (key: string) => {
      const variables = variablesFor(place, key, examples);
      const credential = verb === 'payOrders' ? own.payerToken : own.key;
      const { data } = await gateway().request<Record<string, Record<string, unknown>>>(
        documentFor(place, variables, 1),
        variables,
        { key: credential },
      );
      const { __typename, replayed } = data?.[place.field.name] ?? {};
      return { __typename, replayed };
    };
    const fresh = await answer(randomUUID());
    expect(fresh.replayed).not.toBe(true);
    for (const tenant of foreign) expect(await answer(Tenant.keyOf(tenant.name, verb))).toEqual(fresh);
    expect((await answer(Tenant.keyOf(own.name, verb))).__typename).toBe('IdempotencyKeyReusedError');
  });
});

/** Every field with cursors, of the root or below something that has an id. */
const lists = Object.values(schema.getTypeMap())
  .filter(isObjectType)
  .flatMap((type) =>
    Object.values(type.getFields())
      .filter(({ args }) => ['after', 'before'].every((name) => args.some((arg) => arg.name === name)))
      .map((field) => [`${type.name}.${field.name}`, type, field] as const),
  );

test.each(lists)('%s goes on from a cursor of another environment among its own rows', async (_, type, field) => {
  const edge = getNamedType(field.type);
  if (!isObjectType(edge)) throw new Error('a list of no objects');
  type Page = { edges: { cursor: string }[] };
  const page = async (tenant: Tenant, args: string) => {
    const list = `${field.name}(${args}) { edges { cursor } } all: ${field.name}(${args}) ${selectionOf(edge, 2)}`;
    const isRoot = type.name === 'Query';
    const document = isRoot
      ? `{ ${list} }`
      : `{ node(id: "${tenant.id(type.name as IdType)}") { ... on ${type.name} { ${list} } } }`;
    const { data, text } = await gateway().request<Record<string, Page> & { node: Record<string, Page> }>(
      document,
      {},
      { key: tenant.key },
    );
    const holder = isRoot ? data : data?.node;
    return { cursors: holder?.[field.name]?.edges.map(({ cursor }) => cursor) ?? [], text };
  };
  const ownCursors = (await page(own, 'first: 100')).cursors;
  for (const tenant of foreign) {
    const { cursors } = await page(tenant, 'first: 1');
    for (const cursor of cursors) {
      for (const edgeOf of ['after', 'before']) {
        const answer = await page(own, `${edgeOf === 'after' ? 'first' : 'last'}: 100, ${edgeOf}: "${cursor}"`);
        expectNothingForeign(answer.text);
        expect(ownCursors).toEqual(expect.arrayContaining(answer.cursors));
        const beside = await page(
          own,
          `${edgeOf === 'after' ? 'first' : 'last'}: 100, ${edgeOf}: "${neighbour(cursor)}"`,
        );
        expect(withoutCursor(answer.text, cursor)).toEqual(withoutCursor(beside.text, neighbour(cursor)));
      }
    }
  }
});

const withoutCursor = (text: string, cursor: string): string => text.replaceAll(cursor, '<cursor>');

/** A cursor beside another one, which no row has. */
function neighbour(cursor: string): string {
  const texts = JSON.parse(Buffer.from(cursor, 'base64url').toString()) as string[];
  const other = texts.map((text) => text.replace(/(?<=^[0-9a-f-]{35})./, (last) => (last === '0' ? '1' : '0')));
  return Buffer.from(JSON.stringify(other)).toString('base64url');
}

/** Sends a notification of nothing. */
const post = async (to: string) => {
  const { body, signature } = far.notification([]);
  const headers = { 'content-type': 'application/json', 'far-signature': signature };
  const answer = await fetch(to, { method: 'POST', headers, body: new Uint8Array(body) });
  return { status: answer.status, text: await answer.text() };
};

describe('addresses', () => {
  test('a page or a receipt of a payment of one environment opens under no other', async () => {
    const { data } = await gateway().request<{ payment: { receiptUrl: string } }>(
      `{ payment(id: "${own.id('Payment')}") { receiptUrl } }`,
    );
    const url = new URL(data?.payment.receiptUrl ?? '');
    expect((await fetch(url)).status).toBe(200);
    const [, path = '', token = ''] = url.pathname.split('/');
    const bytes = Buffer.from(token, 'base64url');
    for (const tenant of foreign) {
      for (const [start, uuid] of [
        [0, tenant.environmentId],
        [16, tenant.id('Payment').slice('pay_'.length)],
      ] as const) {
        const forged = Buffer.from(bytes);
        Buffer.from(uuid.replaceAll('-', ''), 'hex').copy(forged, start);
        const answer = await fetch(new URL(`/${path}/${forged.toString('base64url')}`, url));
        expect(answer.status).toBe(404);
      }
    }
  });

  test('a notification for an account comes in under its own environment only', async () => {
    const { data } = await gateway().request<{ processorAccounts: { notificationUrl: string }[] }>(
      '{ processorAccounts { notificationUrl } }',
    );
    const url = data?.processorAccounts[0]?.notificationUrl ?? '';
    expect((await post(url)).status).toBe(200);
    const [environment = '', account = ''] = url.split('/').slice(-2);
    const unknown = await post(url.replace(account, `pra_${randomUUID()}`));
    expect(unknown.status).toBe(404);
    for (const tenant of foreign) {
      expect(await post(url.replace(environment, tenant.id('Environment')))).toEqual(unknown);
      expect(await post(url.replace(account, tenant.id('ProcessorAccount')))).toEqual(unknown);
    }
  });
});

test('nothing of the other environments was changed by any of it', async () => {
  expect(await foreignRows()).toBe(before);
});

const inOneLine = (sql: string): string => sql.replaceAll(/\s+/g, ' ').trim();

describe('statements', () => {
  const SOURCES = join(import.meta.dirname, '..', '..', 'src');
  /** Of harness/backstage.ts. */
  const OF_TESTS = /^SELECT (?:1|environment_id AS merchant, processor_key AS key) FROM operation WHERE payment_id = /;
  let owners: ReadonlyMap<string, string>;

  beforeAll(async () => {
    await doTheRest(gateway(), own);
    const { rows } = await gateway().app.gateway.database.pool.query<{ table: string; column: string }>(
      `SELECT table_name AS table, column_name AS column FROM information_schema.columns
       WHERE table_schema = 'public' AND column_name IN ('environment_id', 'merchant')`,
    );
    owners = new Map([...rows.map(({ table, column }) => [table, column] as const), ['environment', 'id']]);
  });

  /** The lines of the sources that name a table whose rows belong to environments, without what is put into them. */
  function clauses(): string[] {
    const named = new RegExp(`(?:FROM|JOIN|UPDATE|INTO) (?:${[...owners.keys()].join('|')})\\b`);
    return (
      readdirSync(SOURCES, { recursive: true, encoding: 'utf8' })
        .filter((file) => file.endsWith('.ts'))
        .flatMap((file) => readFileSync(join(SOURCES, file), 'utf8').split('\n'))
        .filter((line) => !/^\s*(?:\/?\*|\/\/)/.test(line))
        .flatMap((line) => line.split(/\$\{[^}]*\}|[`']/).find((part) => named.test(part)) ?? [])
        // Of an expression with brackets of its own, the end is left.
        .map((clause) => inOneLine(clause.slice(clause.lastIndexOf('}') + 1)))
    );
  }

  test('each keeps to one environment, but for those that are listed', async () => {
    const sources = clauses();
    const unscoped: string[] = [];
    for (const text of new Set(statements)) {
      const line = inOneLine(text);
      // What this walk itself asks for is none of the gateway's.
      const isOurs =
        !OF_TESTS.test(line) && (line.includes('"public".') || sources.some((clause) => line.includes(clause)));
      if (isOurs && (await unscopedIn(text, owners)).length > 0) unscoped.push(line);
    }
    const listed = ACROSS_ENVIRONMENTS.map(([beginning]) => beginning);
    expect(unscoped.filter((line) => !listed.some((beginning) => beginning.test(line)))).toEqual([]);
    const unused = listed.filter((beginning) => !unscoped.some((line) => beginning.test(line)));
    expect(unused).toEqual([]);
  });

  test('every statement of the sources was run here', () => {
    const ran = statements.map(inOneLine).join('\n');
    const found = clauses();
    expect(found.length).toBeGreaterThan(100);
    expect(found.filter((clause) => !ran.includes(clause))).toEqual([]);
  });
});
