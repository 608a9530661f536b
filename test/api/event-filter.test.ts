import { beforeAll, describe, expect, test } from 'vitest';
import {
  EventsDocument,
  PaymentEventsDocument,
  type EventsQuery,
  type PaymentEventsSubscription,
  type PaymentEventFilter,
} from '../../generated/operations/graphql.ts';
import { useGateway } from '../harness/gateway.ts';
import {
  begun,
  subscribeOverEvents,
  subscribeOverWebSocket,
  told,
  type Subscription,
} from '../harness/subscription.ts';
import { card, Till } from '../harness/till.ts';
import { until } from '../harness/until.ts';

/** Each filter tells the same, whether it is asked for, caught up with, or heard as it happens. */

type Event = EventsQuery['events']['events'][number];

const gateway = useGateway();
const till = new Till(gateway);
const ORDER = { type: 'ORDER', id: 'o-1', amount: 4999 } as const;

let customerId: string;
let otherId: string;
/** One that waits to be paid each time. */
let paymentId: string;

beforeAll(async () => {
  customerId = await till.customer();
  otherId = await till.customer({ email: 'other@example.com' });
});

/** Something of every kind that a filter tells apart. @returns which payment is which */
async function happen() {
  await till.process({ paymentId, card: card() });
  const { id: ofCustomer } = await till.pay({ customerId, destinations: [ORDER] });
  const { id: ofOther } = await till.pay({ customerId: otherId, destinations: [{ ...ORDER, id: 'o-2' }] });
  const { id: declined } = await till.payWith('4000000000000002');
  const { id: invoiced } = await till.pay({ destinations: [{ ...ORDER, type: 'INVOICE' }] });
  await till.refund({ paymentId: ofCustomer });
  return { ofCustomer, ofOther, declined, invoiced };
}

type Happened = Awaited<ReturnType<typeof happen>>;
type Fits = (event: Event, happened: Happened) => boolean;

const FILTERS: readonly (readonly [string, () => PaymentEventFilter, Fits, number])[] = [
  ['nothing', () => ({}), () => true, 2 + 3 + 3 + 3 + 3 + 2],
  ['a payment', () => ({ paymentId }), ({ payment }) => payment.id === paymentId, 2],
  ['a customer', () => ({ customerId }), ({ payment }, { ofCustomer }) => payment.id === ofCustomer, 5],
  ['a kind', () => ({ type: ['PAYMENT_CREATED'] }), ({ type }) => type === 'PAYMENT_CREATED', 4],
  [
    'two kinds',
    () => ({ type: ['PAYMENT_FAILED', 'REFUND_SUCCEEDED'] }),
    ({ type }) => type === 'PAYMENT_FAILED' || type === 'REFUND_SUCCEEDED',
    2,
  ],
  ['a state', () => ({ status: ['SUCCEEDED'] }), ({ status }) => status === 'SUCCEEDED', 6],
  [
    'what is paid for',
    () => ({ destination: { type: 'ORDER', id: 'o-1' } }),
    ({ payment }, { ofCustomer }) => payment.id === ofCustomer,
    5,
  ],
  [
    'what is paid for, of the same name and another kind',
    () => ({ destination: { type: 'INVOICE', id: 'o-1' } }),
    ({ payment }, { invoiced }) => payment.id === invoiced,
    3,
  ],
  [
    'everything at once',
    () => ({
      customerId,
      type: ['PAYMENT_SUCCEEDED', 'REFUND_SUCCEEDED'],
      status: ['SUCCEEDED'],
      destination: { type: 'ORDER', id: 'o-1' },
    }),
    ({ payment, type }, { ofCustomer }) =>
      payment.id === ofCustomer && (type === 'PAYMENT_SUCCEEDED' || type === 'REFUND_SUCCEEDED'),
    2,
  ],
  [
    'a customer, and what another pays for',
    () => ({ customerId, destination: { type: 'ORDER', id: 'o-2' } }),
    () => false,
    0,
  ],
  ['no payment', () => ({ paymentId: 'nonsense' }), () => false, 0],
  ['no customer', () => ({ customerId: 'nonsense' }), () => false, 0],
  ['no kind', () => ({ type: [] }), () => false, 0],
  ['no state', () => ({ status: [] }), () => false, 0],
];

const eventsAfter = async (after: string, filter: PaymentEventFilter) =>
  (await gateway().execute(EventsDocument, { after, first: 100, filter })).events;

/** What a subscription tells from now on. @returns the ids so far */
function collect(subscription: Subscription<PaymentEventsSubscription>): string[] {
  const ids: string[] = [];
  void subscription
    .takeUntil(({ paymentEvents: { event } }) => {
      ids.push(told(event).id);
      return false;
    })
    .catch(() => 'it is stopped');
  return ids;
}

describe.each([
  ['WebSocket', subscribeOverWebSocket],
  ['server-sent events', subscribeOverEvents],
])('over %s, and by a query', (_, subscribe) => {
  test.each(FILTERS)('events by %s', async (_name, filterOf, fits, count) => {
    ({ id: paymentId } = await till.pay({ process: false }));
    const filter = filterOf();
    // A feed of everything, to tell when nothing more is to come.
    const everything = subscribe(gateway(), PaymentEventsDocument, {});
    const live = subscribe(gateway(), PaymentEventsDocument, { filter });
    const [start = ''] = await begun(everything, live);
    const seen = [collect(live)];
    const happened = await happen();
    const { events: all } = await eventsAfter(start, {});
    const expected = all.filter((event) => fits(event, happened)).map(({ id }) => id);
    expect(expected).toHaveLength(count);
    expect((await eventsAfter(start, filter)).events.map(({ id }) => id)).toEqual(expected);
    seen.push(collect(subscribe(gateway(), PaymentEventsDocument, { filter, after: start })));
    await everything.takeUntil(({ paymentEvents: { event } }) => event?.id === all.at(-1)?.id);
    await until(() => seen.every((ids) => ids.length >= count));
    expect(seen).toEqual([expected, expected]);
  });
});
