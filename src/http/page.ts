import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { parseCurrency } from '../domain/currency.ts';
import { toDecimal } from '../domain/money.ts';

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

const STYLE = `
:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; }
main { box-sizing: border-box; width: min(26rem, 100%); padding: 2rem 1.5rem; }
h1 { font-size: 1.25rem; margin: 0 0 .5rem; overflow-wrap: anywhere; }
.amount { font-size: 2rem; font-weight: 600; font-variant-numeric: tabular-nums; margin: 0 0 1rem; }
form { display: grid; gap: .75rem; margin: 1.5rem 0; }
button { font: inherit; padding: .75rem; border: 1px solid; border-radius: .5rem; background: none; color: inherit;
  cursor: pointer; }
button.first { background: #1d4ed8; border-color: #1d4ed8; color: #fff; }
:focus-visible { outline: 3px solid #60a5fa; outline-offset: 2px; }
small { opacity: .75; }
main { overflow-wrap: anywhere; }
.purpose { margin: 0 0 1rem; padding: 0; list-style: none; opacity: .75; }
.field { display: grid; gap: .25rem; align-content: start; min-width: 0; }
.pair { display: grid; grid-template-columns: 1fr 1fr; gap: .75rem; }
label { font-weight: 500; }
input { box-sizing: border-box; width: 100%; font: inherit; padding: .625rem .75rem; border: 1px solid #6b7280;
  border-radius: .5rem; background: Field; color: FieldText; }
[aria-invalid] { border: 2px solid #dc2626; }
.problem { color: #b91c1c; font-size: .875rem; }
.alert { margin: 1.5rem 0; padding: .75rem 1rem; border-left: 4px solid #dc2626; background: #dc262618; }
.alert:focus { outline: none; }
.alert p { margin: 0; font-weight: 500; }
.alert ul { margin: .5rem 0 0; padding-left: 1.25rem; }
.test { margin: 0 0 1.5rem; padding: .5rem .75rem; border: 1px dashed #6b7280; border-radius: .5rem; font-size: .875rem; }
a { color: inherit; }
a.button { display: block; padding: .75rem; border-radius: .5rem; background: #1d4ed8; color: #fff; text-align: center;
  text-decoration: none; }
@media (min-width: 30rem) {
  body { background: #f3f4f6; }
  main { margin: 2rem 0; padding: 2rem; border-radius: 1rem; background: #fff; box-shadow: 0 1px 3px #0003; }
}
@media (prefers-color-scheme: dark) {
  body { background: #111827; color: #f9fafb; }
  input { background: #1f2937; color: inherit; }
  .problem { color: #fca5a5; }
}
@media (prefers-color-scheme: dark) and (min-width: 30rem) {
  body { background: #030712; }
  main { background: #111827; }
}
`;

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
  const chunks: Buffer[] = [];
  let bytes = 0;
  // Left as it would be by default, the loop would destroy the connection that the refusal goes out on.
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > bytesMax) return undefined;
    chunks.push(chunk);
  }
  return new URLSearchParams(Buffer.concat(chunks).toString());
}

/**
 * What a form may lead to, where its answer sends the browser on to this address: browsers hold a form to its policy
 * through every redirect, and the last one may be redirected by the shop.
 */
export function formActionTo(destination: URL | undefined): string {
  return destination === undefined ? "'self'" : `'self' ${destination.protocol}`;
}

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
