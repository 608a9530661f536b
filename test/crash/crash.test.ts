import { beforeAll, describe, expect, test } from 'vitest';
import { CRASH_POINTS, type CrashPoint } from '../harness/crash-points.ts';
import { crashAt, type Crash } from './crash.ts';
import { KINDS } from './kinds.ts';

/** Where the call counts as made and nobody knows its answer. */
const IN_DOUBT: readonly CrashPoint[] = ['begun', 'called', 'acted', 'concluded_uncommitted'];
/** Where the processor had not acted then. */
const UNEXECUTED: readonly CrashPoint[] = ['begun', 'called'];

/** What the crash leaves of the operation: this is how one sees that it came exactly there. */
const LEAVES: Readonly<Record<CrashPoint, RegExp>> = {
  plan_uncommitted: /^(nothing|UNKNOWN)$/,
  plan_committed: /^PLANNED$/,
  // Of a retry, what is left is the attempt before it: it was declined by nobody.
  begun_uncommitted: /^(nothing|PLANNED|COMPLETED)$/,
  begun: /^DISPATCHED$/,
  called: /^DISPATCHED$/,
  acted: /^DISPATCHED, booked$/,
  concluded_uncommitted: /^DISPATCHED, booked$/,
  concluded: /^(COMPLETED|PENDING), booked$/,
};

describe.each(Object.keys(CRASH_POINTS) as CrashPoint[])('a gateway is killed, %s', (at) => {
  let crash: Crash;
  beforeAll(async () => {
    crash = await crashAt(at);
  });
  const kinds = Object.entries(KINDS).filter(([, { points }]) => points.includes(at));

  test.each(kinds)('%s', (name, kind) => {
    const recovered = crash.recovered.get(name);
    if (recovered === undefined) throw new Error('it was not there');
    expect(recovered.left ?? 'nothing').toMatch(LEAVES[at]);
    const isUnexecuted = kind.unexecuted !== undefined && UNEXECUTED.includes(at);
    const expected = isUnexecuted ? kind.unexecuted : kind.done;
    expect(recovered.settled).toEqual(expected);
    expect({ account: recovered.later, open: recovered.open }).toEqual({ account: expected, open: [] });
    expect(recovered.again).toMatchObject({ kind: 'answered', replayed: true });

    const { early } = recovered;
    if (kind.keyed && IN_DOUBT.includes(at)) expect(early).toEqual({ kind: 'in progress' });
    else if (kind.byClient) {
      const isFirst = at === 'begun_uncommitted';
      expect(early).toEqual({ ...recovered.again, replayed: !isFirst });
    }
    if (isUnexecuted) {
      const operations = [...expected.operations, 'CHARGE COMPLETED'];
      expect(recovered.reprocessed).toMatchObject({ status: kind.done.status, charges: kind.done.charges, operations });
    }
  });

  test('nothing contradicts anything', () => {
    expect(crash.contradictions).toEqual([]);
  });
});
