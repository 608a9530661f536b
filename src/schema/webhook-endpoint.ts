import type { WebhookEndpoint as EndpointRow } from '../../generated/prisma/client.ts';
import { decodeIdOf, encodeId } from '../domain/ids.ts';
import { notFound } from '../payments/failure.ts';
import {
  createWebhookEndpoint,
  deleteWebhookEndpoint,
  rotateWebhookSecret,
  updateWebhookEndpoint,
  type EndpointWithSecret,
} from '../payments/webhook-endpoint.ts';
import { builder } from './builder.ts';
import { listOf } from './connection.ts';
import { PaymentEventType } from './enums.ts';
import { mutationResult } from './errors.ts';
import { Node } from './node.ts';
import { ADMINISTERS, READS } from './reach.ts';
import { WebhookDisabledReason, WebhookEndpointStatus } from './webhook-enums.ts';

export const WebhookEndpoint = builder.prismaObject('WebhookEndpoint', {
  description: 'Where you are told of events, after the Standard Webhooks. docs/webhooks.md says how to receive them.',
  interfaces: [Node],
  fields: (t) => ({
    id: t.id({ description: 'whe_ and a UUID.', resolve: ({ id }) => encodeId('WebhookEndpoint', id) }),
    url: t.exposeString('url', { description: 'Where messages are sent.' }),
    description: t.exposeString('description', { nullable: true, description: 'What it is, in your own words.' }),
    eventTypes: t.field({
      type: [PaymentEventType],
      description: 'Which events it is told of; empty for all.',
      resolve: ({ eventTypes }) => eventTypes,
    }),
    status: t.expose('status', { type: WebhookEndpointStatus, description: 'Whether it is told of events.' }),
    disabledReason: t.expose('disabledReason', {
      type: WebhookDisabledReason,
      nullable: true,
      description: 'Why it is disabled; null where it is not.',
    }),
    failingSince: t.expose('failingSince', {
      type: 'DateTime',
      nullable: true,
      description:
        'Since when every attempt to send it something has failed; null where the last one has not. After five days it is disabled.',
    }),
    secretVersion: t.exposeInt('secretVersion', {
      description: 'Counts the secrets that it has had: rotateWebhookSecret takes it.',
    }),
    previousSecretUntil: t.expose('previousSecretUntil', {
      type: 'DateTime',
      nullable: true,
      description: 'Until when messages are signed with the secret before, too; null if it has had no other.',
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was created.' }),
    updatedAt: t.expose('updatedAt', { type: 'DateTime', description: 'When it was changed last.' }),
    createdBy: t.exposeString('createdBy', { description: 'The key that created it.' }),
    updatedBy: t.exposeString('updatedBy', { description: 'The key that changed it last, or "gateway".' }),
  }),
});

const WebhookEndpointConnection = builder.connectionObject(
  { name: 'WebhookEndpointConnection', type: WebhookEndpoint, description: 'A page of a list of endpoints.' },
  builder.edgeObject({
    name: 'WebhookEndpointEdge',
    type: WebhookEndpoint,
    description: 'An entry of a list of endpoints.',
  }),
);

builder.queryFields((t) => ({
  webhookEndpoint: t.field({
    ...READS,
    type: WebhookEndpoint,
    nullable: true,
    description: 'An endpoint, a deleted one too; null where there is none with this id.',
    args: { id: t.arg.id({ required: true, description: 'whe_…' }) },
    resolve: (_, { id }, { loaders }) => {
      const uuid = decodeIdOf('WebhookEndpoint', id);
      return uuid === undefined ? null : loaders.webhookEndpoint.load(uuid);
    },
  }),
  webhookEndpoints: t.connection(
    {
      ...READS,
      type: WebhookEndpoint,
      description: 'Endpoints that were not deleted, the newest first.',
      resolve: (_, args, { gateway, caller: { environmentId } }) => {
        const where = { environmentId, status: { not: 'DELETED' as const } };
        return listOf<EndpointRow>(gateway.database, { model: 'WebhookEndpoint', args, where });
      },
    },
    WebhookEndpointConnection,
  ),
}));

const URL_IS =
  'An https URL of at most 2,048 characters, with no user, password or fragment. It may not lead into a private network.';

const CreateWebhookEndpointInput = builder.inputType('CreateWebhookEndpointInput', {
  description: 'A new endpoint. An environment has at most 20.',
  fields: (t) => ({
    url: t.string({ required: true, description: URL_IS }),
    description: t.string({ description: 'What it is, in at most 200 characters.' }),
    eventTypes: t.field({
      type: [PaymentEventType],
      description: 'Which events it is told of; all if it is left out.',
    }),
  }),
});

const UpdateWebhookEndpointInput = builder.inputType('UpdateWebhookEndpointInput', {
  description: 'What is to change of an endpoint. What is left out stays as it is.',
  fields: (t) => ({
    endpointId: t.id({ required: true, description: 'Which endpoint.' }),
    url: t.string({ description: `${URL_IS} What waits is sent there.` }),
    description: t.string({ description: 'What it is, in at most 200 characters; null empties it.' }),
    eventTypes: t.field({
      type: [PaymentEventType],
      description: 'Which events it is told of; null or empty for all.',
    }),
    enabled: t.boolean({
      description: 'Whether it is told of events. What waits for an endpoint that is disabled is given up.',
    }),
  }),
});

const DeleteWebhookEndpointInput = builder.inputType('DeleteWebhookEndpointInput', {
  description: 'Which endpoint is to end for good.',
  fields: (t) => ({ endpointId: t.id({ required: true, description: 'Which endpoint.' }) }),
});

const RotateWebhookSecretInput = builder.inputType('RotateWebhookSecretInput', {
  description: 'Which secret is to be replaced.',
  fields: (t) => ({
    endpointId: t.id({ required: true, description: 'Of which endpoint.' }),
    secretVersion: t.int({
      required: true,
      description:
        'The version that is replaced, as webhookEndpoint.secretVersion tells. A request that is sent again rotates once, and answers the same secret while the overlap lasts.',
    }),
    overlapSeconds: t.int({
      required: true,
      defaultValue: 86_400,
      description: 'How long messages are signed with both secrets: 0 to 604800, which is a week.',
    }),
  }),
});

interface EndpointPayload {
  endpoint: EndpointRow;
}

const payload = (verbNoun: string, description: string) =>
  builder.objectRef<EndpointPayload>(`${verbNoun}Payload`).implement({
    description,
    fields: (t) => ({
      webhookEndpoint: t.expose('endpoint', { type: WebhookEndpoint, description: 'As it is now.' }),
    }),
  });

const payloadWithSecret = (verbNoun: string, description: string) =>
  builder.objectRef<EndpointWithSecret>(`${verbNoun}Payload`).implement({
    description,
    fields: (t) => ({
      webhookEndpoint: t.expose('endpoint', { type: WebhookEndpoint, description: 'As it is now.' }),
      secret: t.exposeString('secret', {
        description: 'whsec_…: what the receiver verifies messages with. It is told here only.',
      }),
    }),
  });

const Create = mutationResult(
  'CreateWebhookEndpoint',
  payloadWithSecret('CreateWebhookEndpoint', 'The endpoint is told of events from now on.'),
  ['INVALID_INPUT'],
);
const Update = mutationResult('UpdateWebhookEndpoint', payload('UpdateWebhookEndpoint', 'The endpoint was changed.'), [
  'INVALID_INPUT',
  'NOT_FOUND',
]);
const Delete = mutationResult('DeleteWebhookEndpoint', payload('DeleteWebhookEndpoint', 'The endpoint was deleted.'), [
  'NOT_FOUND',
]);
const Rotate = mutationResult(
  'RotateWebhookSecret',
  payloadWithSecret('RotateWebhookSecret', 'The endpoint has a new secret.'),
  ['INVALID_INPUT', 'NOT_FOUND'],
);

const noEndpoint = notFound('webhook endpoint', 'endpointId');

builder.mutationFields((t) => ({
  createWebhookEndpoint: t.field({
    ...ADMINISTERS,
    type: Create.type,
    description: 'Has events sent to a URL from now on.',
    args: { input: t.arg({ type: CreateWebhookEndpointInput, required: true, description: 'The endpoint.' }) },
    resolve: async (_, { input }, context) => {
      const fields = { ...input, eventTypes: input.eventTypes ?? [] };
      return Create.answer(
        context,
        await createWebhookEndpoint(context.gateway, context.caller, fields),
        (made) => made,
      );
    },
  }),
  updateWebhookEndpoint: t.field({
    ...ADMINISTERS,
    type: Update.type,
    description: 'Changes an endpoint, or disables it, or enables it again.',
    args: { input: t.arg({ type: UpdateWebhookEndpointInput, required: true, description: 'The changes.' }) },
    resolve: async (_, { input: { endpointId, url, eventTypes, enabled, ...rest } }, context) => {
      const id = decodeIdOf('WebhookEndpoint', endpointId);
      const types = eventTypes === null ? [] : eventTypes;
      const fields = { ...rest, url: url ?? undefined, eventTypes: types, enabled: enabled ?? undefined };
      const result =
        id === undefined ? noEndpoint : await updateWebhookEndpoint(context.gateway, context.caller, id, fields);
      return Update.answer(context, result, (endpoint) => ({ endpoint }));
    },
  }),
  deleteWebhookEndpoint: t.field({
    ...ADMINISTERS,
    type: Delete.type,
    description: 'Ends an endpoint for good. What waits for it is given up; its deliveries can be read for 30 days.',
    args: { input: t.arg({ type: DeleteWebhookEndpointInput, required: true, description: 'Which endpoint.' }) },
    resolve: async (_, { input }, context) => {
      const id = decodeIdOf('WebhookEndpoint', input.endpointId);
      const result = id === undefined ? noEndpoint : await deleteWebhookEndpoint(context.gateway, context.caller, id);
      return Delete.answer(context, result, (endpoint) => ({ endpoint }));
    },
  }),
  rotateWebhookSecret: t.field({
    ...ADMINISTERS,
    type: Rotate.type,
    description: 'Gives an endpoint a new secret. For a while, messages are signed with the old one too.',
    args: { input: t.arg({ type: RotateWebhookSecretInput, required: true, description: 'Which secret.' }) },
    resolve: async (_, { input }, context) => {
      const endpointId = decodeIdOf('WebhookEndpoint', input.endpointId);
      const result =
        endpointId === undefined
          ? noEndpoint
          : await rotateWebhookSecret(context.gateway, context.caller, { ...input, endpointId });
      return Rotate.answer(context, result, (rotated) => rotated);
    },
  }),
}));
