import { unreachable } from '../domain/result.ts';
import { returnUrlOf } from '../payments/page-link.ts';
import type { HostedPayment } from '../store/hosted-payment.ts';
import { cardFields, problemLinks, type FieldProblems } from './card-form.ts';
import { BRAND_NAMES, amountText, escape, page, type Page } from './page.ts';

/** What a form says to the payer who has sent one before. */
export interface FormNotice {
  readonly text: string;
  readonly fields: FieldProblems;
  /** As it was typed: nothing else of the card is shown again. */
  readonly name: string;
}

const REFRESH_SECONDS = 2;

/** Where a payment stands for its payer, if there is nothing for them to fill in. */
export type Ending = 'paid' | 'canceled' | 'expired' | 'exhausted';

/** Asks for the card. */
export function formPage(
  shown: HostedPayment,
  form: { readonly action: string; readonly nonce: string; readonly notice: FormNotice | undefined },
): Page {
  const { payment, merchant } = shown;
  const { action, nonce, notice } = form;
  const amount = escape(amountText(payment));
  const alert =
    notice === undefined
      ? ''
      : `<div class="alert" role="alert" tabindex="-1" autofocus><p>${escape(notice.text)}</p>${problemLinks(notice.fields)}</div>`;
  const title = `Pay ${merchant}`;
  return hostedPage(shown, {
    title: notice === undefined ? title : `${notice.text} – ${title}`,
    content: `<h1>${escape(title)}</h1>
<p class="amount">${amount}</p>
${purpose(shown)}
${alert}
<form method="post" action="${escape(action)}">
<input type="hidden" name="nonce" value="${escape(nonce)}">
${cardFields(notice?.fields ?? {}, notice?.name ?? '')}
<button class="first">Pay ${amount}</button>
<small>Your card number and security code go to the payment processor and are not kept here.</small>
</form>
${wayBack(shown)}`,
    formAction: formActionOf(shown),
  });
}

/** The charge is on its way, or nobody knows yet what became of it. */
export function waitingPage(shown: HostedPayment): Page {
  return hostedPage(shown, {
    title: 'Your payment is being processed',
    content: `<h1>Your payment is being processed</h1>
<p class="amount">${escape(amountText(shown.payment))}</p>
<p role="status">This page goes on by itself as soon as there is a result. Do not pay again in the meantime.</p>`,
    refreshSeconds: REFRESH_SECONDS,
  });
}

/** The payer is to confirm at their bank, or has done so and its answer is on its way. */
export function actionPage(shown: HostedPayment, actionUrl: string): Page {
  return hostedPage(shown, {
    title: 'Waiting for your bank',
    content: `<h1>Waiting for your bank</h1>
<p class="amount">${escape(amountText(shown.payment))}</p>
<p>Your bank wants you to confirm this payment. If you have done so, this page goes on by itself in a moment.</p>
<p><a class="button first" href="${escape(actionUrl)}">Confirm at your bank</a></p>`,
    refreshSeconds: REFRESH_SECONDS,
  });
}

/** There is nothing to be done here any more. */
export function endPage(shown: HostedPayment, ending: Ending): Page {
  const { title, text } = wordsFor(shown, ending);
  return hostedPage(shown, {
    title,
    content: `<h1>${title}</h1>
<p class="amount">${escape(amountText(shown.payment))}</p>
<p>${escape(text)}</p>
${purpose(shown)}
${wayBack(shown)}`,
  });
}

function wordsFor({ payment, merchant, method }: HostedPayment, ending: Ending): { title: string; text: string } {
  switch (ending) {
    case 'paid': {
      const card = method === null ? 'your card' : `${BRAND_NAMES[method.brand] ?? 'a card'} ending in ${method.last4}`;
      if (payment.status === 'AUTHORIZED') {
        return { title: 'Confirmed', text: `The amount is reserved for ${merchant} on ${card}.` };
      }
      return { title: 'Paid', text: `You paid ${merchant} with ${card}.` };
    }
    case 'canceled':
      return { title: 'Cancelled', text: 'This payment was cancelled. Nothing was charged.' };
    case 'expired':
      return { title: 'Expired', text: 'The time for this payment is over. Nothing was charged.' };
    case 'exhausted':
      return {
        title: 'No more attempts',
        text: `Too many attempts to pay have failed, so no more cards are taken. Nothing was charged. Ask ${merchant} for another way to pay.`,
      };
    default:
      return unreachable(ending);
  }
}

const SUBJECTS: Readonly<Record<HostedPayment['destinations'][number]['type'], string>> = {
  INVOICE: 'Invoice',
  ORDER: 'Order',
  SUBSCRIPTION: 'Subscription',
  PURCHASE: 'Purchase',
};

/** What is paid for, as the merchant told it. Amounts are told where there are several. */
function purpose({ payment, destinations }: HostedPayment): string {
  const text = payment.description === null ? '' : `<p>${escape(payment.description)}</p>`;
  const items = destinations.map(({ type, number, destinationId, amount }) => {
    const part = destinations.length === 1 ? '' : `: ${amountText({ amount, currency: payment.currency })}`;
    return `<li>${escape(`${SUBJECTS[type]} ${number ?? destinationId}${part}`)}</li>`;
  });
  return `${text}${items.length === 0 ? '' : `<ul class="purpose">${items.join('')}</ul>`}`;
}

function wayBack({ payment: { id, returnUrl } }: HostedPayment): string {
  if (returnUrl === null) return '';
  const url = new URL(returnUrlOf(returnUrl, id));
  return `<p><a href="${escape(url.href)}">Back to ${escape(url.host)}</a></p>`;
}

/** The form leads on to the bank or the shop: to where, is known only after it was sent. */
function formActionOf({ payment: { returnUrl } }: HostedPayment): string {
  const shop = returnUrl === null ? [] : [new URL(returnUrl).protocol];
  return [...new Set(["'self'", 'https:', ...shop])].join(' ');
}

function hostedPage(
  { mode, payment }: HostedPayment,
  of: {
    readonly title: string;
    readonly content: string;
    readonly formAction?: string;
    readonly refreshSeconds?: number;
  },
): Page {
  const test = mode === 'TEST' ? '<p class="notice"><strong>Test mode.</strong> No money moves.</p>\n' : '';
  return page({
    ...of,
    title: escape(of.title),
    content: `${test}${of.content}`,
    // What the payer can name when they ask about it.
    footer: `Payment ${escape(payment.humanId)}`,
  });
}
