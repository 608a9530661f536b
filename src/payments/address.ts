import { ok, type Result } from '../domain/result.ts';
import { checkText } from './details.ts';
import { invalid, type Failure } from './failure.ts';

/** A postal address, as it is kept with a payment. */
export interface Address {
  readonly line1: string | null;
  readonly line2: string | null;
  readonly city: string | null;
  readonly state: string | null;
  readonly postalCode: string | null;
  readonly country: string | null;
}

const PART_LENGTH_MAX = 200;

/** Texts of at most 200 characters, and a country of ISO 3166-1. */
export function checkAddress(address: Address, ...path: string[]): Result<Address, Failure> {
  for (const [part, text] of Object.entries(address) as [string, string | null][]) {
    const checked = checkText(text, [...path, part], PART_LENGTH_MAX);
    if (!checked.ok) return checked;
  }
  return address.country === null ? ok(address) : chain(checkCountry(address.country, ...path, 'country'), address);
}

/** A code of two capital letters, ISO 3166-1 alpha-2. */
export function checkCountry(country: string, ...path: string[]): Result<string, Failure> {
  if (/^[A-Z]{2}$/.test(country)) return ok(country);
  return invalid('A country is a code of two capital letters, ISO 3166-1.', ...path);
}

function chain<T>(checked: Result<unknown, Failure>, value: T): Result<T, Failure> {
  return checked.ok ? ok(value) : checked;
}
