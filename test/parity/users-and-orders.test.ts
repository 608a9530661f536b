import { pino } from 'pino';
import { beforeEach, describe, expect, it } from 'vitest';
import { startApp } from '../../src/app.ts';
import { Backstage } from '../harness/backstage.ts';
import { tillAt } from '../harness/crash-process.ts';
import { openPool, type TestDatabase } from '../harness/database.ts';
import { startGateway, useGateway } from '../harness/gateway.ts';
import { Interposed } from '../harness/interposed.ts';
import { lost } from '../harness/stand-ins.ts';
import { card, Till } from '../harness/till.ts';
import { until } from '../harness/until.ts';
import { Desk, mutation } from './desk.ts';

/** docs/coming-from.md, users and orders. */

const processor = new Interposed();
const gateway = useGateway({ sandbox: { interpose: processor } });
const till = new Till(gateway);
const backstage = new Backstage(gateway);
const desk = new Desk(gateway);

const NO_FUNDS = '4000000000009995';
const HOUR_MS = 3_600_000;
const BERLIN = { line1: 'Kurfuerstendamm 21', city: 'Berlin', postalCode: '10719', country: 'DE' };

const state = (id: string) => desk.payment(id, 'status refundStatus');
const inMs = (ms: number): string => new Date(Date.now() + ms).toISOString();
const order = (id: string, amount: number) => ({ type: 'ORDER', id, amount, currency: 'USD' });

/** A customer and the desk of their browser, which may pay what is granted. */
async function user(...grants: object[]) {
  const customerId = await till.customer();
  const paymentMethodId = await till.storedCard(customerId);
  return { customerId, paymentMethodId, browser: desk.as(await desk.tokenFor(customerId, grants)) };
}

/** The date of a payment comes while no gateway runs. */
async function bringDateOn(database: TestDatabase, id: string): Promise<void> {
  const pool = openPool(database.connection, 1);
  await pool.query(`UPDATE payment SET payment_date = now(), due_at = now() WHERE 'pay_' || id = $1`, [id]);
  await pool.end();
}

beforeEach(() => {
  processor.use({});
  processor.notifies = true;
});

describe('Payment Object', () => {
  it('user', async () => {
    const { id } = await till.pay({ customerId: await till.customer({ email: 'user@example.com' }) });
    expect(await desk.payment(id, 'customer { email }')).toEqual({ customer: { email: 'user@example.com' } });
  });

  it('amount', async () => {
    const input = { amountDecimal: '10.23', currency: 'USD' };
    expect(await desk.mutate('createPayment', input, 'payment { amount { decimal amount } }')).toMatchObject({
      payment: { amount: { decimal: '10.23', amount: 1023 } },
    });
  });

  it('amount_paid', async () => {
    const { id: paymentId } = await till.authorize({ amount: 1023 });
    await till.capture({ paymentId, amountDecimal: '4.00' });
    expect(await desk.payment(paymentId, 'amountCaptured { decimal }')).toEqual({
      amountCaptured: { decimal: '4.00' },
    });
  });

  it('amount_reserved', async () => {
    const { id: paymentId } = await till.authorize({ amount: 1023 });
    await till.capture({ paymentId, amountDecimal: '4.00' });
    expect(await desk.payment(paymentId, 'amountReserved { decimal }')).toEqual({
      amountReserved: { decimal: '6.23' },
    });
  });

  it('currency', async () => {
    const { id } = await till.pay({ currency: 'USD' });
    expect(await desk.payment(id, 'amount { currency }')).toEqual({ amount: { currency: 'USD' } });
  });

  it('human_id', async () => {
    const paid = await Promise.all([till.pay(), till.pay(), till.pay()]);
    const read = paid.map(({ id }) => desk.payment<{ humanId: string }>(id, 'humanId'));
    const humanIds = (await Promise.all(read)).map(({ humanId }) => humanId);
    expect(new Set(humanIds).size).toBe(3);
    for (const [index, humanId] of humanIds.entries()) {
      expect(humanId).toMatch(/^[2-9A-HJKMNP-TV-Z]{6}$/);
      const search = 'query ($humanId: String!) { payments(filter: { humanId: $humanId }) { edges { node { id } } } }';
      expect(await desk.ask(search, { humanId: humanId.toLowerCase() })).toEqual({
        payments: { edges: [{ node: { id: paid[index]?.id } }] },
      });
    }
  });

  it('subject', async () => {
    const destinations = [
      { type: 'ORDER', id: 'ord_1', amount: 4000 },
      { type: 'SUBSCRIPTION', id: 'sub_1', amount: 999 },
    ] as const;
    const { id } = await till.pay({ destinations: [...destinations] });
    expect(await desk.payment(id, 'destinations { type id amount { amount } }')).toEqual({
      destinations: destinations.map((each) => ({ ...each, amount: { amount: each.amount } })),
    });
  });

  it('active', async () => {
    const { id: paymentId } = await till.pay({ process: false, paymentDate: inMs(HOUR_MS) });
    expect(await desk.payment(paymentId, 'active')).toEqual({ active: true });
    await till.update({ paymentId, active: false });
    await backstage.letFallDue(paymentId);
    expect(await desk.payment(paymentId, 'active status')).toEqual({ active: false, status: 'SCHEDULED' });
  });

  it('payment_date', async () => {
    const paymentDate = inMs(HOUR_MS);
    const { id } = await till.pay({ process: false, paymentDate });
    expect(await desk.payment(id, 'paymentDate status')).toEqual({ paymentDate, status: 'SCHEDULED' });
    await backstage.letFallDue(id);
    expect(await desk.payment(id, 'status')).toEqual({ status: 'SUCCEEDED' });
  });

  it('payment_date: the server was down then', async () => {
    const first = await startGateway();
    try {
      const { id } = await new Till(() => first).pay({ process: false, paymentDate: inMs(HOUR_MS) });
      await first.app.close();
      await bringDateOn(first.database, id);
      const second = await startApp({
        database: first.database.connection,
        secret: 'a secret of the tests that has more than 32 characters',
        host: '127.0.0.1',
        port: 0,
        log: pino({ level: 'silent' }),
      });
      try {
        const again = tillAt({ url: `${second.server.url}/graphql`, keys: first.keys });
        await until(async () => (await again.read(id)).status === 'SUCCEEDED');
        expect(await again.read(id)).toMatchObject({ attempts: [{ number: 1, createdBy: 'gateway' }] });
      } finally {
        await second.close();
      }
    } finally {
      await first.database.drop();
    }
  });

  it('payment_method', async () => {
    const paymentMethodId = await till.storedCard(await till.customer());
    const { id } = await till.pay({ paymentMethodId });
    expect(await desk.payment(id, 'paymentMethod { id }')).toEqual({ paymentMethod: { id: paymentMethodId } });
  });

  it('billing_address', async () => {
    const { id } = await till.pay({ billingAddress: BERLIN });
    const fields = 'billingAddress { line1 line2 city state postalCode country }';
    expect(await desk.payment(id, fields)).toEqual({ billingAddress: { ...BERLIN, line2: null, state: null } });
  });

  it('description', async () => {
    const { id } = await till.pay({ description: 'Two tickets' });
    expect(await desk.payment(id, 'description')).toEqual({ description: 'Two tickets' });
  });

  it('metadata', async () => {
    const { id } = await till.pay({ metadata: { seat: '17' } });
    expect(await desk.payment(id, 'metadata')).toEqual({ metadata: { seat: '17' } });
  });

  it('status_code', async () => {
    const { id } = await till.payWith(NO_FUNDS);
    expect(await desk.payment(id, 'decline { code }')).toEqual({ decline: { code: 'insufficient_funds' } });
  });

  it('error_message', async () => {
    const { id } = await till.payWith(NO_FUNDS);
    expect(await desk.payment(id, 'decline { message }')).toEqual({
      decline: { message: 'The card has insufficient funds.' },
    });
  });
});

describe('current_state', () => {
  it('current_state: created', async () => {
    const { id } = await till.pay({ process: false });
    expect(await state(id)).toEqual({ status: 'CREATED', refundStatus: 'NONE' });
  });

  it('current_state: processing', async () => {
    processor.use({ charge: lost });
    const { id } = await till.pay();
    expect(await state(id)).toEqual({ status: 'PROCESSING', refundStatus: 'NONE' });
  });

  it('current_state: captured', async () => {
    processor.notifies = false;
    const { id: paymentId } = await till.authorize({ card: card('4000000000001083') });
    await till.capture({ paymentId });
    expect(await state(paymentId)).toEqual({ status: 'CAPTURED', refundStatus: 'NONE' });
  });

  it('current_state: succeeded', async () => {
    const { id } = await till.pay();
    expect(await state(id)).toEqual({ status: 'SUCCEEDED', refundStatus: 'NONE' });
  });

  it('current_state: failed', async () => {
    const { id } = await till.payWith('4000000000000002');
    expect(await state(id)).toEqual({ status: 'FAILED', refundStatus: 'NONE' });
  });

  it('current_state: cancelled', async () => {
    const { id: paymentId } = await till.authorize();
    expect(await desk.mutate('cancelPayment', { paymentId }, 'payment { status }')).toMatchObject({
      payment: { status: 'CANCELED' },
    });
  });

  it('current_state: reserved', async () => {
    const { id } = await till.authorize();
    expect(await state(id)).toEqual({ status: 'AUTHORIZED', refundStatus: 'NONE' });
  });

  it('current_state: refunded', async () => {
    const { id: paymentId } = await till.pay();
    await till.refund({ paymentId });
    expect(await state(paymentId)).toEqual({ status: 'SUCCEEDED', refundStatus: 'REFUNDED' });
  });

  it('current_state: partial_refund', async () => {
    const { id: paymentId } = await till.pay();
    await till.refund({ paymentId, amountDecimal: '0.99' });
    expect(await state(paymentId)).toEqual({ status: 'SUCCEEDED', refundStatus: 'PARTIALLY_REFUNDED' });
  });

  it('current_state: pending_refund', async () => {
    processor.notifies = false;
    const { id: paymentId } = await till.payWith('4000000000007726');
    await till.refund({ paymentId });
    expect(await state(paymentId)).toEqual({ status: 'SUCCEEDED', refundStatus: 'PENDING' });
  });

  it('current_state: refund_failed', async () => {
    const { id: paymentId } = await till.payWith('4000000000005126');
    await till.refund({ paymentId });
    await until(async () => (await till.read(paymentId)).refundStatus === 'FAILED');
    expect(await state(paymentId)).toEqual({ status: 'SUCCEEDED', refundStatus: 'FAILED' });
  });

  it('current_state: on_retry', async () => {
    await till.setRetrySchedule(3600);
    const { id } = await till.payWith(NO_FUNDS);
    await till.setRetrySchedule();
    expect(await state(id)).toEqual({ status: 'RETRY_SCHEDULED', refundStatus: 'NONE' });
  });
});

describe('Payment for Orders', () => {
  const WHAT = 'payment { status amount { amount } destinations { type id } customer { id } paymentMethod { id } }';

  it('Payment for Orders: an order', async () => {
    const { customerId, paymentMethodId, browser } = await user(order('one', 1023));
    expect(await browser.mutate('payOrders', { orders: [{ id: 'one' }], paymentMethodId }, WHAT)).toEqual({
      __typename: 'PayOrdersPayload',
      payment: {
        status: 'SUCCEEDED',
        amount: { amount: 1023 },
        destinations: [{ type: 'ORDER', id: 'one' }],
        customer: { id: customerId },
        paymentMethod: { id: paymentMethodId },
      },
    });
  });

  it('Payment for Orders: multiple orders at once', async () => {
    const { paymentMethodId, browser } = await user(order('two', 1000), order('three', 23));
    const input = { orders: [{ id: 'two' }, { id: 'three' }], paymentMethodId };
    expect(await browser.mutate('payOrders', input, WHAT)).toMatchObject({
      payment: { status: 'SUCCEEDED', amount: { amount: 1023 }, destinations: [{ id: 'two' }, { id: 'three' }] },
    });
  });

  it('Payment for Orders: subscriptions', async () => {
    const { customerId, paymentMethodId } = await user();
    const input = { orders: [{ type: 'SUBSCRIPTION', id: 'gold' }], paymentMethodId };
    const paidFor = async (billingPeriodId: string) => {
      const grant = { ...order('gold', 999), type: 'SUBSCRIPTION', billingPeriodId };
      return desk.as(await desk.tokenFor(customerId, [grant])).mutate('payOrders', input, WHAT);
    };
    const paid = { payment: { status: 'SUCCEEDED', destinations: [{ type: 'SUBSCRIPTION', id: 'gold' }] } };
    expect(await paidFor('november')).toMatchObject(paid);
    expect(await paidFor('december')).toMatchObject(paid);
    expect(await paidFor('december')).toMatchObject({ __typename: 'AlreadyPaidError' });
  });

  it('Payment for Orders: orders', async () => {
    const { paymentMethodId, browser } = await user(order('four', 1));
    const pay = (orders: object[]) => browser.mutate('payOrders', { orders, paymentMethodId }, WHAT);
    expect(await pay([])).toMatchObject({ __typename: 'InvalidInputError', path: ['input', 'orders'] });
    // What the token does not grant cannot be paid, and no browser says how much an order is.
    expect(await pay([{ id: 'five' }])).toMatchObject({ __typename: 'NotFoundError', path: ['input', 'orders', '0'] });
    const { operation, variables } = mutation('payOrders', { orders: [{ id: 'four', amount: 1 }] }, WHAT);
    await expect(browser.ask(operation, variables)).rejects.toThrow('there is no field amount');
  });

  it('Payment for Orders: payment_method', async () => {
    const { browser } = await user(order('six', 1));
    const theirs = await till.storedCard(await till.customer());
    const pay = (more: object) => browser.mutate('payOrders', { orders: [{ id: 'six' }], ...more }, WHAT);
    expect(await pay({})).toMatchObject({ __typename: 'InvalidInputError', path: ['input', 'card'] });
    expect(await pay({ paymentMethodId: theirs })).toMatchObject({
      __typename: 'NotFoundError',
      path: ['input', 'paymentMethodId'],
    });
    expect(await pay({ card: card() })).toMatchObject({ payment: { status: 'SUCCEEDED' } });
  });

  it('Payment for Orders: User Role', async () => {
    const { paymentMethodId, browser } = await user(order('seven', 1));
    const input = { orders: [{ id: 'seven' }], paymentMethodId };
    expect(await browser.mutate('payOrders', input, WHAT)).toMatchObject({ payment: { status: 'SUCCEEDED' } });
    expect(await browser.mutate('payOrders', input, WHAT)).toMatchObject({ __typename: 'AlreadyPaidError' });
  });

  it('Payment for Orders: Admin Role', async () => {
    const customerId = await till.customer();
    const paymentMethodId = await till.storedCard(customerId);
    const destinations = [{ type: 'ORDER', id: 'eight', amount: 1023 }];
    const input = { amount: 1023, currency: 'USD', customerId, paymentMethodId, destinations, process: true };
    expect(await desk.mutate('createPayment', input, WHAT)).toMatchObject({
      payment: { status: 'SUCCEEDED', destinations: [{ id: 'eight' }], customer: { id: customerId } },
    });
  });
});

describe('Retrieve a Payment', () => {
  it('Retrieve a Payment: payment-id', async () => {
    const { id } = await till.pay();
    expect(await desk.payment(id, 'id status')).toEqual({ id, status: 'SUCCEEDED' });
    expect(await desk.payment('pay_00000000-0000-7000-8000-000000000000', 'id')).toBeNull();
  });

  it('Retrieve a Payment: User Role', async () => {
    const { customerId, browser } = await user();
    const own = await till.pay({ customerId });
    const theirs = await till.pay({ customerId: await till.customer() });
    expect(await browser.payment(own.id, 'id')).toEqual({ id: own.id });
    expect(await browser.payment(theirs.id, 'id')).toBeNull();
  });

  it('Retrieve a Payment: Admin Role', async () => {
    for (const customerId of [await till.customer(), await till.customer()]) {
      const { id } = await till.pay({ customerId });
      expect(await desk.payment(id, 'customer { id }')).toEqual({ customer: { id: customerId } });
      expect(await desk.as(gateway().keys.other).payment(id, 'id')).toBeNull();
    }
  });
});

/** Which payments of a list a page has, by their place in the list. */
async function page(args: string, { customerId, ids }: { customerId: string; ids: string[] }, filter = '') {
  const operation = `query ($of: ID!) {
    paymentPage(${args} filter: { customerId: $of ${filter} }) { items { id } }
  }`;
  type Answer = { paymentPage: { items: { id: string }[] } };
  const { paymentPage } = await desk.ask<Answer>(operation, { of: customerId });
  return paymentPage.items.map(({ id }) => ids.indexOf(id));
}

describe('List all Payments', () => {
  const DAYS = ['2026-01-01T00:00:00.000Z', '2026-01-02T00:00:00.000Z', '2026-01-03T00:00:00.000Z'];

  /** Payments of a customer of their own: of 3, 1 and 2 cents, on three days. The last one is refused. */
  async function listed() {
    const customerId = await till.customer();
    const ids: string[] = [];
    for (const [index, amount] of [3, 1, 2].entries()) {
      const { id } = await till.pay({ amount, customerId, card: card(index === 2 ? '4000000000000002' : undefined) });
      const { pool } = gateway().app.gateway.database;
      await pool.query(`UPDATE payment SET created_at = $2 WHERE 'pay_' || id = $1`, [id, DAYS[index]]);
      ids.push(id);
    }
    return { customerId, ids };
  }

  it('List all Payments: size', async () => {
    const list = await listed();
    expect(await page('size: 2', list)).toEqual([2, 1]);
    const fields = 'size items { id }';
    type Answer = { paymentPage: { size: number; items: unknown[] } };
    await Promise.all(Array.from({ length: 8 }, () => till.pay({ customerId: list.customerId, process: false })));
    const operation = `query ($of: ID!) { paymentPage(filter: { customerId: $of }) { ${fields} } }`;
    const { paymentPage } = await desk.ask<Answer>(operation, { of: list.customerId });
    expect({ size: paymentPage.size, items: paymentPage.items.length }).toEqual({ size: 10, items: 10 });
  });

  it('List all Payments: page', async () => {
    const list = await listed();
    expect(await page('size: 2 page: 0', list)).toEqual([2, 1]);
    expect(await page('size: 2 page: 1', list)).toEqual([0]);
    const operation = 'query ($of: ID!) { paymentPage(filter: { customerId: $of }) { page totalCount } }';
    expect(await desk.ask(operation, { of: list.customerId })).toEqual({ paymentPage: { page: 0, totalCount: 3 } });
  });

  it('List all Payments: from_date', async () => {
    expect(await page('', await listed(), `createdFrom: "${DAYS[1]}"`)).toEqual([2, 1]);
  });

  it('List all Payments: to_date', async () => {
    expect(await page('', await listed(), `createdTo: "${DAYS[1]}"`)).toEqual([0]);
  });

  it('List all Payments: sort', async () => {
    const list = await listed();
    expect(await page('orderBy: { field: AMOUNT, direction: ASC }', list)).toEqual([1, 2, 0]);
    expect(await page('orderBy: { field: AMOUNT, direction: DESC }', list)).toEqual([0, 2, 1]);
    expect(await page('orderBy: { field: CREATED_AT, direction: ASC }', list)).toEqual([0, 1, 2]);
  });

  it('List all Payments: status', async () => {
    const list = await listed();
    expect(await page('', list, 'status: [FAILED]')).toEqual([2]);
    expect(await page('', list, 'status: [SUCCEEDED, FAILED]')).toEqual([2, 1, 0]);
  });

  it('List all Payments: User Role', async () => {
    const { customerId, ids } = await listed();
    const browser = desk.as(await desk.tokenFor(customerId));
    type Answer = { paymentPage: { totalCount: number; items: { id: string }[] } };
    const { paymentPage } = await browser.ask<Answer>('{ paymentPage { totalCount items { id } } }');
    expect(paymentPage.items.map(({ id }) => id).toSorted()).toEqual(ids.toSorted());
    expect(paymentPage.totalCount).toBe(3);
  });

  it('List all Payments: Admin Role', async () => {
    const lists = [await listed(), await listed()];
    const operation =
      '{ payments(filter: { createdTo: "2026-01-04T00:00:00Z" }, first: 100) { edges { node { id } } } }';
    type Answer = { payments: { edges: { node: { id: string } }[] } };
    const { payments } = await desk.ask<Answer>(operation);
    const found = payments.edges.map(({ node }) => node.id);
    expect(found).toEqual(expect.arrayContaining(lists.flatMap(({ ids }) => ids)));
  });
});

describe('Update Payment', () => {
  it('Update Payment: active', async () => {
    const { id: paymentId } = await till.pay({ process: false });
    expect(await desk.mutate('updatePayment', { paymentId, active: false }, 'payment { active }')).toMatchObject({
      payment: { active: false },
    });
  });

  it('Update Payment: payment_method', async () => {
    const { id: paymentId } = await till.pay({ process: false });
    const input = { paymentId, paymentMethodId: await till.storedCard(await till.customer()) };
    expect(await desk.mutate('updatePayment', input, 'payment { paymentMethod { id } }')).toMatchObject({
      payment: { paymentMethod: { id: input.paymentMethodId } },
    });
  });

  it('Update Payment: billing_address', async () => {
    const { id: paymentId } = await till.pay({ process: false });
    const input = { paymentId, billingAddress: BERLIN };
    expect(await desk.mutate('updatePayment', input, 'payment { billingAddress { city country } }')).toMatchObject({
      payment: { billingAddress: { city: 'Berlin', country: 'DE' } },
    });
  });

  it('Update Payment: payment_date', async () => {
    const { id: paymentId } = await till.pay({ process: false });
    const paymentDate = inMs(HOUR_MS);
    const input = { paymentId, paymentDate };
    expect(await desk.mutate('updatePayment', input, 'payment { paymentDate status }')).toMatchObject({
      payment: { paymentDate, status: 'SCHEDULED' },
    });
  });

  it('Update Payment: only these fields are editable', async () => {
    const { id: paymentId } = await till.pay({ process: false });
    for (const field of ['amount', 'currency', 'description', 'metadata', 'customerId', 'status']) {
      const { operation, variables } = mutation('updatePayment', { paymentId, [field]: 'x' }, 'payment { id }');
      const answer = await gateway().request(operation, variables);
      expect(answer.errors).toMatchObject([
        { message: `The variable has an invalid value at "input": there is no field ${field}.` },
      ]);
      const written = `mutation { updatePayment(input: { paymentId: "${paymentId}", ${field}: "x" }) { __typename } }`;
      const validated = await gateway().request(written);
      expect(validated.errors?.[0]?.message).toContain(`unknown field "${field}"`);
    }
  });

  it('Update Payment: a payment that has begun', async () => {
    const { id: paymentId } = await till.pay();
    const paymentMethodId = await till.storedCard(await till.customer());
    for (const change of [{ paymentMethodId }, { billingAddress: BERLIN }, { paymentDate: inMs(HOUR_MS) }]) {
      expect(await desk.mutate('updatePayment', { paymentId, ...change }, 'payment { id }')).toMatchObject({
        __typename: 'IllegalStateError',
        path: ['input', ...Object.keys(change)],
      });
    }
  });

  it('Update Payment: User Role', async () => {
    const { customerId, paymentMethodId, browser } = await user();
    const own = await till.pay({ process: false, customerId });
    const theirs = await till.pay({ process: false });
    const update = (paymentId: string) =>
      browser.mutate('updatePayment', { paymentId, paymentMethodId }, 'payment { paymentMethod { id } }');
    expect(await update(own.id)).toMatchObject({ payment: { paymentMethod: { id: paymentMethodId } } });
    const soon = { paymentId: own.id, paymentDate: inMs(HOUR_MS) };
    expect(await browser.mutate('updatePayment', soon, 'payment { id }')).toMatchObject({
      __typename: 'InvalidInputError',
      path: ['input', 'paymentDate'],
    });
    expect(await update(theirs.id)).toMatchObject({ __typename: 'NotFoundError', path: ['input', 'paymentId'] });
    const change = { paymentId: own.id, active: false, paymentDate: soon.paymentDate };
    const scheduler = desk.as(await desk.tokenFor(customerId, [], ['READ', 'PAY', 'SCHEDULE']));
    expect(await scheduler.mutate('updatePayment', change, 'payment { active paymentDate }')).toMatchObject({
      payment: { active: false, paymentDate: soon.paymentDate },
    });
  });

  it('Update Payment: Admin Role', async () => {
    const { id: paymentId } = await till.pay({ process: false, customerId: await till.customer() });
    const update = (by: Desk) => by.mutate('updatePayment', { paymentId, active: false }, 'payment { id }');
    expect(await update(desk)).toMatchObject({ payment: { id: paymentId } });
    expect(await update(desk.as(gateway().keys.other))).toMatchObject({ __typename: 'NotFoundError' });
  });
});

describe('Payments', () => {
  it("they'll need a Payment Method", async () => {
    const input = { amount: 1023, currency: 'USD', process: true };
    expect(await desk.mutate('createPayment', input, 'payment { id }')).toMatchObject({
      __typename: 'InvalidInputError',
      path: ['input', 'process'],
    });
  });

  it('create and process payments', async () => {
    const input = { amount: 1023, currency: 'USD', paymentMethodId: await till.storedCard(await till.customer()) };
    type Answer = { payment: { id: string; status: string } };
    const { payment } = await desk.mutate<Answer>('createPayment', input, 'payment { id status }');
    expect(payment.status).toBe('CREATED');
    const { id: paymentId } = payment;
    expect(await desk.mutate('processPayment', { paymentId }, 'payment { status }')).toMatchObject({
      payment: { status: 'SUCCEEDED' },
    });
  });
});
