import { ok, type Result } from '../domain/result.ts';
import { setRetryDelays } from '../store/environment-settings.ts';
import { invalid, type Failure } from './failure.ts';
import type { Caller, Gateway } from './gateway.ts';

/** Card networks limit how often a declined card may be tried: Visa 15 times, Mastercard 10 within a day and 35 within 30. */
const RETRIES_MAX = 10;
const DELAY_MAX_SECONDS = 30 * 24 * 3_600;

/**
 * Says how often, and after how many seconds each, a retryable decline is tried again by itself. It holds for declines
 * from now on; an empty list ends it.
 */
export async function setRetrySchedule(
  gateway: Gateway,
  caller: Caller,
  delaysSeconds: readonly number[],
): Promise<Result<readonly number[], Failure>> {
  if (delaysSeconds.length > RETRIES_MAX) {
    return invalid(`There are at most ${RETRIES_MAX} automatic retries.`, 'delaysSeconds');
  }
  const wrong = delaysSeconds.findIndex((delay) => delay < 1 || delay > DELAY_MAX_SECONDS);
  if (wrong !== -1) {
    return invalid(`A delay is 1 to ${DELAY_MAX_SECONDS} seconds.`, 'delaysSeconds', String(wrong));
  }
  await setRetryDelays(gateway.database, caller, delaysSeconds);
  return ok(delaysSeconds);
}
