import { expect, test } from 'vitest';
import { missingScope, scopeSet, type KeyScope } from '../../src/domain/key-scope.ts';

test.each<[KeyScope[], KeyScope[]]>([
  [['READ'], ['READ']],
  [['WRITE'], ['READ', 'WRITE']],
  [
    ['ADMIN', 'REFUND', 'ADMIN'],
    ['READ', 'REFUND', 'ADMIN'],
  ],
  [
    ['ADMIN', 'REFUND', 'WRITE', 'READ'],
    ['READ', 'WRITE', 'REFUND', 'ADMIN'],
  ],
])('%j is the set %j', (said, set) => {
  expect(scopeSet(said)).toEqual(set);
});

test.each<[KeyScope[], KeyScope[], KeyScope | undefined]>([
  [['READ', 'ADMIN'], ['READ', 'ADMIN'], undefined],
  [['READ', 'ADMIN'], ['READ'], undefined],
  [['READ', 'ADMIN'], ['READ', 'WRITE', 'REFUND'], 'WRITE'],
  [['READ', 'WRITE'], ['READ', 'REFUND'], 'REFUND'],
])('of %j and what is wanted, %j: missing is %s', (there, wanted, missing) => {
  expect(missingScope(there, wanted)).toBe(missing);
});
