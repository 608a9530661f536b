import type { Capture } from '../../generated/prisma/client.ts';
import type { Ledgers, Discrepancy, PaymentFile } from './books.ts';

const RULE = 'what was paid out is what the sandbox says';

/** Compares when the gateway says that money was paid out with when the sandbox paid it out. */
export function checkSettlements({ payments, charges, movements }: Ledgers): Discrepancy[] {
  const paidOut = new Map(
    [...charges, ...movements].map(({ merchant, key, settledAt }) => [`${merchant} ${key}`, settledAt]),
  );
  return payments.flatMap((file) =>
    [...checkCaptures(file, paidOut), ...checkPayment(file)].map((text) => ({
      rule: RULE,
      paymentId: file.payment.id,
      text,
    })),
  );
}

/** What was taken back is left out: whether it had been paid out before is the sandbox's affair alone. */
function* checkCaptures(file: PaymentFile, paidOut: ReadonlyMap<string, Date | null>): Generator<string> {
  for (const capture of file.captures) {
    if (!stands(file, capture)) {
      if (capture.status !== 'SUCCEEDED' && capture.settledAt !== null) yield `capture ${capture.id} was paid out`;
      continue;
    }
    // A capture that came with its charge has no operation of its own.
    const operation =
      file.operations.find(({ captureId }) => captureId === capture.id) ??
      file.operations.find(({ kind, attemptId }) => kind === 'CHARGE' && attemptId === capture.attemptId);
    const at = paidOut.get(`${operation?.environmentId} ${operation?.processorKey}`) ?? null;
    if (at?.getTime() !== capture.settledAt?.getTime()) {
      yield `capture ${capture.id} was paid out ${momentOf(capture.settledAt)}, and by the sandbox ${momentOf(at)}`;
    }
  }
}

function* checkPayment(file: PaymentFile): Generator<string> {
  const { payment, captures, reversals, events } = file;
  const standing = captures.filter((capture) => stands(file, capture)).map(({ settledAt }) => settledAt?.getTime());
  const isSettled = payment.status === 'SUCCEEDED' && standing.length > 0 && !standing.includes(undefined);
  const at = isSettled ? new Date(Math.max(...standing.map(Number))) : null;
  // What was taken back after it had been paid out leaves the payment as settled as it was.
  const mayDiffer = reversals.length > 0 && payment.settledAt !== null;
  if (!mayDiffer && at?.getTime() !== payment.settledAt?.getTime()) {
    yield `the payment (${payment.status}) was settled ${momentOf(payment.settledAt)}, and its captures ${momentOf(at)}`;
  }
  const told = events.filter(({ type }) => type === 'PAYMENT_SETTLED').length;
  if (told !== (payment.settledAt === null ? 0 : 1)) yield `that it was settled is told ${told} times`;
}

function stands({ reversals }: PaymentFile, { id, status }: Capture): boolean {
  return status === 'SUCCEEDED' && !reversals.some(({ captureId }) => captureId === id);
}

function momentOf(at: Date | null): string {
  return at === null ? 'never' : `at ${at.toISOString()}`;
}
