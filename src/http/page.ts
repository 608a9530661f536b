import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { CardBrand } from '../domain/card.ts';
import { parseCurrency } from '../domain/currency.ts';
import { toDecimal } from '../domain/money.ts';
import { readBody } from './body.ts';
import { STYLE } from './page-style.ts';

/** A whole page of plain HTML, and the headers that it is sent with. */
export interface Page {
  readonly html: string;
  readonly headers: Readonly<Record<string, string>>;
}

export interface PageContent {
  readonly title: string;
  /** HTML: every text in it went through `escape`. */
  readonly content: string;
  /** In small print below the content, HTML. */
  readonly footer: string;
  /** Where its forms may lead, as a source list of Content-Security-Policy; nowhere if it is left out. */
  readonly formAction?: string;
  /** Loads the page anew after so many seconds. */
  readonly refreshSeconds?: number;
}

const STYLE_HASH = createHash('sha256').update(STYLE).digest('base64');

/**
 * A page without a script. Its policy lets it load nothing and be framed by nobody; it is kept in no cache, and where it
 * leads to is not told its address.
 */
export function page({ title, content, footer, formAction = "'none'", refreshSeconds }: PageContent): Page {
  const refresh = refreshSeconds === undefined ? '' : `<meta http-equiv="refresh" content="${refreshSeconds}">\n`;
  const html = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
${refresh}<title>${title}</title>
<style>${STYLE}</style>
<main>
${content}
<small>${footer}</small>
</main>
</html>
`;
  return {
    html,
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-store',
      'content-security-policy': [
        "default-src 'none'",
        `style-src 'sha256-${STYLE_HASH}'`,
        `form-action ${formAction}`,
        "frame-ancestors 'none'",
        "base-uri 'none'",
      ].join('; '),
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
    },
  };
}

export function sendPage(response: ServerResponse, status: number, { html, headers }: Page): void {
  response.writeHead(status, headers).end(html);
}

/** Leads a browser elsewhere, with a GET. */
export function redirect(response: ServerResponse, location: string): void {
  response.writeHead(303, { location, 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' }).end();
}

/** The fields of a form that was sent; undefined where the body is longer than any that the form sends. */
export async function readForm(request: IncomingMessage, bytesMax: number): Promise<URLSearchParams | undefined> {
  const body = await readBody(request, bytesMax);
  return body && new URLSearchParams(body.toString());
}

/**
 * What a form may lead to, where its answer sends the browser on to this address: browsers hold a form to its policy
 * through every redirect, and the last one may be redirected by the shop.
 */
export function formActionTo(destination: URL | undefined): string {
  return destination === undefined ? "'self'" : `'self' ${destination.protocol}`;
}

/** How card brands write their names; null where it is not known which one it is. */
export const BRAND_NAMES: Readonly<Record<CardBrand, string | null>> = {
  VISA: 'Visa',
  MASTERCARD: 'Mastercard',
  AMERICAN_EXPRESS: 'American Express',
  DISCOVER: 'Discover',
  DINERS_CLUB: 'Diners Club',
  JCB: 'JCB',
  UNIONPAY: 'UnionPay',
  MAESTRO: 'Maestro',
  UNKNOWN: null,
};

/** An amount as payers read it: "49.99 EUR". */
export function amountText({ amount, currency: code }: { amount: bigint; currency: string }): string {
  const currency = parseCurrency(code);
  if (currency === undefined) throw new Error('an amount in no known currency');
  return `${toDecimal({ amount, currency })} ${currency}`;
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** A text as it may stand in HTML, in an attribute, too. */
export function escape(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
}
