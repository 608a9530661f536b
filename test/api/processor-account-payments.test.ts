import { afterEach, expect, test } from 'vitest';
import { AccountsOfPaymentDocument } from '../../generated/operations/graphql.ts';
import { decodeIdOf } from '../../src/domain/ids.ts';
import { Backstage } from '../harness/backstage.ts';
import { TOKENS } from '../harness/far-book.ts';
import { FarProcessor } from '../harness/far-processor.ts';
import { only, useGateway } from '../harness/gateway.ts';
import { MerchantAccounts } from '../harness/merchant-accounts.ts';
import { Payer } from '../harness/payer.ts';
import { doneThenLost, lost } from '../harness/stand-ins.ts';
import { Till } from '../harness/till.ts';

const far = new FarProcessor();
const gateway = useGateway({ connectors: [far] });
const accounts = new MerchantAccounts(gateway);
const { till } = accounts;
const backstage = new Backstage(gateway);

afterEach(() => {
  far.questions = 'answered';
  far.calls.use({});
});

const openAccount = () => accounts.openShop(far);

test('a token is stored, for a customer or for nobody, and says what the processor says of it', async () => {
  const { account } = await openAccount();
  const customerId = await till.customer();
  const { paymentMethod } = only(
    await accounts.store(account.id, TOKENS.good, customerId),
    'CreatePaymentMethodPayload',
  );
  expect(paymentMethod).toMatchObject({
    customer: { id: customerId },
    card: { brand: 'VISA', last4: '4242', expMonth: 12, expYear: 2040, holderName: 'Jenny Rosen' },
  });
  const again = only(await accounts.store(account.id), 'CreatePaymentMethodPayload').paymentMethod;
  expect(again).toMatchObject({ customer: null, card: { fingerprint: paymentMethod.card.fingerprint } });
  expect(again.id).not.toBe(paymentMethod.id);
  const { account: other } = await openAccount();
  const elsewhere = only(await accounts.store(other.id), 'CreatePaymentMethodPayload').paymentMethod;
  expect(elsewhere.card.fingerprint).not.toBe(paymentMethod.card.fingerprint);
});

test('a token that the processor does not know, or that is no token, is refused', async () => {
  const { account } = await openAccount();
  const { merchant } = await openAccount();
  for (const token of ['pm_unknown', `${TOKENS.good}_${merchant}`]) {
    expect(only(await accounts.store(account.id, token), 'CardRefusedError').path).toEqual(['input', 'token', 'id']);
  }
  for (const token of ['', 'pm_good?expand[]=x', '../pm_good', 'cus_1/pm_good', '/pm_good', 'a'.repeat(201)]) {
    expect(only(await accounts.store(account.id, token), 'InvalidInputError').path).toEqual(['input', 'token', 'id']);
  }
  for (const how of ['unreachable', 'broken'] as const) {
    far.questions = how;
    expect(only(await accounts.store(account.id), 'ProcessorUnavailableError').path).toEqual(['input', 'token']);
  }
});

test('a token may name the customer whom it belongs to at the processor', async () => {
  const { account } = await openAccount();
  const paymentMethodId = await accounts.token(account.id, `cus_1-${TOKENS.good}`);
  expect((await till.pay({ paymentMethodId })).status).toBe('SUCCEEDED');
});

test('charged, captured and refunded in the account of the token', async () => {
  const { account, book } = await openAccount();
  const { book: another } = await openAccount();
  const held = await accounts.pay(account, { captureMethod: 'MANUAL' });
  expect(held.status).toBe('AUTHORIZED');
  expect(only(await till.capture({ paymentId: held.id, amount: 3000 }), 'CapturePaymentPayload').payment.status).toBe(
    'SUCCEEDED',
  );
  only(await till.refund({ paymentId: held.id, amount: 1000 }), 'RefundPaymentPayload');
  expect(book.charges).toMatchObject([{ state: 'CAPTURED', captured: 3000n, refunded: 1000n }]);
  expect(another.charges).toEqual([]);
  const { payment } = await gateway().execute(AccountsOfPaymentDocument, { id: held.id });
  expect(payment).toEqual({
    paymentMethod: { processor: 'stripe', processorAccount: { id: account.id } },
    attempts: [{ processorAccount: { id: account.id } }],
  });
});

test('canceled, declined and still to come, in the account of the token', async () => {
  const { account, book } = await openAccount();
  const held = await accounts.pay(account, { captureMethod: 'MANUAL' });
  expect(only(await till.cancel({ paymentId: held.id }), 'CancelPaymentPayload').payment.status).toBe('CANCELED');
  expect(await accounts.pay(account, { token: TOKENS.declined })).toMatchObject({
    status: 'FAILED',
    decline: { code: 'generic_decline' },
  });
  expect((await accounts.pay(account, { token: TOKENS.pending })).status).toBe('PROCESSING');
  expect(book.charges.map(({ state }) => state)).toEqual(['VOIDED', 'DECLINED', 'PENDING']);
});

test('a disabled account: no new charge and no token, and what was charged goes on', async () => {
  const { account, book } = await openAccount();
  const paymentMethodId = await accounts.token(account.id);
  const [held, paid, canceled] = [
    await till.authorize({ paymentMethodId }),
    await till.pay({ paymentMethodId }),
    await till.authorize({ paymentMethodId }),
  ];
  const waiting = await till.pay({ paymentMethodId, process: false });
  far.calls.use({ charge: doneThenLost, lookUpCharge: lost });
  const open = await till.pay({ paymentMethodId });
  far.calls.use({});
  await accounts.change(account.id, { enabled: false });
  const charges = book.charges.length;
  const refused = ['input', 'paymentMethodId'];
  expect(only(await till.create({ paymentMethodId, process: true }), 'InvalidInputError').path).toEqual(refused);
  expect(only(await till.process({ paymentId: waiting.id }), 'InvalidInputError').path).toEqual(refused);
  const stored = only(await accounts.store(account.id), 'InvalidInputError');
  expect(stored.path).toEqual(['input', 'token', 'processorAccountId']);
  expect(book.charges).toHaveLength(charges);
  expect(only(await till.capture({ paymentId: held.id }), 'CapturePaymentPayload').payment.status).toBe('SUCCEEDED');
  expect(only(await till.refund({ paymentId: paid.id }), 'RefundPaymentPayload').refund.status).toBe('SUCCEEDED');
  expect(only(await till.cancel({ paymentId: canceled.id }), 'CancelPaymentPayload').payment.status).toBe('CANCELED');
  await backstage.letTimePass(open.id, 1);
  expect((await till.read(open.id)).status).toBe('SUCCEEDED');
  await accounts.change(account.id, { enabled: true });
  expect(only(await till.process({ paymentId: waiting.id }), 'ProcessPaymentPayload').payment.status).toBe('SUCCEEDED');
});

test('what the gateway would charge by itself in a disabled account goes back to whoever made it', async () => {
  const { account, book } = await openAccount();
  const paymentMethodId = await accounts.token(account.id);
  await till.setRetrySchedule(60);
  far.calls.use({ charge: () => Promise.resolve({ kind: 'not_sent' }) });
  const retried = await till.pay({ paymentMethodId });
  expect(retried.status).toBe('RETRY_SCHEDULED');
  far.calls.use({});
  await till.setRetrySchedule();
  const paymentDate = new Date(Date.now() + 3_600_000).toISOString();
  const scheduled = await till.pay({ paymentMethodId, process: false, paymentDate });
  await accounts.change(account.id, { enabled: false });
  for (const { id } of [retried, scheduled]) await backstage.letFallDue(id);
  expect(await till.read(retried.id)).toMatchObject({ status: 'FAILED', decline: { code: 'processor_unavailable' } });
  expect(await till.read(scheduled.id)).toMatchObject({ status: 'CREATED', attempts: [] });
  expect(book.charges).toEqual([]);
  await accounts.change(account.id, { enabled: true });
  for (const { id } of [retried, scheduled]) {
    expect(only(await till.process({ paymentId: id }), 'ProcessPaymentPayload').payment.status).toBe('SUCCEEDED');
  }
});

test.each(['other', 'live'] as const)('a token’s payment method is unknown to the environment "%s"', async (key) => {
  const { account, book } = await openAccount();
  const paymentMethodId = await accounts.token(account.id);
  const { id } = await accounts.pay(account);
  const charges = book.charges.length;
  const stranger = new Till(gateway, key);
  only(await stranger.create({ paymentMethodId, process: true }), 'NotFoundError');
  only(await stranger.refund({ paymentId: id }), 'NotFoundError');
  expect(book.charges).toHaveLength(charges);
  for (const nodeId of [account.id, paymentMethodId]) {
    const query = 'query ($id: ID!) { node(id: $id) { id } }';
    const { data } = await gateway().request(query, { id: nodeId }, { key: gateway().keys[key] });
    expect(data).toEqual({ node: null });
    expect((await gateway().request(query, { id: nodeId })).data).toEqual({ node: { id: nodeId } });
  }
});

test('a payer sees neither accounts nor where a payment was charged', async () => {
  const { account } = await openAccount();
  const customerId = await till.customer();
  const paymentMethodId = await accounts.token(account.id, TOKENS.good, customerId);
  const { id } = await till.pay({ paymentMethodId, customerId });
  const payer = await Payer.of(gateway(), { customerId, scopes: ['READ', 'PAY'] });
  const answers = [
    await payer.request(`{ node(id: "${account.id}") { id } }`),
    await payer.request(`{ payment(id: "${id}") { attempts { processorAccount { id } } } }`),
    await payer.request('{ processorAccounts { id } }'),
  ];
  expect(answers[0]).toMatchObject({ data: { node: null } });
  for (const { errors } of answers.slice(1)) expect(errors).toMatchObject([{ extensions: { code: 'FORBIDDEN' } }]);
  expect(JSON.stringify(answers)).not.toContain(decodeIdOf('ProcessorAccount', account.id));
});
