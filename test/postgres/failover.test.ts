import { cpSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pino } from 'pino';
import { expect, onTestFinished, test } from 'vitest';
import { PaymentEventsDocument } from '../../generated/operations/graphql.ts';
import { startApp, type App } from '../../src/app.ts';
import { encodeId } from '../../src/domain/ids.ts';
import { newId } from '../../src/new-id.ts';
import type { Cluster } from '../../src/postgres/cluster.ts';
import { applyMigrations } from '../../src/postgres/migrations.ts';
import { addAccount, addKey } from '../../src/store/access.ts';
import { openAddress } from '../harness/address.ts';
import { tillAt } from '../harness/crash-process.ts';
import { SECRET, type TestGateway } from '../harness/gateway.ts';
import { begun, subscribeOverWebSocket, whyEnded } from '../harness/subscription.ts';
import { until } from '../harness/until.ts';
import { initializedDirectory, postmaster, query, start } from './places.ts';

/** A PostgreSQL fails over under a running gateway. */

const MIGRATIONS = join(import.meta.dirname, '..', '..', 'prisma', 'migrations');
const SETTINGS = { fsync: 'off', wal_keep_size: '512MB' };

/** A primary with every migration, and a standby that follows it. */
async function primaryAndStandby(): Promise<{ primary: Cluster; standby: Cluster; kill: () => void }> {
  // Both are copies of one cluster that was stopped in order: the one is a base backup of the other.
  const [first, second] = [await initializedDirectory(), await initializedDirectory()];
  cpSync(join(first, 'password'), join(second, 'password'));
  const primary = await start(first, SETTINGS);
  await applyMigrations({ database: primary.connection, directory: MIGRATIONS });
  writeFileSync(join(second, 'data', 'standby.signal'), '');
  const { host, port, user, password } = primary.connection;
  const standby = await start(second, {
    ...SETTINGS,
    primary_conninfo: `host=${host} port=${port} user=${user} password=${password}`,
  });
  return { primary, standby, kill: () => process.kill(postmaster(first), 'SIGKILL') };
}

async function startOn(database: Parameters<typeof startApp>[0]['database']): Promise<{ app: App; key: string }> {
  const log = pino({ level: 'silent' });
  const app = await startApp({ database, secret: SECRET, host: '127.0.0.1', port: 0, log });
  onTestFinished(() => app.close());
  const shop = await addAccount(app.gateway.database, { name: 'A shop', newId });
  const key = await addKey(app.gateway.database, { id: newId(), environment: shop.test, name: 'a key' });
  return { app, key };
}

test('payments go on, and the next epoch of events has begun', { timeout: 120_000 }, async () => {
  const { primary, standby, kill } = await primaryAndStandby();
  const address = await openAddress(primary.connection);
  const { app, key } = await startOn(address.connection);
  const gateway = { url: `${app.server.url}/graphql`, keys: { test: key } } as unknown as TestGateway;
  const till = tillAt(gateway);
  const before = app.gateway.epoch;
  const feed = subscribeOverWebSocket(gateway, PaymentEventsDocument, {});
  const [cursor = ''] = await begun(feed);
  await till.pay();
  const [row] = await query(primary.connection, 'SELECT pg_current_wal_lsn() AS lsn');
  const isThere = `SELECT pg_last_wal_replay_lsn() >= '${String(row?.['lsn'])}' AS there`;
  await until(async () => (await query(standby.connection, isThere))[0]?.['there'] === true);

  // Whoever is led to a standby by mistake is told, and writes nothing.
  await expect(startOn(standby.connection)).rejects.toThrow(
    'this PostgreSQL is a standby: nothing can be written to it',
  );
  kill();
  await query(standby.connection, 'SELECT pg_promote()');
  address.move(standby.connection);
  const { id } = await until(() => till.pay().catch(() => undefined));
  // A sequence runs ahead on a standby.
  const { epoch } = app.gateway;
  expect(epoch).toBeGreaterThan(before);
  const written = await query(
    standby.connection,
    'SELECT id, epoch FROM payment_event ORDER BY epoch, order_xid, position',
  );
  expect(new Set(written.map((event) => event['epoch']))).toEqual(new Set([before, epoch]));

  // The subscriber has not noticed anything; one that comes back has to be told.
  const told = await feed.takeUntil(
    ({ paymentEvents: { event } }) => event?.payment.id === id && event.status === 'SUCCEEDED',
  );
  expect(told.map(({ paymentEvents: { event } }) => event?.id)).toEqual(
    written.map((event) => encodeId('PaymentEvent', String(event['id']))),
  );
  const resumed = subscribeOverWebSocket(gateway, PaymentEventsDocument, { after: cursor });
  expect(await resumed.next().catch(whyEnded)).toContain('CURSOR_OF_ANOTHER_EPOCH');
});
