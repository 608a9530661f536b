import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildSchema, parse } from 'graphql';
import { expect, onTestFinished, test } from 'vitest';
import { DEFAULT_LIMITS } from '../../src/domain/limits.ts';
import { costOf } from '../../src/http/cost.ts';
import { DocumentCache } from '../../src/http/document-cache.ts';
import { parseWithin } from '../../src/http/document-limits.ts';
import { shapeOf } from '../../src/http/document-shape.ts';
import { readTrustedDocuments } from '../../src/http/trusted-documents.ts';

test.each([
  ['{ a }', { depth: 1, nesting: 1 }],
  ['{ a { b { c } d } }', { depth: 3, nesting: 3 }],
  ['{ ... { ... { a } } }', { depth: 1, nesting: 3 }],
  ['{ a { ...F } } fragment F on T { b { c } }', { depth: 3, nesting: 4, fragments: 1 }],
  [
    '{ ...F } fragment F on T { a { ...G } } fragment G on T { b { ...H } } fragment H on T { c }',
    { depth: 3, nesting: 6, fragments: 3 },
  ],
  ['{ x: a y: b z: a { w: c } }', { depth: 2, nesting: 2, aliases: 4 }],
  ['{ a a a { b } }', { depth: 2, nesting: 2, duplicateFields: 2 }],
  ['{ a ... { a ... { a } } b: a { a } }', { depth: 2, nesting: 3, duplicateFields: 2, aliases: 1 }],
  ['{ a } query B { a { b } }', { depth: 2, nesting: 2 }],
  ['{ ...A } fragment A on T { a { ...B } } fragment B on T { b { ...A } }', { depth: 1, nesting: 2, fragments: 2 }],
  ['{ ...Missing }', { depth: 0, nesting: 1 }],
  ['type T { a: Int }', { depth: 0, nesting: 0 }],
])('%s', (text, shape) => {
  const none = { aliases: 0, duplicateFields: 0, fragments: 0 };
  expect(shapeOf(parse(text))).toEqual({ ...none, ...shape });
});

test('fragments that multiply are looked at once each', () => {
  const text = Array.from({ length: 2_000 }, (_, i) => `fragment F${i} on T { ${`...F${i + 1} `.repeat(8)} }`).join('');
  // Spread out, they would be 8^2000 fields.
  expect(shapeOf(parse(`{ ...F0 } ${text} fragment F2000 on T { a }`))).toMatchObject({ depth: 1, nesting: 2_002 });
});

test('what is exactly at a limit is taken, and one more is not', () => {
  const limits = { ...DEFAULT_LIMITS, tokens: 12, nesting: 3, directives: 1 };
  const code = (text: string): unknown => {
    try {
      return parseWithin(limits, text).kind;
    } catch (error) {
      return (error as { extensions: { code?: string } }).extensions.code;
    }
  };
  expect(code(`{ ${'a '.repeat(10)}}`)).toBe('Document');
  expect(code(`{ ${'a '.repeat(11)}}`)).toBe('TOO_MANY_TOKENS');
  expect(code('{a{b{c}}}')).toBe('Document');
  expect(code('{a{b{c{d}}}}')).toBe('TOO_DEEPLY_NESTED');
  expect(code('{a(b: [1])}')).toBe('Document');
  expect(code('{a(b: [[1]])}')).toBe('TOO_DEEPLY_NESTED');
  expect(code('{a @b}')).toBe('Document');
  expect(code('{a @b @c}')).toBe('TOO_MANY_DIRECTIVES');
  // In texts and comments, they are none.
  expect(code('{a(b: "[[[[ @ @")} # {{{{ @')).toBe('Document');
});

const schema = buildSchema(`
  type Query { page(first: Int, last: Int, ids: [ID!]): Page! some(ids: [ID!]!): [Row!]! plain: [Row!]! }
  type Page { totalCount: Int edges: [Edge!]! }
  type Edge { node: Row! }
  type Row { id: ID! rows: [Row!]! page(first: Int): Page! }
`);

const cost = (text: string, variableValues?: Record<string, unknown>, operationName?: string): number =>
  costOf({ schema, document: parse(text), operationName, variableValues });

test.each<[string, Record<string, unknown> | undefined, number]>([
  ['{ page { totalCount } }', undefined, 1 + 20],
  ['{ page(first: 3) { totalCount } }', undefined, 1 + 3],
  ['{ page(first: null) { totalCount } }', undefined, 1 + 20],
  ['{ page(first: 3, last: 7) { totalCount } }', undefined, 1 + 7],
  ['{ page(first: 100000) { totalCount } }', undefined, 1 + 100],
  ['{ page(first: -100) { totalCount } }', undefined, 1 + 100],
  ['{ some(ids: ["a", "b"]) { id } }', undefined, 1 + 2],
  ['{ plain { id } }', undefined, 1 + 10],
  ['query ($n: Int) { page(first: $n) { totalCount } }', { n: 4 }, 1 + 4],
  ['query ($n: Int) { page(first: $n) { totalCount } }', {}, 1 + 20],
  ['query ($n: Int) { page(first: $n) { totalCount } }', { n: null }, 1 + 20],
  ['query ($n: Int) { page(first: $n) { totalCount } }', { n: 'x' }, 1 + 100],
  ['query ($n: Int) { page(first: $n) { totalCount } }', { n: -50 }, 1 + 50],
  ['query ($n: Int = 6) { page(first: $n) { totalCount } }', undefined, 1 + 6],
  ['query ($n: Int) { page(first: $n, last: 9) { totalCount } }', { n: 4 }, 1 + 9],
  ['query ($ids: [ID!]!) { some(ids: $ids) { id } }', { ids: ['a', 'b', 'c'] }, 1 + 3],
  ['{ page(first: 5) { edges { node { rows { id } } } } }', undefined, 1 + 5 * (1 + 1 + 1 + 10)],
  ['{ ...F ...F } fragment F on Query { page(first: 5) { totalCount } }', undefined, 12],
])('%s %j costs %i', (text, variables, expected) => {
  expect(cost(text, variables)).toBe(expected);
});

test('of several operations, the one that is asked for counts', () => {
  const text = 'query A { page(first: 1) { totalCount } } query B { page(first: 50) { totalCount } }';
  expect([cost(text, {}, 'A'), cost(text, {}, 'B')]).toEqual([2, 51]);
});

test('one document costs what its variables make of it, each time anew', () => {
  const document = parse('query ($n: Int) { page(first: $n) { edges { node { page(first: $n) { totalCount } } } } }');
  const at = (n: number) => costOf({ schema, document, variableValues: { n } });
  expect([at(1), at(100), at(2), at(1)]).toEqual([5, 10_301, 11, 5]);
});

test('fragments that double, with pages of variable sizes, are added up in no time', () => {
  const text = Array.from(
    { length: 200 },
    (_, i) =>
      `fragment F${i} on Row { a: page(first: $n) { edges { node { ...F${i + 1} } } } b: rows { ...F${i + 1} } }`,
  ).join(' ');
  const document = `query ($n: Int) { plain { ...F0 } } ${text} fragment F200 on Row { id }`;
  expect(cost(document, { n: 1 })).toBeGreaterThan(1e200);
});

const fieldsOf = (name: number): string => `{ ${`f${name} `.repeat(10_000)}}`;

test('the cache keeps what was asked for last, as much as there is room for', () => {
  const cache = new DocumentCache();
  const put = (name: number) => cache.set(fieldsOf(name), parse(fieldsOf(name)));
  for (let name = 0; name < 9; name++) put(name);
  expect(cache.get(fieldsOf(0))).toBeDefined();
  put(9);
  put(10);
  expect([0, 1, 2, 10].map((name) => cache.get(fieldsOf(name)) !== undefined)).toEqual([true, false, false, true]);
});

test.each<[string, unknown]>([
  ['graphql-codegen', { abc: '{ a }' }],
  [
    'Apollo',
    {
      format: 'apollo-persisted-query-manifest',
      version: 1,
      operations: [{ id: 'abc', name: 'A', type: 'query', body: '{ a }' }],
    },
  ],
])('the format of %s is read', (_tool, content) => {
  expect(readTrustedDocuments(fileOf(JSON.stringify(content)))).toEqual(new Map([['abc', '{ a }']]));
});

test.each([
  ['no JSON', '{', /is no JSON/],
  ['another format', '[1]', /neither of/],
  ['documents that are none', '{"abc": 1}', /neither of/],
])('%s is refused', (_what, text, why) => {
  expect(() => readTrustedDocuments(fileOf(text))).toThrow(why);
});

function fileOf(text: string): string {
  const directory = mkdtempSync(join(tmpdir(), 'tender-documents-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  writeFileSync(join(directory, 'documents.json'), text);
  return join(directory, 'documents.json');
}
