import type { Account } from './audit.ts';

/** What a payment of 1,000 may come to. */

export const NOT_EXECUTED: Account = {
  status: 'FAILED',
  decline: 'not_executed',
  money: [0, 0, 0, 0],
  operations: ['CHARGE COMPLETED'],
  charges: [],
  movements: [],
};

export const CAPTURED: Account = {
  ...NOT_EXECUTED,
  status: 'SUCCEEDED',
  decline: null,
  money: [1000, 1000, 0, 0],
  charges: ['approved 1000 1000 0 0'],
};

export const AUTHORIZED: Account = {
  ...CAPTURED,
  status: 'AUTHORIZED',
  money: [1000, 0, 0, 0],
  charges: ['approved 1000 0 0 0'],
};

export const VOIDED: Account = {
  ...CAPTURED,
  status: 'CANCELED',
  money: [1000, 0, 1000, 0],
  operations: ['CHARGE COMPLETED', 'VOID COMPLETED'],
  charges: ['voided 1000 0 1000 0'],
  movements: ['void 1000 succeeded'],
};

export const PART_CAPTURED: Account = {
  ...CAPTURED,
  money: [1000, 600, 400, 0],
  operations: ['CHARGE COMPLETED', 'CAPTURE COMPLETED'],
  charges: ['approved 1000 600 400 0'],
  movements: ['capture 600 succeeded'],
};

export const PART_REFUNDED: Account = {
  ...CAPTURED,
  money: [1000, 1000, 0, 400],
  operations: ['CHARGE COMPLETED', 'REFUND COMPLETED'],
  charges: ['approved 1000 1000 0 400'],
  movements: ['refund 400 succeeded'],
};

/** Nothing of it is the payment's: it was canceled before anyone knew that the charge was made. */
export const RETURNED: Account = {
  ...NOT_EXECUTED,
  status: 'CANCELED',
  operations: ['CHARGE COMPLETED', 'RETURN COMPLETED'],
  charges: ['approved 1000 1000 0 1000'],
  movements: ['refund 1000 succeeded'],
};

/** After an attempt that was declined. */
export function retried(account: Account): Account {
  return { ...account, operations: ['CHARGE COMPLETED', ...account.operations] };
}
