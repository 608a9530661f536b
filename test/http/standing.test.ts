import { expect, test } from 'vitest';
import type { Payment } from '../../generated/prisma/client.ts';
import { LEGAL_IN, PAYMENT_STATUSES } from '../../src/domain/lifecycle.ts';
import { standingOf } from '../../src/http/standing.ts';

const NOW = new Date('2030-01-01T00:00:00Z');

function standing(payment: Partial<Payment>, failedAttempts = 0): string {
  const open = { expiresAt: null, attemptCount: failedAttempts, cancelRequestedAt: null, expiryRequestedAt: null };
  return standingOf({ payment: { ...open, ...payment } as Payment, failedAttempts }, NOW);
}

test('a payer may pay where an attempt may start, and nowhere else', () => {
  const payable = PAYMENT_STATUSES.filter((status) => standing({ status }) === 'payable');
  expect(payable.toSorted()).toEqual(LEGAL_IN.ATTEMPT_STARTED.toSorted());
});

test.each([
  ['with nine failures', 'payable', { status: 'FAILED' }, 9],
  ['with ten failures', 'exhausted', { status: 'FAILED' }, 10],
  ['with as many attempts as a payment can have', 'exhausted', { status: 'FAILED', attemptCount: 50 }, 0],
  ['that is to expire later', 'payable', { status: 'CREATED', expiresAt: new Date(NOW.getTime() + 1) }, 0],
  ['that was to expire by now', 'expired', { status: 'CREATED', expiresAt: NOW }, 0],
  ['that succeeded before it was to expire', 'paid', { status: 'SUCCEEDED', expiresAt: NOW }, 10],
  ['that asks for the payer', 'action', { status: 'REQUIRES_ACTION' }, 0],
  [
    'that asks for the payer and is to be cancelled',
    'waiting',
    { status: 'REQUIRES_ACTION', cancelRequestedAt: NOW },
    0,
  ],
  ['that asks for the payer and is to expire', 'waiting', { status: 'REQUIRES_ACTION', expiryRequestedAt: NOW }, 0],
] as const)('a payment %s is %s', (_, expected, payment, failures) => {
  expect(standing(payment, failures)).toBe(expected);
});
