import type { Capture } from '../../generated/prisma/client.ts';
import { readOfPayment, readReversedCaptureIds } from '../store/ledger.ts';
import type { Transaction } from '../store/transaction.ts';
import type { PaymentDraft } from './draft.ts';

/** The processor has paid out what a capture took. */
export function settleCapture(draft: PaymentDraft, capture: Capture, settledAt: Date): void {
  draft.update('capture', { ...capture, settledAt, updatedAt: draft.now, updatedBy: draft.actor });
}

/**
 * A payment is settled once nothing more can be captured of it, and all that was captured and not taken back has been
 * paid out. Any answer may be the one that brings this about: that a capture was paid out, that another one was taken
 * back, or that what was still held was released.
 */
export async function settleIfPaidOut(transaction: Transaction, draft: PaymentDraft): Promise<void> {
  const { payment } = draft;
  if (payment.status !== 'SUCCEEDED' || payment.settledAt !== null) return;
  // What has only just been captured is paid out later: nearly every payment leaves here, with nothing read.
  if (draft.captures.some(isOwed)) return;
  const stored = await readOfPayment(transaction, 'capture', payment);
  const reversed = new Set(await readReversedCaptureIds(transaction, payment));
  for (const { captureId } of draft.reversals) reversed.add(captureId);
  const captures = new Map([...stored, ...draft.captures].map((capture) => [capture.id, capture]));
  const standing = [...captures.values()].filter(({ id, status }) => status === 'SUCCEEDED' && !reversed.has(id));
  const last = standing.reduce<Date | null>((latest, { settledAt }) => later(latest, settledAt), null);
  if (last === null || standing.some(isOwed)) return;
  draft.set({ settledAt: last });
  draft.record('PAYMENT_SETTLED', { attemptId: payment.currentAttemptId });
}

/** It was captured, and not paid out. */
function isOwed({ status, settledAt }: Capture): boolean {
  return status === 'SUCCEEDED' && settledAt === null;
}

function later(one: Date | null, other: Date | null): Date | null {
  return one === null || (other !== null && other > one) ? other : one;
}
