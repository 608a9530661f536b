import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { passesLuhn } from '../../src/domain/card.ts';
import { decline, declineForPayer, parseDeclineCode, type DeclineCode } from '../../src/domain/decline.ts';
import { TEST_CARD_NUMBERS } from '../../src/processors/sandbox/cards.ts';

const document = (name: string): string => readFileSync(join(import.meta.dirname, '..', '..', 'docs', name), 'utf8');

test('docs/sandbox.md lists the test cards, and no others', () => {
  const documented = document('sandbox.md').match(/\b\d{15,16}\b/g) ?? [];
  expect(documented.toSorted()).toEqual(TEST_CARD_NUMBERS.toSorted());
});

test('every test card has a right check digit', () => {
  expect(TEST_CARD_NUMBERS.filter((number) => !passesLuhn(number))).toEqual([]);
});

test('docs/declines.md says of each code what the code says', () => {
  const rows = [...document('declines.md').matchAll(/^\| `(\w+)` \| (.+) \| (yes|no) \|(?: (.+))? \|$/gm)];
  expect(rows.length).toBeGreaterThan(20);
  for (const [, code = '', message, retryable, payer] of rows) {
    expect(parseDeclineCode(code)).toBe(code);
    expect(decline(code as DeclineCode)).toEqual({ code, message, retryable: retryable === 'yes' });
    const told = payer === undefined ? declineForPayer('generic_decline').message : payer;
    expect(declineForPayer(code as DeclineCode).message).toBe(told);
  }
});
