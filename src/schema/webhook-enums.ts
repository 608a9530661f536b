import type { WebhookAttempt, WebhookDelivery, WebhookEndpoint } from '../../generated/prisma/client.ts';
import { enumOf } from './enums.ts';

export const WebhookEndpointStatus = enumOf<WebhookEndpoint['status']>(
  'WebhookEndpointStatus',
  'Whether an endpoint is told of events.',
  {
    ENABLED: 'It is.',
    DISABLED: 'It is not, until it is enabled again.',
    DELETED: 'It is not any more. It can be read as long as its deliveries can.',
  },
);

export const WebhookDisabledReason = enumOf<NonNullable<WebhookEndpoint['disabledReason']>>(
  'WebhookDisabledReason',
  'Why an endpoint is disabled.',
  {
    MERCHANT: 'You have disabled it.',
    GONE: 'It has answered 410 Gone.',
    FAILING: 'Every attempt has failed for five days.',
  },
);

export const WebhookDeliveryStatus = enumOf<WebhookDelivery['status']>(
  'WebhookDeliveryStatus',
  'How the delivery of a message stands.',
  {
    PENDING: 'It is being delivered, or waits for its next attempt.',
    SUCCEEDED: 'Its endpoint has answered 2xx.',
    FAILED: 'It was given up.',
  },
);

export const WebhookFailure = enumOf<NonNullable<WebhookDelivery['failure']>>(
  'WebhookFailure',
  'Why a delivery was given up.',
  {
    EXHAUSTED: 'Every attempt has failed.',
    ENDPOINT_GONE: 'The endpoint has answered 410 Gone, this time or another.',
    ENDPOINT_DISABLED: 'The endpoint was disabled.',
    ENDPOINT_DELETED: 'The endpoint was deleted.',
  },
);

export const WebhookError = enumOf<NonNullable<WebhookAttempt['error']>>(
  'WebhookError',
  'What went wrong with an attempt to deliver a message.',
  {
    STATUS: 'The answer was another than 2xx. A redirect is such an answer: it is not followed.',
    TIMEOUT: 'There was no answer in time.',
    CONNECTION: 'There was no connection, or it broke before there was an answer.',
    TLS: 'The certificate or the connection cannot be trusted.',
    NAME_NOT_RESOLVED: 'The name of the host leads nowhere.',
    ADDRESS_REFUSED: 'The name leads into a private network, where no message is sent.',
    INTERRUPTED: 'The gateway was stopped meanwhile. It does not count: the message is sent again at once.',
  },
);
