import { randomUUID } from 'node:crypto';
import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { decline } from '../../src/domain/decline.ts';
import type { ChargeOutcome } from '../../src/processors/port.ts';
import { FarProcessor } from '../harness/far-processor.ts';
import { useGateway } from '../harness/gateway.ts';
import { MerchantAccounts, type Account } from '../harness/merchant-accounts.ts';
import { grant, Payer } from '../harness/payer.ts';
import { Routes, ruleTo } from '../harness/routes.ts';
import { card, Till } from '../harness/till.ts';

const far = new FarProcessor();
const gateway = useGateway({ connectors: [far] });
const accounts = new MerchantAccounts(gateway);
const routes = new Routes(gateway);
const till = new Till(gateway);

let first: Account;
let second: Account;
/** Whose books there each test begins anew. */
let merchants: readonly [string, string];
const charged = (): number[] =>
  merchants.map((merchant) => far.book(merchant).charges.filter(({ state }) => state === 'CAPTURED').length);

beforeAll(async () => {
  first = await accounts.open({ rawCards: true });
  second = await accounts.open({ rawCards: true });
  await routes.hold([ruleTo('both', [first, second])]);
});

beforeEach(async () => {
  merchants = [randomUUID(), randomUUID()];
  await accounts.change(first.id, { secretKey: `sk_test_${merchants[0]}_0000` });
  await accounts.change(second.id, { secretKey: `sk_test_${merchants[1]}_0000` });
});

afterEach(() => far.calls.use({}));

/** The first charge is answered so, and those after it are made. */
function firstCharge(outcome: ChargeOutcome): void {
  let charges = 0;
  far.calls.use({ charge: (_, pass) => (charges++ === 0 ? Promise.resolve(outcome) : pass()) });
}

const DECLINED = (code: Parameters<typeof decline>[0]): ChargeOutcome => ({
  kind: 'declined',
  reference: null,
  decline: decline(code),
});

test.each<[string, ChargeOutcome, string]>([
  ['could not be reached', { kind: 'not_sent' }, 'processor_unavailable'],
  ['refuses its account', { kind: 'misconfigured', message: 'The account is closed.' }, 'processor_configuration'],
  ['has an error of its own', DECLINED('processing_error'), 'processing_error'],
])('a processor that %s: the next one is asked, once', async (_, outcome, code) => {
  firstCharge(outcome);
  const idempotencyKey = randomUUID();
  const { id, status } = await till.pay({ idempotencyKey });
  expect(status).toBe('SUCCEEDED');
  expect((await routes.attempts(id)).attempts).toMatchObject([
    {
      number: 1,
      kind: 'INITIAL',
      status: 'FAILED',
      decline: { code },
      processorAccount: { id: first.id },
      routing: { reason: 'RULE' },
    },
    {
      number: 2,
      kind: 'FAILOVER',
      status: 'SUCCEEDED',
      processorAccount: { id: second.id },
      routing: { reason: 'FAILOVER', rule: 'both' },
    },
  ]);
  expect(charged()).toEqual([0, 1]);
  // Sent again, it is answered from what there is.
  expect((await till.pay({ idempotencyKey })).id).toBe(id);
  expect((await routes.attempts(id)).attempts).toHaveLength(2);
  expect(charged()).toEqual([0, 1]);
});

test.each<[string, ChargeOutcome, string]>([
  ['is not known', { kind: 'unknown' }, 'PROCESSING'],
  ['comes later', { kind: 'pending', reference: 'ch_later' }, 'PROCESSING'],
  ['is a decline by the issuer', DECLINED('generic_decline'), 'FAILED'],
  ['is a decline that may be tried again', DECLINED('insufficient_funds'), 'FAILED'],
])('an outcome that %s is never tried elsewhere', async (_, outcome, status) => {
  firstCharge(outcome);
  const payment = await till.pay();
  expect(payment.status).toBe(status);
  expect((await routes.attempts(payment.id)).attempts).toHaveLength(1);
  expect(charged()[1]).toBe(0);
});

test('where nobody could do anything, the payment fails, with an attempt for each', async () => {
  far.calls.use({ charge: () => Promise.resolve({ kind: 'not_sent' }) });
  const { id } = await till.pay();
  expect(await routes.attempts(id)).toMatchObject({
    status: 'FAILED',
    attempts: [{}, { kind: 'FAILOVER', status: 'FAILED' }],
  });
});

test('a failed payment that is processed again with a card goes the same way', async () => {
  firstCharge(DECLINED('generic_decline'));
  const { id } = await till.pay();
  firstCharge({ kind: 'not_sent' });
  await till.process({ paymentId: id, card: { number: '4242424242424242', expMonth: 12, expYear: 2040, cvc: '123' } });
  expect((await routes.attempts(id)).attempts).toMatchObject([
    { kind: 'INITIAL' },
    { kind: 'RESUBMISSION', status: 'FAILED', processorAccount: { id: first.id } },
    { kind: 'FAILOVER', status: 'SUCCEEDED', processorAccount: { id: second.id } },
  ]);
});

test('a retry that was scheduled meanwhile is called off by the next processor', async () => {
  await till.setRetrySchedule(3_600);
  firstCharge({ kind: 'not_sent' });
  const { id } = await till.pay();
  expect(await till.read(id)).toMatchObject({ status: 'SUCCEEDED', retryAt: null });
  await till.setRetrySchedule();
});

test("a payer's order is charged once, elsewhere", async () => {
  firstCharge({ kind: 'not_sent' });
  const order = `ord_${randomUUID()}`;
  const customerId = await till.customer({ email: `${order}@example.com` });
  const payer = await Payer.of(gateway(), { customerId, grants: [grant(order)] });
  expect(await payer.payOrders([order], { card: card('5555555555554444') })).toMatchObject({
    __typename: 'PayOrdersPayload',
    payment: { status: 'SUCCEEDED' },
  });
  expect(charged()).toEqual([0, 1]);
});

test('an account that does not answer is passed by, and its payment methods are not charged', async () => {
  const paymentMethodId = await accounts.token(first.id);
  far.calls.use({ charge: () => Promise.resolve({ kind: 'unknown' }) });
  for (let failures = 0; failures < 5; failures++) await till.pay({ paymentMethodId });
  expect((await routes.explain()).targets).toMatchObject([
    { standing: 'CIRCUIT_OPEN', processorAccount: { circuit: 'OPEN' } },
    { standing: 'OPEN', processorAccount: { circuit: 'CLOSED' } },
  ]);
  far.calls.use({});
  // Recovery asks about those before meanwhile.
  const charges = () => far.calls.calls.filter(({ call }) => call === 'charge').length;
  const before = charges();
  expect(await till.pay({ paymentMethodId })).toMatchObject({
    status: 'FAILED',
    decline: { code: 'processor_unavailable' },
  });
  expect(charges()).toBe(before);
  const { id } = await till.pay();
  expect((await routes.attempts(id)).attempts).toMatchObject([
    { processorAccount: { id: second.id }, routing: { reason: 'RULE' } },
  ]);
});
