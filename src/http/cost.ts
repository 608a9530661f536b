import {
  getNamedType,
  getNullableType,
  getOperationAST,
  isCompositeType,
  isIntrospectionType,
  isListType,
  isObjectType,
  isInterfaceType,
  Kind,
  type DocumentNode,
  type ExecutionArgs,
  type FieldNode,
  type GraphQLField,
  type GraphQLNamedType,
  type GraphQLSchema,
  type OperationDefinitionNode,
  type SelectionSetNode,
  type ValueNode,
} from 'graphql';

const PAGE_MAX = 100;
const PAGE_DEFAULT = 20;
/** What a list that is no page is taken for: few payments have more attempts. */
const LIST_SIZE = 10;
/** The same in what the schema tells of itself: that much the fields, arguments and values of a type are on average. */
const INTROSPECTION_LIST_SIZE = 4;
/** It comes from memory: a field of it takes a tenth of the time of one that is read. */
const INTROSPECTION_WEIGHT = 0.1;

const SIZE_ARGUMENTS = ['first', 'last', 'size', 'ids'];

/** How many entries a list has: so many, or as many as the largest of some variables says. */
type Size = number | { readonly atLeast: number; readonly variables: readonly string[] };

/** What a selection comes to: so many fields, and so many times what other selections come to. */
interface Line {
  readonly own: number;
  readonly parts: readonly { readonly times: Size; readonly line: number }[];
}

/** The lines of an operation, each after those that it counts on; the last one is the operation. */
type Account = readonly Line[];

const accounts = new WeakMap<OperationDefinitionNode, Account>();

/**
 * The most fields that an answer can have: each list is taken for as long as it may be, a page for what is asked for.
 * @param args of an operation that was validated, so that its fragments lead in no circle
 */
export function costOf({ schema, document, operationName, variableValues }: ExecutionArgs): number {
  const operation = getOperationAST(document, operationName);
  if (operation == null) return 0;
  const account = accounts.get(operation) ?? accountOf(schema, document, operation);
  accounts.set(operation, account);
  const sizeOf = (size: Size): number =>
    typeof size === 'number'
      ? size
      : Math.max(size.atLeast, ...size.variables.map((name) => variableSize(operation, name, variableValues)));
  const costs: number[] = [];
  for (const { own, parts } of account) {
    costs.push(parts.reduce((sum, { times, line }) => sum + sizeOf(times) * (costs[line] ?? 0), own));
  }
  return Math.ceil(costs.at(-1) ?? 0);
}

/** What does not depend on variables is added up here, once for a document. */
function accountOf(schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode): Account {
  const fragments = new Map(
    document.definitions.flatMap((each) => (each.kind === Kind.FRAGMENT_DEFINITION ? [[each.name.value, each]] : [])),
  );
  const lines: Line[] = [];
  // By its place in the document, so that a fragment that is used again and again is looked at once.
  const known = new Map<SelectionSetNode, number>();

  const lineOf = (set: SelectionSetNode, type: GraphQLNamedType | undefined): number => {
    const earlier = known.get(set);
    if (earlier !== undefined) return earlier;
    let own = 0;
    const parts: { times: Size; line: number }[] = [];
    const add = (times: Size, line: number): void => {
      const { own: inner, parts: varying } = lines[line] ?? { own: 0, parts: [] };
      if (typeof times === 'number' && varying.length === 0) own += times * inner;
      else parts.push({ times, line });
    };
    for (const each of set.selections) {
      if (each.kind === Kind.FIELD) {
        own += 1;
        const field =
          isObjectType(type) || isInterfaceType(type) || isCompositeType(type)
            ? schema.getField(type, each.name.value)
            : undefined;
        const to = field && getNamedType(field.type);
        if (field !== undefined && each.selectionSet !== undefined)
          add(sizeOfField(schema, each, field), lineOf(each.selectionSet, to));
        continue;
      }
      const fragment = each.kind === Kind.FRAGMENT_SPREAD ? fragments.get(each.name.value) : each;
      if (fragment === undefined) continue;
      const condition = fragment.typeCondition?.name.value;
      add(1, lineOf(fragment.selectionSet, condition === undefined ? type : schema.getType(condition)));
    }
    known.set(set, lines.push({ own, parts }) - 1);
    return lines.length - 1;
  };

  lineOf(operation.selectionSet, schema.getRootType(operation.operation) ?? undefined);
  const last = lines.at(-1);
  return last === undefined || last.parts.length === 0 ? lines.slice(-1) : lines;
}

/** How many entries a field has at most. The edges of a page count with the page. */
function sizeOfField(schema: GraphQLSchema, node: FieldNode, field: GraphQLField<unknown, unknown>): Size {
  const isList = isListType(getNullableType(field.type));
  if (isIntrospectionType(getNamedType(field.type))) {
    if (!isList) return field.name.startsWith('__') ? INTROSPECTION_WEIGHT : 1;
    return field.name === 'types' ? Object.keys(schema.getTypeMap()).length : INTROSPECTION_LIST_SIZE;
  }
  if (field.args.some(({ name }) => SIZE_ARGUMENTS.includes(name))) return sizeOfPage(node);
  return isList && field.name !== 'edges' && field.name !== 'items' ? LIST_SIZE : 1;
}

function sizeOfPage({ arguments: given = [] }: FieldNode): Size {
  const values = given.filter(({ name }) => SIZE_ARGUMENTS.includes(name.value)).map(({ value }) => value);
  const variables = values.flatMap((value) => (value.kind === Kind.VARIABLE ? [value.name.value] : []));
  const sizes = values.flatMap((value) => (value.kind === Kind.VARIABLE ? [] : [literalSize(value)]));
  const atLeast = Math.max(0, ...sizes);
  if (variables.length > 0) return { atLeast, variables };
  return sizes.length > 0 ? atLeast : PAGE_DEFAULT;
}

function literalSize(value: ValueNode): number {
  switch (value.kind) {
    case Kind.NULL:
      return PAGE_DEFAULT;
    case Kind.INT:
      return pageOf(Number(value.value));
    case Kind.LIST:
      return pageOf(value.values.length);
    default:
      return PAGE_MAX;
  }
}

/** What is below zero is refused where it is resolved; counted so, it would make room for anything beside it. */
function pageOf(size: number): number {
  return Math.min(Math.abs(size), PAGE_MAX);
}

function variableSize(
  { variableDefinitions = [] }: OperationDefinitionNode,
  name: string,
  values: ExecutionArgs['variableValues'],
): number {
  const value = values?.[name];
  if (value === null) return PAGE_DEFAULT;
  if (Array.isArray(value)) return pageOf(value.length);
  // One that does not fit its type is refused before it is resolved.
  if (value !== undefined) return typeof value === 'number' ? pageOf(value) : PAGE_MAX;
  const defaultValue = variableDefinitions.find(({ variable }) => variable.name.value === name)?.defaultValue;
  return defaultValue === undefined ? PAGE_DEFAULT : literalSize(defaultValue);
}
