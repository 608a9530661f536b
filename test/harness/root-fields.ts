import {
  getNamedType,
  isCompositeType,
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
  isUnionType,
  type GraphQLField,
  type GraphQLInputType,
  type GraphQLObjectType,
  type GraphQLSchema,
} from 'graphql';
import { rootsOf } from './places.ts';

/** For walks over the schema: what stands at its root, and the least that each can be asked with. */

export type RootField = readonly [name: string, type: GraphQLObjectType, field: GraphQLField<unknown, unknown>];

/** Every field at the root, named as "Query.payment". */
export function rootFieldsOf(schema: GraphQLSchema): RootField[] {
  return rootsOf(schema).flatMap((type) =>
    Object.values(type.getFields()).map((field) => [`${type.name}.${field.name}`, type, field] as const),
  );
}

/** The smallest value that a type takes. */
function least(type: GraphQLInputType): string {
  if (isNonNullType(type)) return least(type.ofType);
  if (isListType(type)) return '[]';
  if (isEnumType(type)) return type.getValues()[0]?.name ?? '';
  if (isInputObjectType(type)) {
    const required = Object.values(type.getFields()).filter(
      (field) => isNonNullType(field.type) && field.default === undefined,
    );
    return `{ ${required.map((field) => `${field.name}: ${least(field.type)}`).join(', ')} }`;
  }
  const values: Record<string, string> = {
    Int: '1',
    SafeInt: '1',
    Boolean: 'true',
    DateTime: '"2026-01-01T00:00:00Z"',
  };
  return values[type.name] ?? '"x"';
}

/** A document that asks for a field of the root, and of what it answers only what it is. */
export function leastDocument([, type, field]: RootField): string {
  const args = field.args.filter((arg) => isNonNullType(arg.type)).map((arg) => `${arg.name}: ${least(arg.type)}`);
  const answer = getNamedType(field.type);
  const error = isUnionType(answer) ? ' ... on Error { code }' : '';
  const selection = isCompositeType(answer) ? ` { __typename${error} }` : '';
  return `${type.name.toLowerCase()} { ${field.name}${args.length === 0 ? '' : `(${args.join(', ')})`}${selection} }`;
}
