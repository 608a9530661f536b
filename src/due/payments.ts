import type { Gateway } from '../payments/gateway.ts';
import { fallDue } from '../payments/fall-due.ts';
import { claimDuePayments } from '../store/due.ts';
import { settleAll } from './settle-all.ts';

/** Payments that one round takes on. */
const BATCH = 20;

/**
 * One round of what the gateway does by itself: charges payments whose date has come, tries declined ones again, and
 * lets expire what is over.
 */
export async function runDuePayments(gateway: Gateway): Promise<void> {
  let found: number;
  do {
    const due = await claimDuePayments(gateway.database, { limit: BATCH, leaseMs: gateway.settings.leaseMs });
    await settleAll(due.map((payment) => fallDue(gateway, payment)));
    found = due.length;
  } while (found === BATCH);
}
