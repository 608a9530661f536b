import type { Prisma, WebhookDelivery as DeliveryRow } from '../../generated/prisma/client.ts';
import { decodeIdOf, encodeId } from '../domain/ids.ts';
import { notFound } from '../payments/failure.ts';
import { resendWebhook, sendTestWebhook } from '../payments/webhook-delivery.ts';
import { webhookBody, webhookTypeOf } from '../webhooks/message.ts';
import { NOTHING } from './bad-input.ts';
import { builder } from './builder.ts';
import { listOf } from './connection.ts';
import type { Context } from './context.ts';
import { mutationResult } from './errors.ts';
import { Node } from './node.ts';
import { PaymentEvent } from './payment-event.ts';
import { Payment } from './payment.ts';
import { promised } from './promised.ts';
import { ADMINISTERS, READS } from './reach.ts';
import { WebhookEndpoint } from './webhook-endpoint.ts';
import { WebhookDeliveryStatus, WebhookError, WebhookFailure } from './webhook-enums.ts';

const WebhookAttempt = builder.prismaObject('WebhookAttempt', {
  description: 'What came of one attempt to deliver a message.',
  fields: (t) => ({
    number: t.exposeInt('number', {
      description: 'Counts the attempts from 1. One that its gateway did not outlive is missing.',
    }),
    startedAt: t.expose('startedAt', { type: 'DateTime', description: 'When it began.' }),
    durationMs: t.exposeInt('durationMs', { description: 'How long it took, in milliseconds.' }),
    responseStatus: t.exposeInt('responseStatus', {
      nullable: true,
      description: 'The status of the answer; null where there was none.',
    }),
    responseBody: t.exposeString('responseBody', {
      nullable: true,
      description: 'The first 1,024 characters of the answer, without control characters.',
    }),
    error: t.expose('error', {
      type: WebhookError,
      nullable: true,
      description: 'What went wrong; null where nothing did.',
    }),
  }),
});

function eventOf({ eventId }: DeliveryRow, { loaders }: Context) {
  return eventId === null ? null : promised(loaders.paymentEvent.load(eventId));
}

const WebhookDelivery = builder.prismaObject('WebhookDelivery', {
  description: 'One message for one endpoint. It can be read for 30 days after it is over.',
  interfaces: [Node],
  fields: (t) => ({
    id: t.id({
      description: 'whd_ and a UUID: the header webhook-id of each attempt.',
      resolve: ({ id }) => encodeId('WebhookDelivery', id),
    }),
    endpoint: t.field({
      type: WebhookEndpoint,
      description: 'Where it is sent.',
      resolve: ({ endpointId }, _, { loaders }) => promised(loaders.webhookEndpoint.load(endpointId)),
    }),
    event: t.field({
      type: PaymentEvent,
      nullable: true,
      description: 'What it tells of; null for a test message.',
      resolve: (delivery, _, context) => eventOf(delivery, context),
    }),
    payment: t.field({
      type: Payment,
      nullable: true,
      description: 'Whose event it is; null for a test message.',
      resolve: ({ paymentId }, _, { loaders }) =>
        paymentId === null ? null : promised(loaders.payment.load(paymentId)),
    }),
    type: t.string({
      description: 'What the message is called: "payment.succeeded".',
      resolve: async (delivery, _, context) => webhookTypeOf(await eventOf(delivery, context)),
    }),
    body: t.string({
      description: 'What is sent, as JSON.',
      resolve: async (delivery, _, context) => webhookBody(delivery, await eventOf(delivery, context)),
    }),
    status: t.expose('status', { type: WebhookDeliveryStatus, description: 'How it stands.' }),
    failure: t.expose('failure', {
      type: WebhookFailure,
      nullable: true,
      description: 'Why it was given up; null where it was not.',
    }),
    attempts: t.field({
      type: [WebhookAttempt],
      description: 'What came of each attempt, the first one first.',
      resolve: ({ id }, _, { loaders }) => loaders.attemptsOfWebhookDelivery.load(id),
    }),
    attemptsLeft: t.exposeInt('attemptsLeft', { description: 'How often it is tried before it is given up.' }),
    nextAttemptAt: t.expose('nextAttemptAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it is sent next, unless that is under way already; null once it is over.',
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was written down, with its event.' }),
    completedAt: t.expose('completedAt', { type: 'DateTime', nullable: true, description: 'When it was over.' }),
  }),
});

const WebhookDeliveryConnection = builder.connectionObject(
  { name: 'WebhookDeliveryConnection', type: WebhookDelivery, description: 'A page of a list of deliveries.' },
  builder.edgeObject({
    name: 'WebhookDeliveryEdge',
    type: WebhookDelivery,
    description: 'An entry of a list of deliveries.',
  }),
);

const WebhookDeliveryFilter = builder.inputType('WebhookDeliveryFilter', {
  description: 'Which deliveries: those that fit everything that is given.',
  fields: (t) => ({
    endpointId: t.id({ description: 'To this endpoint.' }),
    paymentId: t.id({ description: 'Of events of this payment.' }),
    status: t.field({ type: [WebhookDeliveryStatus], description: 'In one of these states.' }),
  }),
});

/** Ids are made in the order of time, and the primary key serves this order. */
const BY_ID = [{ column: 'id', kind: 'uuid' }] as const;

builder.queryFields((t) => ({
  webhookDelivery: t.field({
    ...READS,
    type: WebhookDelivery,
    nullable: true,
    description: 'A delivery; null where there is none with this id.',
    args: { id: t.arg.id({ required: true, description: 'whd_…, which the header webhook-id holds.' }) },
    resolve: (_, { id }, { loaders }) => {
      const uuid = decodeIdOf('WebhookDelivery', id);
      return uuid === undefined ? null : loaders.webhookDelivery.load(uuid);
    },
  }),
  webhookDeliveries: t.connection(
    {
      ...READS,
      type: WebhookDelivery,
      description: 'Deliveries, the newest first.',
      args: { filter: t.arg({ type: WebhookDeliveryFilter, description: 'Which of them.' }) },
      resolve: (_, { filter, ...args }, { gateway, caller }) => {
        const { endpointId, paymentId, status } = filter ?? {};
        const where = {
          environmentId: caller.environmentId,
          ...(endpointId != null && { endpointId: decodeIdOf('WebhookEndpoint', endpointId) ?? NOTHING }),
          ...(paymentId != null && { paymentId: decodeIdOf('Payment', paymentId) ?? NOTHING }),
          ...(status && { status: { in: [...status] } }),
        } satisfies Prisma.WebhookDeliveryWhereInput;
        return listOf<DeliveryRow>(gateway.database, { model: 'WebhookDelivery', args, where, order: BY_ID });
      },
    },
    WebhookDeliveryConnection,
  ),
}));

const payload = (verbNoun: string, description: string) =>
  builder.objectRef<{ deliveryId: string }>(`${verbNoun}Payload`).implement({
    description,
    fields: (t) => ({
      webhookDelivery: t.field({
        type: WebhookDelivery,
        description: 'As it stands now.',
        resolve: ({ deliveryId }, _, { loaders }) => promised(loaders.webhookDelivery.load(deliveryId)),
      }),
    }),
  });

const SendTestWebhookInput = builder.inputType('SendTestWebhookInput', {
  description: 'Where a test message is to be sent.',
  fields: (t) => ({ endpointId: t.id({ required: true, description: 'To which endpoint.' }) }),
});

const ResendWebhookInput = builder.inputType('ResendWebhookInput', {
  description: 'Which message is to be sent again.',
  fields: (t) => ({ deliveryId: t.id({ required: true, description: 'Which delivery.' }) }),
});

const Test = mutationResult('SendTestWebhook', payload('SendTestWebhook', 'The message is on its way.'), [
  'INVALID_INPUT',
  'NOT_FOUND',
]);
const Resend = mutationResult('ResendWebhook', payload('ResendWebhook', 'The message is on its way.'), [
  'INVALID_INPUT',
  'NOT_FOUND',
]);

builder.mutationFields((t) => ({
  sendTestWebhook: t.field({
    ...ADMINISTERS,
    type: Test.type,
    description: 'Sends a message of the type tender.test to an endpoint, once. Its delivery says what came of it.',
    args: { input: t.arg({ type: SendTestWebhookInput, required: true, description: 'Where to.' }) },
    resolve: async (_, { input }, context) => {
      const id = decodeIdOf('WebhookEndpoint', input.endpointId);
      const result =
        id === undefined
          ? notFound('webhook endpoint', 'endpointId')
          : await sendTestWebhook(context.gateway, context.caller, id);
      return Test.answer(context, result, (deliveryId) => ({ deliveryId }));
    },
  }),
  resendWebhook: t.field({
    ...ADMINISTERS,
    type: Resend.type,
    description:
      'Sends a message again, under its own id, whatever became of it; if it fails, it is tried as often as a new one.',
    args: { input: t.arg({ type: ResendWebhookInput, required: true, description: 'Which message.' }) },
    resolve: async (_, { input }, context) => {
      const id = decodeIdOf('WebhookDelivery', input.deliveryId);
      const result =
        id === undefined
          ? notFound('webhook delivery', 'deliveryId')
          : await resendWebhook(context.gateway, context.caller, id);
      return Resend.answer(context, result, (deliveryId) => ({ deliveryId }));
    },
  }),
}));
