/** Card brands as the API names them. */
export type CardBrand =
  | 'VISA'
  | 'MASTERCARD'
  | 'AMERICAN_EXPRESS'
  | 'DISCOVER'
  | 'DINERS_CLUB'
  | 'JCB'
  | 'UNIONPAY'
  | 'MAESTRO'
  | 'UNKNOWN';

/** A card as a caller gives it. It lives in memory only, for as long as it takes to exchange it for a token. */
export interface RawCard {
  readonly number: string;
  readonly expMonth: number;
  readonly expYear: number;
  readonly cvc: string;
  readonly holderName: string | null;
}

export type CardProblem = { readonly field: keyof RawCard; readonly message: string };

/** First digits and brand; no two ranges overlap. Source: the networks' published issuer ranges. */
const BRAND_RANGES: readonly (readonly [from: string, to: string, brand: CardBrand])[] = [
  ['4', '4', 'VISA'],
  ['51', '55', 'MASTERCARD'],
  ['2221', '2720', 'MASTERCARD'],
  ['34', '34', 'AMERICAN_EXPRESS'],
  ['37', '37', 'AMERICAN_EXPRESS'],
  ['6011', '6011', 'DISCOVER'],
  ['644', '649', 'DISCOVER'],
  ['65', '65', 'DISCOVER'],
  ['300', '305', 'DINERS_CLUB'],
  ['36', '36', 'DINERS_CLUB'],
  ['38', '39', 'DINERS_CLUB'],
  ['3528', '3589', 'JCB'],
  ['62', '62', 'UNIONPAY'],
  ['50', '50', 'MAESTRO'],
  ['56', '58', 'MAESTRO'],
  ['67', '67', 'MAESTRO'],
];

/** The brand by the issuer range that the number begins with. */
export function brandOf(number: string): CardBrand {
  const match = BRAND_RANGES.find(([from, to]) => {
    const start = number.slice(0, from.length);
    return start.length === from.length && start >= from && start <= to;
  });
  return match?.[2] ?? 'UNKNOWN';
}

/** ISO/IEC 7812-1, annex B: every second digit from the right doubled, the sum divisible by ten. */
export function passesLuhn(digits: string): boolean {
  let sum = 0;
  for (let i = 0; i < digits.length; i++) {
    const digit = digits.charCodeAt(digits.length - 1 - i) - 48;
    const doubled = i % 2 === 1 ? digit * 2 : digit;
    sum += doubled > 9 ? doubled - 9 : doubled;
  }
  return sum % 10 === 0;
}

/** The number with the spaces and hyphens that people type taken out. */
export function normalizeCardNumber(number: string): string {
  return number.replace(/[\s-]/g, '');
}

/** What is wrong with a card, before any processor is asked. The messages never repeat what was given. */
export function checkCard(card: RawCard, now: Date): CardProblem[] {
  const problems: CardProblem[] = [];
  const number = normalizeCardNumber(card.number);
  if (!/^\d{12,19}$/.test(number)) {
    problems.push({ field: 'number', message: 'A card number has 12 to 19 digits.' });
  } else if (!passesLuhn(number)) {
    problems.push({ field: 'number', message: 'The check digit of the card number is wrong.' });
  }
  const monthIsValid = card.expMonth >= 1 && card.expMonth <= 12;
  if (!monthIsValid) problems.push({ field: 'expMonth', message: 'The month of expiry is from 1 to 12.' });
  const thisYear = now.getUTCFullYear();
  if (card.expYear < 2000 || card.expYear > thisYear + 50) {
    problems.push({ field: 'expYear', message: 'The year of expiry is a full year, such as 2030.' });
  } else if (monthIsValid && hasExpired(card, now)) {
    problems.push({ field: 'expYear', message: 'The card has expired.' });
  }
  const cvcLength = brandOf(number) === 'AMERICAN_EXPRESS' ? 4 : 3;
  if (!new RegExp(`^\\d{${cvcLength}}$`).test(card.cvc)) {
    problems.push({ field: 'cvc', message: `The CVC of this card has ${cvcLength} digits.` });
  }
  if (card.holderName !== null && (card.holderName.trim() === '' || card.holderName.length > 100)) {
    problems.push({ field: 'holderName', message: "The holder's name has 1 to 100 characters." });
  }
  return problems;
}

/** A card is good to the end of its month, wherever on Earth: the last zone is twelve hours behind UTC. */
function hasExpired(card: RawCard, now: Date): boolean {
  const endUtcMs = Date.UTC(card.expYear, card.expMonth, 1, 12);
  return now.getTime() >= endUtcMs;
}

/**
 * What has many digits and is no card number: UUIDs, also those in ids ("pay_…"), and telephone numbers of E.164, which has
 * at most 15 digits.
 */
const OTHER_NUMBERS =
  /(?<![0-9a-z])[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?![0-9a-z])|\+(?:[ -]?\d){7,15}(?![ -]?\d)/gi;

/** What is not seen and parts nothing: soft hyphens, zero-width spaces and joiners, marks of direction. */
const INVISIBLE = /[\u00ad\u200b-\u200f\u2060-\u2064\ufeff]/g;
const OTHER_DIGITS = /(?![0-9])\p{Nd}/gu;
const OTHER_HYPHENS = /[\u2010-\u2015\u2212]/g;
/** Dots, underscores and the like part a card number only where its groups are those that are printed on cards. */
const PRINTED_GROUPS =
  /(?<!\d)(?:\d{4}[._/·:*](?:\d{4}[._/·:*]\d{4}[._/·:*]\d{4}(?:[._/·:*]\d{3})?|\d{6}[._/·:*]\d{4,5}))(?!\d)/g;

/** The text with digits of every script as 0 to 9, what parts them as single spaces and hyphens, and nothing unseen. */
function plain(text: string): string {
  return text
    .normalize('NFKC')
    .replace(INVISIBLE, '')
    .replace(OTHER_DIGITS, valueOf)
    .replace(OTHER_HYPHENS, '-')
    .replace(/\s+/g, ' ')
    .replace(PRINTED_GROUPS, (groups) => groups.replace(/\D/g, ''));
}

/** Unicode has the ten digits of a script in a row, and begins each row with its zero. */
function valueOf(digit: string): string {
  const code = digit.codePointAt(0) ?? 0;
  let value = 0;
  while (value < 9 && /^\p{Nd}$/u.test(String.fromCodePoint(code - value - 1))) value++;
  return String(value);
}

/**
 * Whether free text holds what can be a card number: 13 to 19 digits of any script, white space or hyphens between them
 * allowed, of an issuer range's length and with a right check digit. Digits that follow or go before without a
 * space are one number with them; groups of digits are tried with and without their neighbours, because people
 * write the date of expiry or the CVC behind the number.
 */
export function holdsCardNumber(text: string): boolean {
  for (const [run] of plain(text)
    .replace(OTHER_NUMBERS, ';')
    .matchAll(/\d(?:[ -]?\d){12,}/g)) {
    const groups = run.split(/[ -]/);
    if (groups.some((_, first) => beginsWithCardNumber(groups.slice(first, first + 19)))) return true;
  }
  return false;
}

function beginsWithCardNumber(groups: readonly string[]): boolean {
  let digits = '';
  return groups.some((group) => {
    digits += group;
    return brandOf(digits) !== 'UNKNOWN' && hasBrandLength(digits) && passesLuhn(digits);
  });
}

/** 15 digits for American Express, 14 and more for Diners Club, 13, 16 or 19 for Visa, 16 and more for others. */
function hasBrandLength(digits: string): boolean {
  switch (brandOf(digits)) {
    case 'AMERICAN_EXPRESS':
      return digits.length === 15;
    case 'DINERS_CLUB':
      return digits.length >= 14 && digits.length <= 19;
    case 'VISA':
      return digits.length === 13 || digits.length === 16 || digits.length === 19;
    default:
      return digits.length >= 16 && digits.length <= 19;
  }
}
