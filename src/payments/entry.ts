import type { Entry } from '../domain/reconciliation.ts';
import { unreachable } from '../domain/result.ts';
import type { AskedRow } from '../store/asked.ts';

/**
 * What we take a processor to have on its books of an operation.
 * @param callTimeoutMs how long a call there may take: its deadline is known, and so when it was made
 * @returns undefined for what is no charge and no refund there
 */
export function entryOf(row: AskedRow, callTimeoutMs: number): Entry | undefined {
  const money = moneyOf(row);
  return (
    money && {
      id: row.id,
      paymentId: row.paymentId,
      key: row.processorKey,
      // An operator who settled it and had no reference left the operation's own id there.
      reference: row.processorReference === row.id ? null : row.processorReference,
      currency: row.currency,
      askedAt: new Date(row.callDeadline.getTime() - callTimeoutMs),
      changedAt: row.changedAt,
      ...money,
    }
  );
}

type Money = Pick<Entry, 'kind' | 'amount' | 'reversed' | 'held' | 'state'>;

function moneyOf(row: AskedRow): Money | undefined {
  switch (row.kind) {
    case 'CHARGE':
      return { kind: 'CHARGE', ...chargeOf(row) };
    case 'REFUND':
      if (row.refundAmount === null) throw new Error('a refund without its row');
      return { kind: 'REFUND', amount: row.refundAmount, reversed: 0n, held: 0n, state: refundState(row) };
    case 'RETURN':
      // Of an authorisation it is a void, which shows in the charge's own line.
      if (row.captureMethod === 'MANUAL') return undefined;
      return { kind: 'REFUND', amount: row.attemptAmount, reversed: 0n, held: 0n, state: returnState(row) };
    case 'CAPTURE':
    case 'VOID':
      return undefined;
    default:
      return unreachable(row.kind);
  }
}

function chargeOf({ flag, captureMethod, attemptStatus, attemptAmount, captured, reversed }: AskedRow) {
  const held = attemptStatus === 'AUTHORIZED' ? attemptAmount : 0n;
  const whole = { amount: attemptAmount, reversed: 0n, held };
  // What came of it in the end: whether more of it is held, or was released, is not asked.
  if (captured > 0n) return { amount: captured, reversed, held, state: 'SUCCEEDED' } as const;
  // It counts in none of the payment's amounts, and has a line there all the same.
  if (flag === 'LATE_SUCCESS_RETURNING' || flag === 'LATE_SUCCESS_RETURNED') {
    if (captureMethod === 'AUTOMATIC') return { ...whole, state: 'SUCCEEDED' } as const;
    return { ...whole, state: flag === 'LATE_SUCCESS_RETURNED' ? 'CANCELED' : 'UNKNOWN' } as const;
  }
  return { ...whole, state: chargeState(attemptStatus) };
}

function chargeState(status: AskedRow['attemptStatus']): Entry['state'] {
  switch (status) {
    case 'DISPATCHED':
    case 'UNKNOWN':
      return 'UNKNOWN';
    case 'PENDING':
    case 'REQUIRES_ACTION':
      return 'PENDING';
    case 'AUTHORIZED':
    case 'SUCCEEDED':
    case 'FAILED':
      return status;
    case 'CANCELED':
    case 'EXPIRED':
      return 'CANCELED';
    default:
      return unreachable(status);
  }
}

function refundState({ refundStatus, operationStatus }: AskedRow): Entry['state'] {
  switch (refundStatus) {
    case 'PENDING':
      return operationStatus === 'PENDING' ? 'PENDING' : 'UNKNOWN';
    case 'SUCCEEDED':
    case 'FAILED':
    case 'CANCELED':
      return refundStatus;
    case null:
      throw new Error('a refund without its row');
    default:
      return unreachable(refundStatus);
  }
}

function returnState({ operationStatus }: AskedRow): Entry['state'] {
  switch (operationStatus) {
    case 'COMPLETED':
      return 'SUCCEEDED';
    case 'PENDING':
      return 'PENDING';
    case 'PLANNED':
    case 'DISPATCHED':
    case 'UNKNOWN':
    case 'RAISED':
      return 'UNKNOWN';
    default:
      return unreachable(operationStatus);
  }
}
