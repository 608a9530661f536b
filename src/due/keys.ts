import type { Gateway } from '../payments/gateway.ts';
import { deleteExpiredKeys } from '../store/due.ts';

/** Keys that one statement deletes: it holds their locks until it ends. */
const BATCH = 1_000;

/** A key is kept for this long after the outcome of its request is final, whatever its age. */
const KEEP_FINAL_MS = 24 * 3_600_000;

/** Deletes the idempotency keys whose time is over. @returns how many */
export async function expireKeys(gateway: Gateway): Promise<number> {
  let deleted = 0;
  for (;;) {
    const count = await deleteExpiredKeys(gateway.database, { limit: BATCH, keepFinalMs: KEEP_FINAL_MS });
    deleted += count;
    if (count < BATCH) return deleted;
  }
}
