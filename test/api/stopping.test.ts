import { once } from 'node:events';
import { Agent, request as httpRequest, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { PaymentEventsDocument } from '../../generated/operations/graphql.ts';
import { decodeIdOf } from '../../src/domain/ids.ts';
import { STOP_TIMES } from '../../src/stop.ts';
import { openPool } from '../harness/database.ts';
import { startGateway, type TestGateway } from '../harness/gateway.ts';
import { Interposed } from '../harness/interposed.ts';
import { openSocket } from '../harness/socket.ts';
import { begun, subscribeOverEvents, subscribeOverWebSocket, whyEnded } from '../harness/subscription.ts';
import { card, Till } from '../harness/till.ts';
import { until } from '../harness/until.ts';

/** A gateway that stops among others: nobody notices who can go to another one. */

/** A gateway that is going to be stopped, with what stands in for the processor. */
async function start() {
  const interposed = new Interposed();
  const gateway = await startGateway({ sandbox: { interpose: interposed } });
  onTestFinished(() => gateway.database.drop());
  return { gateway, interposed, till: new Till(() => gateway) };
}

/** A call that waits until it is let go on. */
function gate() {
  const begins = Promise.withResolvers<void>();
  const goes = Promise.withResolvers<void>();
  onTestFinished(() => goes.resolve());
  return {
    begun: begins.promise,
    open: () => goes.resolve(),
    wait: async (): Promise<void> => {
      begins.resolve();
      await goes.promise;
    },
  };
}

/** Asks on a connection that is kept. @returns the answer's status, body and what it says of the connection */
async function ask(gateway: TestGateway, path: string, body?: string, agent = new Agent({ keepAlive: true })) {
  onTestFinished(() => agent.destroy());
  const headers = { authorization: `Bearer ${gateway.keys.test}`, 'content-type': 'application/json' };
  const url = new URL(path, gateway.url);
  const outgoing = httpRequest(url, { method: body === undefined ? 'GET' : 'POST', headers, agent }).end(body);
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
  let text = '';
  for await (const part of response) text += String(part);
  return { status: response.statusCode, text, connection: response.headers.connection };
}

const CREATE = `mutation ($input: CreatePaymentInput!) {
  createPayment(input: $input) { ... on CreatePaymentPayload { payment { status } } ... on Error { code } }
}`;

function createBody(key: string): string {
  const input = { idempotencyKey: key, amount: 1000, currency: 'EUR', card: card(), process: true };
  return JSON.stringify({ query: CREATE, variables: { input } });
}

test('subscribers are told where they were, and go on elsewhere with nothing left out and nothing twice', async () => {
  const { gateway, till } = await start();
  const feeds = [subscribeOverWebSocket, subscribeOverEvents].map((subscribe) =>
    subscribe(gateway, PaymentEventsDocument, {}),
  );
  await begun(...feeds);
  const { id } = await till.pay();
  const seen = await Promise.all(
    feeds.map((feed) => feed.takeUntil(({ paymentEvents: { event } }) => event?.status === 'SUCCEEDED')),
  );
  const stopped = gateway.app.stop(STOP_TIMES);
  const ends = await Promise.all(feeds.map((feed) => feed.next().then(() => 'it went on', whyEnded)));
  expect(await stopped).toBe(true);
  for (const [index, end] of ends.entries()) {
    expect(end).toContain('SERVER_STOPPING');
    expect(end).toContain(seen[index]?.at(-1)?.paymentEvents.cursor);
  }

  const next = await startGateway({}, gateway);
  onTestFinished(() => next.app.close());
  await new Till(() => next).refund({ paymentId: id, amount: 1 });
  for (const [index, subscribe] of [subscribeOverEvents, subscribeOverWebSocket].entries()) {
    const after = seen[index]?.at(-2)?.paymentEvents.cursor ?? '';
    const resumed = subscribe(next, PaymentEventsDocument, { after });
    const told = await resumed.takeUntil(
      ({ paymentEvents: { event } }) => event?.refundStatus === 'PARTIALLY_REFUNDED',
    );
    expect(told.map(({ paymentEvents: { event } }) => event?.type)).toEqual([
      'PAYMENT_SUCCEEDED',
      'REFUND_PENDING',
      'REFUND_SUCCEEDED',
    ]);
  }
});

test('a socket is closed with 1001, once what was asked on it is answered', async () => {
  const { gateway, interposed } = await start();
  const held = gate();
  interposed.use({ charge: async (_, pass) => held.wait().then(pass) });
  const idle = await openSocket(gateway, { authorization: gateway.keys.test });
  const busy = await openSocket(gateway, { authorization: gateway.keys.test });
  await until(() => busy.messages.length === 1 && idle.messages.length === 1);
  busy.send({ type: 'subscribe', id: 'one', payload: JSON.parse(createBody('over a socket')) as object });
  await held.begun;
  const stopped = gateway.app.stop(STOP_TIMES);
  expect(await idle.closed).toBe(1001);
  expect(busy.messages).toHaveLength(1);
  held.open();
  expect(await busy.closed).toBe(1001);
  expect(busy.messages.slice(1)).toMatchObject([
    { id: 'one', type: 'next', payload: { data: { createPayment: { payment: { status: 'SUCCEEDED' } } } } },
    { id: 'one', type: 'complete' },
  ]);
  expect(await stopped).toBe(true);
});

test('requests under way are answered, and told to leave; who comes later finds nobody', async () => {
  const { gateway, interposed } = await start();
  const held = gate();
  interposed.use({ charge: async (_, pass) => held.wait().then(pass) });
  const idle = new Agent({ keepAlive: true, maxSockets: 1 });
  expect(await ask(gateway, '/livez', undefined, idle)).toMatchObject({ status: 200, connection: 'keep-alive' });
  // A browser opens a connection before it has anything to ask.
  const { port, hostname } = new URL(gateway.url);
  const silent = connect(Number(port), hostname);
  await once(silent, 'connect');
  const silentEnds = once(silent, 'close');
  const answer = ask(gateway, '/graphql', createBody('under way'));
  await held.begun;

  const stopped = gateway.app.stop(STOP_TIMES);
  await silentEnds;
  await expect(ask(gateway, '/livez')).rejects.toThrow(/ECONNREFUSED/);
  held.open();
  expect(await answer).toMatchObject({
    status: 200,
    connection: 'close',
    text: expect.stringContaining('"status":"SUCCEEDED"'),
  });
  expect(await stopped).toBe(true);
});

test('while it drains it is not ready, and serves all the same', async () => {
  const { gateway, till } = await start();
  expect(await ask(gateway, '/readyz')).toMatchObject({ status: 200 });
  // So long that all of what is asked comes before its end.
  const stopped = gateway.app.stop({ drainMs: 8_000, stopMs: 25_000 });
  expect(await ask(gateway, '/readyz')).toMatchObject({
    status: 503,
    text: 'not ready: stopping\n',
    connection: 'close',
  });
  expect(await till.pay()).toMatchObject({ status: 'SUCCEEDED' });
  expect(await stopped).toBe(true);
});

test('a charge whose client has gone is ended before the gateway is', async () => {
  const { gateway, interposed } = await start();
  const held = gate();
  interposed.use({ charge: async (_, pass) => held.wait().then(pass) });
  const leaving = new Agent();
  const answer = ask(gateway, '/graphql', createBody('gone'), leaving).catch(() => 'it has left');
  await held.begun;
  leaving.destroy();
  expect(await answer).toBe('it has left');
  const stopped = gateway.app.stop(STOP_TIMES);
  held.open();
  expect(await stopped).toBe(true);
  const next = await startGateway({}, gateway);
  onTestFinished(() => next.app.close());
  const { rows } = await next.app.gateway.database.pool.query('SELECT status FROM operation');
  expect(rows).toEqual([{ status: 'COMPLETED' }]);
});

test('when the time is over, what is left is named and cut, and what was claimed is due at once', async () => {
  const { gateway, interposed, till } = await start();
  const [call, question] = [gate(), gate()];
  // A charge whose answer is lost, and which is asked about for ever.
  interposed.use({
    charge: () => Promise.reject(new Error('lost')),
    lookUpCharge: async (_, pass) => question.wait().then(pass),
  });
  const { id } = await till.pay();
  const { pool } = gateway.app.gateway.database;
  await pool.query('UPDATE operation SET recover_at = now() WHERE payment_id = $1', [decodeIdOf('Payment', id)]);
  await question.begun;
  interposed.use({ charge: async (_, pass) => call.wait().then(pass) });
  const cut = ask(gateway, '/graphql', createBody('cut')).catch((error: Error) => error.message);
  await call.begun;
  expect(await gateway.app.stop({ drainMs: 0, stopMs: 300 })).toBe(false);
  expect(await cut).toMatch(/socket hang up|ECONNRESET/);
  expect(gateway.logged).toContainEqual(
    expect.objectContaining({
      msg: 'the time to stop is over, and not everything has ended',
      requests: 1,
      operations: 1,
      due: expect.stringContaining('recovery'),
    }),
  );
  // The lease would have kept it for half a minute, which is longer than is waited here.
  const left = openPool(gateway.database.connection, 1);
  onTestFinished(() => left.end());
  // On a slow machine, it is handed back after the stop has ended.
  const rows = await until(async () => {
    const { rows: found } = await left.query<{ status: string; due: boolean }>(
      'SELECT status, recover_at <= now() AS due FROM operation WHERE payment_id = $1',
      [decodeIdOf('Payment', id)],
    );
    return found.every(({ due }) => due) && found;
  });
  expect(rows).toEqual([{ status: 'UNKNOWN', due: true }]);
});
