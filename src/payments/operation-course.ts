import type { Operation } from '../../generated/prisma/client.ts';
import type { PaymentDraft } from './draft.ts';
import type { Gateway } from './gateway.ts';

/** How an operation's row goes on: to its end, or to the next look at the processor. */

/** The first wait between two looks at the processor doubles each time, up to this. */
const INQUIRY_INTERVAL_MAX_MS = 5 * 60_000;

/** The operation has come to its end. */
export function completeOperation(draft: PaymentDraft, operation: Operation, reference: string | null): void {
  draft.update('operation', {
    ...operation,
    status: 'COMPLETED',
    processorReference: reference ?? operation.processorReference,
    recoverAt: null,
    completedAt: draft.now,
  });
}

/**
 * The operation goes on waiting: for a result that the processor will bring (PENDING), or for us to find out what
 * happened (UNKNOWN). Either way recovery looks at it again, ever more seldom.
 */
export function awaitOperation(
  gateway: Gateway,
  draft: PaymentDraft,
  operation: Operation,
  status: 'PENDING' | 'UNKNOWN',
  reference: string | null,
): void {
  draft.update('operation', {
    ...operation,
    status,
    processorReference: reference ?? operation.processorReference,
    recoverAt: new Date(draft.now.getTime() + inquiryDelayMs(gateway, operation.inquiries)),
  });
}

/** How long to wait before the next look, in milliseconds. */
function inquiryDelayMs(gateway: Gateway, inquiries: number): number {
  return Math.min(gateway.settings.recoveryDelayMs * 2 ** Math.min(inquiries, 20), INQUIRY_INTERVAL_MAX_MS);
}
