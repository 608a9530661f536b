import { randomUUID } from 'node:crypto';
import { beforeEach, describe, expect, test } from 'vitest';
import { PaymentEventsDocument, PaymentStatusChangedDocument } from '../../generated/operations/graphql.ts';
import { useGateway } from '../harness/gateway.ts';
import { countListeners } from '../harness/listeners.ts';
import { begun, subscribeOverEvents, subscribeOverWebSocket, told } from '../harness/subscription.ts';
import { card, Till } from '../harness/till.ts';
import { until } from '../harness/until.ts';

const listeners = countListeners();
const gateway = useGateway();
const till = new Till(gateway);

beforeEach(() => until(() => listeners() === 0));

/** Everything holds alike over both transports. */
describe.each([
  ['WebSocket', subscribeOverWebSocket],
  ['server-sent events', subscribeOverEvents],
])('over %s', (_, subscribe) => {
  test('a payment as it stands first, then each change, none twice and none left out', async () => {
    const created = await till.pay({ process: false });
    const subscription = subscribe(gateway(), PaymentStatusChangedDocument, { id: created.id });
    const first = (await subscription.next()).paymentStatusChanged;
    expect(first).toMatchObject({
      type: 'PAYMENT_CREATED',
      status: 'CREATED',
      sequence: 1,
      payment: { id: created.id },
    });
    await till.process({ paymentId: created.id });
    await till.refund({ paymentId: created.id, amount: 100 });
    const rest = await subscription.takeUntil(({ paymentStatusChanged: { type } }) => type === 'REFUND_SUCCEEDED');
    expect(rest.map(({ paymentStatusChanged: { type, sequence } }) => [sequence, type])).toEqual([
      [2, 'PAYMENT_PROCESSING'],
      [3, 'PAYMENT_SUCCEEDED'],
      [4, 'REFUND_PENDING'],
      [5, 'REFUND_SUCCEEDED'],
    ]);
  });

  test('a payment that has come far is told by its last event', async () => {
    const paid = await till.pay();
    const subscription = subscribe(gateway(), PaymentStatusChangedDocument, { id: paid.id });
    const first = (await subscription.next()).paymentStatusChanged;
    expect(first).toMatchObject({ status: 'SUCCEEDED', sequence: paid.sequence });
  });

  test('an asynchronous result arrives by itself', async () => {
    const pending = await till.payWith('4000000000001018');
    const subscription = subscribe(gateway(), PaymentStatusChangedDocument, { id: pending.id });
    const messages = await subscription.takeUntil(({ paymentStatusChanged: { status } }) => status === 'SUCCEEDED');
    expect(messages.length).toBeLessThanOrEqual(2);
  });

  test('the payment inside an event is never older than the event', async () => {
    const subscription = subscribe(gateway(), PaymentEventsDocument, {});
    await begun(subscription);
    const payments = await Promise.all(
      Array.from({ length: 5 }, async () => {
        const { id } = await till.pay();
        await Promise.all([1, 2, 3].map((amount) => till.refund({ paymentId: id, amount })));
        return id;
      }),
    );
    const last = new Map<string, number>();
    const settled = (): boolean => payments.every((id) => last.get(id) === 9);
    await subscription.takeUntil(({ paymentEvents: { event } }) => {
      const { sequence, payment } = told(event);
      expect(payment.sequence).toBeGreaterThanOrEqual(sequence);
      expect(sequence).toBe((last.get(payment.id) ?? 0) + 1);
      last.set(payment.id, sequence);
      return settled();
    });
    expect(settled()).toBe(true);
  });

  test('paymentEvents tells only what fits its filter', async () => {
    const customerId = await till.customer();
    const byCustomer = subscribe(gateway(), PaymentEventsDocument, { filter: { customerId } });
    const byType = subscribe(gateway(), PaymentEventsDocument, {
      filter: { type: ['REFUND_SUCCEEDED'], status: ['SUCCEEDED'] },
    });
    const failed = subscribe(gateway(), PaymentEventsDocument, { filter: { status: ['FAILED'] } });
    await begun(byCustomer, byType, failed);
    const { id: unrelated } = await till.pay();
    const { id: declined } = await till.payWith('4000000000000002');
    const { id: wanted } = await till.pay({ customerId });
    await till.refund({ paymentId: wanted });
    const ofCustomer = await byCustomer.takeUntil(
      ({ paymentEvents }) => told(paymentEvents.event).type === 'REFUND_SUCCEEDED',
    );
    expect(new Set(ofCustomer.map(({ paymentEvents }) => told(paymentEvents.event).payment.id))).toEqual(
      new Set([wanted]),
    );
    expect(ofCustomer).toHaveLength(5);
    expect((await byType.next()).paymentEvents.event).toMatchObject({
      type: 'REFUND_SUCCEEDED',
      payment: { id: wanted },
    });
    expect((await failed.next()).paymentEvents.event).toMatchObject({
      type: 'PAYMENT_FAILED',
      payment: { id: declined },
    });
    expect(unrelated).not.toBe(wanted);
  });

  test('events of one payment by its id; a malformed id fits nothing', async () => {
    const { id } = await till.pay({ process: false });
    const one = subscribe(gateway(), PaymentEventsDocument, { filter: { paymentId: id } });
    const none = subscribe(gateway(), PaymentEventsDocument, { filter: { paymentId: 'nonsense' } });
    await begun(one, none);
    await till.pay();
    await till.process({ paymentId: id, card: card() });
    expect((await one.next()).paymentEvents.event).toMatchObject({ type: 'PAYMENT_PROCESSING', payment: { id } });
  });

  test('another environment’s events never arrive', async () => {
    const { keys } = gateway();
    const theirs = new Till(gateway, 'other');
    const subscription = subscribe(gateway(), PaymentEventsDocument, {}, keys.other);
    await begun(subscription, subscribe(gateway(), PaymentEventsDocument, {}, keys.live));
    const mine = await till.pay();
    const { id } = await theirs.pay({ process: false });
    expect(told((await subscription.next()).paymentEvents.event).payment.id).toBe(id);
    await expect(
      subscribe(gateway(), PaymentStatusChangedDocument, { id: mine.id }, keys.other).next(),
    ).rejects.toThrow('There is no such payment.');
  });

  test.each([`pay_${randomUUID()}`, 'nonsense', `cus_${randomUUID()}`])('no payment %s: an error', async (id) => {
    await expect(subscribe(gateway(), PaymentStatusChangedDocument, { id }).next()).rejects.toThrow('NOT_FOUND');
  });

  test('who stops is not listened for any more', async () => {
    const { id } = await till.pay();
    const one = subscribe(gateway(), PaymentStatusChangedDocument, { id });
    const all = subscribe(gateway(), PaymentEventsDocument, {});
    await one.next();
    await until(() => listeners() === 2);
    await Promise.all([one.stop(), all.stop()]);
    expect(await until(() => listeners() === 0)).toBe(true);
  });
});
