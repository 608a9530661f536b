import assert from 'node:assert/strict';

/** How often something may happen: at this pace on and on, and so many at once after a pause. */
export interface Rate {
  readonly count: number;
  readonly windowMs: number;
  /** How many at once. */
  readonly burst: number;
}

/** What became of one. */
export interface Taken {
  /** In how many milliseconds it may be tried again; 0 if it was let through. */
  readonly waitMs: number;
  /** How many more could follow at once. */
  readonly remaining: number;
  /** In how many milliseconds a whole burst could. */
  readonly fullInMs: number;
  /** When a whole burst could, in microseconds: all that has to be kept. */
  readonly fullAtUs: number;
}

/**
 * A bucket that holds a burst and is filled at the rate's pace, one taken out of it. Its whole state is the moment at which
 * it is full again (the generic cell rate algorithm): one integer for each key, and nothing that has to be filled by a timer.
 * @param fullAtUs what was kept of the last time; undefined for a full bucket
 */
export function take(rate: Rate, fullAtUs: number | undefined, nowUs: number): Taken {
  const stepUs = stepOf(rate);
  const before = Math.max(fullAtUs ?? nowUs, nowUs);
  const after = before + stepUs;
  const excessUs = after - nowUs - rate.burst * stepUs;
  return excessUs > 0 ? taken(rate, before, nowUs, Math.ceil(excessUs / 1_000)) : taken(rate, after, nowUs, 0);
}

/** Puts one back that was taken and turned out not to count. @returns what is kept then */
export function giveBack(rate: Rate, fullAtUs: number): number {
  return fullAtUs - stepOf(rate);
}

function taken(rate: Rate, fullAtUs: number, nowUs: number, waitMs: number): Taken {
  const stepUs = stepOf(rate);
  const remaining = Math.floor((rate.burst * stepUs - (fullAtUs - nowUs)) / stepUs);
  assert(remaining >= 0 && remaining < rate.burst, 'a bucket holds no more than a burst, and no less than nothing');
  return { waitMs, remaining, fullInMs: Math.ceil((fullAtUs - nowUs) / 1_000), fullAtUs };
}

/** How long one takes to come back, in microseconds. */
function stepOf({ count, windowMs }: Rate): number {
  return Math.ceil((windowMs * 1_000) / count);
}
