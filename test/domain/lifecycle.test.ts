import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  allowedChanges,
  capturable,
  PAYMENT_STATUSES,
  refundable,
  transition,
  type Change,
  type ChangeType,
  type Illegal,
  type Lifecycle,
  type PaymentStatus,
} from '../../src/domain/lifecycle.ts';

const AMOUNT = 100n;

const CREATED: Lifecycle = {
  status: 'CREATED',
  refundStatus: 'NONE',
  amount: AMOUNT,
  amountAuthorized: 0n,
  amountCapturing: 0n,
  amountCaptured: 0n,
  amountReleased: 0n,
  amountRefunding: 0n,
  amountRefunded: 0n,
  cancelRequested: false,
};

const CHANGE_TYPES = [
  'ATTEMPT_STARTED',
  'ACTION_REQUIRED',
  'AUTHORIZED',
  'CHARGED',
  'ATTEMPT_FAILED',
  'CAPTURE_STARTED',
  'CAPTURE_ACCEPTED',
  'CAPTURE_SUCCEEDED',
  'CAPTURE_FAILED',
  'CANCEL_REQUESTED',
  'CANCEL_REFUSED',
  'CANCELED',
  'REFUND_STARTED',
  'REFUND_SUCCEEDED',
  'REFUND_FAILED',
  'REFUND_RETURNED',
] as const satisfies readonly ChangeType[];

/**
 * Every status and every change, written by hand: x where the change can happen. The columns are the changes in
 * the order of CHANGE_TYPES: attempts (started, action required, authorised, charged, failed), captures (started,
 * accepted, succeeded, failed), cancelling (requested, refused, done), refunds (started, succeeded, failed, returned).
 */
const LEGAL: Readonly<Record<PaymentStatus, string>> = {
  //               attempts    captures  cancelling refunds
  CREATED: '        x . . . .   . . . .   . . x     . . . .',
  SCHEDULED: '      x . . . .   . . . .   . . x     . . . .',
  PROCESSING: '     . x x x x   . . . .   x x x     . . . .',
  REQUIRES_ACTION: '. . x x x   . . . .   x x x     . . . .',
  AUTHORIZED: '     . . . . .   x x x x   x x x     x x x x',
  CAPTURED: '       . . . . .   . . x x   . x .     x x x x',
  SUCCEEDED: '      . . . . .   . . . .   . x .     x x x x',
  // The late success of an earlier attempt is adopted, and its failure ends what is left.
  RETRY_SCHEDULED: 'x . x x x   . . . .   . . x     . . . .',
  FAILED: '         x . x x .   . . . .   . x x     . . . .',
  CANCELED: '       . . . . .   . . . .   . . .     . . . .',
  EXPIRED: '        . . . . .   . . . .   . x .     . . . .',
};

/** From which status a payment gets into which others, as ARCHITECTURE.md has it. Amounts may change in between. */
const LEADS_TO: Readonly<Record<PaymentStatus, readonly PaymentStatus[]>> = {
  CREATED: ['SCHEDULED', 'PROCESSING', 'CANCELED', 'EXPIRED'],
  SCHEDULED: ['PROCESSING', 'CREATED', 'CANCELED'],
  PROCESSING: ['REQUIRES_ACTION', 'AUTHORIZED', 'CAPTURED', 'SUCCEEDED', 'RETRY_SCHEDULED', 'FAILED', 'CANCELED'],
  REQUIRES_ACTION: ['PROCESSING', 'AUTHORIZED', 'CAPTURED', 'SUCCEEDED', 'EXPIRED', 'CANCELED', 'FAILED'],
  AUTHORIZED: ['CAPTURED', 'SUCCEEDED', 'CANCELED', 'EXPIRED'],
  CAPTURED: ['SUCCEEDED', 'FAILED'],
  // A late success is one of these three, by how the payment is captured.
  RETRY_SCHEDULED: ['PROCESSING', 'CANCELED', 'FAILED', 'AUTHORIZED', 'CAPTURED', 'SUCCEEDED'],
  FAILED: ['PROCESSING', 'CANCELED', 'EXPIRED', 'AUTHORIZED', 'CAPTURED', 'SUCCEEDED'],
  SUCCEEDED: [],
  CANCELED: [],
  EXPIRED: [],
};

const FINAL: readonly PaymentStatus[] = ['SUCCEEDED', 'CANCELED', 'EXPIRED'];

/** No change leads there yet. One that does makes a test below fail: take it out here then. */
const NOT_YET_REACHABLE: readonly PaymentStatus[] = ['SCHEDULED', 'RETRY_SCHEDULED', 'EXPIRED'];

/** A payment in each status in which every change that its status allows has the amounts that it needs. */
const IN_STATUS: Readonly<Record<PaymentStatus, Lifecycle>> = {
  CREATED,
  SCHEDULED: { ...CREATED, status: 'SCHEDULED' },
  PROCESSING: { ...CREATED, status: 'PROCESSING' },
  REQUIRES_ACTION: { ...CREATED, status: 'REQUIRES_ACTION' },
  AUTHORIZED: {
    ...CREATED,
    status: 'AUTHORIZED',
    refundStatus: 'PENDING',
    amountAuthorized: 100n,
    amountCaptured: 30n,
    amountRefunding: 10n,
    amountRefunded: 10n,
  },
  CAPTURED: {
    ...CREATED,
    status: 'CAPTURED',
    refundStatus: 'PENDING',
    amountAuthorized: 100n,
    amountCaptured: 30n,
    amountCapturing: 10n,
    amountRefunding: 10n,
    amountRefunded: 10n,
  },
  SUCCEEDED: {
    ...CREATED,
    status: 'SUCCEEDED',
    refundStatus: 'PENDING',
    amountAuthorized: 100n,
    amountCaptured: 100n,
    amountRefunding: 10n,
    amountRefunded: 10n,
  },
  RETRY_SCHEDULED: { ...CREATED, status: 'RETRY_SCHEDULED' },
  FAILED: { ...CREATED, status: 'FAILED' },
  CANCELED: { ...CREATED, status: 'CANCELED' },
  EXPIRED: { ...CREATED, status: 'EXPIRED' },
};

function changeOf(type: ChangeType, amount: bigint, flag = true): Change {
  switch (type) {
    case 'AUTHORIZED':
    case 'CAPTURE_STARTED':
    case 'CAPTURE_FAILED':
    case 'REFUND_STARTED':
    case 'REFUND_SUCCEEDED':
    case 'REFUND_FAILED':
    case 'REFUND_RETURNED':
      return { type, amount };
    case 'CHARGED':
      return { type, amount, confirmed: flag };
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

/** The payment after changes that have to be legal. */
function after(payment: Lifecycle, ...changes: readonly Change[]): Lifecycle {
  return changes.reduce((current, change) => {
    const next = transition(current, change);
    if (isIllegal(next)) throw new Error(`${change.type} is illegal (${next.illegal}) in ${current.status}`);
    return next;
  }, payment);
}

const STARTED: Change = { type: 'ATTEMPT_STARTED' };
const AUTHORIZED: Change = { type: 'AUTHORIZED', amount: AMOUNT };
const capture = (amount: bigint): Change => ({ type: 'CAPTURE_STARTED', amount });
const captureSucceeded = (amount: bigint, final = false): Change => ({ type: 'CAPTURE_SUCCEEDED', amount, final });
const captureAccepted = (final: boolean): Change => ({ type: 'CAPTURE_ACCEPTED', final });
const captureFailed = (amount: bigint): Change => ({ type: 'CAPTURE_FAILED', amount });
const refund = (amount: bigint): Change => ({ type: 'REFUND_STARTED', amount });
const refundSucceeded = (amount: bigint): Change => ({ type: 'REFUND_SUCCEEDED', amount });
const refundFailed = (amount: bigint): Change => ({ type: 'REFUND_FAILED', amount });
const refundReturned = (amount: bigint): Change => ({ type: 'REFUND_RETURNED', amount });

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
    const payment = {
      ...IN_STATUS[status],
      // A capture that is answered is under way; nothing else may be then.
      ...(status === 'AUTHORIZED' &&
        type.startsWith('CAPTURE_') &&
        type !== 'CAPTURE_STARTED' && { amountCapturing: 10n }),
    };
    const result = transition(payment, changeOf(type, 10n));
    expect(isIllegal(result) ? result : 'legal').toEqual(legal ? 'legal' : { illegal: 'STATUS' });
    expect(allowedChanges(status).includes(type)).toBe(legal);
  });
});

/** Every payment that any sequence of changes makes of one over two minor units: few enough to look at each. */
function explore(): { payments: Lifecycle[]; steps: { from: Lifecycle; change: Change; to: Lifecycle }[] } {
  const start = { ...CREATED, amount: 2n };
  const payments = new Map([[keyOf(start), start]]);
  const steps: { from: Lifecycle; change: Change; to: Lifecycle }[] = [];
  for (const from of payments.values()) {
    for (const change of changesThatFit(from)) {
      const to = transition(from, change);
      if (isIllegal(to)) continue;
      steps.push({ from, change, to });
      if (!payments.has(keyOf(to))) payments.set(keyOf(to), to);
    }
  }
  return { payments: [...payments.values()], steps };
}

function keyOf(payment: Lifecycle): string {
  return Object.values(payment).map(String).join(' ');
}

/** The changes that can be asked for, and the answers to what is under way: nobody answers what was never asked. */
function changesThatFit(payment: Lifecycle): Change[] {
  const amounts = Array.from({ length: Number(payment.amount) }, (_, index) => BigInt(index + 1));
  return CHANGE_TYPES.flatMap((type) =>
    amounts.flatMap((amount) => [true, false].map((flag) => changeOf(type, amount, flag))),
  ).filter((change) => fits(payment, change));
}

function fits(payment: Lifecycle, change: Change): boolean {
  switch (change.type) {
    case 'CAPTURE_ACCEPTED':
      return payment.amountCapturing > 0n;
    case 'CAPTURE_SUCCEEDED':
    case 'CAPTURE_FAILED':
      return payment.amountCapturing === change.amount;
    case 'REFUND_SUCCEEDED':
    case 'REFUND_FAILED':
      return payment.amountRefunding >= change.amount;
    case 'REFUND_RETURNED':
      return payment.amountRefunded >= change.amount;
    default:
      return true;
  }
}

function statusesOf(payments: readonly Lifecycle[]): Set<PaymentStatus> {
  return new Set(payments.map(({ status }) => status));
}

describe('every payment that there can be', () => {
  test('no step leads where the lifecycle has no way', () => {
    const wrong = explore().steps.filter(
      ({ from, to }) => from.status !== to.status && !LEADS_TO[from.status].includes(to.status),
    );
    expect(new Set(wrong.map(({ from, change, to }) => `${from.status} ${change.type} ${to.status}`))).toEqual(
      new Set(),
    );
  });

  test('every status is reached, but those that are not yet', () => {
    const reached = statusesOf(explore().payments);
    expect(PAYMENT_STATUSES.filter((status) => !reached.has(status))).toEqual(NOT_YET_REACHABLE);
  });

  test('each can still end, and what is final stays', () => {
    const { payments, steps } = explore();
    const ending = new Set(payments.filter(({ status }) => FINAL.includes(status)).map(keyOf));
    for (let before = -1; before !== ending.size;) {
      before = ending.size;
      for (const { from, to } of steps) if (ending.has(keyOf(to))) ending.add(keyOf(from));
    }
    expect(payments.filter((payment) => !ending.has(keyOf(payment)))).toEqual([]);
    expect(steps.filter(({ from, to }) => FINAL.includes(from.status) && to.status !== from.status)).toEqual([]);
  });

  test('none that is final has a capture under way, or one that succeeded without money', () => {
    const ended = explore().payments.filter(({ status }) => FINAL.includes(status));
    expect(ended.filter(({ amountCapturing }) => amountCapturing > 0n)).toEqual([]);
    expect(ended.filter(({ status, amountCaptured }) => status === 'SUCCEEDED' && amountCaptured === 0n)).toEqual([]);
  });

  test('a payment with refunds never goes back to PROCESSING', () => {
    const back = explore().steps.filter(({ from, to }) => from.refundStatus !== 'NONE' && to.status === 'PROCESSING');
    expect(back).toEqual([]);
  });
});

/** A payment and what becomes of it, each number choosing one of the changes that are legal then. */
function course(choices: readonly (readonly [number, bigint])[]): Lifecycle[] {
  const payments = [CREATED];
  for (const [choice, amount] of choices) {
    const current = payments.at(-1) ?? CREATED;
    const answered = [amount, current.amountCapturing, current.amountRefunding, current.amountRefunded];
    const possible = CHANGE_TYPES.flatMap((type) =>
      answered.flatMap((each) => [true, false].map((flag) => changeOf(type, each, flag))),
    ).filter((change) => !('amount' in change && change.amount === 0n) && fits(current, change));
    const legal = possible.flatMap((change) => {
      const next = transition(current, change);
      return isIllegal(next) ? [] : [next];
    });
    if (legal.length === 0) break;
    payments.push(legal[choice % legal.length] ?? current);
  }
  return payments;
}

describe('any sequence of changes', () => {
  const anyCourse = fc.array(fc.tuple(fc.nat(), fc.constantFrom(1n, 7n, 33n, 50n, 100n)), { maxLength: 40 });

  test('keeps the sums sound', () => {
    fc.assert(
      fc.property(anyCourse, (choices) => {
        for (const payment of course(choices)) {
          const { amount, amountAuthorized, amountCapturing, amountCaptured, amountReleased } = payment;
          for (const value of Object.values(payment)) if (typeof value === 'bigint') expect(value >= 0n).toBe(true);
          expect(amountAuthorized <= amount).toBe(true);
          expect(amountCapturing + amountCaptured + amountReleased <= amountAuthorized).toBe(true);
          expect(capturable(payment) >= 0n).toBe(true);
        }
      }),
    );
  });

  test('captures nothing of a cancelled payment', () => {
    fc.assert(
      fc.property(anyCourse, (choices) => {
        for (const payment of course(choices)) {
          if (payment.status !== 'CANCELED') continue;
          expect(payment).toMatchObject({ amountCaptured: 0n, amountCapturing: 0n, amountRefunded: 0n });
        }
      }),
    );
  });

  test('never refunds more than was captured, and says what was refunded', () => {
    fc.assert(
      fc.property(anyCourse, (choices) => {
        for (const payment of course(choices)) {
          const { amountRefunding, amountRefunded, amountCaptured, refundStatus } = payment;
          expect(refundable(payment) >= 0n).toBe(true);
          expect(amountRefunding + amountRefunded <= amountCaptured).toBe(true);
          expect(refundStatus === 'PENDING').toBe(amountRefunding > 0n);
          if (refundStatus === 'REFUNDED') expect(amountRefunded).toBe(amountCaptured);
          if (refundStatus === 'PARTIALLY_REFUNDED') expect(amountRefunded < amountCaptured).toBe(true);
          if (refundStatus === 'NONE' || refundStatus === 'FAILED') expect(amountRefunded).toBe(0n);
        }
      }),
    );
  });
});

describe('authorising', () => {
  test.for([0n, -1n, 101n])('%d of 100 cannot be authorised or charged', (amount) => {
    expect(transition(IN_STATUS.PROCESSING, { type: 'AUTHORIZED', amount })).toEqual({ illegal: 'AMOUNT' });
    expect(transition(IN_STATUS.PROCESSING, { type: 'CHARGED', amount, confirmed: true })).toEqual({
      illegal: 'AMOUNT',
    });
  });

  test('a charge succeeds when it is confirmed, and is captured until then', () => {
    const confirmed = after(CREATED, STARTED, { type: 'CHARGED', amount: AMOUNT, confirmed: true });
    expect(confirmed).toMatchObject({ status: 'SUCCEEDED', amountAuthorized: 100n, amountCaptured: 100n });
    const waiting = after(CREATED, STARTED, { type: 'CHARGED', amount: AMOUNT, confirmed: false });
    expect(waiting).toMatchObject({ status: 'CAPTURED', amountCapturing: 100n, amountCaptured: 0n });
    expect(after(waiting, captureSucceeded(100n, true))).toMatchObject({ status: 'SUCCEEDED', amountCaptured: 100n });
    expect(after(waiting, captureFailed(100n))).toMatchObject({ status: 'FAILED', amountCaptured: 0n });
  });

  test('a new attempt begins with nothing authorised', () => {
    const failed = after(CREATED, STARTED, AUTHORIZED, capture(100n), captureAccepted(true), captureFailed(100n));
    expect(failed).toMatchObject({ status: 'FAILED', amountReleased: 100n });
    expect(after(failed, STARTED)).toMatchObject({ status: 'PROCESSING', amountAuthorized: 0n, amountReleased: 0n });
  });

  test('a late success after a capture that failed can be captured in full', () => {
    const failed = after(CREATED, STARTED, AUTHORIZED, capture(100n), captureAccepted(true), captureFailed(100n));
    expect(capturable(after(failed, AUTHORIZED))).toBe(100n);
    expect(after(failed, { type: 'CHARGED', amount: 100n, confirmed: true })).toMatchObject({
      status: 'SUCCEEDED',
      amountCaptured: 100n,
      amountReleased: 0n,
    });
  });

  test('an attempt that fails leaves a payment that can be tried again', () => {
    const failed = after(CREATED, STARTED, { type: 'ACTION_REQUIRED' }, { type: 'ATTEMPT_FAILED' });
    expect(failed.status).toBe('FAILED');
    expect(after(failed, STARTED).status).toBe('PROCESSING');
  });
});

describe('capturing', () => {
  const authorized = after(CREATED, STARTED, AUTHORIZED);

  test('in parts: the last one ends it', () => {
    const part = after(authorized, capture(30n), captureSucceeded(30n));
    expect(part).toMatchObject({ status: 'AUTHORIZED', amountCaptured: 30n, amountCapturing: 0n });
    expect(capturable(part)).toBe(70n);
    const whole = after(part, capture(70n), captureSucceeded(70n));
    expect(whole).toMatchObject({ status: 'SUCCEEDED', amountCaptured: 100n, amountReleased: 0n });
  });

  test('the final one gives up what is left', () => {
    const ended = after(authorized, capture(30n), captureSucceeded(30n, true));
    expect(ended).toMatchObject({ status: 'SUCCEEDED', amountCaptured: 30n, amountReleased: 70n });
    expect(capturable(ended)).toBe(0n);
  });

  test('once the final one is accepted, its success ends the payment', () => {
    const accepted = after(authorized, capture(30n), captureAccepted(true));
    expect(accepted.status).toBe('CAPTURED');
    expect(after(accepted, captureSucceeded(30n, false))).toMatchObject({ status: 'SUCCEEDED', amountReleased: 70n });
  });

  test('an accepted capture that is not the last leaves the payment authorised', () => {
    const accepted = after(authorized, capture(30n), captureAccepted(false));
    expect(accepted).toMatchObject({ status: 'AUTHORIZED', amountCapturing: 30n });
    expect(after(authorized, capture(100n), captureAccepted(false)).status).toBe('CAPTURED');
  });

  test.for([0n, -1n, 101n])('%d of 100 cannot be captured', (amount) => {
    expect(transition(authorized, capture(amount))).toEqual({ illegal: 'AMOUNT' });
  });

  test('one at a time, and not while the payment is being cancelled', () => {
    expect(transition(after(authorized, capture(10n)), capture(10n))).toEqual({ illegal: 'BUSY' });
    expect(transition(after(authorized, { type: 'CANCEL_REQUESTED' }), capture(10n))).toEqual({ illegal: 'BUSY' });
  });

  test('a refused capture leaves the authorisation, one that fails later has used it up', () => {
    expect(after(authorized, capture(30n), captureFailed(30n))).toEqual(authorized);
    const failed = after(authorized, capture(30n), captureAccepted(true), captureFailed(30n));
    expect(failed).toMatchObject({ status: 'FAILED', amountCapturing: 0n, amountReleased: 100n });
  });

  test('a failed last capture leaves what was captured before', () => {
    const part = after(authorized, capture(30n), captureSucceeded(30n));
    const failed = after(part, capture(70n), captureAccepted(true), captureFailed(70n));
    expect(failed).toMatchObject({ status: 'SUCCEEDED', amountCaptured: 30n, amountReleased: 70n });
  });

  test('more than is under way cannot succeed or fail: a broken invariant', () => {
    const capturing = after(authorized, capture(30n));
    expect(() => transition(capturing, captureSucceeded(31n))).toThrow('do not add up');
    expect(() => transition(capturing, captureFailed(31n))).toThrow('do not add up');
  });
});

describe('cancelling', () => {
  test('is an intent until the processor answers', () => {
    const requested = after(CREATED, STARTED, AUTHORIZED, { type: 'CANCEL_REQUESTED' });
    expect(requested).toMatchObject({ status: 'AUTHORIZED', cancelRequested: true });
    expect(transition(requested, { type: 'CANCEL_REQUESTED' })).toEqual({ illegal: 'BUSY' });
    expect(after(requested, { type: 'CANCELED' })).toMatchObject({
      status: 'CANCELED',
      cancelRequested: false,
      amountReleased: 100n,
    });
    expect(after(requested, { type: 'CANCEL_REFUSED' })).toMatchObject({
      status: 'AUTHORIZED',
      cancelRequested: false,
    });
  });

  test('"already succeeded" wins', () => {
    const requested = after(CREATED, STARTED, { type: 'CANCEL_REQUESTED' });
    const charged = after(requested, { type: 'CHARGED', amount: AMOUNT, confirmed: true }, { type: 'CANCEL_REFUSED' });
    expect(charged).toMatchObject({ status: 'SUCCEEDED', cancelRequested: false });
  });

  test('an attempt that fails meanwhile is the end of the payment', () => {
    const failed = after(CREATED, STARTED, { type: 'CANCEL_REQUESTED' }, { type: 'ATTEMPT_FAILED' });
    expect(failed).toMatchObject({ status: 'CANCELED', cancelRequested: false });
  });

  test('waits for a capture that is under way', () => {
    const capturing = after(CREATED, STARTED, AUTHORIZED, capture(10n));
    expect(transition(capturing, { type: 'CANCEL_REQUESTED' })).toEqual({ illegal: 'BUSY' });
    expect(transition(capturing, { type: 'CANCELED' })).toEqual({ illegal: 'BUSY' });
  });

  test('a payment with captures whose remainder is voided has succeeded', () => {
    const part = after(CREATED, STARTED, AUTHORIZED, capture(30n), captureSucceeded(30n));
    expect(after(part, { type: 'CANCEL_REQUESTED' }, { type: 'CANCELED' })).toMatchObject({
      status: 'SUCCEEDED',
      amountCaptured: 30n,
      amountReleased: 70n,
      cancelRequested: false,
    });
  });
});

describe('refunding', () => {
  const succeeded = after(CREATED, STARTED, { type: 'CHARGED', amount: AMOUNT, confirmed: true });

  test.for([
    ['one under way', [refund(40n)], 'PENDING', 60n],
    ['a part', [refund(40n), refundSucceeded(40n)], 'PARTIALLY_REFUNDED', 60n],
    ['all at once', [refund(100n), refundSucceeded(100n)], 'REFUNDED', 0n],
    ['all in parts', [refund(40n), refundSucceeded(40n), refund(60n), refundSucceeded(60n)], 'REFUNDED', 0n],
    ['a part, another under way', [refund(40n), refundSucceeded(40n), refund(60n)], 'PENDING', 0n],
    ['one that failed', [refund(40n), refundFailed(40n)], 'FAILED', 100n],
    [
      'a part, then one that failed',
      [refund(40n), refundSucceeded(40n), refund(60n), refundFailed(60n)],
      'PARTIALLY_REFUNDED',
      60n,
    ],
    ['one of two under way failed', [refund(40n), refund(60n), refundFailed(60n)], 'PENDING', 60n],
    ['one that the bank returned', [refund(100n), refundSucceeded(100n), refundReturned(100n)], 'FAILED', 100n],
    [
      'one of two returned',
      [refund(40n), refund(60n), refundSucceeded(40n), refundSucceeded(60n), refundReturned(60n)],
      'PARTIALLY_REFUNDED',
      60n,
    ],
    [
      'tried again after a failure',
      [refund(40n), refundFailed(40n), refund(40n), refundSucceeded(40n)],
      'PARTIALLY_REFUNDED',
      60n,
    ],
  ] as const)('%s', ([, changes, refundStatus, left]) => {
    const payment = after(succeeded, ...changes);
    expect(payment).toMatchObject({ status: 'SUCCEEDED', refundStatus });
    expect(refundable(payment)).toBe(left);
  });

  test.for([0n, -1n, 101n])('%d of 100 cannot be refunded', (amount) => {
    expect(transition(succeeded, refund(amount))).toEqual({ illegal: 'AMOUNT' });
  });

  test('what is being refunded cannot be refunded again', () => {
    expect(transition(after(succeeded, refund(60n)), refund(41n))).toEqual({ illegal: 'AMOUNT' });
  });

  test('what was captured since is not refunded yet', () => {
    const part = after(CREATED, STARTED, AUTHORIZED, capture(30n), captureSucceeded(30n));
    const refunded = after(part, refund(30n), refundSucceeded(30n));
    expect(refunded).toMatchObject({ status: 'AUTHORIZED', refundStatus: 'REFUNDED' });
    expect(after(refunded, capture(70n), captureSucceeded(70n))).toMatchObject({
      status: 'SUCCEEDED',
      refundStatus: 'PARTIALLY_REFUNDED',
    });
  });

  test('more than is under way cannot succeed, fail or come back: a broken invariant', () => {
    const refunding = after(succeeded, refund(30n));
    expect(() => transition(refunding, refundSucceeded(31n))).toThrow('do not add up');
    expect(() => transition(refunding, refundFailed(31n))).toThrow('do not add up');
    expect(() => transition(refunding, refundReturned(1n))).toThrow('do not add up');
  });
});
