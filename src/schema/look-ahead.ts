import { Kind, type FieldNode, type GraphQLResolveInfo, type SelectionSetNode } from 'graphql';
import type { Payment } from '../../generated/prisma/client.ts';
import type { Context } from './context.ts';
import { PaymentTree, RELATION_NAMES, type RelationName } from '../store/payment-tree.ts';

/**
 * What is brought along with payments, before it is asked for: then the loaders have it when the resolvers come. It is a
 * matter of speed only: what was not foreseen, the loaders read.
 */
export class LookAhead {
  /** Those that were read by, and how many misses there had been. */
  readonly #trees = new Map<PaymentTree, number>();

  /** What the payments of this place are asked for; undefined where they are too many places to have each a statement. */
  treeFor(info: GraphQLResolveInfo, ...way: string[]): PaymentTree | undefined {
    const [node] = info.fieldNodes;
    // Beside others of its kind, a payment is better read with those: the loader reads them all at once.
    if (node === undefined || info.fieldNodes.length > 1 || info.operation.selectionSet.selections.length > 1) {
      return undefined;
    }
    const tree = trees.get(node) ?? new PaymentTree(relationsBelow(node, way, info));
    trees.set(node, tree);
    this.#trees.set(tree, tree.misses);
    return tree;
  }

  /** Whether all that was asked for had been read: what was made of anything else is no answer. */
  get sufficed(): boolean {
    return [...this.#trees].every(([tree, misses]) => tree.misses === misses);
  }

  /** The answer is one. */
  learn(): void {
    for (const tree of this.#trees.keys()) tree.learn();
  }
}

/** The payment with this id, with what is asked for of it; null where there is none in the caller's environment. */
export async function findPayment(context: Context, id: string, info: GraphQLResolveInfo): Promise<Payment | null> {
  const { caller, gateway, loaders, lookAhead } = context;
  const tree = lookAhead?.treeFor(info);
  if (tree === undefined) return loaders.payment.load(id);
  const payment = await tree.find(gateway.database, loaders, { environmentId: caller.environmentId, id });
  if (payment !== null) loaders.payment.bring(id, payment);
  return payment;
}

/** By the place in the document, for as long as the document is known. */
const trees = new WeakMap<FieldNode, PaymentTree>();

/** The relations that are asked for of payments, at the end of a way of fields. A few too many do no harm. */
function relationsBelow(node: FieldNode, way: readonly string[], info: GraphQLResolveInfo): RelationName[] {
  let names = fieldsOf(node.selectionSet, info);
  for (const step of way) {
    names = names.filter(({ name }) => name.value === step).flatMap(({ selectionSet }) => fieldsOf(selectionSet, info));
  }
  const asked = new Set(names.map(({ name }) => name.value));
  return RELATION_NAMES.filter((name) => asked.has(name));
}

const OF_PAYMENTS: ReadonlySet<string | undefined> = new Set([
  'Payment',
  'PaymentConnection',
  'PaymentEdge',
  undefined,
]);

function fieldsOf(set: SelectionSetNode | undefined, info: GraphQLResolveInfo): FieldNode[] {
  return (set?.selections ?? []).flatMap((each) => {
    if (each.kind === Kind.FIELD) return [each];
    const fragment = each.kind === Kind.FRAGMENT_SPREAD ? info.fragments[each.name.value] : each;
    return OF_PAYMENTS.has(fragment?.typeCondition?.name.value) ? fieldsOf(fragment?.selectionSet, info) : [];
  });
}
