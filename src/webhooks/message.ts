import type { PaymentEvent, WebhookDelivery } from '../../generated/prisma/client.ts';
import { encodeId, type IdType } from '../domain/ids.ts';

/** What a test message is called. */
const TEST_TYPE = 'tender.test';

/** What a receiver calls an event: "payment.requires_action". */
export function webhookTypeOf(event: Pick<PaymentEvent, 'type'> | null): string {
  return event === null ? TEST_TYPE : event.type.toLowerCase().replace('_', '.');
}

/**
 * The body of a message. It is thin on purpose: what changed, and which rows to read, as they were at that moment and
 * with no personal data; the receiver asks the API for the rest. An event never changes, so that the body is the same for
 * every attempt, to the byte.
 */
export function webhookBody(
  delivery: Pick<WebhookDelivery, 'endpointId' | 'createdAt'>,
  event: PaymentEvent | null,
): string {
  const type = webhookTypeOf(event);
  if (event === null) {
    const data = { endpointId: encodeId('WebhookEndpoint', delivery.endpointId) };
    return JSON.stringify({ type, timestamp: delivery.createdAt, data });
  }
  const data = {
    eventId: encodeId('PaymentEvent', event.id),
    sequence: event.sequence,
    paymentId: encodeId('Payment', event.paymentId),
    status: event.status,
    refundStatus: event.refundStatus,
    currency: event.currency,
    amount: Number(event.amount),
    amountAuthorized: Number(event.amountAuthorized),
    amountCaptured: Number(event.amountCaptured),
    amountRefunded: Number(event.amountRefunded),
    amountRefundPending: Number(event.amountRefunding),
    amountReversed: Number(event.amountReversed),
    attemptId: idOf('Attempt', event.attemptId),
    captureId: idOf('Capture', event.captureId),
    refundId: idOf('Refund', event.refundId),
  };
  return JSON.stringify({ type, timestamp: event.createdAt, data });
}

function idOf(of: IdType, id: string | null): string | null {
  return id === null ? null : encodeId(of, id);
}
