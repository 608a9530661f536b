/**
 * ISO 4217, list one (the currencies in use), with the exponent of each: how many decimals its minor unit has.
 * Source: the standard's maintenance agency, amendment 177. Funds codes that nobody can be charged in
 * (BOV, CHE, CHW, COU, MXV, USN, UYW) and metals are left out. A processor whose exponents differ from
 * these owns a table of its own.
 */
const CODES_BY_EXPONENT: readonly (readonly [exponent: number, codes: string])[] = [
  [0, 'BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF'],
  [
    2,
    `AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF
     CNY COP CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG
     HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU
     MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR
     SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VED
     VES WST XCD XCG YER ZAR ZMW ZWG`,
  ],
  [3, 'BHD IQD JOD KWD LYD OMR TND'],
  [4, 'CLF'],
];

declare const currencyBrand: unique symbol;

/** An upper-case ISO 4217 code that is in the table above. */
export type Currency = string & { readonly [currencyBrand]: true };

const EXPONENTS: ReadonlyMap<string, number> = new Map(
  CODES_BY_EXPONENT.flatMap(([exponent, codes]) => codes.split(/\s+/).map((code) => [code, exponent] as const)),
);

/** Every known code, in the order of the alphabet. */
export const CURRENCIES: readonly Currency[] = [...EXPONENTS.keys()].toSorted() as Currency[];

/** Reads a code in either case; undefined if it is no currency in use. */
export function parseCurrency(code: string): Currency | undefined {
  // toUpperCase would also make an S of the long s: only plain letters are a code.
  const upper = /^[A-Za-z]{3}$/.test(code) ? code.toUpperCase() : '';
  return EXPONENTS.has(upper) ? (upper as Currency) : undefined;
}

/** How many decimals the currency's minor unit stands for: 2 for EUR, 0 for JPY, 3 for KWD. */
export function exponentOf(currency: Currency): number {
  const exponent = EXPONENTS.get(currency);
  if (exponent === undefined) throw new Error('a Currency was made without parseCurrency');
  return exponent;
}
