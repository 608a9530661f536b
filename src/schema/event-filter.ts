import type { PaymentEvent as EventRow } from '../../generated/prisma/client.ts';
import { decodeIdOf } from '../domain/ids.ts';
import type { EventFilter } from '../store/event-log.ts';
import { NOTHING, searchText } from './bad-input.ts';
import { builder } from './builder.ts';
import type { Context } from './context.ts';
import { PaymentEventType, PaymentStatus } from './enums.ts';
import { DestinationFilter } from './payment-queries.ts';

export const PaymentEventFilter = builder.inputType('PaymentEventFilter', {
  description: 'Which events: those that fit everything that is given.',
  fields: (t) => ({
    paymentId: t.id({ description: 'Of this payment.' }),
    customerId: t.id({ description: 'Of payments of this customer.' }),
    type: t.field({ type: [PaymentEventType], description: 'Of one of these kinds.' }),
    status: t.field({ type: [PaymentStatus], description: 'After which the payment is in one of these states.' }),
    destination: t.field({ type: DestinationFilter, description: 'Of payments for this invoice, order, …' }),
  }),
});

type Given = (typeof PaymentEventFilter)['$inferInput'] | null | undefined;

/** What a filter asks for, within what the caller may see. */
export function eventFilterOf({ caller: { payer } }: Context, given: Given): EventFilter {
  const paymentId = given?.paymentId == null ? undefined : (decodeIdOf('Payment', given.paymentId) ?? NOTHING);
  const customerId = given?.customerId == null ? undefined : (decodeIdOf('Customer', given.customerId) ?? NOTHING);
  return {
    paymentId: within(payer?.paymentId, paymentId),
    customerId: within(payer?.customerId, customerId),
    type: given?.type ?? undefined,
    status: given?.status ?? undefined,
    destination:
      given?.destination == null ? undefined : { type: given.destination.type, id: searchText(given.destination.id) },
  };
}

/** What is wanted, of what may be had; null and undefined set no bounds. */
function within(bounds: string | null | undefined, wanted: string | undefined): string | undefined {
  if (bounds == null) return wanted;
  return wanted === undefined || wanted === bounds ? bounds : NOTHING;
}

/** Whether an event fits, as far as the event itself tells: what its payment pays for, it does not. */
export function fits(environmentId: string, filter: EventFilter, event: EventRow): boolean {
  return (
    event.environmentId === environmentId &&
    (filter.paymentId === undefined || event.paymentId === filter.paymentId) &&
    (filter.customerId === undefined || event.customerId === filter.customerId) &&
    (filter.type?.includes(event.type) ?? true) &&
    (filter.status?.includes(event.status) ?? true)
  );
}
