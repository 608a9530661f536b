import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  Comparison,
  GRACE_MS,
  judge,
  MARGIN_MS,
  type Difference,
  type Entry,
  type Line,
  type Verdict,
} from '../../src/domain/reconciliation.ts';

const MIDNIGHT = Date.parse('2026-11-20T00:00:00Z');
const DAY_MS = 24 * 3_600_000;
const DAY = { from: new Date(MIDNIGHT), until: new Date(MIDNIGHT + DAY_MS) };
const NOON = new Date(MIDNIGHT + DAY_MS / 2);
/** When it is compared: the night after. */
const AS_OF = new Date(MIDNIGHT + DAY_MS + 3_600_000);

const OURS: Entry = {
  id: 'operation',
  paymentId: 'payment',
  kind: 'CHARGE',
  key: 'key',
  reference: 'ch_1',
  amount: 5_000n,
  reversed: 0n,
  held: 0n,
  currency: 'EUR',
  state: 'SUCCEEDED',
  askedAt: NOON,
  changedAt: NOON,
};

const THEIRS: Line = {
  kind: 'CHARGE',
  reference: 'ch_1',
  key: 'key',
  amount: 5_000n,
  currency: 'EUR',
  state: 'SUCCEEDED',
  createdAt: NOON,
};

describe('what is to be said of the two sides of one thing', () => {
  test.each<[string, Partial<Entry> | null, Partial<Line> | null, Verdict]>([
    ['they are the same', {}, {}, 'AGREES'],
    ['another amount was captured', {}, { amount: 4_999n }, 'OTHER_AMOUNT'],
    ['a part was captured, and here more', { amount: 2_000n }, { amount: 5_000n }, 'OTHER_AMOUNT'],
    ['a part was captured on both sides', { amount: 2_000n }, { amount: 2_000n }, 'AGREES'],
    ['another amount is held', { state: 'AUTHORIZED' }, { state: 'AUTHORIZED', amount: 1n }, 'OTHER_AMOUNT'],
    ['it is in another currency', {}, { currency: 'USD', amount: 1n, state: 'FAILED' }, 'OTHER_CURRENCY'],
    ['it is held, and taken here', {}, { state: 'AUTHORIZED' }, 'OTHER_STATE'],
    ['it is taken, and held here', { state: 'AUTHORIZED' }, {}, 'OTHER_STATE'],
    ['it was let go, and is held here', { state: 'AUTHORIZED' }, { state: 'CANCELED' }, 'OTHER_STATE'],
    ['it was voided on both sides', { state: 'CANCELED' }, { state: 'CANCELED' }, 'AGREES'],
    ['it failed, and was called off here', { state: 'CANCELED' }, { state: 'FAILED', amount: 1n }, 'AGREES'],
    ['it failed, and succeeded here', {}, { state: 'FAILED' }, 'OTHER_STATE'],
    ['it succeeded, and failed here', { state: 'FAILED' }, {}, 'OTHER_STATE'],
    ['it is awaited, and succeeded here', {}, { state: 'PENDING' }, 'OTHER_STATE'],
    ['it is awaited, and was given up here', { state: 'FAILED' }, { state: 'PENDING' }, 'OTHER_STATE'],
    ['it is awaited on both sides', { state: 'PENDING' }, { state: 'PENDING' }, 'AGREES'],
    ['its result is there, and awaited here', { state: 'PENDING' }, {}, 'OTHER_STATE'],
    ['it was never heard of, and is there', { state: 'UNKNOWN' }, {}, 'OTHER_STATE'],
    ['it was never heard of, and failed there', { state: 'UNKNOWN' }, { state: 'FAILED' }, 'OTHER_STATE'],
    ['it was never heard of, and is awaited there', { state: 'UNKNOWN' }, { state: 'PENDING' }, 'UNDER_WAY'],
    ['it was taken back, and stays on their books', { reversed: 5_000n }, {}, 'AGREES'],
    ['it was taken back, and is off their books', { reversed: 5_000n }, { state: 'FAILED', amount: 0n }, 'AGREES'],
    ['it was taken back in part', { reversed: 2_000n }, { amount: 3_000n }, 'AGREES'],
    ['another part was taken back', { reversed: 2_000n }, { amount: 2_000n }, 'OTHER_AMOUNT'],
    ['a part was taken back, and there all', { reversed: 2_000n }, { state: 'FAILED' }, 'OTHER_STATE'],
    ['they do not have it', {}, null, 'MISSING_THERE'],
    ['they do not hold it', { state: 'AUTHORIZED' }, null, 'MISSING_THERE'],
    ['they do not have what was declined', { state: 'FAILED' }, null, 'AGREES'],
    ['they do not have what was called off', { state: 'CANCELED' }, null, 'AGREES'],
    [
      'all was taken back, and the rest is held',
      { reversed: 5_000n, held: 9_000n },
      { state: 'AUTHORIZED', amount: 9_000n },
      'AGREES',
    ],
    [
      'all was taken back, and nothing is held there',
      { reversed: 5_000n, held: 9_000n },
      { state: 'CANCELED' },
      'OTHER_STATE',
    ],
    ['they do not have what was taken back', { reversed: 5_000n }, null, 'AGREES'],
    ['they do not have what is awaited', { state: 'PENDING' }, null, 'UNDER_WAY'],
    ['they do not have what nobody heard of', { state: 'UNKNOWN' }, null, 'UNDER_WAY'],
    ['we do not have it', null, {}, 'MISSING_HERE'],
    ['we do not have it, and it came to nothing', null, { state: 'FAILED' }, 'MISSING_HERE'],
    ['we have not asked for it', null, { key: null }, 'STRANGER'],
    ['nobody has it', null, null, 'AGREES'],
  ])('%s', (_, ours, theirs, verdict) => {
    expect(judge(ours ? { ...OURS, ...ours } : undefined, theirs ? { ...THEIRS, ...theirs } : undefined, AS_OF)).toBe(
      verdict,
    );
  });

  test('what we changed minutes before is under way, unless it agrees', () => {
    const fresh = { ...OURS, changedAt: new Date(AS_OF.getTime() - GRACE_MS + 1) };
    const old = { ...OURS, changedAt: new Date(AS_OF.getTime() - GRACE_MS) };
    for (const [theirs, verdict] of [
      [{ ...THEIRS, amount: 1n }, 'OTHER_AMOUNT'],
      [{ ...THEIRS, currency: 'USD' }, 'OTHER_CURRENCY'],
      [{ ...THEIRS, state: 'PENDING' }, 'OTHER_STATE'],
      [undefined, 'MISSING_THERE'],
    ] as const) {
      expect([judge(fresh, theirs, AS_OF), judge(old, theirs, AS_OF)]).toEqual(['UNDER_WAY', verdict]);
    }
    expect(judge(fresh, THEIRS, AS_OF)).toBe('AGREES');
  });
});

const at = (ms: number): Date => new Date(MIDNIGHT + ms);

const compare = (lines: readonly Line[], entries: readonly Entry[], stretch = DAY) => {
  const comparison = new Comparison({ ...stretch, asOf: AS_OF });
  const differences = [...comparison.takeLines(lines, entries), ...comparison.takeEntries(entries)];
  return { counts: comparison.counts, kinds: differences.map(({ kind }) => kind), differences };
};

describe('a comparison of a stretch of time', () => {
  test('what was asked before midnight and booked after it belongs to the day of the booking', () => {
    const ours = { ...OURS, askedAt: at(-1) };
    const theirs = { ...THEIRS, createdAt: at(1), amount: 1n };
    const before = { from: at(-DAY_MS), until: at(0) };
    expect(compare([theirs], [ours], before)).toMatchObject({ kinds: [], counts: { agreeing: 0, differing: 0 } });
    expect(compare([theirs], [ours])).toMatchObject({ kinds: ['OTHER_AMOUNT'] });
  });

  test('what was asked after midnight, and booked before it by a clock that is late, belongs to the day before', () => {
    const ours = { ...OURS, askedAt: at(1) };
    const theirs = { ...THEIRS, createdAt: at(-1), amount: 1n };
    expect(compare([theirs], [ours]).kinds).toEqual([]);
    expect(compare([theirs], [ours], { from: at(-DAY_MS), until: at(0) }).kinds).toEqual(['OTHER_AMOUNT']);
  });

  test('what they have of the margin only is not reported', () => {
    expect(compare([{ ...THEIRS, createdAt: at(-1) }], []).kinds).toEqual([]);
    expect(compare([{ ...THEIRS, createdAt: at(DAY_MS) }], []).kinds).toEqual([]);
    expect(compare([{ ...THEIRS, createdAt: at(DAY_MS - 1) }], []).kinds).toEqual(['MISSING_HERE']);
  });

  test('what has no key of ours is found by its reference', () => {
    expect(compare([{ ...THEIRS, key: null }], [OURS])).toMatchObject({ kinds: [], counts: { agreeing: 1 } });
  });

  test('what nobody here has asked for is counted, and is no difference', () => {
    expect(compare([{ ...THEIRS, key: null }], [])).toMatchObject({ kinds: [], counts: { strangers: 1 } });
  });

  test('a refund is not taken for the charge with its key', () => {
    expect(compare([{ ...THEIRS, kind: 'REFUND' }], [OURS]).kinds).toEqual(['MISSING_HERE', 'MISSING_THERE']);
  });

  test.each([{ reference: 'ch_1' }, { reference: null }])('what they did twice is missing here once: %j', (known) => {
    const ours = { ...OURS, ...known };
    const { differences } = compare([THEIRS, { ...THEIRS, reference: 'ch_2' }], [ours]);
    expect(differences).toMatchObject([
      { kind: 'MISSING_HERE', ours: null, theirs: { reference: 'ch_2' }, again: ours },
    ]);
  });
});

const STATES = ['SUCCEEDED', 'AUTHORIZED', 'PENDING', 'FAILED', 'CANCELED'] as const;
const NOTHING: readonly string[] = ['FAILED', 'CANCELED'];

/** Something that was asked for, and when the processor booked it, by its own clock. */
const happening = fc.record({
  kind: fc.constantFrom('CHARGE', 'REFUND'),
  atMs: fc.integer({ min: 0, max: DAY_MS - 1 }),
  skewMs: fc.integer({ min: -MARGIN_MS, max: MARGIN_MS }),
  amount: fc.bigInt({ min: 1n, max: 10_000n }),
  currency: fc.constantFrom('EUR', 'JPY'),
  state: fc.constantFrom(...STATES),
  isKeyed: fc.boolean(),
  isBooked: fc.boolean(),
});

/** A day on both sides of a processor that is honest. */
const day = fc.array(happening, { maxLength: 30 }).map((happenings) =>
  happenings.map(({ kind, atMs, skewMs, amount, currency, state, isKeyed, isBooked }, index) => {
    const own = { kind, key: `key ${index}`, amount, currency, state } as const;
    const reference = `ref ${index}`;
    const changedAt = at(atMs);
    const ours: Entry = {
      ...own,
      id: `${index}`,
      paymentId: '',
      reference,
      reversed: 0n,
      held: 0n,
      askedAt: at(atMs),
      changedAt,
    };
    const theirs: Line = { ...own, reference, key: isKeyed ? own.key : null, createdAt: at(atMs + skewMs) };
    // What came to nothing need not be on anyone's books.
    return { ours, theirs: isBooked || !NOTHING.includes(state) ? theirs : undefined };
  }),
);
type Pair = { readonly ours: Entry | undefined; readonly theirs: Line | undefined };

/** From far before the day to far after it, in parts, and the lines in pages of any order. */
const reading = fc.record({
  cuts: fc.array(fc.integer({ min: 0, max: DAY_MS }), { maxLength: 4 }),
  page: fc.integer({ min: 1, max: 10 }),
  isNewestFirst: fc.boolean(),
});

function compareInParts(
  pairs: readonly Pair[],
  { cuts, page, isNewestFirst }: { cuts: number[]; page: number; isNewestFirst: boolean },
) {
  const entries = pairs.flatMap(({ ours }) => ours ?? []);
  const booked = pairs.flatMap(({ theirs }) => theirs ?? []);
  const lines = isNewestFirst ? booked.toReversed() : booked;
  const ends = [...new Set(cuts)].toSorted((a, b) => a - b);
  const bounds = [-DAY_MS, ...ends, 2 * DAY_MS].map(at);
  const differences: Difference[] = [];
  let said = 0;
  for (const [index, from] of bounds.slice(0, -1).entries()) {
    const until = bounds[index + 1] ?? from;
    const comparison = new Comparison({ from, until, asOf: new Date(MIDNIGHT + 3 * DAY_MS) });
    const read = lines.filter(
      ({ createdAt }) =>
        createdAt >= new Date(from.getTime() - MARGIN_MS) && createdAt < new Date(until.getTime() + MARGIN_MS),
    );
    for (let start = 0; start < read.length; start += page) {
      differences.push(...comparison.takeLines(read.slice(start, start + page), entries));
    }
    differences.push(...comparison.takeEntries(entries));
    const { agreeing, differing, underWay, strangers } = comparison.counts;
    said += agreeing + differing + underWay + strangers;
  }
  return { differences, said };
}

test('an honest processor differs in nothing, however its day is cut into parts and pages', () => {
  fc.assert(
    fc.property(day, reading, (pairs, how) => {
      const { differences, said } = compareInParts(pairs, how);
      expect(differences).toEqual([]);
      // What is awaited was spoken of as well: each thing once.
      expect(said).toBe(pairs.length);
    }),
  );
});

type Plant = (pair: { ours: Entry; theirs: Line }) => [Pair, Difference['kind'] | undefined];

const PLANTS: Readonly<Record<string, Plant>> = {
  'a line is gone': ({ ours, theirs }) => [
    { ours, theirs: undefined },
    theirs.state === 'SUCCEEDED' || theirs.state === 'AUTHORIZED' ? 'MISSING_THERE' : undefined,
  ],
  'a row is gone': ({ theirs }) => [{ ours: undefined, theirs }, theirs.key === null ? undefined : 'MISSING_HERE'],
  'another amount': ({ ours, theirs }) => [
    { ours, theirs: { ...theirs, amount: theirs.amount + 1n } },
    NOTHING.includes(theirs.state) ? undefined : 'OTHER_AMOUNT',
  ],
  'another currency': ({ ours, theirs }) => [{ ours, theirs: { ...theirs, currency: 'USD' } }, 'OTHER_CURRENCY'],
  'another state': ({ ours, theirs }) => [
    { ours, theirs: { ...theirs, state: theirs.state === 'SUCCEEDED' ? 'FAILED' : 'SUCCEEDED' } },
    'OTHER_STATE',
  ],
};

test.each(Object.entries(PLANTS))('of an honest day in which %s, that alone is found, and once', (_, plant) => {
  fc.assert(
    fc.property(day, reading, fc.nat(), (pairs, how, which) => {
      const index = pairs.length === 0 ? -1 : which % pairs.length;
      const chosen = pairs[index];
      fc.pre(chosen?.theirs !== undefined);
      const { ours, theirs } = chosen;
      if (theirs === undefined) return;
      const [planted, kind] = plant({ ours, theirs });
      const { differences } = compareInParts((pairs as readonly Pair[]).with(index, planted), how);
      expect(differences.map((each) => each.kind)).toEqual(kind === undefined ? [] : [kind]);
    }),
  );
});

test('every pair of sides is given a verdict', () => {
  const amount = fc.bigInt({ min: 0n, max: 3n });
  const ours = fc.record({
    state: fc.constantFrom(...STATES, 'UNKNOWN' as const),
    amount,
    reversed: amount,
    held: amount,
  });
  const theirs = fc.record({ state: fc.constantFrom(...STATES), amount });
  fc.assert(
    fc.property(fc.option(ours), fc.option(theirs), (left, right) => {
      const verdict = judge(
        left ? { ...OURS, ...left } : undefined,
        right ? { ...THEIRS, ...right } : undefined,
        AS_OF,
      );
      if (left !== null && right !== null) expect(verdict).not.toMatch(/MISSING|STRANGER/);
      else expect(verdict).not.toMatch(/OTHER/);
    }),
  );
});
