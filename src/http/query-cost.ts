import {
  getNamedType,
  getNullableType,
  GraphQLError,
  isCompositeType,
  isInterfaceType,
  isListType,
  isObjectType,
  Kind,
  type DocumentNode,
  type ExecutionArgs,
  type FieldNode,
  type GraphQLField,
  type GraphQLNamedType,
  type GraphQLSchema,
  type SelectionSetNode,
} from 'graphql';
import type { Plugin } from 'graphql-yoga';
import type { Context } from '../schema/context.ts';

/** How many fields a payer's request may come to: a hundred payments with everything about them are well below. */
const PAYER_COST_MAX = 50_000;

const PAGE_MAX = 100;
const PAGE_DEFAULT = 20;
/** What a list that is no page is taken for: few payments have more attempts. */
const LIST_SIZE = 10;

/**
 * Payers' requests come from anywhere, and relations lead in circles: what a few lines ask for may grow beyond all
 * bounds. A merchant's own are not held to it.
 */
export function usePayerCost(): Plugin<Context> {
  return { onExecute: refuseTooLarge, onSubscribe: refuseTooLarge };
}

interface Hook {
  readonly args: ExecutionArgs;
  readonly setResultAndStopExecution: (result: { errors: GraphQLError[] }) => void;
}

function refuseTooLarge({ args, setResultAndStopExecution }: Hook): void {
  const { caller } = args.contextValue as Context;
  if (caller.payer === null || costOf(args.schema, args.document) <= PAYER_COST_MAX) return;
  const message = 'This asks for too much at once: ask for less, or in smaller pages.';
  setResultAndStopExecution({ errors: [new GraphQLError(message, { extensions: { code: 'QUERY_TOO_LARGE' } })] });
}

/** The most fields that a valid document can come to, each list taken for as long as it may be. */
function costOf(schema: GraphQLSchema, document: DocumentNode): number {
  const fragments = new Map(
    document.definitions.flatMap((each) => (each.kind === Kind.FRAGMENT_DEFINITION ? [[each.name.value, each]] : [])),
  );
  const known = new Map<SelectionSetNode, number>();
  const typeNamed = (name: string) => schema.getType(name);

  // By its place in the document, so that a fragment that is used again and again is looked at once.
  const ofSelection = (set: SelectionSetNode, type: GraphQLNamedType | undefined): number => {
    const cost =
      known.get(set) ??
      set.selections.reduce((sum, each) => {
        if (each.kind === Kind.FIELD) return sum + ofField(each, type);
        const fragment = each.kind === Kind.FRAGMENT_SPREAD ? fragments.get(each.name.value) : each;
        if (fragment === undefined) return sum;
        const condition = fragment.typeCondition?.name.value;
        return sum + ofSelection(fragment.selectionSet, condition === undefined ? type : typeNamed(condition));
      }, 0);
    known.set(set, cost);
    return cost;
  };

  const ofField = (node: FieldNode, type: GraphQLNamedType | undefined): number => {
    const fields = isObjectType(type) || isInterfaceType(type) ? type.getFields() : {};
    const field = fields[node.name.value];
    if (node.selectionSet === undefined || field === undefined) return 1;
    const to = getNamedType(field.type);
    return isCompositeType(to) ? 1 + sizeOf(node, field) * ofSelection(node.selectionSet, to) : 1;
  };

  return document.definitions.reduce(
    (sum, each) =>
      each.kind === Kind.OPERATION_DEFINITION
        ? sum + ofSelection(each.selectionSet, schema.getRootType(each.operation) ?? undefined)
        : sum,
    0,
  );
}

/** How many entries a field has at most. The edges of a page count with the page. */
function sizeOf(node: FieldNode, field: GraphQLField<unknown, unknown>): number {
  const sizes = field.args.filter(({ name }) => ['first', 'last', 'size', 'ids'].includes(name));
  if (sizes.length > 0) {
    const given = node.arguments?.filter(({ name }) => sizes.some((size) => size.name === name.value)) ?? [];
    const [only] = given;
    if (only === undefined) return PAGE_DEFAULT;
    // What is below zero is refused where it is resolved; counted so, it would make room for anything beside it.
    return only.value.kind === Kind.INT ? Math.min(Math.abs(Number(only.value.value)), PAGE_MAX) : PAGE_MAX;
  }
  const isList = isListType(getNullableType(field.type));
  return isList && field.name !== 'edges' && field.name !== 'items' ? LIST_SIZE : 1;
}
