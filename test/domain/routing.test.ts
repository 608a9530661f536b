import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  mayAskElsewhere,
  route,
  type Mismatch,
  type RoutingCondition,
  type RoutingRule,
  type RoutingSubject,
} from '../../src/domain/routing.ts';

const ANY: RoutingCondition = {
  currencies: null,
  amountFrom: null,
  amountTo: null,
  brands: null,
  countries: null,
  metadata: null,
};

const SUBJECT: RoutingSubject = {
  amount: 5_000n,
  currency: 'EUR',
  brand: 'VISA',
  country: 'DE',
  metadata: { shop: 'north', toString: 'own' },
};

function rule(
  name: string,
  when: Partial<RoutingCondition> = {},
  weights: Record<string, number> = { a: 1 },
): RoutingRule {
  const targets = Object.entries(weights).map(([target, weight]) => ({ target, weight }));
  return { name, when: { ...ANY, ...when }, targets };
}

test.each<[Partial<RoutingCondition>, Partial<RoutingSubject>, readonly Mismatch[]]>([
  [{}, {}, []],
  [{ currencies: ['USD', 'EUR'] }, {}, []],
  [{ currencies: ['USD'] }, {}, ['CURRENCY']],
  [{ currencies: ['EUR'] }, { currency: null }, ['CURRENCY']],
  [{ amountFrom: 5_000n }, {}, []],
  [{ amountFrom: 5_001n }, {}, ['AMOUNT']],
  [{ amountTo: 5_000n }, {}, []],
  [{ amountTo: 4_999n }, {}, ['AMOUNT']],
  [{ amountFrom: 0n }, { amount: null }, ['AMOUNT']],
  [{ brands: ['VISA', 'MASTERCARD'] }, {}, []],
  [{ brands: ['MASTERCARD'] }, {}, ['BRAND']],
  [{ countries: ['AT', 'DE'] }, {}, []],
  [{ countries: ['AT'] }, {}, ['COUNTRY']],
  [{ countries: ['DE'] }, { country: null }, ['COUNTRY']],
  [{ metadata: { shop: 'north' } }, {}, []],
  [{ metadata: { shop: 'south' } }, {}, ['METADATA']],
  [{ metadata: { shop: 'north', floor: '1' } }, {}, ['METADATA']],
  [{ metadata: { constructor: 'x' } }, {}, ['METADATA']],
  [{ currencies: ['USD'], brands: ['JCB'], countries: ['JP'] }, {}, ['CURRENCY', 'BRAND', 'COUNTRY']],
])('%o asked of a payment with %o', (when, subject, mismatches) => {
  const found = route([rule('only', when)], { ...SUBJECT, ...subject }, 0);
  expect(found.considered).toEqual([{ rule: 'only', mismatches }]);
  expect(found.rule).toBe(mismatches.length === 0 ? 'only' : null);
});

test('the first rule that fits decides, and none after it is looked at', () => {
  const rules = [rule('dollars', { currencies: ['USD'] }), rule('large', { amountFrom: 1n }, { b: 1 }), rule('rest')];
  expect(route(rules, SUBJECT, 0)).toEqual({
    rule: 'large',
    targets: ['b'],
    considered: [
      { rule: 'dollars', mismatches: ['CURRENCY'] },
      { rule: 'large', mismatches: [] },
    ],
  });
});

test.each([
  [0, ['a', 'b', 'c']],
  [0.199, ['a', 'b', 'c']],
  [0.2, ['b', 'c', 'a']],
  [0.699, ['b', 'c', 'a']],
  [0.7, ['c', 'b', 'a']],
  [0.999999, ['c', 'b', 'a']],
])('a draw of %d among the weights 2, 5 and 3', (draw, targets) => {
  expect(route([rule('drawn', {}, { a: 2, b: 5, c: 3 })], SUBJECT, draw).targets).toEqual(targets);
});

test('a target without weight is asked only when the others could not be', () => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (draw) => {
      expect(route([rule('spare', {}, { spare: 0, a: 1 })], SUBJECT, draw).targets).toEqual(['a', 'spare']);
    }),
  );
});

test('every target of the rule is in the route, once', () => {
  const weights = fc.dictionary(fc.string({ minLength: 1 }), fc.integer({ min: 1, max: 1_000 }), { minKeys: 1 });
  fc.assert(
    fc.property(weights, fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (of, draw) => {
      const { targets } = route([rule('all', {}, of)], SUBJECT, draw);
      expect(targets.toSorted()).toEqual(Object.keys(of).toSorted());
    }),
  );
});

test('over many draws each is first as often as its weight says', () => {
  const count = { a: 0, b: 0 };
  for (let draw = 0; draw < 1_000; draw++) {
    const [first] = route([rule('drawn', {}, { a: 1, b: 3 })], SUBJECT, draw / 1_000).targets;
    count[first as 'a' | 'b']++;
  }
  expect(count).toEqual({ a: 250, b: 750 });
});

test('another processor is asked where the first could not, and never about what the issuer said', () => {
  expect(mayAskElsewhere('processor_unavailable')).toBe(true);
  expect(mayAskElsewhere('processor_configuration')).toBe(true);
  expect(mayAskElsewhere('processing_error')).toBe(true);
  for (const code of ['generic_decline', 'insufficient_funds', 'do_not_honor', 'lost_card', 'not_executed'] as const) {
    expect(mayAskElsewhere(code)).toBe(false);
  }
});
