import { unreachable } from '../domain/result.ts';
import type { Charge } from '../processors/sandbox/records.ts';
import { amountText, escape, formActionTo, page, type Page } from './page.ts';

/** Asks the payer of a charge to act, or says how it stands where there is nothing to be done any more. */
export function challengePage(charge: Charge): Page {
  const back = wayBack(charge);
  const amount = `<p class="amount">${escape(amountText(charge))}</p>`;
  if (charge.status === 'action_required') {
    return sandboxPage(
      'Confirm your payment',
      `${amount}<p>Your bank asks whether it is you who pays.</p>${FORM}`,
      formActionTo(back),
    );
  }
  const link = back && `<p><a href="${escape(back.href)}">Back to ${escape(back.host)}</a></p>`;
  return sandboxPage('Nothing to do', `${amount}<p>${stateOf(charge)}</p>${link ?? ''}`);
}

/** There is no such charge. */
export function unknownChargePage(): Page {
  return sandboxPage('Not found', '<p>The sandbox has no such payment.</p>');
}

/** A request that the page's own form would not have sent. */
export function badRequestPage(): Page {
  return sandboxPage('Bad request', '<p>Use the buttons of the page.</p>');
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

function sandboxPage(title: string, content: string, formAction?: string): Page {
  return page({
    title: `${title} – Tender sandbox`,
    content: `<h1>${title}</h1>\n${content}`,
    footer: "This is the 3-D Secure of Tender's sandbox. No money moves.",
    ...(formAction === undefined ? {} : { formAction }),
  });
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
