import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  allowedChanges,
  capturable,
  isEnding,
  PAYMENT_STATUSES,
  refundable,
  type Change,
  type ChangeType,
  type Illegal,
  type Lifecycle,
  type PaymentStatus,
} from '../../src/domain/lifecycle.ts';
import { transition } from '../../src/domain/transition.ts';
import { CREATED } from './created.ts';

/** Which changes may follow which, and what holds whatever follows. transition.test.ts: what each change makes. */

const CHANGE_TYPES = [
  'SCHEDULED',
  'UNSCHEDULED',
  'ATTEMPT_STARTED',
  'ACTION_REQUIRED',
  'ACTION_COMPLETED',
  'AUTHORIZED',
  'CHARGED',
  'ATTEMPT_FAILED',
  'RETRY_CALLED_OFF',
  'CAPTURE_STARTED',
  'CAPTURE_ACCEPTED',
  'CAPTURE_SUCCEEDED',
  'CAPTURE_FAILED',
  'CAPTURE_REVERSED',
  'CANCEL_REQUESTED',
  'CANCEL_REFUSED',
  'CANCELED',
  'EXPIRY_REQUESTED',
  'EXPIRY_REFUSED',
  'EXPIRED',
  'REFUND_STARTED',
  'REFUND_SUCCEEDED',
  'REFUND_FAILED',
  'REFUND_RETURNED',
] as const satisfies readonly ChangeType[];

/**
 * Every status and every change, written by hand: x where the change can happen. The columns are the changes in the
 * order of CHANGE_TYPES: its date (set, taken back), attempts (started, action required, action completed, authorised,
 * charged, failed, retry called off), captures (started, accepted, succeeded, failed, reversed), cancelling (requested,
 * refused, done), expiring (requested, refused, done), refunds (started, succeeded, failed, returned).
 */
const LEGAL: Readonly<Record<PaymentStatus, string>> = {
  //                date  attempts        captures    cancel  expire  refunds
  CREATED: '        x .   x . . . . . .   . . . . .   . . x   . . x   . . . .',
  SCHEDULED: '      . x   x . . . . . .   . . . . .   . . x   . . .   . . . .',
  // An expiry is asked for before or after, never here; but the wish may have come along from REQUIRES_ACTION.
  PROCESSING: '     . .   . x . x x x .   . . . . .   x x x   . x x   . . . .',
  REQUIRES_ACTION: '. .   . . x x x x .   . . . . .   x x x   x x x   . . . .',
  AUTHORIZED: '     . .   . . . . . . .   x x x x x   x x x   x x x   x x x x',
  CAPTURED: '       . .   . . . . . . .   . . x x x   . . .   . . .   x x x x',
  SUCCEEDED: '      . .   . . . . . . .   . . . . x   . . .   . . .   x x x x',
  // The late success of an earlier attempt is adopted.
  RETRY_SCHEDULED: '. .   x . . x x . x   . . . . .   . . x   . . .   . . . .',
  FAILED: '         . .   x . . x x . .   . . . . .   . . x   . . x   . . . .',
  CANCELED: '       . .   . . . . . . .   . . . . .   . . .   . . .   . . . .',
  EXPIRED: '        . .   . . . . . . .   . . . . .   . . .   . . .   . . . .',
};

/** From which status a payment gets into which others, as it was designed. Amounts may change in between. */
const LEADS_TO: Readonly<Record<PaymentStatus, readonly PaymentStatus[]>> = {
  CREATED: ['SCHEDULED', 'PROCESSING', 'CANCELED', 'EXPIRED'],
  SCHEDULED: ['PROCESSING', 'CREATED', 'CANCELED'],
  PROCESSING: ['REQUIRES_ACTION', 'AUTHORIZED', 'CAPTURED', 'SUCCEEDED', 'RETRY_SCHEDULED', 'FAILED', 'CANCELED'],
  REQUIRES_ACTION: ['PROCESSING', 'AUTHORIZED', 'CAPTURED', 'SUCCEEDED', 'EXPIRED', 'CANCELED', 'FAILED'],
  AUTHORIZED: ['CAPTURED', 'SUCCEEDED', 'CANCELED', 'EXPIRED'],
  CAPTURED: ['SUCCEEDED', 'FAILED'],
  RETRY_SCHEDULED: ['PROCESSING', 'CANCELED', 'FAILED', 'SUCCEEDED'],
  FAILED: ['PROCESSING', 'CANCELED', 'EXPIRED', 'SUCCEEDED'],
  SUCCEEDED: [],
  CANCELED: [],
  EXPIRED: [],
};

/** The ways that the design did not foresee. */
const ALSO_LEADS_TO: Readonly<Partial<Record<PaymentStatus, readonly PaymentStatus[]>>> = {
  // An expiry that was asked for in REQUIRES_ACTION, and a payer who did their part before the void.
  PROCESSING: ['EXPIRED'],
  // A late success is of three kinds, by how the payment is captured and whether that is confirmed.
  RETRY_SCHEDULED: ['AUTHORIZED', 'CAPTURED'],
  FAILED: ['AUTHORIZED', 'CAPTURED'],
};

const FINAL: readonly PaymentStatus[] = ['SUCCEEDED', 'CANCELED', 'EXPIRED'];

/** Amounts with which every change that the status allows is possible, so that only the status can forbid one. */
const PARTLY_CAPTURED = { amountAuthorized: 100n, amountCaptured: 30n, amountRefunding: 10n, amountRefunded: 10n };
const AMOUNTS: Readonly<Partial<Record<PaymentStatus, Partial<Lifecycle>>>> = {
  AUTHORIZED: PARTLY_CAPTURED,
  CAPTURED: { ...PARTLY_CAPTURED, amountCapturing: 10n },
  SUCCEEDED: { ...PARTLY_CAPTURED, amountCaptured: 100n },
};

function changeOf(type: ChangeType, amount: bigint, flag: boolean): Change {
  switch (type) {
    case 'AUTHORIZED':
    case 'CAPTURE_STARTED':
    case 'CAPTURE_FAILED':
    case 'CAPTURE_REVERSED':
    case 'REFUND_STARTED':
    case 'REFUND_SUCCEEDED':
    case 'REFUND_FAILED':
    case 'REFUND_RETURNED':
      return { type, amount };
    case 'CHARGED':
      return { type, amount, confirmed: flag };
    case 'ATTEMPT_FAILED':
      return { type, retry: flag };
    case 'CAPTURE_ACCEPTED':
      return { type, final: flag };
    case 'CAPTURE_SUCCEEDED':
      return { type, amount, final: flag };
    default:
      return { type };
  }
}

function isIllegal(result: Lifecycle | Illegal): result is Illegal {
  return 'illegal' in result;
}

describe('the table', () => {
  const cells = PAYMENT_STATUSES.flatMap((status) =>
    LEGAL[status]
      .trim()
      .split(/\s+/)
      .map((mark, index) => ({ status, type: CHANGE_TYPES[index], legal: mark === 'x' })),
  );

  test('has a cell for every status and every change', () => {
    expect(cells.length).toBe(PAYMENT_STATUSES.length * CHANGE_TYPES.length);
    const known = new Set(PAYMENT_STATUSES.flatMap(allowedChanges));
    expect([...known].toSorted()).toEqual([...CHANGE_TYPES].toSorted());
  });

  test.for(cells)('$type in $status: $legal', ({ status, type, legal }) => {
    if (type === undefined) throw new Error(`the row of ${status} is too long`);
    const payment = { ...CREATED, status, ...AMOUNTS[status] };
    // A capture that is answered is under way; nothing else may be then.
    const isAnswer = type === 'CAPTURE_ACCEPTED' || type === 'CAPTURE_SUCCEEDED' || type === 'CAPTURE_FAILED';
    if (status === 'AUTHORIZED' && isAnswer) payment.amountCapturing = 10n;
    const result = transition(payment, changeOf(type, 10n, true));
    expect(isIllegal(result) ? result : 'legal').toEqual(legal ? 'legal' : { illegal: 'STATUS' });
    expect(allowedChanges(status).includes(type)).toBe(legal);
  });
});

interface Step {
  readonly from: Lifecycle;
  readonly change: Change;
  readonly to: Lifecycle;
}

/** The steps out of a payment: what can be asked of it, and the answers to what is under way. */
function stepsFrom(from: Lifecycle, amounts: readonly bigint[]): Step[] {
  return CHANGE_TYPES.flatMap((type) => variantsOf(type, amounts))
    .filter((change) => isAsked(from, change))
    .flatMap((change) => {
      const to = transition(from, change);
      return isIllegal(to) ? [] : [{ from, change, to }];
    });
}

/** A type of change with each of the amounts and both values of its flag, as far as it has them. */
function variantsOf(type: ChangeType, amounts: readonly bigint[]): Change[] {
  const all = amounts.flatMap((amount) => [changeOf(type, amount, true), changeOf(type, amount, false)]);
  return [...new Map(all.map((change) => [Object.values(change).join(' '), change])).values()];
}

/** Nobody answers what was never asked, and nobody takes back what was never taken. */
function isAsked(payment: Lifecycle, change: Change): boolean {
  switch (change.type) {
    case 'CAPTURE_ACCEPTED':
      return payment.amountCapturing > 0n;
    case 'CAPTURE_SUCCEEDED':
    case 'CAPTURE_FAILED':
      return payment.amountCapturing === change.amount;
    case 'CAPTURE_REVERSED':
      return payment.amountCaptured - payment.amountReversed >= change.amount;
    case 'CANCEL_REFUSED':
      return payment.cancelRequested;
    case 'EXPIRY_REFUSED':
      return payment.expiryRequested;
    case 'REFUND_SUCCEEDED':
    case 'REFUND_FAILED':
      return payment.amountRefunding >= change.amount;
    case 'REFUND_RETURNED':
      return payment.amountRefunded >= change.amount;
    default:
      return true;
  }
}

function keyOf(payment: Lifecycle): string {
  return Object.values(payment).join(' ');
}

/** Every payment that any sequence of changes makes of one over two minor units: few enough to look at each. */
function explore(): { payments: Lifecycle[]; steps: Step[] } {
  const start = { ...CREATED, amount: 2n };
  const payments = new Map([[keyOf(start), start]]);
  const steps: Step[] = [];
  for (const from of payments.values()) {
    for (const step of stepsFrom(from, [1n, 2n])) {
      steps.push(step);
      if (!payments.has(keyOf(step.to))) payments.set(keyOf(step.to), step.to);
    }
  }
  return { payments: [...payments.values()], steps };
}

describe('every payment that there can be', () => {
  const { payments, steps } = explore();

  test.for(PAYMENT_STATUSES)('from %s there are the ways that the lifecycle has, and no others', (status) => {
    const found = new Set(steps.filter(({ from }) => from.status === status).map(({ to }) => to.status));
    found.delete(status);
    const known = [...LEADS_TO[status], ...(ALSO_LEADS_TO[status] ?? [])];
    expect([...found].toSorted()).toEqual(known.toSorted());
  });

  test('every status is reached', () => {
    const reached = new Set(payments.map(({ status }) => status));
    expect(PAYMENT_STATUSES.filter((status) => !reached.has(status))).toEqual([]);
  });

  test('each can still end', () => {
    const before = Map.groupBy(steps, ({ to }) => keyOf(to));
    const ending = new Set(payments.filter(({ status }) => FINAL.includes(status)).map(keyOf));
    for (const end of ending) for (const { from } of before.get(end) ?? []) ending.add(keyOf(from));
    expect(payments.filter((payment) => !ending.has(keyOf(payment)))).toEqual([]);
  });

  test('what has ended stays as it ended, but for refunds and reversals', () => {
    const later = steps.filter(({ from }) => FINAL.includes(from.status));
    expect(later.filter(({ from, to }) => to.status !== from.status)).toEqual([]);
    const kinds = ['CAPTURE_REVERSED', 'REFUND_STARTED', 'REFUND_SUCCEEDED', 'REFUND_FAILED', 'REFUND_RETURNED'];
    expect(new Set(later.map(({ change }) => change.type))).toEqual(new Set(kinds));
    expect(new Set(later.map(({ from }) => from.status))).toEqual(new Set(['SUCCEEDED']));
  });

  test('none that has taken money, or given it back, is charged again', () => {
    const charging: readonly PaymentStatus[] = ['PROCESSING', 'REQUIRES_ACTION', 'RETRY_SCHEDULED', 'FAILED'];
    const taken = payments.filter(({ amountCaptured, refundStatus }) => amountCaptured > 0n || refundStatus !== 'NONE');
    expect(taken.filter(({ status }) => charging.includes(status))).toEqual([]);
  });
});

/** What must hold of the amounts of every payment at every moment, written down a second time. */
function brokenSums(payment: Lifecycle): string[] {
  const { amount, amountAuthorized, amountCapturing, amountCaptured, amountReleased } = payment;
  const rules = {
    'nothing is negative': Object.values(payment).every((value) => typeof value !== 'bigint' || value >= 0n),
    'no more is authorised than the payment is over': amountAuthorized <= amount,
    'no more is captured or released than was authorised':
      amountCaptured + amountCapturing + amountReleased <= amountAuthorized,
    'no more is taken back than was captured': payment.amountReversed <= amountCaptured,
    'no more is refunded than was captured': payment.amountRefunded + payment.amountRefunding <= amountCaptured,
    'an end is asked only of a processor that may have something':
      !(payment.cancelRequested || payment.expiryRequested) ||
      ['PROCESSING', 'REQUIRES_ACTION', 'AUTHORIZED'].includes(payment.status),
    'what is left to capture or refund is not negative': capturable(payment) >= 0n && refundable(payment) >= 0n,
  };
  return broken(rules);
}

/** What the amounts say of the status and the other way round, as long as only what was asked is answered. */
function brokenStates(payment: Lifecycle): string[] {
  const { status, refundStatus, amountAuthorized, amountCapturing, amountCaptured, amountReleased } = payment;
  const { amountRefunding, amountRefunded } = payment;
  const open = amountAuthorized - amountCaptured - amountReleased;
  const rules = {
    'money is held only where it is authorised': open === 0n || status === 'AUTHORIZED' || status === 'CAPTURED',
    'money was taken only where it may stay':
      amountCaptured === 0n || ['AUTHORIZED', 'CAPTURED', 'SUCCEEDED'].includes(status),
    'what has succeeded has taken money': status !== 'SUCCEEDED' || amountCaptured > 0n,
    'CAPTURED waits for a capture': status !== 'CAPTURED' || amountCapturing > 0n,
    'a capture and an end are not under way at once': amountCapturing === 0n || !isEnding(payment),
    'PENDING has a refund under way': (refundStatus === 'PENDING') === amountRefunding > 0n,
    'REFUNDED is all of it': refundStatus !== 'REFUNDED' || amountRefunded === amountCaptured,
    'PARTIALLY_REFUNDED is a part of it':
      refundStatus !== 'PARTIALLY_REFUNDED' || (amountRefunded > 0n && amountRefunded < amountCaptured),
    'NONE and FAILED gave nothing back': !['NONE', 'FAILED'].includes(refundStatus) || amountRefunded === 0n,
  };
  return broken(rules);
}

function broken(rules: Readonly<Record<string, boolean>>): string[] {
  return Object.keys(rules).filter((rule) => rules[rule] !== true);
}

/** What becomes of a payment, each number choosing one of the steps that are possible then. */
function course(choices: readonly (readonly [number, bigint])[]): Step[] {
  const steps: Step[] = [];
  for (const [choice, amount] of choices) {
    const current = steps.at(-1)?.to ?? CREATED;
    const { amountCapturing, amountRefunding, amountRefunded } = current;
    const amounts = [amount, amountCapturing, amountRefunding, amountRefunded].filter((each) => each > 0n);
    const possible = stepsFrom(current, amounts);
    const step = possible[choice % possible.length];
    if (step === undefined) break;
    steps.push(step);
  }
  return steps;
}

describe('any sequence of changes', () => {
  const numRuns = 1000;
  const anyCourse = fc.array(fc.tuple(fc.nat(), fc.constantFrom(1n, 7n, 33n, 50n, 100n)), { maxLength: 40 });

  test('keeps the sums sound, and the status in line with them', () => {
    fc.assert(
      fc.property(anyCourse, (choices) => {
        for (const { to } of course(choices)) expect([...brokenSums(to), ...brokenStates(to)]).toEqual([]);
      }),
      { numRuns },
    );
  });

  test('ends for good: afterwards money only goes back', () => {
    fc.assert(
      fc.property(anyCourse, (choices) => {
        for (const { from, to } of course(choices)) {
          if (!FINAL.includes(from.status)) continue;
          const { refundStatus, amountRefunding, amountRefunded, amountReversed } = to;
          expect(to).toEqual({ ...from, refundStatus, amountRefunding, amountRefunded, amountReversed });
        }
      }),
      { numRuns },
    );
  });

  test('takes nothing off what was captured or taken back, and off refunds only what the bank returned', () => {
    fc.assert(
      fc.property(anyCourse, (choices) => {
        for (const { from, change, to } of course(choices)) {
          expect(to.amountCaptured >= from.amountCaptured && to.amountReversed >= from.amountReversed).toBe(true);
          if (change.type !== 'REFUND_RETURNED') expect(to.amountRefunded >= from.amountRefunded).toBe(true);
        }
      }),
      { numRuns },
    );
  });

  test('an answer that nobody can have given is refused or thrown out, or leaves the sums sound', () => {
    const anyChange = fc
      .tuple(fc.constantFrom(...CHANGE_TYPES), fc.bigInt(-5n, 105n), fc.boolean())
      .map(([type, amount, flag]) => changeOf(type, amount, flag));
    fc.assert(
      fc.property(anyCourse, anyChange, (choices, change) => {
        const payment = course(choices).at(-1)?.to ?? CREATED;
        let result: Lifecycle | Illegal;
        try {
          result = transition(payment, change);
        } catch (error) {
          expect(String(error)).toMatch('do not add up');
          return;
        }
        expect(isIllegal(result) ? [] : brokenSums(result)).toEqual([]);
      }),
      { numRuns },
    );
  });
});
