import { expect, test } from 'vitest';
import { LOG_START, positionOf } from '../../src/domain/event-cursor.ts';
import { newId } from '../../src/new-id.ts';
import { addAccount, addKey } from '../../src/store/access.ts';
import { EVENTS_MAX, readEvents, type Wanted } from '../../src/store/event-reading.ts';
import { useGateway } from '../harness/gateway.ts';
import { lockTable } from '../harness/locked-table.ts';
import { Till } from '../harness/till.ts';
import { until } from '../harness/until.ts';

/** What is read along with events. */

const gateway = useGateway();
const till = new Till(gateway);

function read(wanted: Partial<Wanted> = {}, after = LOG_START) {
  const { database, epoch } = gateway().app.gateway;
  return readEvents(database.pool, after, epoch, { keys: [], payments: false, ...wanted }, 5_000);
}

/** A key of an environment of its own. */
async function makeKey() {
  const { database } = gateway().app.gateway;
  const { test: environment } = await addAccount(database, { name: 'Another', newId });
  const id = newId();
  await addKey(database, { id, environment, name: 'watched' });
  return { id, environmentId: environment.id };
}

test('rows are as Prisma reads them', async () => {
  const { prisma } = gateway().app.gateway.database;
  const { id } = await till.pay({ destinations: [{ type: 'ORDER', id: '1', amount: 4999 }] });
  const { events, payments } = await read({ payments: true });
  const paymentId = id.slice('pay_'.length);
  expect(events.filter((event) => event.paymentId === paymentId)).toEqual(
    await prisma.paymentEvent.findMany({ where: { paymentId }, orderBy: { sequence: 'asc' } }),
  );
  expect(payments.get(paymentId)).toEqual(await prisma.payment.findFirst({ where: { id: paymentId } }));
  expect((await read()).payments.size).toBe(0);
});

test('keys that are good are told of, and no others', async () => {
  const { prisma } = gateway().app.gateway.database;
  await till.pay();
  const [good, revoked, over, rolled] = [await makeKey(), await makeKey(), await makeKey(), await makeKey()];
  const [soon, later] = [new Date(Date.now() - 1_000), new Date(Date.now() + 60_000)];
  await prisma.apiKey.updateMany({ where: { id: revoked.id }, data: { revokedAt: soon } });
  await prisma.apiKey.updateMany({ where: { id: over.id }, data: { expiresAt: soon } });
  await prisma.apiKey.updateMany({ where: { id: rolled.id }, data: { expiresAt: later } });
  const elsewhere = { id: good.id, environmentId: revoked.environmentId };
  const unknown = { id: newId(), environmentId: good.environmentId };
  expect((await read({ keys: [revoked, rolled, over, unknown, good] })).goodKeys).toEqual(
    new Set([rolled.id, good.id]),
  );
  expect((await read({ keys: [revoked, elsewhere] })).goodKeys.size).toBe(0);
  expect((await read()).goodKeys.size).toBe(0);
});

test('of more keys than are looked at along with events, none is said to be good', async () => {
  await till.pay();
  const key = await makeKey();
  expect((await read({ keys: Array.from({ length: 32 }, () => key) })).goodKeys).toEqual(new Set([key.id]));
  expect((await read({ keys: Array.from({ length: 33 }, () => key) })).goodKeys.size).toBe(0);
});

test('after the last event there is nothing, and no key is said to be good', async () => {
  await till.pay();
  const key = await makeKey();
  const { events, hidden } = await read({ keys: [key] });
  expect(events.length).toBeLessThan(EVENTS_MAX);
  expect(hidden).toBe(false);
  const last = events.at(-1);
  if (last === undefined) throw new Error('there were events');
  const next = await read({ keys: [key], payments: true }, positionOf(last));
  expect(next).toMatchObject({ events: [], hidden: false });
  expect([next.goodKeys.size, next.payments.size]).toEqual([0, 0]);
});

test('a key that ends while the statement waits is none of the good ones', async () => {
  const { prisma } = gateway().app.gateway.database;
  await till.pay();
  const key = await makeKey();
  const table = await lockTable(gateway().database, 'api_key');
  const reading = read({ keys: [key] });
  await table.waits(1);
  await table.release();
  expect((await reading).goodKeys).toEqual(new Set([key.id]));
  const expiresAt = new Date(Date.now() + 500);
  await prisma.apiKey.updateMany({ where: { id: key.id }, data: { expiresAt } });
  const again = await lockTable(gateway().database, 'api_key');
  const late = read({ keys: [key] });
  await again.waits(1);
  await until(() => new Date() > expiresAt);
  await again.release();
  expect((await late).goodKeys.size).toBe(0);
});
