import { randomBytes, randomInt } from 'node:crypto';
import { HUMAN_IDS, humanIdOf } from './domain/human-id.ts';
import { uuidv7 } from './domain/ids.ts';

/** Ids of what is new. They take the clock and chance, which the floors are handed and do not reach for. */

const ID_BYTES = 10;
/** Asked for so many ids at once, the system's random bytes cost each a tenth. */
let pool = Buffer.alloc(0);
let used = 0;

/** A UUIDv7 for a new row. */
export function newId(): string {
  if (used === pool.length) {
    pool = randomBytes(256 * ID_BYTES);
    used = 0;
  }
  return uuidv7(Date.now(), pool.subarray(used, (used += ID_BYTES)));
}

/** An id for people, at random. */
export function newHumanId(): string {
  return humanIdOf(randomInt(HUMAN_IDS));
}
