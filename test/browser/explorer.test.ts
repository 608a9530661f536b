import { join } from 'node:path';
import type { Browser, BrowserContext, Page, Request, Response } from 'playwright-core';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { cloneDatabase } from '../harness/database.ts';
import { initializedDirectory } from '../postgres/places.ts';
import { startGateway, type UpGateway } from '../start/gateway-process.ts';
import { FOREIGN_NAME, launchChromium } from './chromium.ts';

const SCREENSHOT = join(import.meta.dirname, '..', '..', 'docs', 'graphiql.png');

/** A machine that other tests keep busy draws slowly. */
const PATIENCE = { timeout: 30_000 };

const QUERY = '.graphiql-query-editor';
/** The variables too: one of the two is seen. */
const HEADERS = '.graphiql-editor-tool';

let browser: Browser;

beforeAll(async () => {
  browser = await launchChromium();
});

// Not there when none could be launched.
afterAll(() => (browser as Browser | undefined)?.close());

async function startDemo(): Promise<UpGateway> {
  return startGateway({ TENDER_DATA_DIR: await initializedDirectory() });
}

/** A browser with an empty profile, and everything that went wrong in it or left for another server. */
async function openProfile(origin: string): Promise<{ profile: BrowserContext; faults: string[] }> {
  const profile = await browser.newContext({ viewport: { width: 1400, height: 900 } });
  onTestFinished(() => profile.close());
  const faults: string[] = [];
  profile.on('request', (request) => {
    const own = [origin, `blob:${origin}`, 'data:'].some((start) => request.url().startsWith(start));
    if (!own) faults.push(`request to ${request.url()}`);
  });
  // What a content security policy stops is told here too.
  profile.on('console', (message) => {
    if (message.type() === 'error') faults.push(`console: ${message.text()}`);
  });
  profile.on('weberror', (error) => faults.push(`exception: ${error.error().message}`));
  return { profile, faults };
}

/** Opens the explorer and waits until it is ready: its editors are filled, and it has asked for the schema. */
async function openExplorer(profile: BrowserContext, url: string): Promise<Page> {
  const page = await profile.newPage();
  const schema = page.waitForResponse((response) => isOperation(response.request()), PATIENCE);
  await page.goto(`${url}/graphql`);
  await schema;
  await expect.poll(() => textOf(page, HEADERS), PATIENCE).toMatch(/idempotencyKey|Bearer/);
  await page.getByRole('button', { name: 'Headers' }).click(PATIENCE);
  await expect.poll(() => textOf(page, HEADERS), PATIENCE).toContain('Bearer');
  return page;
}

/** Opens a tab, runs its operation as it stands, and returns the response. */
async function runTab(page: Page, name: string): Promise<Response> {
  const begin = new RegExp(`^(mutation|query|subscription) ${name}\\b`, 'm');
  // GraphiQL lets a click on a tab pass until its editors are there, and takes one on the button, for a moment after
  // an answer, for a stop.
  await vi.waitFor(
    async () => {
      // A reload that comes before GraphiQL has kept its tabs opens that of the address once more.
      await page.locator('.graphiql-tab-button', { hasText: name }).last().click();
      expect(await textOf(page, QUERY)).toMatch(begin);
    },
    { ...PATIENCE, interval: 500 },
  );
  const request = await vi.waitFor(async () => {
    const asked = page.waitForRequest(isOperation, { timeout: 2_000 });
    const [sent] = await Promise.all([asked, page.getByRole('button', { name: /^Execute query/ }).click(PATIENCE)]);
    return sent;
  }, PATIENCE);
  const response = await request.response();
  if (response === null) throw new Error(`no answer to ${name}`);
  return response;
}

/** The page itself and its workers come in other ways. */
function isOperation(request: Request): boolean {
  return request.resourceType() === 'fetch';
}

/** What an editor shows. */
async function textOf(page: Page, pane: string): Promise<string> {
  const texts = await page.locator(`${pane} .view-lines`).allInnerTexts();
  return texts.join('\n').replaceAll('\u00a0', ' ');
}

function shown(page: Page): Promise<string> {
  return textOf(page, '.result-window');
}

async function storedIn(page: Page): Promise<string> {
  return page.evaluate(() => JSON.stringify([localStorage, sessionStorage]));
}

interface Taken {
  readonly data: { readonly createPayment: { readonly payment: { readonly id: string } } };
}

test('GraphiQL opens with the demo key, and its tabs run as they stand', async () => {
  const { url, key } = await startDemo();
  const { profile, faults } = await openProfile(url);
  const page = await openExplorer(profile, url);
  expect(await page.title()).toBe('Tender');
  expect(await textOf(page, HEADERS)).toContain(key);

  const taken = (await (await runTab(page, 'TakeAPayment')).json()) as Taken;
  const { id } = taken.data.createPayment.payment;
  expect(taken.data.createPayment).toMatchObject({
    replayed: false,
    payment: { status: 'SUCCEEDED', amount: { decimal: '49.99', currency: 'EUR' } },
  });
  await expect.poll(() => shown(page), PATIENCE).toContain(id);
  if (process.env['SCREENSHOT'] === '1') {
    await page.getByRole('button', { name: 'Variables' }).click(PATIENCE);
    await page.screenshot({ path: SCREENSHOT });
  }

  const again = (await (await runTab(page, 'TakeAPayment')).json()) as Taken;
  expect(again.data.createPayment).toMatchObject({ replayed: true, payment: { id } });

  // The new one, and the one that came with the demo account.
  expect(await (await runTab(page, 'Payments')).json()).toMatchObject({
    data: { payments: { totalCount: 2, edges: [{ node: { id } }, { node: { customer: { name: 'Jenny Rosen' } } }] } },
  });
  await expect.poll(() => shown(page), PATIENCE).toMatch(/"totalCount": 2/);

  expect(await (await runTab(page, 'Refund')).json()).toMatchObject({
    data: {
      refundPayment: {
        refund: { amount: { decimal: '1.00', currency: 'EUR' } },
        payment: { refundStatus: 'PARTIALLY_REFUNDED', maximumRefundable: { decimal: '48.99' } },
      },
    },
  });
  await expect.poll(() => shown(page), PATIENCE).toContain('PARTIALLY_REFUNDED');

  expect(await storedIn(page)).not.toContain(key);
  expect(faults).toEqual([]);
});

test('the subscription shows what another tab of the browser does', async () => {
  const { url } = await startDemo();
  const { profile, faults } = await openProfile(url);
  const watching = await openExplorer(profile, url);
  const stream = await runTab(watching, 'Events');
  expect(stream.headers()['content-type']).toMatch(/^text\/event-stream/);

  const paying = await openExplorer(profile, url);
  const taken = (await (await runTab(paying, 'TakeAPayment')).json()) as Taken;
  await watching.bringToFront();
  await expect.poll(() => shown(watching), PATIENCE).toContain(taken.data.createPayment.payment.id);
  await expect.poll(() => shown(watching), PATIENCE).toContain('SUCCEEDED');
  expect(faults).toEqual([]);
});

test('the tabs are the same after a reload', async () => {
  const { url } = await startDemo();
  const { profile, faults } = await openProfile(url);
  const page = await openExplorer(profile, url);
  const tabs = ['TakeAPayment', 'Payments', 'Refund', 'Events'];
  const reload = async (): Promise<void> => {
    const schema = page.waitForResponse((response) => isOperation(response.request()), PATIENCE);
    await page.reload();
    await schema;
    expect(await page.locator('.graphiql-tab-button').allInnerTexts()).toEqual(tabs);
  };
  await reload();
  await expect.poll(() => textOf(page, HEADERS), PATIENCE).toContain('4242424242424242');
  await runTab(page, 'Payments');
  // GraphiQL keeps its tabs half a second after they changed; of what a reload finds sooner, it opens the last once more.
  await expect.poll(() => storedIn(page), PATIENCE).toContain(String.raw`activeTabIndex\":1`);
  await reload();
  await expect.poll(() => textOf(page, QUERY), PATIENCE).toContain('query Payments');
  expect(await textOf(page, HEADERS)).not.toContain('4242424242424242');
  expect(faults).toEqual([]);
});

test('what was typed is there after a reload, with the key of the server that runs', async () => {
  const { url, key } = await startDemo();
  const { profile, faults } = await openProfile(url);
  const page = await openExplorer(profile, url);
  await page.locator(`${QUERY} .view-line`).first().click();
  await page.keyboard.press('Control+A');
  await page.keyboard.type('query Mine {viewer{__typename');
  // All of it: on a slow machine the address has a beginning of it first.
  await expect.poll(() => decodeURIComponent(page.url()), PATIENCE).toContain('__typename');
  const schema = page.waitForResponse((response) => isOperation(response.request()), PATIENCE);
  await page.reload();
  await schema;
  const response = await runTab(page, 'Mine');
  expect(response.request().headers()['authorization']).toBe(`Bearer ${key}`);
  expect(await response.json()).toMatchObject({ data: { viewer: { __typename: expect.any(String) } } });
  expect((await runTab(page, 'Payments')).request().headers()['authorization']).toBe(`Bearer ${key}`);
  expect(await storedIn(page)).not.toContain(key);
  expect(faults).toEqual([]);
});

// The page has nine million characters: a difference of it would be the longest of messages.
test('the key is not in a page that was asked for by a foreign name', async () => {
  const { url, key } = await startDemo();
  const foreign = url.replace('127.0.0.1', FOREIGN_NAME);
  const page = await browser.newPage();
  onTestFinished(() => page.close());
  const response = await page.goto(`${foreign}/graphql`);
  expect(response?.status()).toBe(200);
  expect((await response?.text())?.includes(key)).toBe(false);
  expect((await page.content()).includes(key)).toBe(false);
});

test('the key is not in a page of a gateway that listens on every address', async () => {
  const { url, key } = await startGateway({ TENDER_DATA_DIR: await initializedDirectory(), HOST: '0.0.0.0' });
  const page = await fetch(`${url.replace('0.0.0.0', '127.0.0.1')}/graphql`, { headers: { accept: 'text/html' } });
  expect(page.headers.get('content-type')).toMatch(/^text\/html/);
  expect((await page.text()).includes(key)).toBe(false);
});

test('with DATABASE_URL there is no key in the page, and the answer asks for one', async () => {
  const database = await cloneDatabase();
  onTestFinished(() => database.drop());
  const { url } = await startGateway({
    DATABASE_URL: database.connectionString,
    TENDER_SECRET: 's'.repeat(32),
    TENDER_EXPLORER: 'on',
  });
  const page = await openExplorer(await browser.newContext(), url);
  onTestFinished(() => page.context().close());
  const response = await runTab(page, 'Payments');
  expect(response.status()).toBe(401);
  expect(await response.json()).toMatchObject({ errors: [{ extensions: { code: 'UNAUTHENTICATED' } }] });
});
