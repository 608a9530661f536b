import type pg from 'pg';
import type { TypedDocumentString } from '../../generated/operations/graphql.ts';
import { DEFAULT_LIMITS } from '../../src/domain/limits.ts';
import { TRANSPORT_DEFAULTS } from '../../src/domain/transport-limits.ts';
import { networkReader } from '../../src/http/address.ts';
import { startServer } from '../../src/http/server.ts';
import { Observation } from '../../src/http/observation.ts';
import { openDatabase, type Database } from '../../src/store/database.ts';
import { EventFeed } from '../../src/store/event-feed.ts';
import type { Logger } from '../../src/telemetry.ts';
import type { TestGateway } from './gateway.ts';

/** The gateway's GraphQL on a pool of its own: no round and no feed runs there, only what an operation asks for. */
export interface CountedGraphQL {
  /** Runs an operation. @returns its data and the SQL statements that it took, that of the key's included */
  run<R, V>(document: TypedDocumentString<R, V>, variables: V): Promise<{ data: R; statements: string[] }>;
  close(): Promise<void>;
}

function throwOn(error: Error): never {
  throw error;
}

export async function countStatements({ app, database: { connection }, keys }: TestGateway): Promise<CountedGraphQL> {
  const database = openDatabase(connection, { onError: throwOn });
  const statements = recordStatements(database);
  const { epoch, telemetry, newId } = app.gateway;
  const log = { error: throwOn, isLevelEnabled: () => false } as unknown as Logger;
  const server = await startServer({
    gateway: { ...app.gateway, database },
    feed: new EventFeed({ pool: database.pool, epoch: { current: epoch }, onError: throwOn }),
    log,
    host: '127.0.0.1',
    port: 0,
    demo: undefined,
    pages: [],
    settings: TRANSPORT_DEFAULTS,
    networkOf: networkReader([]),
    limits: DEFAULT_LIMITS,
    production: false,
    explorer: false,
    trustedDocuments: undefined,
    observation: new Observation({ telemetry, metrics: { operationEnded: () => undefined }, log, newId }),
  });
  return {
    async run<R, V>(document: TypedDocumentString<R, V>, variables: V) {
      statements.length = 0;
      const response = await fetch(`${server.url}/graphql`, {
        method: 'POST',
        headers: { authorization: keys.test, 'content-type': 'application/json' },
        body: JSON.stringify({ query: String(document), variables }),
      });
      const { data, errors } = (await response.json()) as { data: R; errors?: unknown };
      if (errors !== undefined) throw new Error(JSON.stringify(errors));
      return { data, statements: [...statements] };
    },
    async close() {
      await server.stop();
      await database.close();
    },
  };
}

/** Every statement passes through a client, and every client through 'acquire'. */
export function recordStatements({ pool }: Database): string[] {
  const statements: string[] = [];
  const known = new WeakSet<pg.PoolClient>();
  pool.on('acquire', (client) => {
    if (known.has(client)) return;
    known.add(client);
    const query = client.query.bind(client) as (...args: unknown[]) => unknown;
    client.query = ((...args: unknown[]) => {
      const [first] = args as [string | { text: string }];
      statements.push(typeof first === 'string' ? first : first.text);
      return query(...args);
    }) as typeof client.query;
  });
  return statements;
}
