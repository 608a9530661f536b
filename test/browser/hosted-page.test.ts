import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest';
import { declineForPayer } from '../../src/domain/decline.ts';
import type { ChargeOutcome } from '../../src/processors/port.ts';
import { Backstage } from '../harness/backstage.ts';
import { useGateway } from '../harness/gateway.ts';
import { Interposed } from '../harness/interposed.ts';
import { EXPIRY, PagePayer } from '../harness/page-payer.ts';
import { halted } from '../harness/stand-ins.ts';
import { Till } from '../harness/till.ts';
import { launchChromium } from './chromium.ts';

const processor = new Interposed();
const gateway = useGateway({ sandbox: { interpose: processor } });
const till = new Till(gateway);
const payer = new PagePayer(gateway);
const backstage = new Backstage(gateway);

const DECLINED = '4000000000009987';
const CHALLENGED = '4000000000003220';

let browser: Browser;
let shop: Server;
let shopUrl: string;

beforeAll(async () => {
  browser = await launchChromium();
  shop = createServer((_, response) => void response.setHeader('content-type', 'text/html').end('<h1>The shop</h1>'));
  await once(shop.listen(0, '127.0.0.1'), 'listening');
  shopUrl = `http://127.0.0.1:${(shop.address() as AddressInfo).port}/back?order=1`;
});

// Not there when none could be launched.
afterAll(async () => {
  await (browser as Browser | undefined)?.close();
  (shop as Server | undefined)?.closeAllConnections();
  (shop as Server | undefined)?.close();
});

beforeEach(() => processor.use({}));

/** A telephone without JavaScript; what goes wrong in it is told, what its policy forbids included. */
async function telephone(options: BrowserContextOptions = {}): Promise<{ page: Page; faults: string[] }> {
  const viewport = { width: 360, height: 740 };
  const context = await browser.newContext({ javaScriptEnabled: false, viewport, ...options });
  onTestFinished(() => context.close());
  const faults: string[] = [];
  context.on('console', (message) => {
    const isIcon = message.location().url.endsWith('/favicon.ico');
    if (message.type() === 'error' && !isIcon) faults.push(message.text());
  });
  return { page: await context.newPage(), faults };
}

/** A payment to be paid, and where its payer ends. */
async function order(input: Parameters<Till['create']>[0] = {}) {
  const { id, url } = await payer.asked(till, {
    description: 'Two tickets for the concert on 12 June',
    destinations: [{ type: 'ORDER', id: 'ord_1', number: 'A-1017', amount: 4_999 }],
    returnUrl: shopUrl,
    ...input,
  });
  return { id, url, end: `${shopUrl}&payment=${id}` };
}

async function fill(page: Page, number: string): Promise<void> {
  await page.getByLabel('Card number').fill(number);
  await page.getByLabel('Expiry').fill(EXPIRY);
  await page.getByLabel('Security code').fill('123');
  await page.getByLabel('Name on card').fill('Jenny Rosen');
}

const payButton = (page: Page) => page.getByRole('button', { name: 'Pay 49.99 EUR' });

/** What has the focus: the name of a field, or the role of anything else. */
function focused(page: Page): Promise<string | null | undefined> {
  return page.evaluate(() => document.activeElement?.getAttribute('name') ?? document.activeElement?.role);
}

async function widthOf(page: Page): Promise<number> {
  return page.evaluate(() => document.documentElement.scrollWidth);
}

test('paid with the keyboard alone, and the payer is back at the shop', async () => {
  const { page, faults } = await telephone();
  const { id, url, end } = await order();
  await page.goto(url);
  const { keyboard } = page;
  for (const [field, text] of [
    ['number', '4242 4242 4242 4242'],
    ['expiry', EXPIRY],
    ['cvc', '123'],
    ['name', 'Jenny Rosen'],
  ] as const) {
    await keyboard.press('Tab');
    expect(await focused(page)).toBe(field);
    await keyboard.type(text);
  }
  await keyboard.press('Tab');
  await keyboard.press('Enter');
  await page.waitForURL(end);
  expect(await page.textContent('h1')).toBe('The shop');
  expect(await till.read(id)).toMatchObject({ status: 'SUCCEEDED', attempts: [{ number: 1 }] });
  expect(faults).toEqual([]);
});

test('declined in words, then paid with another card; nothing of a card is in an address', async () => {
  const { page, faults } = await telephone();
  const addresses: string[] = [];
  page.on('request', (request) => addresses.push(request.url()));
  const { id, url, end } = await order();
  await page.goto(url);
  await fill(page, DECLINED);
  await payButton(page).click();
  const alert = page.getByRole('alert');
  await alert.waitFor();
  expect(await alert.innerText()).toBe(declineForPayer('lost_card').message);
  expect(await focused(page)).toBe('alert');
  expect(page.url()).toBe(url);
  for (const field of ['Card number', 'Expiry', 'Security code', 'Name on card']) {
    expect(await page.getByLabel(field).inputValue()).toBe('');
  }
  // A reload shows the same, and sends nothing.
  await page.reload();
  expect(await alert.innerText()).toBe(declineForPayer('lost_card').message);
  await fill(page, '5555555555554444');
  await payButton(page).click();
  await page.waitForURL(end);
  expect(await till.read(id)).toMatchObject({ status: 'SUCCEEDED', attempts: [{}, {}] });
  expect(addresses.join('\n')).not.toMatch(/\d{13}|123\b|Rosen/);
  expect(await page.context().cookies()).toEqual([]);
  expect(faults).toEqual([]);
});

test('what is wrong is said at its field, and a link leads there', async () => {
  const { page, faults } = await telephone();
  const { url } = await order();
  await page.goto(url);
  await fill(page, '4242424242424241');
  await payButton(page).click();
  const alert = page.getByRole('alert');
  await alert.waitFor();
  expect(await focused(page)).toBe('alert');
  expect(await page.getByLabel('Card number').getAttribute('aria-invalid')).toBe('true');
  expect(await page.getByLabel('Card number').inputValue()).toBe('');
  expect(await page.getByLabel('Name on card').inputValue()).toBe('Jenny Rosen');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await expect.poll(() => focused(page)).toBe('number');
  // A refused form is answered with an error's status, which the console tells.
  expect(faults.filter((text) => !text.includes('422'))).toEqual([]);
});

test('an empty form is not sent at all', async () => {
  const { page } = await telephone();
  const { url } = await order();
  await page.goto(url);
  let sent = 0;
  page.on('request', () => sent++);
  await payButton(page).click();
  expect(await focused(page)).toBe('number');
  expect(sent).toBe(0);
});

test('3-D Secure leads away and back, and on to the shop', async () => {
  const { page, faults } = await telephone();
  const { id, url, end } = await order();
  await page.goto(url);
  await fill(page, CHALLENGED);
  await payButton(page).click();
  await page.getByRole('button', { name: 'Complete authentication' }).click();
  await page.waitForURL(end);
  expect(await till.read(id)).toMatchObject({ status: 'SUCCEEDED' });
  expect(faults).toEqual([]);
});

test('3-D Secure that fails leads back to the form', async () => {
  const { page } = await telephone();
  const { url, end } = await order();
  await page.goto(url);
  await fill(page, CHALLENGED);
  await payButton(page).click();
  await page.getByRole('button', { name: 'Fail authentication' }).click();
  const alert = page.getByRole('alert');
  await alert.waitFor();
  expect(await alert.innerText()).toBe(declineForPayer('three_d_secure_failed').message);
  await fill(page, '4242424242424242');
  await payButton(page).click();
  await page.waitForURL(end);
});

test('two clicks are one charge', async () => {
  const { page } = await telephone();
  const { id, url, end } = await order();
  const charge = halted<ChargeOutcome>();
  processor.use({ charge: charge.standIn });
  let posts = 0;
  page.on('request', (request) => (posts += request.method() === 'POST' ? 1 : 0));
  await page.goto(url);
  await fill(page, '4242424242424242');
  await payButton(page).scrollIntoViewIfNeeded();
  const { x, y } = (await payButton(page).boundingBox()) ?? { x: 0, y: 0 };
  // Not by its name: a page that is being left is not looked into.
  const click = () => page.mouse.click(x + 5, y + 5);
  await click();
  await charge.done;
  await click();
  await page.getByRole('heading', { name: 'Your payment is being processed' }).waitFor();
  charge.release();
  await page.waitForURL(end);
  expect(posts).toBe(2);
  expect((await till.read(id)).attempts).toHaveLength(1);
  expect(await backstage.charges(id)).toEqual([{ status: 'approved', captured: 4_999, refunded: 0 }]);
});

test('going back after a success charges nothing', async () => {
  const { page } = await telephone();
  const { id, url, end } = await order();
  await page.goto(url);
  await fill(page, '4242424242424242');
  await payButton(page).click();
  await page.waitForURL(end);
  await page.goBack().catch(() => null);
  await page.waitForURL(end);
  await page.goto(url);
  await page.waitForURL(end);
  expect((await till.read(id)).attempts).toHaveLength(1);
  expect(await backstage.charges(id)).toHaveLength(1);
});

test('every field has one label, every description exists, and nothing is wider than a small telephone', async () => {
  const { page } = await telephone();
  const { url } = await order({ description: `${'x'.repeat(200)} ${'long words '.repeat(20)}` });
  await page.goto(url);
  const check = () =>
    page.evaluate(() => {
      const inputs = [...document.querySelectorAll<HTMLInputElement>('input:not([type=hidden])')];
      const ids = [...document.querySelectorAll('[id]')].map(({ id }) => id);
      return {
        lang: document.documentElement.lang,
        headings: document.querySelectorAll('h1').length,
        labels: inputs.map(({ labels }) => labels?.length),
        doubleIds: ids.filter((id, index) => ids.indexOf(id) !== index),
        missing: inputs
          .flatMap((input) => (input.getAttribute('aria-describedby') ?? '').split(' '))
          .filter((id) => id !== '' && document.getElementById(id) === null),
        low: [...inputs, ...document.querySelectorAll('button')].filter((each) => each.offsetHeight < 44).length,
      };
    });
  const sound = { lang: 'en', headings: 1, labels: [1, 1, 1, 1], doubleIds: [], missing: [], low: 0 };
  expect(await check()).toEqual(sound);
  expect(await widthOf(page)).toBe(360);
  await fill(page, '1');
  await page.getByLabel('Security code').fill('1');
  await payButton(page).click();
  await page.getByRole('alert').waitFor();
  expect(await check()).toEqual(sound);
  expect(await widthOf(page)).toBe(360);
  await page.setViewportSize({ width: 320, height: 600 });
  expect(await widthOf(page)).toBe(320);
});

test('what docs/ shows; SCREENSHOT=1 npm run test:browser takes it anew', async () => {
  const { page } = await telephone({ deviceScaleFactor: 2, viewport: { width: 390, height: 760 } });
  const { url } = await order({ returnUrl: 'https://shop.example/back' });
  await page.goto(url);
  const form = await page.screenshot({ fullPage: true });
  await page.emulateMedia({ colorScheme: 'dark' });
  await fill(page, '4000000000009995');
  await payButton(page).click();
  await page.getByRole('alert').waitFor();
  const declined = await page.screenshot({ fullPage: true });
  expect(Math.max(form.length, declined.length)).toBeLessThan(150_000);
  if (process.env['SCREENSHOT'] === '1') {
    const directory = join(import.meta.dirname, '..', '..', 'docs');
    writeFileSync(join(directory, 'hosted-page.png'), form);
    writeFileSync(join(directory, 'hosted-page-declined.png'), declined);
  }
});
