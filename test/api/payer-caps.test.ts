import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import type { Processor } from '../../src/processors/port.ts';
import { useGateway } from '../harness/gateway.ts';
import { Interposed } from '../harness/interposed.ts';
import { grant, Payer } from '../harness/payer.ts';
import { answers } from '../harness/stand-ins.ts';
import { card, Till } from '../harness/till.ts';

/** Who tests stolen cards needs many tries: payers have few. */

/** A processor that takes every card number: to it, they all are the first of the sandbox. */
class AnyCard extends Interposed {
  override processor(sandbox: Processor): Processor {
    const tokenize: Processor['tokenize'] = ({ merchant }, signal) =>
      sandbox.tokenize({ merchant, card: { ...card(), holderName: null } }, signal);
    return { ...super.processor(sandbox), tokenize };
  }
}

const processor = new AnyCard();
const gateway = useGateway({ sandbox: { interpose: processor } });
const till = new Till(gateway);

const TOO_MANY = { __typename: 'TooManyAttemptsError', code: 'TOO_MANY_ATTEMPTS', path: ['input', 'card'] };

/** A card of its own for each test: the caps hold for a card, too. */
let cards = 0;
function newCard(): string {
  const digits = `424242${String(++cards).padStart(9, '0')}`;
  const sum = Array.from(digits, Number).reduce((total, digit, index) => total + luhn(digit, index % 2 === 0), 0);
  return `${digits}${(10 - (sum % 10)) % 10}`;
}

function luhn(digit: number, isDoubled: boolean): number {
  const value = isDoubled ? 2 * digit : digit;
  return value > 9 ? value - 9 : value;
}

const times = (count: number) => Array.from({ length: count });
const newCustomer = () => till.customer({ email: `${randomUUID()}@example.com` });
const open = (customerId?: string) => till.pay({ process: false, ...(customerId !== undefined && { customerId }) });

async function payerOfOrders(customerId: string, count: number) {
  const orders = times(count).map(() => `ord_${randomUUID()}`);
  return { orders, payer: await Payer.of(gateway(), { customerId, grants: orders.map((id) => grant(id)) }) };
}

const DECLINE = { code: 'generic_decline', message: 'Declined.', retryable: false } as const;
const DECLINING = { charge: answers({ kind: 'declined', reference: null, decline: DECLINE } as const) };

test('ten failures end the attempts on a payment, with other cards and with another token, but not the merchant', async () => {
  processor.use(DECLINING);
  const { id: paymentId } = await open();
  const payer = await Payer.of(gateway(), { paymentId });
  for (const _ of times(10)) {
    expect(await payer.process({ paymentId, card: card(newCard()) })).toMatchObject({ payment: { status: 'FAILED' } });
  }
  expect(await payer.process({ paymentId, card: card(newCard()) })).toMatchObject(TOO_MANY);
  const another = await Payer.of(gateway(), { paymentId });
  expect(await another.process({ paymentId, card: card(newCard()) })).toMatchObject(TOO_MANY);
  expect(await till.process({ paymentId, card: card(newCard()) })).toMatchObject({ payment: { status: 'FAILED' } });
});

test('ten failures in a day end what a card can try, over payments, customers and ways to write its number', async () => {
  processor.use(DECLINING);
  const number = newCard();
  for (const index of times(10).keys()) {
    const customerId = await newCustomer();
    const { id: paymentId } = await open(customerId);
    const payer = await Payer.of(gateway(), index % 2 === 0 ? { customerId } : { paymentId });
    expect(await payer.process({ paymentId, card: card(number) })).toMatchObject({ payment: { status: 'FAILED' } });
  }
  const { orders, payer } = await payerOfOrders(await newCustomer(), 1);
  const written = number.replaceAll(/(.{4})/g, '$1 ').trim();
  expect(await payer.payOrders(orders, { card: card(written, { expMonth: 11, cvc: '999' }) })).toMatchObject(TOO_MANY);
  expect(await till.payWith(number)).toMatchObject({ status: 'FAILED' });
  await moveBack('payment_method method WHERE method.id = attempt.payment_method_id', 'method.last4', number.slice(-4));
  expect(await payer.payOrders(orders, { card: card(number) })).toMatchObject({ payment: { status: 'FAILED' } });
});

test('twenty failures in a day end what a customer can try, over payments and cards', async () => {
  processor.use(DECLINING);
  const customerId = await newCustomer();
  for (const _ of times(4)) {
    const { orders, payer } = await payerOfOrders(customerId, 1);
    for (const __ of times(5)) {
      expect(await payer.payOrders(orders, { card: card(newCard()) })).toMatchObject({ payment: { status: 'FAILED' } });
    }
  }
  const { orders, payer } = await payerOfOrders(customerId, 1);
  expect(await payer.payOrders(orders, { card: card(newCard()) })).toMatchObject(TOO_MANY);
  const { id: paymentId } = await open(customerId);
  const ofPayment = await Payer.of(gateway(), { paymentId });
  expect(await ofPayment.process({ paymentId, card: card(newCard()) })).toMatchObject(TOO_MANY);
  expect(await till.pay({ customerId, card: card(newCard()) })).toMatchObject({ status: 'FAILED' });
  await moveBack('payment WHERE payment.id = attempt.payment_id', 'payment.customer_id::text', customerId.slice(4));
  expect(await payer.payOrders(orders, { card: card(newCard()) })).toMatchObject({ payment: { status: 'FAILED' } });
});

/** A day passes for the attempts of a card or a customer. */
async function moveBack(other: string, column: string, value: string): Promise<void> {
  await gateway().app.gateway.database.pool.query(
    `UPDATE attempt SET created_at = attempt.created_at - interval '25 hours' FROM ${other} AND ${column} = $1`,
    [value],
  );
}

test('many at once do not all find that few have failed', async () => {
  processor.use(DECLINING);
  const number = newCard();
  const tries = await Promise.all(
    times(25).map(async () => {
      const { id: paymentId } = await open();
      return { paymentId, payer: await Payer.of(gateway(), { paymentId }) };
    }),
  );
  const results = await Promise.all(
    tries.map(({ paymentId, payer }) => payer.process({ paymentId, card: card(number) })),
  );
  expect(results.filter(({ __typename }) => __typename === 'ProcessPaymentPayload')).toHaveLength(10);
  expect(results.filter(({ __typename }) => __typename === 'TooManyAttemptsError')).toHaveLength(15);
});

test('what succeeded is not counted, nor what the gateway has tried again by itself', async () => {
  processor.use({});
  const customerId = await newCustomer();
  const { orders, payer } = await payerOfOrders(customerId, 12);
  for (const order of orders)
    expect(await payer.payOrders([order])).toMatchObject({ payment: { status: 'SUCCEEDED' } });
  processor.use(DECLINING);
  const { id: paymentId } = await open(customerId);
  await till.process({ paymentId, card: card(newCard()) });
  await gateway().app.gateway.database.pool.query(
    `INSERT INTO attempt SELECT (jsonb_populate_record(attempt, jsonb_build_object('id', gen_random_uuid(),
       'number', n, 'kind', 'SCHEDULED_RETRY'))).* FROM attempt, generate_series(2, 11) AS n WHERE payment_id = $1`,
    [paymentId.slice(4)],
  );
  await gateway().app.gateway.database.pool.query('UPDATE payment SET attempt_count = 11 WHERE id = $1', [
    paymentId.slice(4),
  ]);
  expect(await payer.process({ paymentId, card: card(newCard()) })).toMatchObject({ payment: { status: 'FAILED' } });
});
