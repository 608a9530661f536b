import { KEY_RETENTION_MIN_MS, type Gateway } from '../payments/gateway.ts';
import { deleteExpiredKeys } from '../store/due.ts';

/** Keys that one statement deletes: it holds their locks until it ends. */
const BATCH = 1_000;

/**
 * Deletes the idempotency keys whose time is over, and whose outcome has been final for a day.
 * @returns how many
 */
export async function expireKeys(gateway: Gateway): Promise<number> {
  let deleted = 0;
  for (;;) {
    const count = await deleteExpiredKeys(gateway.database, { limit: BATCH, keepFinalMs: KEY_RETENTION_MIN_MS });
    deleted += count;
    if (count < BATCH) return deleted;
  }
}
