import { expect, onTestFinished, test } from 'vitest';
import { decodeIdOf } from '../../src/domain/ids.ts';
import { startGateway, type TestGateway } from '../harness/gateway.ts';
import { Interposed } from '../harness/interposed.ts';
import { card, Till } from '../harness/till.ts';
import { until } from '../harness/until.ts';

/** One replica serves requests, another does what is due. */

const TOKEN = 'a token of the tests';

async function start(role: 'api' | 'worker', beside?: TestGateway) {
  const interposed = new Interposed();
  const gateway = await startGateway({ role, metricsToken: TOKEN, sandbox: { interpose: interposed } }, beside);
  onTestFinished(() => gateway.app.close());
  return { gateway, interposed };
}

test('an api replica concludes what it has begun, and a worker does what is due', async () => {
  const api = await start('api');
  onTestFinished(() => api.gateway.database.drop());
  const worker = await start('worker', api.gateway);
  const till = new Till(() => api.gateway);
  expect(await till.pay()).toMatchObject({ status: 'SUCCEEDED' });
  expect(api.interposed.calls.map(({ call }) => call)).toEqual(['charge']);
  expect(worker.interposed.calls).toEqual([]);

  const paymentDate = new Date(Date.now() + 3_600_000).toISOString();
  const { id } = await till.pay({ card: card(), process: false, paymentDate });
  const { pool } = api.gateway.app.gateway.database;
  const due = 'UPDATE payment SET payment_date = now(), due_at = now() WHERE id = $1';
  await pool.query(due, [decodeIdOf('Payment', id)]);
  await until(async () => (await till.read(id)).status === 'SUCCEEDED');
  expect(api.interposed.calls.map(({ call }) => call)).toEqual(['charge']);
  expect(worker.interposed.calls.map(({ call }) => call)).toEqual(['charge']);
});

test('a worker serves its health and its metrics, and nothing else', async () => {
  const { gateway } = await start('worker');
  onTestFinished(() => gateway.database.drop());
  const statusOf = async (path: string, init: RequestInit = {}): Promise<number> =>
    (await fetch(new URL(path, gateway.url), init)).status;
  expect(await statusOf('/livez')).toBe(200);
  // A database that takes its time is told as one that is away.
  await until(async () => (await statusOf('/readyz')) === 200);
  expect(await statusOf('/metrics', { headers: { authorization: `Bearer ${TOKEN}` } })).toBe(200);
  const headers = { authorization: `Bearer ${gateway.keys.test}`, 'content-type': 'application/json' };
  expect(await statusOf('/graphql', { method: 'POST', headers, body: '{"query":"{ __typename }"}' })).toBe(404);
  expect(await statusOf('/graphql', { headers: { accept: 'text/html' } })).toBe(404);
  const socket = new WebSocket(gateway.url.replace('http', 'ws'), 'graphql-transport-ws');
  await new Promise((resolve) => socket.addEventListener('error', resolve));
  expect(socket.readyState).toBe(WebSocket.CLOSED);
});
