import { afterAll, beforeAll, expect, test } from 'vitest';
import { Receiver } from '../harness/receiver.ts';
import { until } from '../harness/until.ts';
import { SECRET_KEY, STRIPE_VERSION, StripeStandIn } from './stand-in.ts';

/** That the stand-in refuses what Stripe would: a connector is only as good as what it was tried against. */

const standIn = new StripeStandIn();

beforeAll(() => standIn.start());
afterAll(() => standIn.stop());

const INTENT = 'amount=1000&currency=eur&payment_method=pm_card_visa&allowed_payment_method_types[0]=card';

async function post(path: string, body: string, headers: Record<string, string> = {}) {
  const response = await fetch(`${standIn.url}${path}`, {
    method: 'POST',
    body,
    headers: {
      authorization: `Bearer ${SECRET_KEY}`,
      'stripe-version': STRIPE_VERSION,
      'content-type': 'application/x-www-form-urlencoded',
      ...headers,
    },
  });
  return { status: response.status, body: (await response.json()) as { id?: string; error?: { code?: string } } };
}

const keyed = (key: string) => ({ 'idempotency-key': key });

test.each([
  ['a parameter that there is not', `${INTENT}&colour=red`, 400, 'parameter_unknown'],
  ['a parameter inside another', `${INTENT}&payment_method_options[card][colour]=red&shipping[x]=1`, 400],
  ['no amount', 'currency=eur&payment_method=pm_card_visa', 400, 'parameter_unknown'],
  ['an amount with a point', INTENT.replace('1000', '10.5'), 400, 'parameter_unknown'],
  ['a way to capture that there is not', `${INTENT}&capture_method=later`, 400, 'parameter_unknown'],
  ['a suffix that is too long', `${INTENT}&statement_descriptor_suffix=${'X'.repeat(23)}`, 400, 'parameter_unknown'],
  ['ways to pay that are not ours', INTENT.replace('=card', '=ideal'), 400, 'parameter_unknown'],
  ['what was removed', `${INTENT}&payment_method_types[0]=card`, 400, 'payment_method_types_no_longer_supported'],
  ['a token that there is not', INTENT.replace('pm_card_visa', 'pm_none'), 404, 'resource_missing'],
])('it refuses %s', async (_, body, status, code?: string) => {
  const answer = await post('/v1/payment_intents', body, keyed(`refused ${body}`));
  expect(answer.status).toBe(status);
  if (code !== undefined) expect(answer.body.error?.code).toBe(code);
});

test.each([
  ['another version', { ...keyed('a'), 'stripe-version': '2023-08-16' }, 400, 'version_not_pinned'],
  ['another key of the account', { ...keyed('b'), authorization: 'Bearer sk_test_other' }, 401, undefined],
  ['no idempotency key', {}, 400, 'idempotency_key_missing'],
])('it refuses %s', async (_, headers, status, code) => {
  const answer = await post('/v1/payment_intents', INTENT, headers);
  expect(answer).toMatchObject({ status, body: { error: {} } });
  expect(answer.body.error?.code).toBe(code);
});

test('it answers a key as it did the first time, and refuses it for anything else', async () => {
  const first = await post('/v1/payment_intents', INTENT, keyed('once'));
  expect(first.status).toBe(200);
  expect(await post('/v1/payment_intents', INTENT, keyed('once'))).toEqual(first);
  expect(await post('/v1/payment_intents', `${INTENT}&description=x`, keyed('once'))).toMatchObject({
    status: 400,
    body: { error: { type: 'idempotency_error' } },
  });
  const declined = INTENT.replace('pm_card_visa', 'pm_card_visa_chargeDeclined');
  const { body } = await post('/v1/payment_intents', declined, keyed('declined'));
  const path = `/v1/payment_intents/${body.id}/confirm`;
  const error = await post(path, '', keyed('declined confirm'));
  expect(error).toMatchObject({ status: 402, body: { error: { code: 'card_declined' } } });
  expect(await post(path, '', keyed('declined confirm'))).toEqual(error);
});

test('it says of a key whose request is under way that it is in use', async () => {
  standIn.faults.plan('create_intent', 'stalled');
  const first = post('/v1/payment_intents', INTENT, keyed('slow'));
  await until(() => standIn.held === 1);
  expect(await post('/v1/payment_intents', INTENT, keyed('slow'))).toMatchObject({
    status: 409,
    body: { error: { code: 'idempotency_key_in_use' } },
  });
  standIn.release();
  expect((await first).status).toBe(200);
});

test('its page for 3-D Secure leads the payer back', async () => {
  const challenged = INTENT.replace('pm_card_visa', 'pm_card_authenticationRequired');
  const { body } = await post('/v1/payment_intents', challenged, keyed('3ds'));
  await post(`/v1/payment_intents/${body.id}/confirm`, 'return_url=https://shop.example/', keyed('3ds confirm'));
  const url = `${standIn.url}/3ds/${body.id}`;
  expect(await (await fetch(url)).text()).toContain('Complete');
  const back = await fetch(`${url}/complete`, { method: 'POST', redirect: 'manual' });
  expect([back.status, back.headers.get('location')]).toEqual([303, 'https://shop.example/']);
  expect(standIn.books.readIntent(body.id ?? '').status).toBe('succeeded');
});

test('what has happened is sent signed, as often and in the order that a test likes', async () => {
  const receiver = new Receiver();
  await receiver.start();
  const letters = standIn.mailbox.letters().slice(-2);
  const [last] = letters.toReversed();
  const statuses = await standIn.mailbox.send(receiver.url('stripe'), [...letters.toReversed(), ...letters.slice(1)]);
  expect(statuses).toEqual([204, 204, 204]);
  const types = receiver.at('stripe').map(({ body }) => (JSON.parse(body) as { type: string }).type);
  expect(types).toEqual([last?.type, letters[0]?.type, last?.type]);
  expect(receiver.at('stripe')[0]?.headers['stripe-signature']).toMatch(/^t=\d+,v1=[0-9a-f]{64}$/);
  await receiver.stop();
});
