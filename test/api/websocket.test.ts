import { expect, test } from 'vitest';
import { PaymentEventsDocument } from '../../generated/operations/graphql.ts';
import { useGateway } from '../harness/gateway.ts';
import { countListeners } from '../harness/listeners.ts';
import { openSocket } from '../harness/socket.ts';
import { connect } from '../harness/subscription.ts';
import { Till } from '../harness/till.ts';
import { until } from '../harness/until.ts';

const listeners = countListeners();
const gateway = useGateway();
const till = new Till(gateway);

test.each([
  ['no key', {}],
  ['an unknown key', { authorization: 'Bearer sk_test_unknown' }],
  ['a key that is no text', { authorization: 42 }],
])('%s closes the socket with 4403', async (_, payload) => {
  expect(await (await openSocket(gateway(), payload)).closed).toBe(4403);
});

test.each<[string, (key: string) => object]>([
  ['Authorization: Bearer', (key) => ({ Authorization: `Bearer ${key}` })],
  ['the bare key', (key) => ({ authorization: key })],
  ['x-api-key', (key) => ({ 'X-API-Key': key })],
  ['under headers', (key) => ({ headers: { authorization: `Bearer ${key}` } })],
])('takes the key as %s', async (_, payload) => {
  const client = connect(gateway(), payload(gateway().keys.test) as Record<string, unknown>);
  const { value } = await client.iterate({ query: '{ viewer { mode } }' }).next();
  expect(value).toEqual({ data: { viewer: { mode: 'TEST' } } });
  await client.dispose();
});

test.each([
  ['a syntax error', { query: 'subscription {' }],
  ['an unknown field', { query: 'subscription { nothing }' }],
  ['a variable that is missing', { query: 'subscription($id: ID!) { paymentStatusChanged(id: $id) { id } }' }],
  [
    'a variable that does not fit',
    { query: 'query($first: Int) { payments(first: $first) { totalCount } }', variables: { first: 'x' } },
  ],
])('%s ends only that operation, not the socket', async (_, payload) => {
  const { socket, messages, send } = await openSocket(gateway(), { authorization: gateway().keys.test });
  await until(() => messages.some(({ type }) => type === 'connection_ack'));
  send({ type: 'subscribe', id: 'live', payload: { query: String(PaymentEventsDocument) } });
  await until(() => listeners() === 1);
  send({ type: 'subscribe', id: 'wrong', payload });
  await until(() => messages.some(({ type, id }) => id === 'wrong' && (type === 'error' || type === 'complete')));
  await till.pay({ process: false });
  await until(() => messages.some(({ type, id }) => id === 'live' && type === 'next'));
  expect(JSON.stringify(messages.filter(({ id }) => id === 'wrong'))).toMatch(/"type":"error"|"errors":/);
  expect(socket.readyState).toBe(WebSocket.OPEN);
  socket.close();
  await until(() => listeners() === 0);
});

test('complete stops listening while the socket stays', async () => {
  const { socket, messages, send } = await openSocket(gateway(), { authorization: gateway().keys.test });
  await until(() => messages.some(({ type }) => type === 'connection_ack'));
  send({ type: 'subscribe', id: 'live', payload: { query: String(PaymentEventsDocument) } });
  await until(() => listeners() === 1);
  send({ type: 'complete', id: 'live' });
  await until(() => listeners() === 0);
  expect(socket.readyState).toBe(WebSocket.OPEN);
  socket.close();
});

test('a key that is revoked takes no further operation', async () => {
  const { socket, messages, send } = await openSocket(gateway(), { authorization: gateway().keys.live });
  await until(() => messages.some(({ type }) => type === 'connection_ack'));
  await gateway().app.gateway.database.prisma.apiKey.updateMany({
    where: { name: 'live' },
    data: { revokedAt: new Date() },
  });
  send({ type: 'subscribe', id: 'late', payload: { query: '{ viewer { mode } }' } });
  const answer = await until(() => messages.find(({ id }) => id === 'late'));
  expect(JSON.stringify(answer)).toContain('UNAUTHENTICATED');
  socket.close();
});

test('a message that is too large closes the socket with 1009', async () => {
  const { closed, send } = await openSocket(gateway(), { authorization: gateway().keys.test });
  send({ type: 'ping', payload: { text: 'x'.repeat(200_000) } });
  expect(await closed).toBe(1009);
});

test('each answer of a subscription tells its cost to who has asked for that, and to nobody else', async () => {
  const { socket, messages, send } = await openSocket(gateway(), { authorization: gateway().keys.test });
  await until(() => messages.some(({ type }) => type === 'connection_ack'));
  const query = 'subscription { paymentEvents { cursor } }';
  send({ type: 'subscribe', id: 'asks', payload: { query, extensions: { cost: true } } });
  send({ type: 'subscribe', id: 'does not', payload: { query } });
  const of = (id: string) => messages.filter((message) => message.id === id).map(({ payload }) => payload);
  await until(() => of('asks').length === 1 && of('does not').length === 1);
  await till.pay({ process: false });
  await until(() => of('asks').length === 2 && of('does not').length === 2);
  const cost = { requested: expect.any(Number), limit: 500_000 };
  expect(of('asks')).toMatchObject([{ extensions: { cost } }, { extensions: { cost } }]);
  expect(of('does not').some((payload) => JSON.stringify(payload).includes('extensions'))).toBe(false);
  socket.close();
  await until(() => listeners() === 0);
});

test('a fault in what an event comes to is told with the id of its line in the log, and the next event is told', async () => {
  const { pool } = gateway().app.gateway.database;
  const { socket, messages, send } = await openSocket(gateway(), { authorization: gateway().keys.test });
  await until(() => messages.some(({ type }) => type === 'connection_ack'));
  const query = 'subscription { paymentEvents { event { id payment { destinations { type } } } } }';
  send({ type: 'subscribe', id: 'live', payload: { query } });
  await until(() => messages.some(({ type }) => type === 'next'));
  messages.length = 0;
  await pool.query('ALTER TABLE payment_destination RENAME TO payment_destination_gone');
  try {
    await till.pay({ process: false });
    await until(() => messages.length > 0);
  } finally {
    await pool.query('ALTER TABLE payment_destination_gone RENAME TO payment_destination');
  }
  const [told] = messages.map(({ payload }) => payload as { errors?: { extensions: Record<string, unknown> }[] });
  const errors = told?.errors ?? [];
  expect(errors).toMatchObject([{ extensions: { code: 'INTERNAL_SERVER_ERROR', errorId: expect.any(String) } }]);
  const errorId = errors[0]?.extensions['errorId'];
  expect(gateway().logged.filter((line) => line['errorId'] === errorId)).toMatchObject([{ level: 50 }]);
  await till.pay({ process: false });
  expect(await until(() => messages[1]?.payload)).not.toHaveProperty('errors');
  socket.close();
  await until(() => listeners() === 0);
});

test('a subscription whose id was used again while the one before was ending ends with its socket', async () => {
  const { socket, messages, send } = await openSocket(gateway(), { authorization: gateway().keys.test });
  await until(() => messages.some(({ type }) => type === 'connection_ack'));
  const of = (type: string) => messages.filter((message) => message.type === type).length;
  const query = 'subscription { paymentEvents { event { payment { destinations { type } } } } }';
  send({ type: 'subscribe', id: 'live', payload: { query } });
  await until(() => of('next') === 1);
  const { pool } = gateway().app.gateway.database;
  const ask = pool.query.bind(pool) as (...statement: unknown[]) => Promise<unknown>;
  const [asked, answered] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const askLater = async (...statement: unknown[]): Promise<unknown> => {
    if ((statement[0] as { text?: string }).text?.includes('payment_destination') === true) {
      asked.resolve();
      await answered.promise;
    }
    return ask(...statement);
  };
  pool.query = askLater as typeof pool.query;
  await till.pay({ process: false });
  // What it is to be told of this is still being found out.
  await asked.promise;
  send({ type: 'complete', id: 'live' });
  send({ type: 'subscribe', id: 'live', payload: { query: 'subscription { paymentEvents { cursor } }' } });
  await until(() => of('next') === 2);
  answered.resolve();
  pool.query = ask as typeof pool.query;
  await until(() => of('complete') === 1);
  expect(listeners()).toBe(1);
  socket.close();
  await until(() => listeners() === 0);
});

test('operations of one socket that are told the same are each told it under their own id', async () => {
  const { socket, messages, send } = await openSocket(gateway(), { authorization: gateway().keys.test });
  await until(() => messages.some(({ type }) => type === 'connection_ack'));
  const ids = ['one', 'in "quotes"'];
  for (const id of ids) send({ type: 'subscribe', id, payload: { query: String(PaymentEventsDocument) } });
  await until(() => ids.every((id) => messages.some((message) => message.id === id)));
  messages.length = 0;
  await till.pay({ process: false });
  const [one, other] = await until(() => messages.length === 2 && messages);
  expect(new Set([one?.id, other?.id])).toEqual(new Set(ids));
  expect(one?.payload).toEqual(other?.payload);
  socket.close();
  await until(() => listeners() === 0);
});
