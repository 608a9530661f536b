import { describe, expect, test } from 'vitest';
import type { Payment } from '../../generated/prisma/client.ts';
import { PAYMENT_STATUSES, type PaymentStatus } from '../../src/domain/lifecycle.ts';
import { dueAtOf } from '../../src/payments/due-at.ts';

/** The times of a payment. Each is another, so that what is due tells which of them it is. */
const TIMES = {
  createdAt: new Date('2027-01-01'),
  updatedAt: new Date('2027-01-02'),
  dueAt: new Date('2027-01-03'),
  paymentDate: new Date('2027-01-04'),
  expiresAt: new Date('2027-01-05'),
  retryAt: new Date('2027-01-06'),
  actionExpiresAt: new Date('2027-01-07'),
  authorizationExpiresAt: new Date('2027-01-08'),
};

type Time = keyof typeof TIMES;

/** Which of its times a payment in each status is due at, if at any. */
const DUE_AT: Readonly<Record<PaymentStatus, Time | null>> = {
  CREATED: 'expiresAt',
  SCHEDULED: 'paymentDate',
  PROCESSING: null,
  REQUIRES_ACTION: 'actionExpiresAt',
  AUTHORIZED: 'authorizationExpiresAt',
  CAPTURED: null,
  SUCCEEDED: null,
  RETRY_SCHEDULED: 'retryAt',
  FAILED: 'expiresAt',
  CANCELED: null,
  EXPIRED: null,
};

/**
 * And x where it is due then. In each group: nobody asked for its end, its cancellation was asked for, its expiry, both.
 * Not all of it can be (where no processor has anything of a payment, nobody waits for one); the answer is there anyway.
 */
const DUE: Readonly<Record<PaymentStatus, string>> = {
  //                active               not active
  //                idle       capturing idle       capturing
  CREATED: '        x x x x    x x x x   x x x x    x x x x',
  // Where its date is of no account, its end still is: marked e.
  SCHEDULED: '      x x x x    x x x x   e e e e    e e e e',
  PROCESSING: '     . . . .    . . . .   . . . .    . . . .',
  REQUIRES_ACTION: 'x . . .    x . . .   x . . .    x . . .',
  AUTHORIZED: '     x . . .    . . . .   x . . .    . . . .',
  CAPTURED: '       . . . .    . . . .   . . . .    . . . .',
  SUCCEEDED: '      . . . .    . . . .   . . . .    . . . .',
  RETRY_SCHEDULED: 'x x x x    x x x x   x x x x    x x x x',
  FAILED: '         x x x x    x x x x   x x x x    x x x x',
  CANCELED: '       . . . .    . . . .   . . . .    . . . .',
  EXPIRED: '        . . . .    . . . .   . . . .    . . . .',
};

const ASKED = new Date('2027-01-09');

/** The columns of the table, in their order. */
const COLUMNS = [true, false].flatMap((active) =>
  [0n, 10n].flatMap((amountCapturing) =>
    [null, ASKED].flatMap((expiryRequestedAt) =>
      [null, ASKED].map((cancelRequestedAt) => ({ active, amountCapturing, cancelRequestedAt, expiryRequestedAt })),
    ),
  ),
);

const cells = PAYMENT_STATUSES.flatMap((status) => {
  const marks = DUE[status].trim().split(/\s+/);
  return COLUMNS.map((column, index) => ({
    payment: { status, ...column, ...TIMES, expiryPostponedTo: null } as Payment,
    time: marks[index] === 'e' ? ('expiresAt' as const) : marks[index] === 'x' ? DUE_AT[status] : null,
    active: column.active ? 'active' : 'not active',
    capturing: column.amountCapturing > 0n ? 'capturing' : 'idle',
    asked: [column.cancelRequestedAt && 'to cancel', column.expiryRequestedAt && 'to expire']
      .filter(Boolean)
      .join(', '),
  }));
});

describe('when a payment is due', () => {
  test('is said for every status and circumstance', () => {
    expect(PAYMENT_STATUSES.map((status) => DUE[status].match(/[xe.]/g)?.length)).toEqual(
      PAYMENT_STATUSES.map(() => COLUMNS.length),
    );
  });

  test.for(cells)('$payment.status, $active, $capturing, asked: [$asked]: $time', ({ payment, time }) => {
    expect(dueAtOf(payment)).toEqual(time && TIMES[time]);
  });

  test.for(PAYMENT_STATUSES)('%s without that time is due for nothing', (status) => {
    const time = DUE_AT[status];
    const [cell] = cells.filter(({ payment }) => payment.status === status);
    const expiryPostponedTo = new Date('2027-02-01');
    expect(dueAtOf({ ...cell?.payment, expiryPostponedTo, ...(time && { [time]: null }) } as Payment)).toBeNull();
  });

  test.for(PAYMENT_STATUSES)('%s: what the processor refused to end is due at the later time', (status) => {
    const time = DUE_AT[status];
    const isAsked = status === 'REQUIRES_ACTION' || status === 'AUTHORIZED';
    const [cell] = cells.filter(({ payment }) => payment.status === status);
    const earlier = new Date('2026-12-31');
    const later = new Date('2027-02-01');
    expect(dueAtOf({ ...cell?.payment, expiryPostponedTo: earlier } as Payment)).toEqual(time && TIMES[time]);
    expect(dueAtOf({ ...cell?.payment, expiryPostponedTo: later } as Payment)).toEqual(
      isAsked ? later : time && TIMES[time],
    );
  });
});
