import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  buildSchema as parseSchema,
  BreakingChangeType,
  findSchemaChanges,
  type GraphQLSchema,
  getNamedType,
  isEnumType,
  isInputObjectType,
  isIntrospectionType,
  isInterfaceType,
  isNonNullType,
  isObjectType,
  isSpecifiedScalarType,
  type GraphQLObjectType,
} from 'graphql';
import { expect, test } from 'vitest';
import { buildSchema } from '../../src/schema/schema.ts';
import { printedSchema } from '../../tools/print-schema.ts';

const committed = readFileSync(join(import.meta.dirname, '..', '..', 'schema.graphql'), 'utf8');
const schema = buildSchema();
const types = Object.values(schema.getTypeMap()).filter(
  (type) => !isIntrospectionType(type) && !isSpecifiedScalarType(type),
);

test('schema.graphql is the schema: npm run generate writes it anew', () => {
  expect(printedSchema()).toBe(committed);
});

function breakingChanges(before: GraphQLSchema, after: GraphQLSchema): string[] {
  const breaking = new Set<string>(Object.values(BreakingChangeType));
  return findSchemaChanges(before, after).flatMap(({ type, description }) => (breaking.has(type) ? description : []));
}

/** The schema of the last version that was let out. A release puts its own in its place, and empties the list below. */
const released = readFileSync(join(import.meta.dirname, '..', 'fixtures', 'schema-0.1.0.graphql'), 'utf8');

/** What was broken on purpose since: each is in CHANGELOG.md. */
const BROKEN_ON_PURPOSE = [
  'Field Attempt.flag changed type from String to AttemptFlag.',
  'Field Subscription.paymentEvents changed type from PaymentEvent! to PaymentEventMessage!.',
];

test('of what clients of the last version count on, nothing is gone but what the changelog says', () => {
  expect(breakingChanges(parseSchema(released), schema)).toEqual(BROKEN_ON_PURPOSE);
});

test.each([
  ['a field that is gone', /\n {2}"""[^"]*"""\n {2}refundStatus: PaymentRefundStatus!\n/g, '\n'],
  ['a field that can be null now', 'refundStatus: PaymentRefundStatus!', 'refundStatus: PaymentRefundStatus'],
  ['an input that has to be given now', 'customerId: ID\n', 'customerId: ID!\n'],
])('finds %s', (_, what, instead) => {
  const changed = committed.replace(what, instead);
  expect(changed).not.toBe(committed);
  expect(breakingChanges(parseSchema(committed), parseSchema(changed))).not.toEqual([]);
});

/** What has no description, by its place in the schema. */
function undescribed(): string[] {
  const places: [place: string, description: string | null | undefined][] = [];
  for (const type of types) {
    places.push([type.name, type.description]);
    if (isEnumType(type)) {
      for (const value of type.getValues()) places.push([`${type.name}.${value.name}`, value.description]);
    } else if (isObjectType(type) || isInterfaceType(type)) {
      for (const field of Object.values(type.getFields())) {
        places.push([`${type.name}.${field.name}`, field.description]);
        for (const arg of field.args) places.push([`${type.name}.${field.name}(${arg.name}:)`, arg.description]);
      }
    } else if (isInputObjectType(type)) {
      for (const field of Object.values(type.getFields()))
        places.push([`${type.name}.${field.name}`, field.description]);
    }
  }
  return places.filter(([, description]) => !description?.trim()).map(([place]) => place);
}

test('everything is described', () => {
  expect(undescribed()).toEqual([]);
});

const fieldTypes = (type: GraphQLObjectType): Record<string, string> =>
  Object.fromEntries(Object.values(type.getFields()).map((field) => [field.name, String(field.type)]));

const connections = types.filter(isObjectType).filter(({ name }) => name.endsWith('Connection'));

test('there are connections, and only fields with the four arguments of Relay lead to them', () => {
  expect(connections.length).toBeGreaterThanOrEqual(4);
  const fields = types.filter(isObjectType).flatMap((type) => Object.values(type.getFields()));
  const leading = fields.filter((field) => getNamedType(field.type).name.endsWith('Connection'));
  expect(leading.length).toBeGreaterThanOrEqual(connections.length);
  for (const field of leading) {
    const args = Object.fromEntries(field.args.map((arg) => [arg.name, String(arg.type)]));
    expect(args).toMatchObject({ first: 'Int', last: 'Int', after: 'String', before: 'String' });
    expect(isNonNullType(field.type)).toBe(true);
  }
});

test.each(connections.map((type) => [type.name, type] as const))('%s is a connection as Relay has it', (_, type) => {
  const { edges = '', pageInfo, totalCount } = fieldTypes(type);
  expect([pageInfo, totalCount]).toEqual(['PageInfo!', 'Int!']);
  expect(edges).toMatch(/^\[\w+Edge!\]!$/);
  const edge = schema.getType(edges.replaceAll(/[[\]!]/g, ''));
  if (!isObjectType(edge)) throw new Error(`${edges} is no list of objects`);
  expect(fieldTypes(edge)).toMatchObject({ cursor: 'String!', node: expect.stringMatching(/^\w+!$/) });
});

test('PageInfo and Node are as Relay has them', () => {
  const pageInfo = schema.getType('PageInfo');
  const node = schema.getType('Node');
  if (!isObjectType(pageInfo) || !isInterfaceType(node)) throw new Error('PageInfo or Node is missing');
  expect(fieldTypes(pageInfo)).toEqual({
    hasNextPage: 'Boolean!',
    hasPreviousPage: 'Boolean!',
    startCursor: 'String',
    endCursor: 'String',
  });
  expect(String(node.getFields()['id']?.type)).toBe('ID!');
  const query = schema.getQueryType();
  expect(String(query?.getFields()['node']?.type)).toBe('Node');
  expect(String(query?.getFields()['nodes']?.type)).toBe('[Node]!');
});

test('every mutation takes one input and answers a union whose errors are Errors', () => {
  const mutations = Object.values(schema.getMutationType()?.getFields() ?? {});
  expect(mutations).toHaveLength(30);
  for (const mutation of mutations) {
    const verbNoun = `${mutation.name[0]?.toUpperCase()}${mutation.name.slice(1)}`;
    expect(mutation.args.map((arg) => `${arg.name}: ${String(arg.type)}`)).toEqual([`input: ${verbNoun}Input!`]);
    expect(String(mutation.type)).toBe(`${verbNoun}Result!`);
    const union = getNamedType(mutation.type);
    const members = 'getTypes' in union ? union.getTypes() : [];
    const errors = members.filter((member) => member.name !== `${verbNoun}Payload`);
    expect(members.length - errors.length).toBe(1);
    for (const error of errors) {
      expect(isObjectType(error) && error.getInterfaces().map(({ name }) => name)).toEqual(['Error']);
    }
  }
});
