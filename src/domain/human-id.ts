/** No digit that looks like a letter and no letter that looks like a digit, and no vowel U between them. */
const ALPHABET = '23456789ABCDEFGHJKMNPQRSTVWXYZ';
const LENGTH = 6;

/** How many there are: with a million payments in an environment, one draw in 730 is taken already. */
export const HUMAN_IDS = ALPHABET.length ** LENGTH;

/**
 * A payment's id for people: six characters that are not taken for one another.
 * @param number 0 to HUMAN_IDS - 1, at random
 */
export function humanIdOf(number: number): string {
  if (!Number.isInteger(number) || number < 0 || number >= HUMAN_IDS) throw new RangeError('no number of a human id');
  let rest = number;
  let id = '';
  for (let place = 0; place < LENGTH; place++) {
    id = ALPHABET.charAt(rest % ALPHABET.length) + id;
    rest = Math.floor(rest / ALPHABET.length);
  }
  return id;
}

/** Reads what a person typed: in either case, with spaces or a hyphen; undefined where it can be no human id. */
export function parseHumanId(text: string): string | undefined {
  const id = text.replaceAll(/[\s-]/g, '').toUpperCase();
  return id.length === LENGTH && /^[2-9A-HJKMNP-TV-Z]+$/.test(id) ? id : undefined;
}
