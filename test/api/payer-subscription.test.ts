import { beforeAll, describe, expect, test } from 'vitest';
import { PaymentEventsDocument } from '../../generated/operations/graphql.ts';
import { only, useGateway } from '../harness/gateway.ts';
import { makeToken } from '../harness/payer.ts';
import { begun, subscribeOverEvents, subscribeOverWebSocket } from '../harness/subscription.ts';
import { Till } from '../harness/till.ts';

/** What payers are told as it happens. */

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
    await begun(all, foreign);
    const seen: unknown[] = [];
    void foreign.next().then(
      ({ paymentEvents }) => seen.push(paymentEvents),
      () => 'it is stopped',
    );
    await till.pay({ customerId: otherId });
    await till.pay();
    const { id } = await till.pay({ customerId, process: false });
    expect((await all.next()).paymentEvents.event).toMatchObject({ type: 'PAYMENT_CREATED', payment: { id } });
    expect(seen).toEqual([]);
  });

  test('a token of one payment is told of that one', async () => {
    const { id } = await till.pay({ customerId, process: false });
    const token = await makeToken(gateway(), { paymentId: id });
    const all = subscribe(gateway(), PaymentEventsDocument, {}, token);
    await begun(all);
    await till.pay({ customerId });
    only(await till.cancel({ paymentId: id }), 'CancelPaymentPayload');
    expect((await all.next()).paymentEvents.event).toMatchObject({ type: 'PAYMENT_CANCELED', payment: { id } });
  });
});
