import { exponentOf, parseCurrency } from '../../domain/currency.ts';

/*
 * Stripe's amounts are integers, as ours are, but not always of the same unit: it counts some currencies in other
 * decimals than ISO 4217, and of some it takes round numbers only.
 * Source: docs.stripe.com/currencies, as of July 2026; for three decimals the same page as of 2022.
 */

/** How Stripe counts a currency. */
interface Unit {
  readonly decimals: number;
  /** What an amount has to be a multiple of. */
  readonly step: bigint;
}

const UNITS: readonly (readonly [unit: Unit, codes: string])[] = [
  [{ decimals: 0, step: 1n }, 'BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF'],
  [
    { decimals: 2, step: 1n },
    `AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BRL BSD BWP BYN BZD CAD CDF CHF CNY COP CRC CVE CZK
     DKK DOP DZD EGP ETB EUR FJD FKP GBP GEL GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR JMD KES KGS KHR KYD KZT LAK
     LBP LKR LRD LSL MAD MDL MKD MMK MNT MOP MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN
     QAR RON RSD RUB SAR SBD SCR SEK SGD SHP SLE SOS SRD SZL THB TJS TOP TRY TTD TWD TZS UAH USD UYU UZS WST XCD XCG
     YER ZAR ZMW`,
  ],
  // They had two decimals once, and are still sent with them: "the decimal amount is always 00".
  [{ decimals: 2, step: 100n }, 'ISK UGX'],
  // "The least-significant (last) digit has to be 0."
  [{ decimals: 3, step: 10n }, 'BHD JOD KWD OMR TND'],
];

const UNIT_OF: ReadonlyMap<string, Unit> = new Map(
  UNITS.flatMap(([unit, codes]) => codes.split(/\s+/).map((code) => [code, unit] as const)),
);

/** The least that can be charged, in Stripe's units. An account that is paid out in another currency may have to take more. */
const MINIMA: ReadonlyMap<string, bigint> = new Map(
  (
    [
      [30n, 'GBP'],
      [50n, 'ARS AUD BRL CAD CHF COP EUR IDR ILS INR JPY KRW NZD PHP RUB SGD USD ZAR'],
      [200n, 'AED MYR PLN RON'],
      [250n, 'DKK'],
      [300n, 'NOK SEK'],
      [400n, 'HKD'],
      [1_000n, 'MXN THB'],
      [1_500n, 'CZK'],
      [17_500n, 'HUF'],
    ] as const
  ).flatMap(([least, codes]) => codes.split(' ').map((code) => [code, least] as const)),
);

/** "12 digits for most card payments". What the network of a card takes may be less: that is for it to say. */
const MAXIMUM = 999_999_999_999n;

/** An amount in Stripe's units; undefined where Stripe has no such currency, or cannot be told of such an amount. */
export function toStripeAmount(amount: bigint, currency: string): number | undefined {
  const unit = UNIT_OF.get(currency);
  if (unit === undefined) return undefined;
  const units = scale(amount, unit.decimals - isoDecimals(currency));
  if (units === undefined || units % unit.step !== 0n || units > MAXIMUM) return undefined;
  return Number(units);
}

/** An amount of Stripe's in minor units of ISO 4217. Stripe's currencies are in lower case. */
export function fromStripeAmount(amount: number, currency: string): { amount: bigint; currency: string } | undefined {
  const code = currency.toUpperCase();
  const unit = UNIT_OF.get(code);
  if (unit === undefined) return undefined;
  const minor = scale(BigInt(amount), isoDecimals(code) - unit.decimals);
  return minor === undefined ? undefined : { amount: minor, currency: code };
}

/** Why an amount cannot be charged, in words for the merchant; undefined where it can. */
export function refusesAmount(amount: bigint, currency: string): string | undefined {
  const unit = UNIT_OF.get(currency);
  if (unit === undefined) return `Stripe takes no payments in ${currency}.`;
  const shift = unit.decimals - isoDecimals(currency);
  const units = scale(amount, shift);
  if (units === undefined || units % unit.step !== 0n) {
    const step = scale(unit.step, -shift) ?? 10n ** BigInt(-shift);
    return `Stripe takes amounts in ${currency} in steps of ${step} minor units.`;
  }
  const least = MINIMA.get(currency) ?? 1n;
  if (units < least) return `Stripe takes no less than ${scale(least, -shift)} minor units in ${currency}.`;
  return units > MAXIMUM
    ? `Stripe takes no more than ${scale(MAXIMUM, -shift)} minor units in ${currency}.`
    : undefined;
}

function isoDecimals(code: string): number {
  const currency = parseCurrency(code);
  if (currency === undefined) throw new Error(`${code} of Stripe's is no currency of ISO 4217`);
  return exponentOf(currency);
}

/** Moves the decimal point; undefined where a digit would be lost. */
function scale(amount: bigint, places: number): bigint | undefined {
  const factor = 10n ** BigInt(Math.abs(places));
  if (places >= 0) return amount * factor;
  return amount % factor === 0n ? amount / factor : undefined;
}
