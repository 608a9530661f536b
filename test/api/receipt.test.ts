import { expect, test } from 'vitest';
import { ReceiptDocument, type CreatePaymentInput } from '../../generated/operations/graphql.ts';
import { decodeIdOf } from '../../src/domain/ids.ts';
import { receiptPage } from '../../src/http/receipt-page.ts';
import { newId } from '../../src/new-id.ts';
import { pageUrl, type PageKind } from '../../src/payments/page-link.ts';
import { addAccount, addKey } from '../../src/store/access.ts';
import { readReceipt } from '../../src/store/receipt.ts';
import { only, useGateway } from '../harness/gateway.ts';
import { Till } from '../harness/till.ts';
import { until } from '../harness/until.ts';

const MARKUP = '<b>"Tom" & \'Jerry\'</b>';
const ESCAPED = '&lt;b&gt;&quot;Tom&quot; &amp; &#39;Jerry&#39;&lt;/b&gt;';

const gateway = useGateway();
const till = new Till(gateway);

async function read(id: string) {
  const { payment } = await gateway().execute(ReceiptDocument, { id });
  if (payment === null) throw new Error(`there is no payment ${id}`);
  return payment;
}

async function receiptUrl(id: string): Promise<string> {
  const url = (await read(id)).receiptUrl;
  if (url === null) throw new Error('the payment has no receipt');
  return url;
}

/** The text of a payment's receipt, tags and all. */
async function receiptOf(id: string): Promise<string> {
  const page = await fetch(await receiptUrl(id));
  expect(page.status).toBe(200);
  return page.text();
}

/** The rows of the tables, as text: label and content. */
function rowsOf(html: string): string[] {
  const rows = html.match(/<tr.*<\/tr>/g) ?? [];
  return rows.map((row) => row.replaceAll(/<br>|<\/t[hd]>(?=<t)/g, ': ').replaceAll(/<[^>]+>/g, ''));
}

const today = (): string => new Intl.DateTimeFormat('en-GB', { dateStyle: 'long', timeZone: 'UTC' }).format(new Date());

async function isNotFound(url: string): Promise<boolean> {
  const page = await fetch(url);
  const isPage = page.headers.get('content-type') === 'text/html; charset=utf-8';
  return page.status === 404 && isPage && (await page.text()).includes('There is no such receipt.');
}

/** The environment of the gateway's own test key. */
async function keyOf(paymentId: string): Promise<{ environmentId: string; id: string }> {
  const id = decodeIdOf('Payment', paymentId) ?? '';
  const { rows } = await gateway().app.gateway.database.pool.query<{ environmentId: string }>(
    'SELECT environment_id AS "environmentId" FROM payment WHERE id = $1',
    [id],
  );
  return { environmentId: rows[0]?.environmentId ?? '', id };
}

const signed = async (paymentId: string, kind: PageKind) =>
  pageUrl(gateway().app.gateway, kind, await keyOf(paymentId));

test('it says who paid what, when, with what and for what', async () => {
  const customerId = await till.customer({ email: 'jenny@example.com', firstName: 'Jenny', lastName: 'Rosen' });
  const { id } = await till.pay({
    customerId,
    description: 'Two lamps',
    tax: { subtotal: 4201, amount: 798, type: 'VAT', country: 'DE', rate: '19' },
    destinations: [
      { type: 'ORDER', id: 'ord_1', number: '2026-77', amount: 3999 },
      { type: 'INVOICE', id: 'inv_1', amount: 1000 },
    ],
  });
  const { humanId, receiptNumber } = await read(id);
  expect(receiptNumber).toBe(`R-${humanId}`);
  const html = await receiptOf(id);
  expect(html).toContain(`<title>Receipt R-${humanId} – A shop</title>`);
  expect(html).toContain('<html lang="en">');
  expect(html).toContain('<strong>A shop</strong>');
  expect(html).toContain('This is a test payment. No money has moved.');
  expect(html).toMatch(/<time datetime="\d{4}-\d\d-\d\dT[\d:.]+Z">/);
  expect(rowsOf(html)).toEqual([
    `Paid on: ${today()}`,
    'Paid with: Visa •••• 4242',
    'Paid by: Jenny Rosen: jenny@example.com',
    'Description: Two lamps',
    'Currency: EUR',
    'What: Amount',
    'Order 2026-77: 39.99 EUR',
    'Invoice inv_1: 10.00 EUR',
    'Subtotal: 42.01 EUR',
    'VAT, DE, 19 %: 7.98 EUR',
    'Total: 49.99 EUR',
  ]);
});

test('of what was not told it says nothing', async () => {
  const { id } = await till.pay({ amount: 500, currency: 'JPY' });
  expect(rowsOf(await receiptOf(id))).toEqual([
    `Paid on: ${today()}`,
    'Paid with: Visa •••• 4242',
    'Currency: JPY',
    'Total: 500 JPY',
  ]);
});

test('of a live payment it says nothing about tests', async () => {
  const { id } = await till.pay();
  const found = await readReceipt(gateway().app.gateway.database, await keyOf(id));
  if (found === undefined) throw new Error('there is no receipt');
  expect(receiptPage(found).html).toContain('class="notice"');
  expect(receiptPage({ ...found, mode: 'LIVE' }).html).not.toMatch(/class="notice"|No money/);
});

test('it is kept by nobody, loads nothing and is framed by nobody', async () => {
  const { id } = await till.pay();
  const page = await fetch(await receiptUrl(id));
  expect(Object.fromEntries(page.headers)).toMatchObject({
    'content-type': 'text/html; charset=utf-8',
    'cache-control': 'no-store',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
    'content-security-policy': expect.stringMatching(
      /^default-src 'none'; style-src 'sha256-[\w+/=]+'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'$/,
    ),
  });
  expect(await page.text()).not.toMatch(/<script|<link|<img|<form|<a |src=|url\(|style=/);
});

test('what others wrote is text', async () => {
  const customerId = await till.customer({ email: 'a<b>@example.com', firstName: MARKUP, lastName: MARKUP });
  const { id } = await till.pay({
    customerId,
    description: MARKUP,
    tax: { subtotal: 4999, amount: 0, type: 'SALES_TAX', country: 'US', state: MARKUP },
    destinations: [{ type: 'ORDER', id: MARKUP, amount: 4999 }],
  });
  await gateway().app.gateway.database.pool.query('UPDATE account SET name = $1 WHERE name = $2', [MARKUP, 'A shop']);
  const html = await receiptOf(id);
  await gateway().app.gateway.database.pool.query('UPDATE account SET name = $1 WHERE name = $2', ['A shop', MARKUP]);
  expect(html).not.toContain('<b>');
  // The account, in three places; both names, the description, the state and the order.
  expect(html.split(ESCAPED)).toHaveLength(1 + 3 + 2 + 1 + 1 + 1);
  expect(html).toContain('a&lt;b&gt;@example.com');
});

test('refunds: each with its date, and what remains', async () => {
  const { id } = await till.pay();
  only(await till.refund({ paymentId: id, amount: 1000 }), 'RefundPaymentPayload');
  only(await till.refund({ paymentId: id, amount: 99 }), 'RefundPaymentPayload');
  expect(rowsOf(await receiptOf(id)).slice(-4)).toEqual([
    'Total: 49.99 EUR',
    `Refunded on ${today()}: −10.00 EUR`,
    `Refunded on ${today()}: −0.99 EUR`,
    'Remains paid: 39.00 EUR',
  ]);
});

test('a refund that was returned, or has not succeeded, is none', async () => {
  const { id } = await till.payWith('4000000000005126');
  only(await till.refund({ paymentId: id, amount: 1000 }), 'RefundPaymentPayload');
  await until(async () => (await till.read(id)).refundStatus === 'FAILED');
  expect(rowsOf(await receiptOf(id)).at(-1)).toBe('Total: 49.99 EUR');
});

test('what the bank took back', async () => {
  const { id } = await till.payWith('4000000000001109');
  await until(async () => (await till.read(id)).amountReversed.amount > 0);
  expect(rowsOf(await receiptOf(id)).slice(-2)).toEqual([
    `Taken back by the bank on ${today()}: −49.99 EUR`,
    'Remains paid: 0.00 EUR',
  ]);
});

test('captured in part: what was paid, while more may be', async () => {
  const { id } = await till.authorize({ amount: 1000 });
  expect(await read(id)).toMatchObject({ receiptNumber: null, receiptUrl: null });
  expect(await isNotFound(await signed(id, 'receipt'))).toBe(true);
  only(await till.capture({ paymentId: id, amount: 300 }), 'CapturePaymentPayload');
  const html = await receiptOf(id);
  expect(html).toContain('<p class="amount">3.00 EUR</p>');
  expect(rowsOf(html)).toContain(`Paid on: ${today()}`);
  expect(rowsOf(html).slice(-2)).toEqual(['Total: 10.00 EUR', 'Paid: 3.00 EUR']);
});

const nothingCaptured: readonly (readonly [string, Partial<CreatePaymentInput>])[] = [
  ['not processed', { process: false }],
  ['declined', { card: { number: '4000000000000002', expMonth: 12, expYear: 2040, cvc: '123' } }],
];

test.each(nothingCaptured)('a payment that was %s has no receipt', async (_, input) => {
  const { id } = await till.pay(input);
  expect(await read(id)).toMatchObject({ receiptNumber: null, receiptUrl: null });
  expect(await isNotFound(await signed(id, 'receipt'))).toBe(true);
});

test('an address that the gateway did not make opens nothing', async () => {
  const { id } = await till.pay();
  const url = await receiptUrl(id);
  const start = url.slice(0, url.lastIndexOf('/') + 1);
  const token = url.slice(start.length);
  const other = (await receiptUrl((await till.pay()).id)).slice(start.length);
  for (const forged of [
    '',
    'x',
    token.slice(0, -1),
    `${token}A`,
    `${token}/`,
    // Its own key with another's proof, and each part changed a little.
    token.slice(0, 43) + other.slice(43),
    (token.startsWith('A') ? 'B' : 'A') + token.slice(1),
    token.slice(0, -2) + (token.endsWith('AA') ? 'BB' : 'AA'),
    '%00',
    id,
  ]) {
    expect(await isNotFound(start + forged)).toBe(true);
  }
  expect((await fetch(`${url}?print=1`)).status).toBe(200);
});

test('the address of the page on which it is paid is none of its receipt', async () => {
  const { id } = await till.pay();
  const url = await receiptUrl(id);
  const paying = await signed(id, 'pay');
  expect(await isNotFound(url.slice(0, url.lastIndexOf('/') + 1) + paying.slice(paying.lastIndexOf('/') + 1))).toBe(
    true,
  );
});

test('another environment’s payment is not found in this one', async () => {
  const { id } = await till.pay();
  const key = await keyOf(id);
  const { test: other } = await addAccount(gateway().app.gateway.database, { name: 'Elsewhere', newId });
  expect(await isNotFound(pageUrl(gateway().app.gateway, 'receipt', { ...key, environmentId: other.id }))).toBe(true);
  const secret = await addKey(gateway().app.gateway.database, { id: newId(), environment: other, name: 'other' });
  expect(await gateway().execute(ReceiptDocument, { id }, { key: secret })).toEqual({ payment: null });
});

test('it is read, and nothing else can be done with it', async () => {
  const { id } = await till.pay();
  const url = await receiptUrl(id);
  const head = await fetch(url, { method: 'HEAD' });
  expect(head.status).toBe(200);
  expect(await head.text()).toBe('');
  for (const method of ['POST', 'PUT', 'DELETE']) {
    const refused = await fetch(url, { method });
    expect(refused.status).toBe(405);
    expect(refused.headers.get('allow')).toBe('GET, HEAD');
  }
});
