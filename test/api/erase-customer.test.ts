import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CustomerDocument, EraseCustomerDocument, UpdateCustomerDocument } from '../../generated/operations/graphql.ts';
import { decodeIdOf } from '../../src/domain/ids.ts';
import { FarProcessor, sign } from '../harness/far-processor.ts';
import { only, useGateway } from '../harness/gateway.ts';
import { Hooks } from '../harness/hooks.ts';
import { MerchantAccounts } from '../harness/merchant-accounts.ts';
import { grant, makeToken, Payer } from '../harness/payer.ts';
import { Receiver } from '../harness/receiver.ts';
import { dumpRows } from '../harness/rows.ts';
import { card, Till } from '../harness/till.ts';
import { until } from '../harness/until.ts';

const far = new FarProcessor();
const gateway = useGateway({ connectors: [far], settings: { webhookPrivateNetworks: true } });
const till = new Till(gateway);
const receiver = new Receiver();

beforeAll(() => receiver.start());
afterAll(() => receiver.stop());

async function erase(customerId: string) {
  return (await gateway().execute(EraseCustomerDocument, { input: { customerId } })).eraseCustomer;
}

/** A word that is in everything that is told of a person, so that it can be looked for afterwards. */
const MARK = 'Quetzalcoatl';
const ADDRESS = { line1: `${MARK} Street 1`, line2: MARK, city: MARK, state: MARK, postalCode: MARK, country: 'DE' };

async function person(): Promise<string> {
  return till.customer({
    email: `${MARK}@example.com`,
    firstName: MARK,
    lastName: MARK,
    phone: MARK,
    address: ADDRESS,
    metadata: { [MARK]: MARK },
  });
}

const whole = {
  amount: 1000,
  billingAddress: ADDRESS,
  description: `for ${MARK}`,
  metadata: { who: MARK },
  attemptMetadata: { who: MARK },
  returnUrl: `https://shop.example/${MARK}`,
};

test('what is known of a person is gone from every table, and what became of the money stays', async () => {
  const merchant = new MerchantAccounts(gateway);
  const { account, book } = await merchant.openShop(far);
  receiver.answer({ status: 400, body: `no ${MARK} here` });
  await new Hooks(gateway).endpoint(receiver.url('erased'), ['PAYMENT_SUCCEEDED']);
  const customerId = await person();
  const stored = await till.storedCard(customerId);
  const charged = await till.pay({ ...whole, customerId, card: card('4242424242424242', { holderName: MARK }) });
  const far1 = await merchant.pay(account, { ...whole, customerId });
  only(
    await till.refund({ paymentId: charged.id, amount: 300, reason: `${MARK} sent it back` }),
    'RefundPaymentPayload',
  );
  const unpaid = only(await till.create({ ...whole, customerId }), 'CreatePaymentPayload').payment;
  const body = Buffer.from(
    JSON.stringify({ id: 'evt_1', type: 'x', references: [book.charges[0]?.reference], who: MARK }),
  );
  const { signature } = sign(body);
  await fetch(account.notificationUrl, {
    method: 'POST',
    headers: { 'far-signature': signature },
    body: new Uint8Array(body),
  });
  await receiver.wait('erased', 2);
  // What is sent again is answered without a word, and all that was said of the person is written down before they are erased.
  receiver.answer({ status: 204 });
  const answered = receiver.at('erased').length;
  await until(async () => (await dumpRows(gateway())).split(`no ${MARK} here`).length > answered);
  await until(async () => (await till.operationsOf(far1.id)).every(({ status }) => status === 'COMPLETED'));
  const before = await till.read(charged.id);
  expect((await dumpRows(gateway())).split(MARK).length).toBeGreaterThan(20);

  const { customer } = only(await erase(customerId), 'EraseCustomerPayload');
  expect(customer).toMatchObject({ id: customerId, email: null, name: null, phone: null, metadata: {} });
  expect(customer.erasedAt).not.toBeNull();
  expect(customer.address).toEqual({
    line1: null,
    line2: null,
    city: null,
    state: null,
    postalCode: null,
    country: null,
  });
  expect(await dumpRows(gateway())).not.toMatch(new RegExp(MARK, 'i'));

  const after = await till.read(charged.id);
  const { amountRefunded, amountCaptured, status, refundStatus } = before;
  expect(after).toMatchObject({ amountRefunded, amountCaptured, status, refundStatus });
  expect(after.attempts).toHaveLength(before.attempts.length);
  const again = only(await erase(customerId), 'EraseCustomerPayload').customer;
  expect(again.erasedAt).toBe(customer.erasedAt);
  expect((await gateway().execute(CustomerDocument, { id: customerId })).customer).toMatchObject({
    paymentMethods: [],
  });

  // Nothing is charged for them any more, and nothing is told of them again.
  const reused = await till.create({ paymentMethodId: stored, process: true });
  expect(only(reused, 'InvalidInputError').path).toEqual(['input', 'paymentMethodId']);
  expect(only(await till.create({ customerId, card: card(), process: true }), 'NotFoundError').path).toEqual([
    'input',
    'customerId',
  ]);
  expect(only(await till.process({ paymentId: unpaid.id, card: card() }), 'InvalidInputError').path).toEqual([
    'input',
    'paymentId',
  ]);
  const changed = await gateway().execute(UpdateCustomerDocument, { input: { customerId, firstName: MARK } });
  expect(only(changed.updateCustomer, 'InvalidInputError').path).toEqual(['input', 'customerId']);
  // What was paid can still be given back.
  only(await till.refund({ paymentId: charged.id, amount: 100 }), 'RefundPaymentPayload');
});

test('a payer’s token of before charges nothing', async () => {
  const customerId = await person();
  const payer = new Payer(gateway(), await makeToken(gateway(), { customerId, grants: [grant('ord_erased')] }));
  only(await erase(customerId), 'EraseCustomerPayload');
  expect((await payer.payOrders(['ord_erased'])).__typename).toBe('NotFoundError');
  await expect(makeToken(gateway(), { customerId })).rejects.toThrow('NotFoundError');
});

test('it is refused while money is under way, and nothing is changed', async () => {
  const customerId = await person();
  const held = await till.authorize({ customerId, card: card() });
  const refused = only(await erase(customerId), 'PaymentsUnderWayError');
  expect(refused).toMatchObject({ code: 'PAYMENTS_UNDER_WAY', paymentIds: [held.id] });
  expect((await gateway().execute(CustomerDocument, { id: customerId })).customer).toMatchObject({ firstName: MARK });
  only(await till.cancel({ paymentId: held.id }), 'CancelPaymentPayload');
  only(await erase(customerId), 'EraseCustomerPayload');
});

test('a customer who is not there, or another’s, is not found', async () => {
  for (const id of [`cus_${randomUUID()}`, 'cus_1', await new Till(gateway, 'other').customer()]) {
    expect((await erase(id)).__typename).toBe('NotFoundError');
  }
});

test('the database refuses personal data of a customer who was erased', async () => {
  const customerId = await person();
  only(await erase(customerId), 'EraseCustomerPayload');
  const { pool } = gateway().app.gateway.database;
  const id = decodeIdOf('Customer', customerId);
  await expect(pool.query(`UPDATE customer SET email = 'x@example.com' WHERE id = $1`, [id])).rejects.toMatchObject({
    constraint: 'customer_erased_holds_nothing',
  });
});

test('a charge and an erasure at the same moment: one of them is refused', async () => {
  const customerId = await person();
  const methodId = await till.storedCard(customerId);
  const open = await Promise.all(
    [1, 2, 3].map(async () => only(await till.create({ customerId }), 'CreatePaymentPayload').payment.id),
  );
  const [erased, ...charges] = await Promise.all([
    erase(customerId),
    ...open.map((paymentId) => till.process({ paymentId, paymentMethodId: methodId })),
  ]);
  for (const { __typename } of charges) expect(['ProcessPaymentPayload', 'InvalidInputError']).toContain(__typename);
  if (erased.__typename === 'EraseCustomerPayload') {
    const dump = await dumpRows(gateway());
    expect(dump).not.toContain(MARK);
  } else {
    expect(erased.__typename).toBe('PaymentsUnderWayError');
    only(await erase(customerId), 'EraseCustomerPayload');
  }
});

test('no event and no webhook says anything of a person', async () => {
  receiver.answer({ status: 204 });
  await new Hooks(gateway).endpoint(receiver.url('events'));
  const customerId = await person();
  const { id } = await till.authorize({ ...whole, customerId, card: card('4242424242424242', { holderName: MARK }) });
  only(await till.capture({ paymentId: id }), 'CapturePaymentPayload');
  only(await till.refund({ paymentId: id, amount: 1, reason: MARK }), 'RefundPaymentPayload');
  await till.payWith('4000000000000002', { ...whole, customerId });
  const { rows } = await gateway().app.gateway.database.pool.query('SELECT * FROM payment_event');
  expect(rows.length).toBeGreaterThan(8);
  expect(JSON.stringify(rows, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value))).not.toMatch(
    new RegExp(MARK, 'i'),
  );
  const received = await receiver.wait('events', 8);
  for (const message of received) expect(JSON.stringify(message)).not.toMatch(new RegExp(MARK, 'i'));
});
