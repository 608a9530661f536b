import { describe, expect, test } from 'vitest';
import { capturable, refundable, type Change, type Lifecycle } from '../../src/domain/lifecycle.ts';
import { transition } from '../../src/domain/transition.ts';
import { CREATED } from './created.ts';

/** What each change makes of a payment. lifecycle.test.ts: which changes may follow which. */

/** The payment after changes that have to be legal. */
function after(payment: Lifecycle, ...changes: readonly Change[]): Lifecycle {
  return changes.reduce((current, change) => {
    const next = transition(current, change);
    if ('illegal' in next) throw new Error(`${change.type} is illegal (${next.illegal}) in ${current.status}`);
    return next;
  }, payment);
}

const STARTED: Change = { type: 'ATTEMPT_STARTED' };
const ACTION_REQUIRED: Change = { type: 'ACTION_REQUIRED' };
const ACTION_COMPLETED: Change = { type: 'ACTION_COMPLETED' };
const CANCEL_REQUESTED: Change = { type: 'CANCEL_REQUESTED' };
const CANCEL_REFUSED: Change = { type: 'CANCEL_REFUSED' };
const CANCELED: Change = { type: 'CANCELED' };
const EXPIRY_REQUESTED: Change = { type: 'EXPIRY_REQUESTED' };
const EXPIRY_REFUSED: Change = { type: 'EXPIRY_REFUSED' };
const EXPIRED: Change = { type: 'EXPIRED' };
const authorize = (amount: bigint): Change => ({ type: 'AUTHORIZED', amount });
const charge = (amount: bigint, confirmed = true): Change => ({ type: 'CHARGED', amount, confirmed });
const fail = (retry = false): Change => ({ type: 'ATTEMPT_FAILED', retry });
const capture = (amount: bigint): Change => ({ type: 'CAPTURE_STARTED', amount });
const captureAccepted = (final: boolean): Change => ({ type: 'CAPTURE_ACCEPTED', final });
const captureSucceeded = (amount: bigint, final = false): Change => ({ type: 'CAPTURE_SUCCEEDED', amount, final });
const captureFailed = (amount: bigint): Change => ({ type: 'CAPTURE_FAILED', amount });
const reverse = (amount: bigint): Change => ({ type: 'CAPTURE_REVERSED', amount });
const refund = (amount: bigint): Change => ({ type: 'REFUND_STARTED', amount });
const refundSucceeded = (amount: bigint): Change => ({ type: 'REFUND_SUCCEEDED', amount });
const refundFailed = (amount: bigint): Change => ({ type: 'REFUND_FAILED', amount });
const refundReturned = (amount: bigint): Change => ({ type: 'REFUND_RETURNED', amount });

const scheduled = after(CREATED, { type: 'SCHEDULED' });
const processing = after(CREATED, STARTED);
const inAction = after(processing, ACTION_REQUIRED);
const authorized = after(processing, authorize(100n));
const capturing = after(authorized, capture(30n));
const partlyCaptured = after(capturing, captureSucceeded(30n));
const captured = after(capturing, captureAccepted(true));
const succeeded = after(processing, charge(100n));
const refunding = after(succeeded, refund(40n));
const refunded = after(refunding, refundSucceeded(40n));
const failed = after(processing, fail());
const waiting = after(processing, fail(true));
/** Failed after its authorisation was used up. */
const usedUp = after(captured, captureFailed(30n));

describe('a change does this and nothing else', () => {
  test.for<[string, Lifecycle, Change, Partial<Lifecycle>]>([
    ['a date is set', CREATED, { type: 'SCHEDULED' }, { status: 'SCHEDULED' }],
    ['a date is taken back', scheduled, { type: 'UNSCHEDULED' }, { status: 'CREATED' }],
    ['a first attempt', CREATED, STARTED, { status: 'PROCESSING' }],
    ['an attempt at its date', scheduled, STARTED, { status: 'PROCESSING' }],
    ['another attempt', failed, STARTED, { status: 'PROCESSING' }],
    ['an attempt by itself', waiting, STARTED, { status: 'PROCESSING' }],
    ['an attempt anew', usedUp, STARTED, { status: 'PROCESSING', amountAuthorized: 0n, amountReleased: 0n }],
    ['something to do', processing, ACTION_REQUIRED, { status: 'REQUIRES_ACTION' }],
    ['it is done', inAction, ACTION_COMPLETED, { status: 'PROCESSING' }],
    ['authorised', processing, authorize(100n), { status: 'AUTHORIZED', amountAuthorized: 100n }],
    ['authorised in part', inAction, authorize(60n), { status: 'AUTHORIZED', amountAuthorized: 60n }],
    ['authorised late', failed, authorize(100n), { status: 'AUTHORIZED', amountAuthorized: 100n }],
    ['authorised late, a retry called off', waiting, authorize(9n), { status: 'AUTHORIZED', amountAuthorized: 9n }],
    ['authorised late, anew', usedUp, authorize(100n), { status: 'AUTHORIZED', amountReleased: 0n }],
    ['charged', inAction, charge(60n), { status: 'SUCCEEDED', amountAuthorized: 60n, amountCaptured: 60n }],
    ['charged late', waiting, charge(100n), { status: 'SUCCEEDED', amountAuthorized: 100n, amountCaptured: 100n }],
    ['charged late, anew', usedUp, charge(100n), { status: 'SUCCEEDED', amountReleased: 0n, amountCaptured: 100n }],
    [
      'charged, to be confirmed',
      processing,
      charge(100n, false),
      { status: 'CAPTURED', amountAuthorized: 100n, amountCapturing: 100n },
    ],
    ['declined', inAction, fail(), { status: 'FAILED' }],
    ['declined, to be tried again', processing, fail(true), { status: 'RETRY_SCHEDULED' }],
    ['no retry after all', waiting, { type: 'RETRY_CALLED_OFF' }, { status: 'FAILED' }],
    ['a capture is asked for', authorized, capture(30n), { amountCapturing: 30n }],
    ['the last capture is accepted', capturing, captureAccepted(true), { status: 'CAPTURED' }],
    ['a capture of a part is accepted', capturing, captureAccepted(false), {}],
    ['a capture succeeds', capturing, captureSucceeded(30n), { amountCapturing: 0n, amountCaptured: 30n }],
    ['a capture is refused', capturing, captureFailed(30n), { amountCapturing: 0n }],
    [
      'a capture that was accepted fails',
      captured,
      captureFailed(30n),
      { status: 'FAILED', amountCapturing: 0n, amountReleased: 100n },
    ],
    ['a capture is taken back', succeeded, reverse(100n), { amountReversed: 100n }],
    ['a cancellation is asked for', authorized, CANCEL_REQUESTED, { cancelRequested: true }],
    ['an expiry is asked for', authorized, EXPIRY_REQUESTED, { expiryRequested: true }],
    ['canceled before anything', scheduled, CANCELED, { status: 'CANCELED' }],
    ['canceled', authorized, CANCELED, { status: 'CANCELED', amountReleased: 100n }],
    ['canceled after a failed capture', usedUp, CANCELED, { status: 'CANCELED' }],
    ['expired before anything', CREATED, EXPIRED, { status: 'EXPIRED' }],
    ['expired', authorized, EXPIRED, { status: 'EXPIRED', amountReleased: 100n }],
    ['expired after a failed capture', usedUp, EXPIRED, { status: 'EXPIRED' }],
    ['the rest is voided', partlyCaptured, CANCELED, { status: 'SUCCEEDED', amountReleased: 70n }],
    ['the rest expires', partlyCaptured, EXPIRED, { status: 'SUCCEEDED', amountReleased: 70n }],
    ['a refund is asked for', succeeded, refund(40n), { refundStatus: 'PENDING', amountRefunding: 40n }],
    [
      'a refund succeeds',
      refunding,
      refundSucceeded(40n),
      { refundStatus: 'PARTIALLY_REFUNDED', amountRefunding: 0n, amountRefunded: 40n },
    ],
    ['a refund fails', refunding, refundFailed(40n), { refundStatus: 'FAILED', amountRefunding: 0n }],
    ['a refund comes back', refunded, refundReturned(40n), { refundStatus: 'FAILED', amountRefunded: 0n }],
  ])('%s', ([, before, change, difference]) => {
    expect(after(before, change)).toEqual({ ...before, ...difference });
  });
});

describe('charging', () => {
  test.for([0n, -1n, 101n])('%d of 100 cannot be authorised or charged', (amount) => {
    expect(transition(processing, authorize(amount))).toEqual({ illegal: 'AMOUNT' });
    expect(transition(processing, charge(amount))).toEqual({ illegal: 'AMOUNT' });
  });

  test('a charge that is confirmed later succeeds or fails as its capture does', () => {
    const accepted = after(processing, charge(100n, false));
    expect(after(accepted, captureSucceeded(100n, true))).toEqual(succeeded);
    expect(after(accepted, captureFailed(100n))).toMatchObject({ status: 'FAILED', amountCaptured: 0n });
  });

  describe.for([{ amountCaptured: 30n }, { amountCapturing: 30n }])('a payment that has taken money (%o)', (taken) => {
    test.for<[Lifecycle, Change]>([
      [CREATED, STARTED],
      [scheduled, STARTED],
      [waiting, STARTED],
      [failed, STARTED],
      [processing, authorize(100n)],
      [failed, authorize(100n)],
      [inAction, charge(100n)],
      [waiting, charge(100n, false)],
    ])('is never charged again: $0.status, $1.type', ([payment, change]) => {
      const paid = { ...payment, amountAuthorized: 100n, ...taken };
      expect(() => transition(paid, change)).toThrow('that has taken money is charged again');
    });
  });
});

describe('capturing', () => {
  test('in parts: the last one ends it', () => {
    expect(capturable(partlyCaptured)).toBe(70n);
    const whole = after(partlyCaptured, capture(70n), captureSucceeded(70n));
    expect(whole).toMatchObject({ status: 'SUCCEEDED', amountCaptured: 100n, amountReleased: 0n });
  });

  test('the final one gives up what is left, even when only its acceptance said so', () => {
    const ended = { status: 'SUCCEEDED', amountCaptured: 30n, amountReleased: 70n };
    expect(after(capturing, captureSucceeded(30n, true))).toMatchObject(ended);
    expect(after(captured, captureSucceeded(30n, false))).toMatchObject(ended);
  });

  test('one of all that is left is the last, whatever is said of it', () => {
    expect(after(authorized, capture(100n), captureAccepted(false)).status).toBe('CAPTURED');
  });

  test.for([0n, -1n, 71n])('%d of the 70 that are left cannot be captured', (amount) => {
    expect(transition(partlyCaptured, capture(amount))).toEqual({ illegal: 'AMOUNT' });
  });

  test('one at a time, and not while the payment is to end', () => {
    const busy = { illegal: 'BUSY' };
    expect(transition(capturing, capture(10n))).toEqual(busy);
    expect(transition(after(authorized, CANCEL_REQUESTED), capture(10n))).toEqual(busy);
    expect(transition(after(authorized, EXPIRY_REQUESTED), capture(10n))).toEqual(busy);
  });

  test('when the last one fails, what was captured before stays', () => {
    const lastFailed = after(partlyCaptured, capture(70n), captureAccepted(true), captureFailed(70n));
    expect(lastFailed).toMatchObject({ status: 'SUCCEEDED', amountCaptured: 30n, amountReleased: 70n });
  });

  test('nothing that was given up', () => {
    expect(capturable({ ...partlyCaptured, amountReleased: 20n })).toBe(50n);
    expect(capturable(after(partlyCaptured, CANCELED))).toBe(0n);
  });

  test('nothing is accepted that was not asked for', () => {
    expect(transition(authorized, captureAccepted(true))).toEqual({ illegal: 'AMOUNT' });
  });

  test('more than is under way cannot succeed or fail: a broken invariant', () => {
    expect(() => transition(capturing, captureSucceeded(31n))).toThrow('do not add up');
    expect(() => transition(capturing, captureFailed(31n))).toThrow('do not add up');
  });
});

describe('a wish to end a payment', () => {
  const toCancel = after(processing, CANCEL_REQUESTED);
  const toExpire = after(inAction, EXPIRY_REQUESTED);
  const both = after(toExpire, CANCEL_REQUESTED);
  const no = { cancelRequested: false, expiryRequested: false };

  test('stays while the charge goes on, until there is something to void', () => {
    const held = after(toCancel, ACTION_REQUIRED, ACTION_COMPLETED, authorize(100n));
    expect(held).toMatchObject({ status: 'AUTHORIZED', cancelRequested: true });
    expect(after(held, CANCELED)).toMatchObject({ status: 'CANCELED', amountReleased: 100n, ...no });
    const expiring = after(toExpire, ACTION_COMPLETED, authorize(100n));
    expect(expiring).toMatchObject({ status: 'AUTHORIZED', expiryRequested: true });
    expect(after(expiring, EXPIRED)).toMatchObject({ status: 'EXPIRED', amountReleased: 100n, ...no });
  });

  test('comes true before the charge has an answer, if the processor says so', () => {
    expect(after(toCancel, CANCELED)).toMatchObject({ status: 'CANCELED', ...no });
    expect(after(toExpire, ACTION_COMPLETED, EXPIRED)).toMatchObject({ status: 'EXPIRED', ...no });
  });

  test.for([toCancel, toExpire, both])('"it has succeeded already" wins over it', (payment) => {
    expect(after(payment, charge(100n))).toMatchObject({ status: 'SUCCEEDED', amountCaptured: 100n, ...no });
    expect(after(payment, charge(100n, false))).toMatchObject({ status: 'CAPTURED', amountCapturing: 100n, ...no });
  });

  test.for([
    ['a cancellation', toCancel, 'CANCELED'],
    ['an expiry', toExpire, 'EXPIRED'],
    ['both', both, 'CANCELED'],
  ] as const)('comes true when the charge fails, and nothing is tried again: %s', ([, payment, status]) => {
    expect(after(payment, fail(false))).toMatchObject({ status, ...no });
    expect(after(payment, fail(true))).toMatchObject({ status, ...no });
  });

  test('is gone when the processor refuses it; the other wish stays', () => {
    expect(after(toCancel, CANCEL_REFUSED)).toEqual(processing);
    expect(after(toExpire, EXPIRY_REFUSED)).toEqual(inAction);
    expect(after(both, CANCEL_REFUSED)).toEqual(toExpire);
    expect(after(both, EXPIRY_REFUSED)).toEqual(after(inAction, CANCEL_REQUESTED));
    expect(after(processing, CANCEL_REQUESTED, CANCEL_REFUSED, CANCEL_REQUESTED)).toEqual(toCancel);
  });

  test('is had once; a cancellation may join an expiry, and not the other way round', () => {
    const busy = { illegal: 'BUSY' };
    expect(transition(toCancel, CANCEL_REQUESTED)).toEqual(busy);
    expect(transition(toExpire, EXPIRY_REQUESTED)).toEqual(busy);
    expect(both).toMatchObject({ status: 'REQUIRES_ACTION', cancelRequested: true, expiryRequested: true });
    expect(transition(after(authorized, CANCEL_REQUESTED), EXPIRY_REQUESTED)).toEqual(busy);
  });

  test.for([CANCEL_REQUESTED, CANCELED, EXPIRY_REQUESTED, EXPIRED])('$type waits for a capture', (change) => {
    expect(transition(capturing, change)).toEqual({ illegal: 'BUSY' });
  });

  test('ends only what was not captured', () => {
    const rest = { status: 'SUCCEEDED', amountCaptured: 30n, amountReleased: 70n, ...no };
    expect(after(partlyCaptured, CANCEL_REQUESTED, CANCELED)).toMatchObject(rest);
    expect(after(partlyCaptured, EXPIRY_REQUESTED, EXPIRED)).toMatchObject(rest);
  });

  test('of a payment that no processor has anything of is a broken invariant', () => {
    expect(() => transition({ ...CREATED, cancelRequested: true }, { type: 'SCHEDULED' })).toThrow('do not add up');
    expect(() => transition({ ...succeeded, expiryRequested: true }, refund(1n))).toThrow('do not add up');
  });
});

describe('refunding', () => {
  test.for<[string, Change[], Lifecycle['refundStatus'], bigint]>([
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
  ])('%s', ([, changes, refundStatus, left]) => {
    const payment = after(succeeded, ...changes);
    expect(payment).toMatchObject({ status: 'SUCCEEDED', refundStatus });
    expect(refundable(payment)).toBe(left);
  });

  test.for([0n, -1n, 61n])('%d of the 60 that are left cannot be refunded', (amount) => {
    expect(transition(refunding, refund(amount))).toEqual({ illegal: 'AMOUNT' });
    expect(transition(refunded, refund(amount))).toEqual({ illegal: 'AMOUNT' });
  });

  test('what was captured since is not refunded yet', () => {
    const all = after(partlyCaptured, refund(30n), refundSucceeded(30n));
    expect(all).toMatchObject({ status: 'AUTHORIZED', refundStatus: 'REFUNDED' });
    const more = after(all, capture(70n), captureSucceeded(70n));
    expect(more).toMatchObject({ status: 'SUCCEEDED', refundStatus: 'PARTIALLY_REFUNDED' });
  });

  test('more than is under way cannot succeed, fail or come back: a broken invariant', () => {
    expect(() => transition(refunding, refundSucceeded(41n))).toThrow('do not add up');
    expect(() => transition(refunding, refundFailed(41n))).toThrow('do not add up');
    expect(() => transition(refunding, refundReturned(1n))).toThrow('do not add up');
  });
});

describe('a capture that is taken back', () => {
  test.for([partlyCaptured, after(partlyCaptured, capture(70n), captureAccepted(true)), succeeded])(
    'leaves the payment $status and its amounts gross, and shrinks what can be refunded',
    (payment) => {
      const less = after(payment, reverse(20n));
      expect(less).toEqual({ ...payment, amountReversed: 20n });
      expect(refundable(less)).toBe(refundable(payment) - 20n);
      expect(capturable(less)).toBe(capturable(payment));
    },
  );

  test('after it was refunded, leaves less than nothing of itself, and nothing else is given away for it', () => {
    const twice = after(refunded, reverse(70n));
    expect(twice).toEqual({ ...refunded, amountReversed: 70n });
    expect(refundable(twice)).toBe(0n);
    expect(transition(twice, refund(1n))).toEqual({ illegal: 'AMOUNT' });
  });

  test('lets a refund under way come to its end', () => {
    const reversed = after(refunding, reverse(100n));
    expect(refundable(reversed)).toBe(0n);
    expect(after(reversed, refundSucceeded(40n))).toEqual({ ...refunded, amountReversed: 100n });
    expect(after(reversed, refundFailed(40n))).toMatchObject({ refundStatus: 'FAILED', amountReversed: 100n });
  });

  test('was captured: more cannot be taken back', () => {
    expect(() => transition(after(succeeded, reverse(60n)), reverse(41n))).toThrow('do not add up');
    expect(() => transition(authorized, reverse(1n))).toThrow('do not add up');
  });
});

describe('a payment whose amounts do not add up is not touched', () => {
  test.for<[string, Partial<Lifecycle>]>([
    ['more authorised than it is over', { amountAuthorized: 101n }],
    ['more captured and released than was authorised', { amountCaptured: 60n, amountReleased: 41n }],
    ['more refunded than was captured', { amountCaptured: 30n, amountRefunded: 20n, amountRefunding: 11n }],
    ['more taken back than was captured', { amountCaptured: 30n, amountReversed: 31n }],
    ['less than nothing authorised', { amountAuthorized: -1n, amountReleased: -1n }],
    ['less than nothing being captured', { amountCapturing: -1n }],
    ['less than nothing captured', { amountCaptured: -1n, amountReversed: -1n, amountRefunded: -1n }],
    ['less than nothing released', { amountReleased: -1n }],
    ['less than nothing being refunded', { amountRefunding: -1n }],
    ['less than nothing refunded', { amountRefunded: -1n }],
    ['less than nothing taken back', { amountReversed: -1n }],
  ])('%s', ([, wrong]) => {
    expect(() => transition({ ...authorized, ...wrong }, CANCEL_REQUESTED)).toThrow('do not add up');
  });
});
