import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { resolveSchemaCoordinate } from 'graphql';
import { expect, test } from 'vitest';
import { buildSchema } from '../../src/schema/schema.ts';

const DOCUMENT = join(import.meta.dirname, '..', '..', 'docs', 'coming-from.md');
const schema = buildSchema();

interface Section {
  readonly title: string;
  /** The file of its tests. */
  readonly tests: string;
  readonly rows: readonly { readonly there: string; readonly line: string }[];
}

const sections: Section[] = readFileSync(DOCUMENT, 'utf8')
  .split(/^## /m)
  .slice(1)
  .map((text) => ({
    title: text.slice(0, text.indexOf('\n')),
    tests: join(dirname(DOCUMENT), /\]\((\S+\.test\.ts)\)/.exec(text)?.[1] ?? 'no file of tests'),
    rows: [...text.matchAll(/^\| (.+?) \| .*\|$/gm)]
      .map(([line, there = '']) => ({ line, there: there.replaceAll('`', '') }))
      .filter(({ there }) => there !== 'there'),
  }));

/** The names of the tests of a file. */
function testsOf(file: string): string[] {
  return [...readFileSync(file, 'utf8').matchAll(/\bit\(\s*(['"])(.+?)\1,/g)].map(([, , name = '']) => name);
}

test('there are five systems', () => {
  expect(sections.map(({ rows }) => rows.length).filter((count) => count > 25)).toHaveLength(5);
});

test.each(sections)('$title: each row has its test, and each test its row', ({ tests, rows }) => {
  expect(rows.map(({ there }) => there).toSorted()).toEqual(testsOf(tests).toSorted());
});

test.each(sections)('$title: the schema has what the rows name', ({ rows }) => {
  const unknown = rows.flatMap(({ line }) => {
    const here = line.slice(line.indexOf(' | ') + 1);
    const coordinates = [...here.matchAll(/`([A-Z]\w+\.\w+(?:\(\w+:\))?)`/g)].map(([, coordinate = '']) => coordinate);
    return coordinates.filter((coordinate) => resolveSchemaCoordinate(schema, coordinate) === undefined);
  });
  expect(unknown).toEqual([]);
});
