import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { useGateway } from '../harness/gateway.ts';
import { Hooks, secondsToNext } from '../harness/hooks.ts';
import { Receiver, verified, type Received, type Reply } from '../harness/receiver.ts';
import { Till } from '../harness/till.ts';
import { until } from '../harness/until.ts';

/** Short enough to be waited for where nobody answers, and long enough for an answer on a busy machine. */
const TIMEOUT_MS = 8_000;

const settings = { webhookPrivateNetworks: true, webhookTimeoutMs: TIMEOUT_MS };
/** Without rounds of its own: what has failed is tried again when a test lets it fall due, and not after four seconds. */
const gateway = useGateway({ role: 'api', settings });
/** With them. */
const busy = useGateway({ settings: { webhookPrivateNetworks: true } });
const till = new Till(gateway);
const hooks = new Hooks(gateway);
const [busyTill, busyHooks] = [new Till(busy), new Hooks(busy)];
const receiver = new Receiver();

beforeAll(() => receiver.start());
afterAll(() => receiver.stop());
beforeEach(() => {
  receiver.received.length = 0;
  receiver.answer({ status: 204 });
});

/** An endpoint, and the one delivery that a payment makes to it. */
async function tell(path: string) {
  const endpoint = await hooks.endpoint(receiver.url(path), ['PAYMENT_CREATED']);
  await till.create();
  const [delivery] = await hooks.deliveries({ endpointId: endpoint.id });
  if (delivery === undefined) throw new Error('nobody was told');
  await hooks.run();
  return { ...endpoint, deliveryId: delivery.id };
}

async function resend(deliveryId: string): Promise<void> {
  await hooks.resend(deliveryId);
  await hooks.run();
}

test('what fails is tried again under the same id, with the same body, and then it is over', async () => {
  receiver.answer({ status: 500, body: 'out of order' });
  const { deliveryId, secret } = await tell('again');
  const once = await hooks.attempted(deliveryId, 1);
  expect(once).toMatchObject({
    status: 'PENDING',
    attemptsLeft: 9,
    attempts: [{ number: 1, responseStatus: 500, responseBody: 'out of order', error: 'STATUS' }],
  });
  receiver.answer({ status: 200 });
  await hooks.letFallDue(deliveryId);
  const over = await hooks.over(deliveryId);
  expect(over).toMatchObject({ status: 'SUCCEEDED', failure: null, nextAttemptAt: null });
  expect(over.attempts.map(({ number, responseStatus }) => [number, responseStatus])).toEqual([
    [1, 500],
    [2, 200],
  ]);
  const [first, second] = (await receiver.wait('again', 2)) as [Received, Received];
  expect(second.headers['webhook-id']).toBe(first.headers['webhook-id']);
  expect(second.body).toBe(first.body);
  for (const each of [first, second]) verified(secret, each);
});

test('ten attempts, each later than the one before, then it is given up', async () => {
  receiver.answer({ status: 503 });
  const { deliveryId } = await tell('never-well');
  const hours = [5 / 3_600, 5 / 60, 0.5, 2, 5, 10, 14, 20, 24];
  for (const [made, wait] of hours.entries()) {
    const seconds = secondsToNext(await hooks.attempted(deliveryId, made + 1));
    expect(seconds).toBeGreaterThan(wait * 3_600 * 0.79 - 1);
    expect(seconds).toBeLessThan(wait * 3_600 * 1.21 + 1);
    await hooks.letFallDue(deliveryId);
  }
  const over = await hooks.over(deliveryId);
  expect(over).toMatchObject({ status: 'FAILED', failure: 'EXHAUSTED', attemptsLeft: 0, nextAttemptAt: null });
  expect(over.attempts.map(({ number }) => number)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  expect(receiver.at('never-well')).toHaveLength(10);
});

test('what ended its gateway at the last attempt is not sent for ever', async () => {
  receiver.answer({ status: 503 });
  const { deliveryId } = await tell('poison');
  await hooks.attempted(deliveryId, 1);
  await gateway().app.gateway.database.pool.query(
    `UPDATE webhook_delivery SET attempts_left = 0 WHERE 'whd_' || id = $1`,
    [deliveryId],
  );
  await hooks.letFallDue(deliveryId);
  expect(await hooks.over(deliveryId)).toMatchObject({
    status: 'FAILED',
    failure: 'EXHAUSTED',
    attempts: [{ number: 1 }],
  });
  expect(receiver.at('poison')).toHaveLength(1);
});

test.for([
  ['a redirect', { status: 302, headers: { location: '/elsewhere' } }, { responseStatus: 302, error: 'STATUS' }],
  ['no content type and no sense', { status: 404, body: '\u0007\u0000no' }, { responseBody: 'no', error: 'STATUS' }],
  ['a cut connection', 'cut', { responseStatus: null, responseBody: null, error: 'CONNECTION' }],
  ['no answer', 'never', { responseStatus: null, responseBody: null, error: 'TIMEOUT' }],
] as [string, Reply, object][])('%s is a failure', async ([, reply, attempt]) => {
  receiver.answer(reply);
  const { deliveryId } = await tell('failure');
  const delivery = await hooks.attempted(deliveryId, 1);
  expect(delivery).toMatchObject({ status: 'PENDING', attempts: [attempt] });
  expect(receiver.received).toHaveLength(1);
});

test('a status that was told counts, whatever becomes of the rest', async () => {
  receiver.answer('half');
  const { deliveryId } = await tell('half');
  const delivery = await hooks.over(deliveryId);
  expect(delivery).toMatchObject({
    status: 'SUCCEEDED',
    attempts: [{ responseStatus: 200, responseBody: 'half of it' }],
  });
});

test.for([
  [429, '3600', 3_600],
  [503, '3600', 3_600],
  [500, '3600', 5],
  [429, '1', 5],
  [429, 'tomorrow', 5],
  [429, '9999999', 24 * 3_600],
] as const)('a receiver that answers %i may ask for %s seconds', async ([status, retryAfter, waited]) => {
  receiver.answer({ status, headers: { 'retry-after': retryAfter } });
  const { deliveryId } = await tell('later');
  const seconds = secondsToNext(await hooks.attempted(deliveryId, 1));
  expect(seconds).toBeGreaterThan(waited * 0.79 - 1);
  expect(seconds).toBeLessThan(waited * 1.21 + 1);
});

test('410 disables the endpoint, and ends what waits for it', async () => {
  receiver.answer({ status: 500 });
  const { id, deliveryId: waiting } = await tell('gone');
  await hooks.attempted(waiting, 1);
  receiver.answer({ status: 410 });
  await till.create();
  await hooks.run();
  await until(async () => (await hooks.read(id))?.status === 'DISABLED');
  await hooks.run();
  expect(await hooks.read(id)).toMatchObject({ disabledReason: 'GONE', updatedBy: 'gateway' });
  for (const { id: deliveryId } of await hooks.deliveries({ endpointId: id })) {
    expect(await hooks.over(deliveryId)).toMatchObject({ status: 'FAILED', failure: 'ENDPOINT_GONE' });
  }
  await till.create();
  expect(await hooks.deliveries({ endpointId: id })).toHaveLength(2);
  expect(await hooks.test(id)).toMatchObject({ __typename: 'InvalidInputError', path: ['input', 'endpointId'] });
  expect(await hooks.resend(waiting)).toMatchObject({ __typename: 'InvalidInputError', path: ['input', 'deliveryId'] });

  receiver.answer({ status: 200 });
  await hooks.update({ endpointId: id, enabled: true });
  expect(await hooks.read(id)).toMatchObject({ status: 'ENABLED', disabledReason: null });
  await resend(waiting);
  expect(await hooks.over(waiting)).toMatchObject({ status: 'SUCCEEDED', failure: null });
});

/** As if every attempt had failed for so many days. */
async function letFailFor(id: string, days: number): Promise<void> {
  await gateway().app.gateway.database.pool.query(
    `UPDATE webhook_endpoint SET failing_since = now() - $2 * interval '1 day' WHERE 'whe_' || id = $1`,
    [id, days],
  );
}

describe('an endpoint that fails', () => {
  test('for five days is disabled at the next failure, and says why', async () => {
    receiver.answer({ status: 500 });
    const { id, deliveryId } = await tell('failing');
    await hooks.attempted(deliveryId, 1);
    const { failingSince } = (await hooks.read(id)) ?? {};
    expect(Math.abs(Date.now() - Date.parse(failingSince ?? ''))).toBeLessThan(60_000);
    await letFailFor(id, 4.9);
    await hooks.letFallDue(deliveryId);
    await hooks.attempted(deliveryId, 2);
    expect(await hooks.read(id)).toMatchObject({ status: 'ENABLED', disabledReason: null });
    await letFailFor(id, 5.1);
    await hooks.letFallDue(deliveryId);
    await hooks.attempted(deliveryId, 3);
    await hooks.run();
    expect(await hooks.over(deliveryId)).toMatchObject({ status: 'FAILED', failure: 'ENDPOINT_DISABLED' });
    expect(await hooks.read(id)).toMatchObject({ status: 'DISABLED', disabledReason: 'FAILING', updatedBy: 'gateway' });
    await hooks.update({ endpointId: id, enabled: true });
    expect(await hooks.read(id)).toMatchObject({ status: 'ENABLED', disabledReason: null, failingSince: null });
  });

  test('has not failed for all that time if anything was received, or its URL is another', async () => {
    const { id, deliveryId } = await tell('recovers');
    await hooks.over(deliveryId);
    await letFailFor(id, 6);
    const sent = await hooks.sendTest(id);
    await hooks.run();
    await hooks.over(sent);
    expect(await hooks.read(id)).toMatchObject({ status: 'ENABLED', failingSince: null });
    await letFailFor(id, 6);
    await hooks.update({ endpointId: id, url: receiver.url('moved') });
    expect(await hooks.read(id)).toMatchObject({ status: 'ENABLED', failingSince: null });
  });
});

test('410 of a URL that was replaced meanwhile does not disable the new one', async () => {
  const { id, deliveryId } = await tell('old');
  await hooks.over(deliveryId);
  const replace = hooks.update.bind(hooks);
  let replaced: Promise<unknown> | undefined;
  receiver.answer(({ path }) => {
    if (path !== '/old') return { status: 200 };
    replaced = replace({ endpointId: id, url: receiver.url('new') });
    return 'never';
  });
  await resend(deliveryId);
  await until(() => replaced);
  await replaced;
  receiver.answer(({ path }) => ({ status: path === '/old' ? 410 : 200 }));
  expect(await hooks.attempted(deliveryId, 2)).toMatchObject({ status: 'PENDING' });
  await hooks.letFallDue(deliveryId);
  expect(await hooks.over(deliveryId)).toMatchObject({ status: 'SUCCEEDED', endpoint: { status: 'ENABLED' } });
  expect(receiver.at('new')).toHaveLength(1);
});

test.for([
  ['disabled', 'ENDPOINT_DISABLED', (id: string) => hooks.update({ endpointId: id, enabled: false })],
  ['deleted', 'ENDPOINT_DELETED', (id: string) => hooks.delete(id)],
] as const)('what waits for an endpoint that is %s is given up', async ([, failure, end]) => {
  receiver.answer({ status: 500 });
  const { id, deliveryId } = await tell('unwanted');
  await hooks.attempted(deliveryId, 1);
  await end(id);
  await hooks.run();
  expect(await hooks.over(deliveryId)).toMatchObject({ status: 'FAILED', failure });
  await till.create();
  expect(await hooks.deliveries({ endpointId: id })).toHaveLength(1);
});

test('what was delivered is sent again when that is asked for, and what waits is sent now', async () => {
  const { deliveryId } = await tell('resent');
  await hooks.over(deliveryId);
  receiver.answer({ status: 500 });
  expect(await hooks.resend(deliveryId)).toMatchObject({ webhookDelivery: { status: 'PENDING', attemptsLeft: 10 } });
  await hooks.run();
  await hooks.attempted(deliveryId, 2);
  receiver.answer({ status: 200 });
  await resend(deliveryId);
  const over = await hooks.over(deliveryId);
  expect(over.attempts.map(({ number, responseStatus }) => [number, responseStatus])).toEqual([
    [1, 204],
    [2, 500],
    [3, 200],
  ]);
  expect(new Set(receiver.at('resent').map(({ headers }) => headers['webhook-id'])).size).toBe(1);
});

test('one message is sent so often at most', async () => {
  const { deliveryId } = await tell('often');
  await hooks.over(deliveryId);
  await gateway().app.gateway.database.pool.query(
    `UPDATE webhook_delivery SET attempt_count = 91 WHERE id::text = $1`,
    [deliveryId.slice('whd_'.length)],
  );
  expect(await hooks.resend(deliveryId)).toMatchObject({ __typename: 'InvalidInputError' });
});

test('a slow endpoint holds up nobody', async () => {
  receiver.answer(({ path }) => (path === '/slow' ? 'never' : { status: 200 }));
  const slow = await busyHooks.endpoint(receiver.url('slow'), ['PAYMENT_CREATED']);
  for (let made = 0; made < 20; made++) await busyTill.create();
  await receiver.wait('slow', 8);
  const quick = await busyHooks.endpoint(receiver.url('quick'), ['PAYMENT_CREATED']);
  await busyTill.create();
  const [delivery] = await busyHooks.deliveries({ endpointId: quick.id });
  expect(await busyHooks.over(delivery?.id ?? '')).toMatchObject({ status: 'SUCCEEDED' });
  // Most of the slow one's messages have not even begun.
  const begun = (await busyHooks.deliveries({ endpointId: slow.id })).filter(({ attemptsLeft }) => attemptsLeft < 10);
  expect(begun.length).toBeLessThan(20);
});

test('all of a long queue comes through, each message once', async () => {
  const { id } = await busyHooks.endpoint(receiver.url('queue'));
  await busyHooks.update({ endpointId: id, eventTypes: ['PAYMENT_CREATED'] });
  const payments = await Promise.all(Array.from({ length: 60 }, () => busyTill.create()));
  await Promise.all([busyHooks.run(), busyHooks.run(), busyHooks.run()]);
  await until(
    async () => (await busyHooks.deliveries({ endpointId: id, status: ['SUCCEEDED'] })).length === payments.length,
  );
  const ids = receiver.at('queue').map(({ headers }) => headers['webhook-id']);
  expect(ids).toHaveLength(payments.length);
  expect(new Set(ids).size).toBe(payments.length);
});
