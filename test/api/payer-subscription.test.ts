import { beforeAll, describe, expect, test } from 'vitest';
import {
  PaymentEventsDocument,
  PaymentStatusChangedDocument,
  RevokeClientTokensDocument,
} from '../../generated/operations/graphql.ts';
import { only, useGateway } from '../harness/gateway.ts';
import { countListeners } from '../harness/listeners.ts';
import { makeToken } from '../harness/payer.ts';
import { subscribeOverEvents, subscribeOverWebSocket, whyEnded } from '../harness/subscription.ts';
import { Till } from '../harness/till.ts';
import { until } from '../harness/until.ts';

/** What payers are told as it happens. */

const listeners = countListeners();
const gateway = useGateway();
const till = new Till(gateway);

let customerId: string;
let otherId: string;

beforeAll(async () => {
  customerId = await till.customer();
  otherId = await till.customer({ email: 'other@example.com' });
});

describe.each([
  ['over WebSocket', subscribeOverWebSocket],
  ['as server-sent events', subscribeOverEvents],
])('%s', (_, subscribe) => {
  test('a payer is told of their own payments only', async () => {
    const token = await makeToken(gateway(), { customerId });
    const all = subscribe(gateway(), PaymentEventsDocument, {}, token);
    const foreign = subscribe(gateway(), PaymentEventsDocument, { filter: { customerId: otherId } }, token);
    const told: string[] = [];
    void foreign.next().then(
      ({ paymentEvents }) => told.push(paymentEvents.id),
      () => 'it is stopped',
    );
    await until(() => listeners() === 2);
    await till.pay({ customerId: otherId });
    await till.pay();
    const { id } = await till.pay({ customerId, process: false });
    expect((await all.next()).paymentEvents).toMatchObject({ type: 'PAYMENT_CREATED', payment: { id } });
    expect(told).toEqual([]);
  });

  test('a token of one payment is told of that one', async () => {
    const { id } = await till.pay({ customerId, process: false });
    const token = await makeToken(gateway(), { paymentId: id });
    const all = subscribe(gateway(), PaymentEventsDocument, {}, token);
    await until(() => listeners() === 1);
    await till.pay({ customerId });
    only(await till.cancel({ paymentId: id }), 'CancelPaymentPayload');
    expect((await all.next()).paymentEvents).toMatchObject({ type: 'PAYMENT_CANCELED', payment: { id } });
  });

  test('a subscription ends when its token is revoked', async () => {
    const token = await makeToken(gateway(), { customerId });
    const { id } = await till.pay({ customerId });
    const live = subscribe(gateway(), PaymentEventsDocument, {}, token);
    const one = subscribe(gateway(), PaymentStatusChangedDocument, { id }, token);
    await one.next();
    await until(() => listeners() === 2);
    await gateway().execute(RevokeClientTokensDocument, { input: {} });
    await till.pay({ customerId, process: false });
    expect(await live.next().catch(whyEnded)).toContain('UNAUTHENTICATED');
    only(await till.refund({ paymentId: id, amount: 1 }), 'RefundPaymentPayload');
    expect(await one.next().catch(whyEnded)).toContain('UNAUTHENTICATED');
    await until(() => listeners() === 0);
  });
});
