import { receiptNumberOf } from '../domain/receipt-number.ts';
import type { Movement, Receipt } from '../store/receipt.ts';
import { BRAND_NAMES, amountText, escape, page, type Page } from './page.ts';

/** The receipt of a payment, to be read and to be printed. */
export function receiptPage(receipt: Receipt): Page {
  const number = receiptNumberOf(receipt.humanId);
  const merchant = escape(receipt.merchant);
  const notice = receipt.mode === 'TEST' ? '<p class="notice">This is a test payment. No money has moved.</p>\n' : '';
  return page({
    title: `Receipt ${number} – ${merchant}`,
    content: `${notice}<p><strong>${merchant}</strong></p>
<h1>Receipt ${number}</h1>
<p class="amount">${sum(receipt, total(receipt.captures))}</p>
${[paymentTable(receipt), destinationTable(receipt), amountTable(receipt)].join('\n')}`,
    footer: `${number}, made out for ${merchant} by its payment gateway.`,
  });
}

/** There is no such receipt, or the address is not right. */
export function unknownReceiptPage(): Page {
  return page({
    title: 'Not found',
    content: '<h1>Not found</h1>\n<p>There is no such receipt.</p>',
    footer: 'Look whether the address is complete, or ask the shop.',
  });
}

/** Who paid when, and with what. */
function paymentTable(receipt: Receipt): string {
  const { captures, succeededAt, brand, last4, firstName, lastName, email, description, currency } = receipt;
  const name = [firstName, lastName].filter((part) => part !== null).join(' ');
  const paidBy = [name, email ?? ''].filter((part) => part !== '').map(escape);
  // A payment that can still be captured has no end yet.
  const paidAt = succeededAt ?? captures[0]?.at;
  return table('Payment', [
    ['Paid on', paidAt && time(paidAt)],
    [
      'Paid with',
      brand === null || last4 === null ? undefined : `${BRAND_NAMES[brand] ?? 'Card'} •••• ${escape(last4)}`,
    ],
    ['Paid by', paidBy.length === 0 ? undefined : paidBy.join('<br>')],
    ['Description', description === null ? undefined : escape(description)],
    ['Currency', escape(currency)],
  ]);
}

/** What it pays for, and how much of it goes there. */
function destinationTable(receipt: Receipt): string {
  if (receipt.destinations.length === 0) return '';
  const rows = receipt.destinations.map(
    ({ type, number, destinationId, amount }) =>
      `<tr><td>${DESTINATIONS[type]} ${escape(number ?? destinationId)}</td>${cell(receipt, amount)}</tr>`,
  );
  return `<table>
<caption>Paid for</caption>
<thead><tr><th scope="col">What</th><th scope="col" class="sum">Amount</th></tr></thead>
<tbody>
${rows.join('\n')}
</tbody>
</table>`;
}

/** What the amount is made of, and what has become of it since. */
function amountTable(receipt: Receipt): string {
  const { amount, captures, refunds, reversals, subtotal, taxAmount } = receipt;
  const line = (label: string, of: bigint): string => `<th scope="row">${label}</th>${cell(receipt, of)}`;
  const row = (label: string, of: bigint): string => `<tr>${line(label, of)}</tr>`;
  const whole = (label: string, of: bigint): string => `<tr class="whole">${line(label, of)}</tr>`;
  const back = (what: string) => (each: Movement) => row(`${what} on ${time(each.at)}`, -each.amount);
  const paid = total(captures);
  const left = paid - total(refunds) - total(reversals);
  // The bank may have taken back what the merchant had given back already.
  const remains = left > 0n ? left : 0n;
  const rows = [
    ...(subtotal === null ? [] : [row('Subtotal', subtotal)]),
    ...(taxAmount === null ? [] : [row(taxText(receipt), taxAmount)]),
    whole('Total', amount),
    // It may be taken in parts, and not all of them.
    ...(paid === amount ? [] : [whole('Paid', paid)]),
    ...refunds.map(back('Refunded')),
    ...reversals.map(back('Taken back by the bank')),
  ];
  const isLess = refunds.length + reversals.length > 0;
  return `<table>
<caption>Amount</caption>
<tbody>
${rows.join('\n')}
</tbody>
${isLess ? `<tfoot>${whole('Remains paid', remains)}</tfoot>\n` : ''}</table>`;
}

/** "VAT, DE, 19 %" */
function taxText({ taxType, taxCountry, taxState, taxRate }: Receipt): string {
  const parts = [taxType === null ? 'Tax' : TAXES[taxType], taxState, taxCountry, taxRate && `${taxRate} %`];
  return escape(parts.filter((part) => part !== null).join(', '));
}

function table(caption: string, rows: readonly (readonly [label: string, content: string | undefined])[]): string {
  const shown = rows.filter(([, content]) => content !== undefined);
  return `<table>
<caption>${caption}</caption>
<tbody>
${shown.map(([label, content]) => `<tr><th scope="row">${label}</th><td>${content}</td></tr>`).join('\n')}
</tbody>
</table>`;
}

function cell(receipt: Receipt, amount: bigint): string {
  return `<td class="sum">${sum(receipt, amount)}</td>`;
}

function sum({ currency }: Receipt, amount: bigint): string {
  return escape(amountText({ amount, currency })).replace('-', '−');
}

function total(movements: readonly Movement[]): bigint {
  return movements.reduce((before, { amount }) => before + amount, 0n);
}

/** A day by UTC: where the payer is, nobody knows. */
function time(at: Date): string {
  const date = at.toLocaleDateString('en-GB', { dateStyle: 'long', timeZone: 'UTC' });
  return `<time datetime="${at.toISOString()}">${date}</time>`;
}

const DESTINATIONS: Readonly<Record<Receipt['destinations'][number]['type'], string>> = {
  INVOICE: 'Invoice',
  ORDER: 'Order',
  SUBSCRIPTION: 'Subscription',
  PURCHASE: 'Purchase',
};

const TAXES: Readonly<Record<NonNullable<Receipt['taxType']>, string>> = {
  AMUSEMENT_TAX: 'Amusement tax',
  COMMUNICATIONS_TAX: 'Communications tax',
  GST: 'GST',
  HST: 'HST',
  IGST: 'IGST',
  JCT: 'JCT',
  LEASE_TAX: 'Lease tax',
  PST: 'PST',
  QST: 'QST',
  RETAIL_DELIVERY_FEE: 'Retail delivery fee',
  RST: 'RST',
  SALES_TAX: 'Sales tax',
  SERVICE_TAX: 'Service tax',
  VAT: 'VAT',
  NONE: 'Tax',
};
