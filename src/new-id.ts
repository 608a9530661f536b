import { randomBytes, randomInt } from 'node:crypto';
import { HUMAN_IDS, humanIdOf } from './domain/human-id.ts';
import { uuidv7 } from './domain/ids.ts';

/** Ids of what is new. They take the clock and chance, which the floors are handed and do not reach for. */

/** A UUIDv7 for a new row. */
export function newId(): string {
  return uuidv7(Date.now(), randomBytes(10));
}

/** An id for people, at random. */
export function newHumanId(): string {
  return humanIdOf(randomInt(HUMAN_IDS));
}
