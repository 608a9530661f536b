import { holdsCardNumber } from '../domain/card.ts';
import { exponentOf, parseCurrency, type Currency } from '../domain/currency.ts';
import { AMOUNT_MAX, fromDecimal, isChargeable } from '../domain/money.ts';
import { ok, type Result } from '../domain/result.ts';
import { invalid, type Failure } from './failure.ts';

/** Checks of what a caller may write freely. None repeats what was given: it may hold a card number. */

const TEXT_LENGTH_MAX = 500;
const METADATA_KEYS_MAX = 50;
const METADATA_KEY_LENGTH_MAX = 40;
const METADATA_VALUE_LENGTH_MAX = 500;

export type Metadata = Readonly<Record<string, string>>;

/** Minor units, or a text with the currency's decimal point, as minor units that can be charged. */
export function checkAmountIn(
  amount: bigint | { readonly decimal: string },
  currency: Currency,
): Result<bigint, Failure> {
  const field = amountFieldOf(amount);
  if (typeof amount === 'bigint') return checkAmount(amount, field);
  const parsed = fromDecimal(amount.decimal, currency);
  if (parsed !== undefined) return checkAmount(parsed, field);
  const decimals = exponentOf(currency);
  return invalid(`An amount in ${currency} is a number with at most ${decimals} decimals.`, field);
}

/** Which field of an input holds an amount of this form. */
export function amountFieldOf(amount: bigint | object | null): 'amount' | 'amountDecimal' {
  return typeof amount === 'object' && amount !== null ? 'amountDecimal' : 'amount';
}

/** The same in the currency of a payment. */
export function checkAmountOf(
  amount: bigint | { readonly decimal: string },
  payment: { readonly currency: string },
): Result<bigint, Failure> {
  const currency = parseCurrency(payment.currency);
  if (currency === undefined) throw new Error('a stored payment has no currency');
  return checkAmountIn(amount, currency);
}

/** A number of minor units that can move. */
export function checkAmount(amount: bigint, ...path: string[]): Result<bigint, Failure> {
  if (isChargeable(amount)) return ok(amount);
  return invalid(`An amount is from 1 to ${AMOUNT_MAX} minor units.`, ...path);
}

/** A year: what is put off for longer will not be remembered by anyone. */
const AHEAD_MAX_MS = 366 * 24 * 3_600_000;

/** A moment that is still to come, within a year. */
export function checkFuture(moment: Date, now: Date, ...path: string[]): Result<Date, Failure> {
  const aheadMs = moment.getTime() - now.getTime();
  if (aheadMs <= 0) return invalid('This moment is over.', ...path);
  if (aheadMs > AHEAD_MAX_MS) return invalid('This is more than a year ahead.', ...path);
  return ok(moment);
}

/** Free text of at most 500 characters, or what the field allows. */
export function checkText(
  text: string | null,
  path: readonly string[],
  lengthMax: number = TEXT_LENGTH_MAX,
): Result<string | null, Failure> {
  if (text === null) return ok(null);
  if (text.length > lengthMax) return invalid(`At most ${lengthMax} characters are kept here.`, ...path);
  // PostgreSQL keeps neither the character NUL nor half a surrogate pair.
  if (text.includes('\u0000') || !text.isWellFormed()) {
    return invalid('A text holds Unicode characters only, and not NUL.', ...path);
  }
  if (holdsCardNumber(text)) return invalid('A text cannot hold a card number.', ...path);
  return ok(text);
}

/**
 * What JSON has to escape. V8 reads some keys with it as others: after `{"h":[],"\\":0}`, the second key of `{"h":1,"\"":2}` comes
 * out as a backslash (nodejs/node#63785). What it makes of such a key always has a backslash, too.
 */
// oxlint-disable-next-line no-control-regex -- these are meant
const ESCAPED_IN_JSON = /["\\\u0000-\u001f]/;

/** At most 50 pairs; keys of up to 40, values of up to 500 characters, values are texts. */
export function checkMetadata(metadata: unknown, ...path: string[]): Result<Metadata, Failure> {
  if (metadata === null || metadata === undefined) return ok({});
  if (typeof metadata !== 'object' || Array.isArray(metadata)) return invalid('Metadata is an object.', ...path);
  const entries = Object.entries(metadata);
  if (entries.length > METADATA_KEYS_MAX) return invalid(`Metadata has at most ${METADATA_KEYS_MAX} keys.`, ...path);
  for (const [key, value] of entries) {
    if (key.length === 0 || key.length > METADATA_KEY_LENGTH_MAX) {
      return invalid(`A key of metadata has 1 to ${METADATA_KEY_LENGTH_MAX} characters.`, ...path);
    }
    if (ESCAPED_IN_JSON.test(key)) {
      return invalid('A key of metadata has no quotation mark, no backslash and no control character.', ...path);
    }
    const checkedKey = checkText(key, path);
    if (!checkedKey.ok) return checkedKey;
    if (typeof value !== 'string') return invalid('Every value of metadata is a text.', ...path, key);
    const checkedValue = checkText(value, [...path, key], METADATA_VALUE_LENGTH_MAX);
    if (!checkedValue.ok) return checkedValue;
  }
  return ok(Object.fromEntries(entries));
}

/** What card statements print: 5 to 22 characters of the alphabet that the networks share. */
export function checkStatementDescriptor(text: string | null, ...path: string[]): Result<string | null, Failure> {
  if (text === null || /^(?=.*[A-Za-z])[A-Za-z0-9 .,\-+/#&]{5,22}$/.test(text)) return checkText(text, path);
  return invalid('A statement descriptor has 5 to 22 letters, digits or . , - + / # &, one letter at least.', ...path);
}

/** Where a payer returns to: https, or http on this very machine while developing. */
export function checkReturnUrl(url: string | null, ...path: string[]): Result<string | null, Failure> {
  if (url === null) return ok(null);
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  const isLocal = parsed?.protocol === 'http:' && ['localhost', '127.0.0.1', '[::1]'].includes(parsed.hostname);
  if (url.length <= 2048 && (parsed?.protocol === 'https:' || isLocal)) return checkText(url, path, 2048);
  return invalid('A return URL is https, or http on localhost, with at most 2048 characters.', ...path);
}
