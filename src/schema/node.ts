import type { GraphQLResolveInfo } from 'graphql';
import { decodeId, ID_PREFIXES, type IdType } from '../domain/ids.ts';
import { badInput } from './bad-input.ts';
import { builder } from './builder.ts';
import type { Context } from './context.ts';
import { findPayment } from './look-ahead.ts';
import { isInReach, READERS_TOO } from './reach.ts';

interface NodeShape {
  id: string;
}

/** What the rows are that were found by a global id. */
const typeNames = new WeakMap<NodeShape, string>();

/** Everything that has a global id. */
export const Node = builder.interfaceRef<NodeShape>('Node').implement({
  description: 'Anything with an id of its own. The id begins with a prefix that says what it is: "pay_…".',
  fields: (t) => ({
    id: t.id({
      description: 'The global id, unique over all types.',
      resolve: () => {
        throw new Error('every type tells its own id');
      },
    }),
  }),
  // Only the fields below answer with this interface, and they say what the row is.
  resolveType: (value) => typeNames.get(value) ?? '',
});

type NodeType = Exclude<IdType, 'Account' | 'ApiKey' | 'AuditEntry' | 'ClientToken' | 'Environment'>;

const LOADERS = {
  Attempt: 'attempt',
  Capture: 'capture',
  Customer: 'customer',
  Operation: 'operation',
  Payment: 'payment',
  PaymentEvent: 'paymentEvent',
  PaymentMethod: 'paymentMethod',
  ProcessorAccount: 'processorAccount',
  Reconciliation: 'reconciliation',
  Refund: 'refund',
  WebhookDelivery: 'webhookDelivery',
  WebhookEndpoint: 'webhookEndpoint',
} as const satisfies Record<NodeType, keyof Context['loaders']>;

/** An id that is malformed, unknown or of another environment gives null: the three cannot be told apart. */
async function loadNode(context: Context, id: string, info?: GraphQLResolveInfo): Promise<NodeShape | null> {
  const decoded = decodeId(id);
  if (decoded === undefined || !(decoded.type in LOADERS)) return null;
  const row = await (decoded.type === 'Payment' && info !== undefined
    ? findPayment(context, decoded.uuid, info)
    : context.loaders[LOADERS[decoded.type as NodeType]].load(decoded.uuid));
  if (row === null || !(await isInReach(context, decoded.type, row))) return null;
  typeNames.set(row, decoded.type);
  return row;
}

const prefixes = (Object.keys(LOADERS) as NodeType[]).map((type) => `${ID_PREFIXES[type]}_`).join(', ');

builder.queryFields((t) => ({
  node: t.field({
    ...READERS_TOO,
    type: Node,
    nullable: true,
    description: 'Whatever has this id; null where there is none that you may see.',
    args: { id: t.arg.id({ required: true, description: `A global id: one of ${prefixes}, and a UUID.` }) },
    resolve: (_, { id }, context, info) => loadNode(context, id, info),
  }),
  nodes: t.field({
    ...READERS_TOO,
    type: [Node],
    nullable: { list: false, items: true },
    description: 'The same for several ids, in their order: null where there is none that you may see. At most 100.',
    args: { ids: t.arg.idList({ required: true, description: 'Global ids, at most 100.' }) },
    resolve: (_, { ids }, context) => Promise.all(withinLimit(ids).map((id) => loadNode(context, id))),
  }),
}));

function withinLimit(ids: readonly string[]): readonly string[] {
  if (ids.length > NODES_MAX) throw badInput(`nodes takes at most ${NODES_MAX} ids.`);
  return ids;
}

const NODES_MAX = 100;
