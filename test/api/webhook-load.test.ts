import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { only, startGateway, type TestGateway } from '../harness/gateway.ts';
import { Hooks } from '../harness/hooks.ts';
import { Receiver } from '../harness/receiver.ts';
import { until } from '../harness/until.ts';

/** Many messages, and many receivers that take their time. */

const receiver = new Receiver();
beforeAll(() => receiver.start());
afterAll(() => receiver.stop());
beforeEach(() => {
  receiver.received.length = 0;
  receiver.answer({ status: 204 });
});

/** Test messages for an endpoint, more than its merchant may send at once. */
async function queue({ app }: TestGateway, endpointId: string, count: number): Promise<void> {
  await app.gateway.database.pool.query(
    `INSERT INTO webhook_delivery (environment_id, id, endpoint_id, attempts_left, next_attempt_at)
     SELECT environment_id, gen_random_uuid(), id, 1, now() FROM webhook_endpoint, generate_series(1, $2)
     WHERE 'whe_' || id = $1`,
    [endpointId, count],
  );
}

/** An endpoint that goes with its gateway. @returns its id */
async function endpoint(hooks: Hooks, path: string): Promise<string> {
  return only(await hooks.create({ url: receiver.url(path) }), 'CreateWebhookEndpointPayload').webhookEndpoint.id;
}

test('a gateway ends in the middle of a long queue, and leaves the rest of it to the next one', async () => {
  const gateway = await startGateway({ settings: { webhookPrivateNetworks: true } });
  const id = await endpoint(new Hooks(() => gateway), 'queue');
  await queue(gateway, id, 5_000);
  await receiver.wait('queue', 50);
  await gateway.close();
  expect(receiver.at('queue').length).toBeLessThan(4_000);
});

test('however many endpoints hang, there is room for others', async () => {
  await using ends = new AsyncDisposableStack();
  const gateway = await startGateway({ settings: { webhookPrivateNetworks: true, webhookTimeoutMs: 40_000 } });
  ends.defer(() => gateway.close());
  receiver.answer(({ path }) => (path === '/quick' ? { status: 204 } : 'never'));
  const slow = new Hooks(() => gateway, 'other');
  for (let made = 0; made < 20; made++) {
    await queue(gateway, await endpoint(slow, 'slow'), 20);
  }
  await until(() => receiver.at('slow').length >= 64);
  const quick = new Hooks(() => gateway);
  const id = await endpoint(quick, 'quick');
  for (let sent = 0; sent < 3; sent++) {
    expect(await quick.over(await quick.sendTest(id))).toMatchObject({ status: 'SUCCEEDED' });
  }
});
