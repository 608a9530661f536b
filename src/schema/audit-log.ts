import type { AuditEntry as EntryRow, Prisma } from '../../generated/prisma/client.ts';
import { encodeId } from '../domain/ids.ts';
import { searchText } from './bad-input.ts';
import { builder } from './builder.ts';
import { listOf } from './connection.ts';
import { enumOf } from './enums.ts';
import { ADMIN_READS } from './reach.ts';

const AuditAct = enumOf<EntryRow['act']>('AuditAct', 'What was done by whoever administers.', {
  ACCOUNT_OPENED: 'The account was opened, and with it this environment.',
  API_KEY_CREATED: 'A secret key was made.',
  API_KEY_ROLLED: 'A secret key was replaced by another.',
  API_KEY_REVOKED: 'A secret key was revoked.',
  CLIENT_TOKENS_REVOKED: 'Client tokens were revoked.',
  CREDENTIALS_RESEALED: 'The credentials of a processor account were sealed with another secret of the installation.',
  CUSTOMER_ERASED: 'The personal data of a customer were removed.',
  OPERATION_RESOLVED: 'An operation that nobody could settle was settled. Its resolutions say how it was found out.',
  PROCESSOR_ACCOUNT_CREATED: 'A processor account was added.',
  PROCESSOR_ACCOUNT_TESTED: 'A processor was asked about the key of an account.',
  PROCESSOR_ACCOUNT_UPDATED: 'A processor account was changed, disabled or enabled.',
  RECONCILIATION_WANTED: 'A day was to be compared with a processor’s books.',
  RETRY_SCHEDULE_SET: 'The schedule of automatic retries was set.',
  ROUTING_SET: 'The rules of routing were set.',
  WEBHOOK_ENDPOINT_CREATED: 'A webhook endpoint was added.',
  WEBHOOK_ENDPOINT_DELETED: 'A webhook endpoint was deleted.',
  WEBHOOK_ENDPOINT_TESTED: 'A test message was sent to a webhook endpoint.',
  WEBHOOK_ENDPOINT_UPDATED: 'A webhook endpoint was changed, disabled or enabled.',
  WEBHOOK_RESENT: 'A webhook was sent again.',
  WEBHOOK_SECRET_ROTATED: 'A webhook endpoint was given a new secret.',
});

const AuditEntry = builder.objectRef<EntryRow>('AuditEntry').implement({
  description:
    'An administrative act. It was written down in the transaction that did it, is never changed, and is kept for good.',
  fields: (t) => ({
    id: t.id({ description: 'aud_ and a UUID.', resolve: ({ id }) => encodeId('AuditEntry', id) }),
    act: t.expose('act', { type: AuditAct, description: 'What was done.' }),
    actor: t.exposeString('actor', {
      description: 'Who did it: a key, "command" for a program on the gateway’s machine, or "gateway".',
    }),
    subject: t.exposeID('subject', { description: 'The id of what it was done to.' }),
    before: t.field({
      type: 'JSONObject',
      nullable: true,
      description: 'What has changed, as it was. Secrets, names and other texts of people are left out.',
      resolve: ({ before }) => before as Prisma.JsonObject | null,
    }),
    after: t.field({
      type: 'JSONObject',
      nullable: true,
      description: 'The same as it is since; "otherwise" names what has changed besides.',
      resolve: ({ after }) => after as Prisma.JsonObject | null,
    }),
    requestId: t.exposeString('requestId', {
      nullable: true,
      description: 'What the request was called, as its answer’s header x-request-id said; null where there was none.',
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was done.' }),
  }),
});

const AuditLogConnection = builder.connectionObject(
  { name: 'AuditLogConnection', type: AuditEntry, description: 'A page of the audit log.' },
  builder.edgeObject({ name: 'AuditLogEdge', type: AuditEntry, description: 'An entry of the audit log.' }),
);

const AuditLogFilter = builder.inputType('AuditLogFilter', {
  description: 'Which acts: those that fit everything that is given.',
  fields: (t) => ({
    act: t.field({ type: [AuditAct], description: 'One of these.' }),
    actor: t.string({ description: 'Done by this key (key_…), or by "command" or "gateway".' }),
    subject: t.id({ description: 'Done to what has this id.' }),
    createdFrom: t.field({ type: 'DateTime', description: 'Done at this moment or later.' }),
    createdTo: t.field({ type: 'DateTime', description: 'Done before this moment.' }),
  }),
});

/** Acts of one moment have an order, too. */
const BY_POSITION = [{ column: 'position', kind: 'integer' }] as const;

builder.queryField('auditLog', (t) =>
  t.connection(
    {
      ...ADMIN_READS,
      type: AuditEntry,
      description: 'What was done by whoever administers, the latest first.',
      args: { filter: t.arg({ type: AuditLogFilter, description: 'Which acts.' }) },
      resolve: (_, { filter, ...args }, { gateway, caller: { environmentId } }) => {
        const { act, actor, subject, createdFrom, createdTo } = filter ?? {};
        const where = {
          environmentId,
          ...(act && { act: { in: [...act] } }),
          ...(actor != null && { actor: searchText(actor) }),
          ...(subject != null && { subject: searchText(subject) }),
          createdAt: { ...(createdFrom && { gte: createdFrom }), ...(createdTo && { lt: createdTo }) },
        } satisfies Prisma.AuditEntryWhereInput;
        return listOf<EntryRow>(gateway.database, { model: 'AuditEntry', args, where, order: BY_POSITION });
      },
    },
    AuditLogConnection,
  ),
);
