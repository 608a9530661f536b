import { createHash } from 'node:crypto';
import { parseCurrency } from '../domain/currency.ts';
import { toDecimal } from '../domain/money.ts';
import { unreachable } from '../domain/result.ts';
import type { Charge } from '../processors/sandbox/records.ts';

/** A whole page, and the headers that it is sent with. */
export interface Page {
  readonly html: string;
  readonly headers: Readonly<Record<string, string>>;
}

const STYLE = `
:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; }
main { box-sizing: border-box; width: min(26rem, 100%); padding: 2rem 1.5rem; }
h1 { font-size: 1.25rem; margin: 0 0 .5rem; }
.amount { font-size: 2rem; font-weight: 600; font-variant-numeric: tabular-nums; margin: 0 0 1rem; }
form { display: grid; gap: .75rem; margin: 1.5rem 0; }
button { font: inherit; padding: .75rem; border: 1px solid; border-radius: .5rem; background: none; color: inherit;
  cursor: pointer; }
button.first { background: #1d4ed8; border-color: #1d4ed8; color: #fff; }
:focus-visible { outline: 3px solid #60a5fa; outline-offset: 2px; }
small { opacity: .75; }
`;

const STYLE_HASH = createHash('sha256').update(STYLE).digest('base64');

/** Asks the payer of a charge to act, or says how it stands where there is nothing to be done any more. */
export function challengePage(charge: Charge): Page {
  const back = wayBack(charge);
  const amount = `<p class="amount">${escape(amountOf(charge))}</p>`;
  if (charge.status === 'action_required') {
    // Browsers hold a form to its policy through every redirect, and the way back may be redirected by the shop.
    const formAction = back === undefined ? "'self'" : `'self' ${back.protocol}`;
    return page(
      'Confirm your payment',
      `${amount}<p>Your bank asks whether it is you who pays.</p>${FORM}`,
      formAction,
    );
  }
  const link = back && `<p><a href="${escape(back.href)}">Back to ${escape(back.host)}</a></p>`;
  return page('Nothing to do', `${amount}<p>${stateOf(charge)}</p>${link ?? ''}`);
}

/** There is no such charge. */
export function unknownChargePage(): Page {
  return page('Not found', '<p>The sandbox has no such payment.</p>');
}

/** A request that the page's own form would not have sent. */
export function badRequestPage(): Page {
  return page('Bad request', '<p>Use the buttons of the page.</p>');
}

/**
 * Where the payer goes afterwards: the merchant's address with the charge's id added to it. Undefined where there is
 * none, or one that is no web page's: it becomes a link here.
 */
export function wayBack({ id, returnUrl }: Pick<Charge, 'id' | 'returnUrl'>): URL | undefined {
  if (returnUrl === null || !URL.canParse(returnUrl)) return undefined;
  const url = new URL(returnUrl);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return undefined;
  // Not through searchParams, which would write the merchant's own parameters anew.
  url.search += `${url.search === '' ? '?' : '&'}charge=${id}`;
  return url;
}

const FORM = `<form method="post">
<button class="first" name="result" value="complete">Complete authentication</button>
<button name="result" value="fail">Fail authentication</button>
</form>`;

function page(title: string, content: string, formAction = "'none'"): Page {
  const html = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${title} – Tender sandbox</title>
<style>${STYLE}</style>
<main>
<h1>${title}</h1>
${content}
<small>This is the 3-D Secure of Tender's sandbox. No money moves.</small>
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
    },
  };
}

function amountOf({ amount, currency: code }: Charge): string {
  const currency = parseCurrency(code);
  if (currency === undefined) throw new Error('a charge in no known currency');
  return `${toDecimal({ amount, currency })} ${currency}`;
}

function stateOf({ status }: Charge): string {
  switch (status) {
    case 'action_required':
      return 'The payment waits for you.';
    case 'pending':
      return 'The payment is being processed.';
    case 'approved':
      return 'The payment was approved.';
    case 'declined':
      return 'The payment was declined.';
    case 'voided':
      return 'The payment was cancelled.';
    case 'expired':
      return 'The time for this payment is over.';
    case 'reversed':
      return 'The payment was approved, and your bank took it back since.';
    default:
      return unreachable(status);
  }
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
}
