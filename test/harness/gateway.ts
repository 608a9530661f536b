import { Writable } from 'node:stream';
import { afterAll, beforeAll } from 'vitest';
import type { TypedDocumentString } from '../../generated/operations/graphql.ts';
import { startApp, type App, type AppOptions } from '../../src/app.ts';
import { perSecond } from '../../src/domain/transport-limits.ts';
import { newId } from '../../src/new-id.ts';
import { addAccount, addKey } from '../../src/store/access.ts';
import { createLogger } from '../../src/telemetry.ts';
import { cloneDatabase, type TestDatabase } from './database.ts';

/** The answer to one GraphQL request, as it came. */
export interface Answer<R> {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly data: R | null | undefined;
  readonly errors: readonly GraphQLFault[] | undefined;
}

interface GraphQLFault {
  readonly message: string;
  readonly path?: readonly (string | number)[];
  readonly extensions?: Readonly<Record<string, unknown>>;
}

/** A text, or what codegen made of one: a String with types. */
type Document = { toString(): string };

/** The whole gateway on a database of its own, as a client sees it. */
export interface TestGateway {
  readonly app: App;
  readonly database: TestDatabase;
  readonly url: string;
  readonly keys: TestKeys;
  /** What was logged so far, one object a line. */
  readonly logged: readonly Readonly<Record<string, unknown>>[];
  /** Sends an operation over HTTP. @returns its data @throws if the answer has errors */
  execute<R, V>(document: TypedDocumentString<R, V>, variables: V, options?: { key?: string }): Promise<R>;
  /** The same for an operation that may go wrong; the document may be any text. */
  request<R = unknown>(document: Document, variables?: unknown, options?: RequestOptions): Promise<Answer<R>>;
  close(): Promise<void>;
}

export interface RequestOptions {
  readonly key?: string;
  /** In place of the Authorization header with the key. */
  readonly headers?: Readonly<Record<string, string>>;
}

interface TestKeys {
  readonly test: string;
  /** The live environment of the same account. */
  readonly live: string;
  /** The test environment of another account. */
  readonly other: string;
}

export const SECRET = 'a secret of the tests that has more than 32 characters';

/** How long a pending charge or refund of the sandbox takes here. */
const SANDBOX_DELAY_MS = 50;

type TestOptions = Partial<Pick<AppOptions, 'secret'>> &
  Pick<
    AppOptions,
    | 'otherSecrets'
    | 'commit'
    | 'connectors'
    | 'explorer'
    | 'limits'
    | 'metricsToken'
    | 'migrations'
    | 'production'
    | 'role'
    | 'sandbox'
    | 'settings'
    | 'tracer'
    | 'trustedDocuments'
    | 'transport'
    | 'publicUrl'
    | 'resolveHost'
  >;

/** Tests ask more often than any client: how often they may is a matter of the tests about it. */
const PLENTY = { key: perSecond(10_000, 50_000), token: perSecond(10_000, 50_000), address: perSecond(10_000, 50_000) };

/** @param after a gateway that was closed: this one goes on with its database, and drops it in the end */
export async function startGateway(
  options: TestOptions = {},
  after?: Pick<TestGateway, 'database' | 'keys'>,
): Promise<TestGateway> {
  const database = after?.database ?? (await cloneDatabase());
  const { log, logged } = captureLog();
  const app = await startApp({
    database: database.connection,
    secret: SECRET,
    host: '127.0.0.1',
    port: 0,
    log,
    ...options,
    transport: { rates: PLENTY, ...options.transport },
    sandbox: { delayMs: SANDBOX_DELAY_MS, ...options.sandbox },
  }).catch(async (error: unknown) => {
    await database.drop();
    throw error;
  });
  const keys = after?.keys ?? (await makeKeys(app));
  const url = `${app.server.url}/graphql`;
  const request = <R>(document: Document, variables?: unknown, { key, headers }: RequestOptions = {}) =>
    send<R>(url, document, variables, headers ?? { authorization: `Bearer ${key ?? keys.test}` });
  return {
    app,
    database,
    url,
    keys,
    logged,
    request,
    async execute<R, V>(document: TypedDocumentString<R, V>, variables: V, { key }: { key?: string } = {}) {
      const { data, errors, text } = await request<R>(document, variables, key === undefined ? {} : { key });
      if (errors !== undefined || data == null) throw new Error(`the answer has errors: ${text}`);
      return data;
    },
    async close() {
      await app.close();
      await database.drop();
    },
  };
}

/** One gateway for the tests of a file. */
export function useGateway(options?: Parameters<typeof startGateway>[0]): () => TestGateway {
  let gateway: TestGateway | undefined;
  beforeAll(async () => {
    gateway = await startGateway(options);
  });
  afterAll(() => gateway?.close());
  return () => {
    if (gateway === undefined) throw new Error('the gateway is asked for before it was started');
    return gateway;
  };
}

/** The member of a result that a test counts on. @throws with the whole answer if it is another */
export function only<R extends { __typename: string }, N extends R['__typename']>(
  result: R,
  name: N,
): Extract<R, { __typename: N }> {
  if (result.__typename !== name) throw new Error(`expected ${name}, got ${JSON.stringify(result)}`);
  return result as Extract<R, { __typename: N }>;
}

async function send<R>(
  url: string,
  document: Document,
  variables: unknown,
  headers: Readonly<Record<string, string>>,
): Promise<Answer<R>> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json', ...headers },
    body: JSON.stringify({ query: document.toString(), variables }),
  });
  const text = await response.text();
  const { data, errors } = JSON.parse(text) as Pick<Answer<R>, 'data' | 'errors'>;
  return { status: response.status, headers: response.headers, text, data, errors };
}

async function makeKeys({ gateway }: App): Promise<TestKeys> {
  const { database } = gateway;
  const shop = await addAccount(database, { name: 'A shop', newId });
  const other = await addAccount(database, { name: 'Another shop', newId });
  const keyFor = (environment: typeof shop.test, name: string) => addKey(database, { id: newId(), environment, name });
  return {
    test: await keyFor(shop.test, 'test'),
    live: await keyFor(shop.live, 'live'),
    other: await keyFor(other.test, 'other'),
  };
}

function captureLog(): Pick<TestGateway, 'logged'> & Pick<AppOptions, 'log'> {
  const logged: Record<string, unknown>[] = [];
  const stream = new Writable({
    write(line: Buffer, _encoding, done) {
      logged.push(JSON.parse(line.toString()) as Record<string, unknown>);
      done();
    },
  });
  return { log: createLogger('trace', { stream }), logged };
}
