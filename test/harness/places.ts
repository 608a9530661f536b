import {
  getNamedType,
  isAbstractType,
  isCompositeType,
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
  isObjectType,
  isRequiredArgument,
  isRequiredInputField,
  isUnionType,
  type GraphQLField,
  type GraphQLInputType,
  type GraphQLNamedOutputType,
  type GraphQLObjectType,
  type GraphQLSchema,
} from 'graphql';

/** A place in the schema where a caller gives a single value: an argument of a root field, or a field of an input in one. */
export interface Place {
  /** "Mutation.createPayment(input.customer.email)"; the elements of a list are not told apart. */
  readonly name: string;
  readonly root: GraphQLObjectType;
  readonly field: GraphQLField<unknown, unknown>;
  /** The keys from the variables to the value; 0 into a list. */
  readonly path: readonly (string | number)[];
  /** Of the value: "ID", "String". */
  readonly typeName: string;
}

/** What inputs hold that are good enough to be looked at any further, by their types. */
export type Examples = Readonly<Record<string, (place: Place) => Readonly<Record<string, unknown>>>>;

/** Every place in the schema, found by walking it. */
export function placesOf(schema: GraphQLSchema): Place[] {
  return rootsOf(schema).flatMap((root) =>
    Object.values(root.getFields()).flatMap((field) =>
      field.args.flatMap((arg) => leavesOf(arg.type, [arg.name], []).map((leaf) => placeOf(root, field, leaf))),
    ),
  );
}

export function rootsOf(schema: GraphQLSchema): GraphQLObjectType[] {
  return [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()].filter((type) => type != null);
}

type Leaf = Pick<Place, 'path' | 'typeName'>;

function placeOf(root: GraphQLObjectType, field: GraphQLField<unknown, unknown>, leaf: Leaf): Place {
  const path = leaf.path.filter((key) => key !== 0).join('.');
  return { name: `${root.name}.${field.name}(${path})`, root, field, ...leaf };
}

function leavesOf(type: GraphQLInputType, path: readonly (string | number)[], within: readonly string[]): Leaf[] {
  if (isNonNullType(type)) return leavesOf(type.ofType, path, within);
  if (isListType(type)) return leavesOf(type.ofType, [...path, 0], within);
  if (!isInputObjectType(type)) return [{ path, typeName: type.name }];
  if (within.includes(type.name)) throw new Error(`${type.name} holds itself: say how deep it is walked`);
  return Object.values(type.getFields()).flatMap((field) =>
    leavesOf(field.type, [...path, field.name], [...within, type.name]),
  );
}

/** The variables of a request with a value in a place, and around it what is required and what the examples say. */
export function variablesFor(place: Place, value: unknown, examples: Examples): Record<string, unknown> {
  const variables: Record<string, unknown> = {};
  for (const arg of place.field.args) {
    const rest = place.path[0] === arg.name ? place.path.slice(1) : undefined;
    if (rest !== undefined || isRequiredArgument(arg))
      variables[arg.name] = fill(arg.type, { place, value, examples }, rest);
  }
  return variables;
}

interface Filling {
  readonly place: Place;
  readonly value: unknown;
  readonly examples: Examples;
}

/** @param path where the value goes from here; undefined where it goes elsewhere */
function fill(type: GraphQLInputType, filling: Filling, path: readonly (string | number)[] | undefined): unknown {
  if (isNonNullType(type)) return fill(type.ofType, filling, path);
  if (isListType(type)) return [fill(type.ofType, filling, path?.slice(1))];
  if (isInputObjectType(type)) {
    const [key, ...rest] = path ?? [];
    const filled: Record<string, unknown> = { ...filling.examples[type.name]?.(filling.place) };
    for (const field of Object.values(type.getFields())) {
      const isOnTheWay = field.name === key;
      const isMissing = isRequiredInputField(field) && !(field.name in filled);
      if (isOnTheWay || isMissing) filled[field.name] = fill(field.type, filling, isOnTheWay ? rest : undefined);
    }
    return filled;
  }
  if (path !== undefined) return filling.value;
  return isEnumType(type) ? type.getValues()[0]?.name : LEAST[type.name];
}

const LEAST: Readonly<Record<string, unknown>> = {
  Boolean: true,
  Currency: 'EUR',
  DateTime: '2026-01-01T00:00:00Z',
  ID: 'x',
  Int: 1,
  JSONObject: {},
  SafeInt: 1,
  String: 'x',
};

/** A document that asks for a root field with variables, and for everything that its answer says so many levels deep. */
export function documentFor({ root, field }: Pick<Place, 'root' | 'field'>, given: object, levels: number): string {
  const args = field.args.filter(({ name }) => name in given);
  const declared = args.map((arg) => `$${arg.name}: ${String(arg.type)}`).join(', ');
  const passed = args.map(({ name }) => `${name}: $${name}`).join(', ');
  const selection = selectionOf(getNamedType(field.type), levels);
  return `${root.name.toLowerCase()}${bracketed(declared)} { ${field.name}${bracketed(passed)} ${selection} }`;
}

function bracketed(text: string): string {
  return text === '' ? '' : `(${text})`;
}

/** Everything that can be told of a type. */
export function selectionOf(type: GraphQLNamedOutputType, levels: number): string {
  if (isUnionType(type)) {
    const members = type.getTypes();
    const parts = members.map((each) => `... on ${each.name} ${selectionIn(each, levels, clashing(members))}`);
    return `{ __typename ${parts.join(' ')} }`;
  }
  if (isAbstractType(type)) return '{ __typename }';
  return isObjectType(type) ? selectionIn(type, levels, new Set()) : '';
}

/** What several types call the same that is not: it is asked for under other names. */
function clashing(types: readonly GraphQLObjectType[]): ReadonlySet<string> {
  const fields = types.flatMap((type) => Object.values(type.getFields()));
  const typesOf = Map.groupBy(fields, ({ name }) => name);
  const names = [...typesOf].filter(([, each]) => new Set(each.map((field) => String(field.type))).size > 1);
  return new Set(names.map(([name]) => name));
}

function selectionIn(type: GraphQLObjectType, levels: number, renamed: ReadonlySet<string>): string {
  const fields = Object.values(type.getFields()).flatMap((field) => {
    if (field.args.some(isRequiredArgument)) return [];
    const named = getNamedType(field.type);
    if (isCompositeType(named) && levels <= 0) return [];
    const name = renamed.has(field.name) ? `${type.name}_${field.name}: ${field.name}` : field.name;
    return [`${name} ${selectionOf(named, levels - 1)}`];
  });
  return `{ __typename ${fields.join(' ')} }`;
}
