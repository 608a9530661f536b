const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;

/** How long to wait after each failed attempt to deliver a webhook: the example of the Standard Webhooks, three days. */
const DELAYS_MS: readonly number[] = [
  5 * SECOND_MS,
  5 * MINUTE_MS,
  30 * MINUTE_MS,
  2 * HOUR_MS,
  5 * HOUR_MS,
  10 * HOUR_MS,
  14 * HOUR_MS,
  20 * HOUR_MS,
  24 * HOUR_MS,
];

/** Attempts before a delivery is given up. */
export const WEBHOOK_ATTEMPTS = DELAYS_MS.length + 1;

/** A delay is longer or shorter by up to this part of it: what failed together does not come back together. */
const JITTER = 0.2;

/** No receiver can put off a delivery for longer. */
const RETRY_AFTER_MAX_MS = 24 * HOUR_MS;

/**
 * How long to wait before a delivery is tried again; undefined where it is not.
 * @param attemptsLeft how many there are, after the one that has failed
 * @param random from 0 to 1
 * @param retryAfterMs what the receiver asked for, if it did: it is never tried sooner than it would be otherwise
 */
export function webhookRetryDelayMs(
  attemptsLeft: number,
  random: number,
  retryAfterMs: number | undefined,
): number | undefined {
  const delayMs = DELAYS_MS[DELAYS_MS.length - attemptsLeft];
  if (delayMs === undefined) return undefined;
  const jitteredMs = Math.round(delayMs * (1 - JITTER + 2 * JITTER * random));
  return Math.max(jitteredMs, Math.min(retryAfterMs ?? 0, RETRY_AFTER_MAX_MS));
}

/** Milliseconds that a Retry-After header asks for, in seconds or as a date (RFC 9110); undefined for anything else. */
export function retryAfterMsOf(header: string | undefined, now: Date): number | undefined {
  if (header === undefined) return undefined;
  if (/^\d{1,9}$/.test(header)) return Number(header) * SECOND_MS;
  if (!/^[A-Za-z]{3}, \d\d [A-Za-z]{3} \d{4} \d\d:\d\d:\d\d GMT$/.test(header)) return undefined;
  const atMs = Date.parse(header);
  return Number.isNaN(atMs) ? undefined : Math.max(0, atMs - now.getTime());
}
