import type { Environment, Payment, PaymentDestination, PaymentMethod } from '../../generated/prisma/client.ts';
import { FAILURES_THAT_COUNT } from './card-testing.ts';
import type { Database } from './database.ts';

/** A payment as its hosted page shows it. */
export interface HostedPayment {
  readonly payment: Payment;
  readonly mode: Environment['mode'];
  /** Whom the payer pays: the account's name. */
  readonly merchant: string;
  readonly destinations: readonly PaymentDestination[];
  /** What it was paid with, or tried to be. */
  readonly method: PaymentMethod | null;
  /** Those that count against the payer. */
  readonly failedAttempts: number;
}

/** A payment that is paid on its hosted page; undefined for any other. */
export async function readHostedPayment(
  { prisma }: Pick<Database, 'prisma'>,
  { environmentId, id }: Pick<Payment, 'environmentId' | 'id'>,
): Promise<HostedPayment | undefined> {
  const row = await prisma.payment.findUnique({
    where: { environmentId_id: { environmentId, id }, hosted: true },
    include: {
      environment: { include: { account: true } },
      destinations: { orderBy: { position: 'asc' } },
      paymentMethod: true,
      _count: { select: { attempts: { where: FAILURES_THAT_COUNT } } },
    },
  });
  if (row === null) return undefined;
  const { environment, destinations, paymentMethod: method, _count: count, ...payment } = row;
  const { mode, account } = environment;
  return { payment, mode, merchant: account.name, destinations, method, failedAttempts: count.attempts };
}
