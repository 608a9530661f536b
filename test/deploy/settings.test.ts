import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { NAMES } from '../../src/variables.ts';

test('docs/operations.md names every setting, and no other', () => {
  const text = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'operations.md'), 'utf8');
  const [, section = ''] = text.split(/^## Settings$/m);
  const rows = section.split(/^## /m)[0] ?? '';
  const named = Array.from(rows.matchAll(/^\| `([A-Z_]+)` \|/gm), ([, name]) => name);
  expect(named).toEqual(NAMES.toSorted());
});
