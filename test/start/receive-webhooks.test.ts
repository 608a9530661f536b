import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Webhook } from 'standardwebhooks';
import { expect, onTestFinished, test } from 'vitest';
import { encodeId } from '../../src/domain/ids.ts';
import { only, useGateway } from '../harness/gateway.ts';
import { Hooks } from '../harness/hooks.ts';
import { Till } from '../harness/till.ts';
import { until } from '../harness/until.ts';
import { temporaryPlace } from '../postgres/places.ts';

const PROGRAM = join(import.meta.dirname, '..', '..', 'examples', 'receive-webhooks', 'main.ts');
const NOWHERE = 'http://127.0.0.1:9';
const MINUTE_MS = 60_000;

const gateway = useGateway({ settings: { webhookPrivateNetworks: true } });
const till = new Till(gateway);
const hooks = new Hooks(gateway);

/** What the example writes of a message. */
interface Line {
  readonly id: string;
  readonly type: string;
  readonly eventId?: string;
  readonly payment: { readonly id: string; readonly status: string } | null;
}

interface Running {
  readonly url: string;
  readonly lines: () => Line[];
  readonly stderr: () => string;
  kill(): Promise<void>;
}

/** Starts the example in a process of its own, which ends with the test. */
async function startReceiver(secret: string, inbox: string, tenderUrl = gateway().url): Promise<Running> {
  const { PATH = '', HOME = '' } = process.env;
  const settings = { TENDER_URL: tenderUrl, TENDER_KEY: gateway().keys.test, TENDER_WEBHOOK_SECRET: secret };
  const child = spawn(process.execPath, [PROGRAM], {
    env: { PATH, HOME, PORT: '0', INBOX: inbox, ...settings },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const text = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (part: string) => (text.stdout += part));
  child.stderr.setEncoding('utf8').on('data', (part: string) => (text.stderr += part));
  const ended = new Promise((resolve) => {
    child.once('close', resolve);
  });
  const kill = async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
    await ended;
  };
  onTestFinished(kill);
  const url = await until(() => /http:\S+/.exec(text.stderr)?.[0]);
  return {
    url,
    lines: () => {
      const lines = text.stdout.split('\n').slice(0, -1);
      return lines.map((line) => JSON.parse(line) as Line);
    },
    stderr: () => text.stderr,
    kill,
  };
}

const newInbox = () => join(temporaryPlace(), 'inbox');

/** An endpoint whose receiver is the example. */
async function startWithEndpoint() {
  const { id: endpointId, secret } = await hooks.endpoint('http://127.0.0.1:9/');
  const inbox = newInbox();
  const receiver = await startReceiver(secret, inbox);
  only(await hooks.update({ endpointId, url: receiver.url }), 'UpdateWebhookEndpointPayload');
  return { endpointId, secret, inbox, receiver };
}

interface Sent {
  readonly secret: string;
  readonly id?: string;
  readonly at?: Date;
  readonly body: string;
  /** What is sent in place of the body that was signed. */
  readonly forged?: string;
}

/** Sends a message as the gateway does. @returns the status of the answer */
async function send(
  url: string,
  { secret, id = newId(), at = new Date(), body, forged = body }: Sent,
): Promise<number> {
  const headers = {
    'content-type': 'application/json',
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(at.getTime() / 1_000)),
    'webhook-signature': new Webhook(secret).sign(id, at, body),
  };
  return (await fetch(url, { method: 'POST', headers, body: forged })).status;
}

const newId = () => encodeId('WebhookDelivery', crypto.randomUUID());
const aSecret = () => `whsec_${Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('base64')}`;
const about = (paymentId: string) => JSON.stringify({ type: 'payment.created', data: { paymentId, sequence: 1 } });

test('each event that the gateway sends is dealt with once, also when it is sent again', async () => {
  const { endpointId, receiver } = await startWithEndpoint();
  const { id } = await till.pay();
  const types = (await till.eventTypes(id)).map((type) => type.toLowerCase().replace('_', '.'));
  await until(() => receiver.lines().length === types.length);
  expect(
    receiver
      .lines()
      .map(({ type }) => type)
      .toSorted(),
  ).toEqual(types.toSorted());
  const deliveries = await until(async () => {
    const done = await hooks.deliveries({ endpointId, status: ['SUCCEEDED'] });
    return done.length === types.length && done;
  });
  expect(deliveries.map(({ attempts }) => attempts.map(({ responseStatus }) => responseStatus))).toEqual(
    types.map(() => [204]),
  );
  expect(new Set(receiver.lines().map((line) => line.id))).toEqual(new Set(deliveries.map((each) => each.id)));

  for (const delivery of deliveries) await hooks.resend(delivery.id);
  for (const delivery of deliveries) await hooks.attempted(delivery.id, 2);
  await hooks.over(await hooks.sendTest(endpointId));
  const last = await until(() => receiver.lines().find(({ type }) => type === 'tender.test'));
  expect(last.payment).toBeNull();
  expect(receiver.lines()).toHaveLength(types.length + 1);
  for (const { payment } of receiver.lines().slice(0, -1)) expect(payment?.id).toBe(id);
});

test('a message that is not the gateway’s, was changed, or is not of now is refused', async () => {
  const { receiver, secret } = await startWithEndpoint();
  const { id } = await till.pay({ process: false });
  await until(() => receiver.lines().length === 1);
  const body = about(id);
  const nowMs = Date.now();
  expect(await send(receiver.url, { secret: aSecret(), body })).toBe(400);
  expect(await send(receiver.url, { secret, body, forged: about(`${id}0`) })).toBe(400);
  expect(await send(receiver.url, { secret, body, forged: JSON.stringify(JSON.parse(body), null, 1) })).toBe(400);
  expect(await send(receiver.url, { secret, body, at: new Date(nowMs - 6 * MINUTE_MS) })).toBe(400);
  expect(await send(receiver.url, { secret, body, at: new Date(nowMs + 6 * MINUTE_MS) })).toBe(400);
  expect(await send(receiver.url, { secret, body, id: '../elsewhere' })).toBe(400);
  expect(await send(receiver.url, { secret, body: 'x'.repeat(100_000) })).toBe(400);
  expect((await fetch(receiver.url)).status).toBe(400);
  expect(await send(receiver.url, { secret, body, at: new Date(nowMs - 4 * MINUTE_MS) })).toBe(204);
  await until(() => receiver.lines().length === 2);
});

test('of the same message many times at once, one is dealt with', async () => {
  const secret = aSecret();
  const { id: paymentId } = await till.pay();
  const receiver = await startReceiver(secret, newInbox());
  const id = newId();
  const body = about(paymentId);
  const statuses = await Promise.all(Array.from({ length: 10 }, () => send(receiver.url, { secret, id, body })));
  expect(new Set(statuses)).toEqual(new Set([204]));
  expect(await send(receiver.url, { secret, body })).toBe(204);
  await until(() => receiver.lines().length >= 2);
  expect(receiver.lines().filter((line) => line.id === id)).toHaveLength(1);
  expect(receiver.lines()).toHaveLength(2);
});

test('it is answered at once, and dealt with when that is possible, if need be by the next start', async () => {
  const secret = aSecret();
  const inbox = newInbox();
  const { id: paymentId } = await till.pay();
  const first = await startReceiver(secret, inbox, NOWHERE);
  const id = newId();
  expect(await send(first.url, { secret, id, body: about(paymentId) })).toBe(204);
  await until(() => first.stderr().includes('fetch failed'));
  expect(first.lines()).toEqual([]);
  await first.kill();
  const second = await startReceiver(secret, inbox);
  await until(() => second.lines().length === 1);
  expect(second.lines()).toMatchObject([{ id, payment: { id: paymentId, status: 'SUCCEEDED' } }]);
  // It is written down as done after its line.
  await until(() => existsSync(join(inbox, `${id}.done`)));
  expect(await send(second.url, { secret, id, body: about(paymentId) })).toBe(204);
  await second.kill();
  const third = await startReceiver(secret, inbox);
  await send(third.url, { secret, body: about(paymentId) });
  await until(() => third.lines().length === 1);
  expect(third.lines()[0]?.id).not.toBe(id);
});
