import type { Attempt, Payment } from '../../generated/prisma/client.ts';

/** The attempt that counts: the last one, or the one whose charge the payment took on. */
export function currentAttempt(payment: Payment, attempts: readonly Attempt[]): Attempt | undefined {
  return attempts.find((attempt) => attempt.id === payment.currentAttemptId);
}
