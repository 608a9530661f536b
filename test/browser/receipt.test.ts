import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { useGateway } from '../harness/gateway.ts';
import { launchChromium } from './chromium.ts';

/** SCREENSHOT=1 npm run test:browser takes it anew. */
const SCREENSHOT = join(import.meta.dirname, '..', '..', 'docs', 'receipt.png');

const WIDTHS = [1000, 360];

const gateway = useGateway();
let browser: Browser;

beforeAll(async () => {
  browser = await launchChromium();
});

// Not there when none could be launched.
afterAll(() => (browser as Browser | undefined)?.close());

const CUSTOMER = `mutation ($input: CreateCustomerInput!) {
  createCustomer(input: $input) { ... on CreateCustomerPayload { customer { id } } }
}`;
const PAY = `mutation ($input: CreatePaymentInput!) {
  createPayment(input: $input) { ... on CreatePaymentPayload { payment { id receiptUrl } } }
}`;
const REFUND = `mutation ($input: RefundPaymentInput!) {
  refundPayment(input: $input) { ... on RefundPaymentPayload { refund { status } } }
}`;

async function send<R>(document: string, input: object): Promise<R> {
  const { data, text } = await gateway().request<R>(document, { input });
  if (data == null) throw new Error(text);
  return data;
}

const LAMPS = 'Two lamps and a table of oak, to be delivered in the first week of December';

/** The receipt of a payment of which everything was told, with a refund. */
async function makeReceipt(description: string): Promise<string> {
  const jenny = { email: 'jenny@example.com', firstName: 'Jenny', lastName: 'Rosen' };
  const { createCustomer } = await send<{ createCustomer: { customer: { id: string } } }>(CUSTOMER, jenny);
  const { createPayment } = await send<{ createPayment: { payment: { id: string; receiptUrl: string } } }>(PAY, {
    idempotencyKey: randomUUID(),
    amount: 14_999,
    currency: 'EUR',
    process: true,
    customerId: createCustomer.customer.id,
    card: { number: '4242424242424242', expMonth: 12, expYear: new Date().getUTCFullYear() + 5, cvc: '123' },
    description,
    tax: { subtotal: 12_604, amount: 2_395, type: 'VAT', country: 'DE', rate: '19' },
    destinations: [
      { type: 'ORDER', id: 'ord_1', number: '2026-1177', amount: 12_999 },
      { type: 'INVOICE', id: '0194d1a2-5b9c-7c44-a4a5-5f0a2c9f1d1e', amount: 2_000 },
    ],
  });
  const { id: paymentId, receiptUrl } = createPayment.payment;
  await send(REFUND, { idempotencyKey: randomUUID(), paymentId, amount: 1_000 });
  return receiptUrl;
}

/** Opens a page without scripts. What its policy stops is told on the console. */
async function open(url: string, width: number): Promise<{ page: Page; faults: string[] }> {
  const page = await browser.newPage({ viewport: { width, height: 900 }, javaScriptEnabled: false });
  onTestFinished(() => page.close());
  const faults: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error') faults.push(message.text());
  });
  page.on('request', (request) => {
    if (request.url() !== url) faults.push(`request to ${request.url()}`);
  });
  await page.goto(url);
  return { page, faults };
}

test('it is read on every screen, and fits one sheet of paper', async () => {
  const url = await makeReceipt(LAMPS);
  for (const width of WIDTHS) {
    const { page, faults } = await open(url, width);
    expect(await isScrolledSideways(page)).toBe(false);
    for (const text of ['Visa •••• 4242', 'Order 2026-1177', '149.99 EUR', '−10.00 EUR', 'No money has moved']) {
      await expect.poll(() => page.getByText(text).first().isVisible()).toBe(true);
    }
    expect(await page.getByRole('table').count()).toBe(3);
    expect(await page.getByRole('rowheader', { name: 'Paid with' }).count()).toBe(1);
    if (width === 1000 && process.env['SCREENSHOT'] === '1') {
      await page.screenshot({ path: SCREENSHOT, fullPage: true });
    }
    expect(pagesOf(await page.pdf({ preferCSSPageSize: true }))).toBe(1);
    expect(faults).toEqual([]);
  }
});

test('a word without an end breaks no page', async () => {
  const { pool } = gateway().app.gateway.database;
  const url = await makeReceipt('w'.repeat(200));
  await pool.query('UPDATE account SET name = $1 WHERE name = $2', ['m'.repeat(100), 'A shop']);
  const { page } = await open(url, 360);
  await pool.query('UPDATE account SET name = $2 WHERE name = $1', ['m'.repeat(100), 'A shop']);
  expect(await page.getByText('mmm').first().isVisible()).toBe(true);
  expect(await isScrolledSideways(page)).toBe(false);
});

test('it is printed in black on white, whatever the screen shows', async () => {
  const { page } = await open(await makeReceipt(LAMPS), 1000);
  const colors = () =>
    page.evaluate(() => {
      const { color, backgroundColor } = getComputedStyle(document.body);
      return { color, backgroundColor };
    });
  await page.emulateMedia({ colorScheme: 'dark', media: 'screen' });
  expect((await colors()).color).toBe('rgb(249, 250, 251)');
  await page.emulateMedia({ colorScheme: 'dark', media: 'print' });
  expect(await colors()).toEqual({ color: 'rgb(0, 0, 0)', backgroundColor: 'rgb(255, 255, 255)' });
});

function isScrolledSideways(page: Page): Promise<boolean> {
  return page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth);
}

function pagesOf(pdf: Buffer): number {
  return pdf.toString('latin1').match(/\/Type\s*\/Page\b(?!s)/g)?.length ?? 0;
}
