import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { RevokeClientTokensDocument } from '../../generated/operations/graphql.ts';
import { tillAt } from '../harness/crash-process.ts';
import { useGateway } from '../harness/gateway.ts';
import { card, Till } from '../harness/till.ts';
import { until } from '../harness/until.ts';
import { initializedDirectory } from '../postgres/places.ts';
import { startGateway } from '../start/gateway-process.ts';
import { launchChromium } from './chromium.ts';

const SHOP = join(import.meta.dirname, '..', '..', 'examples', 'watch-payment', 'server.ts');

/** A machine that other tests keep busy is slow to start a gateway, and the page to ask again. */
const PATIENCE = { timeout: 30_000 };

// The shop takes any free port, which is known only later.
const gateway = useGateway({ transport: { corsOrigins: '*' } });
let browser: Browser;

beforeAll(async () => {
  browser = await launchChromium();
});

// Not there when none could be launched.
afterAll(() => (browser as Browser | undefined)?.close());

interface Shop {
  /** With a slash at its end. */
  readonly url: string;
  readonly paymentId: string;
}

/** Starts the example's backend in a process of its own, which ends with the test. */
async function openShop(at: { readonly url: string; readonly key: string }): Promise<Shop> {
  const { PATH = '', HOME = '' } = process.env;
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', SHOP], {
    env: { PATH, HOME, PORT: '0', TENDER_URL: at.url, TENDER_KEY: at.key },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (part: string) => (said += part));
  }
  const closed = once(child, 'close');
  onTestFinished(async () => {
    child.kill();
    await closed;
  });
  const [, paymentId = '', url = ''] = await until(() => {
    if (child.exitCode !== null) throw new Error(`the shop has ended: ${said}`);
    return /^(pay_\S+) is watched at (\S+)$/m.exec(said) ?? undefined;
  });
  return { url, paymentId };
}

/** An empty browser, everything that it was sent, and what its page's policy stopped or its scripts threw. */
async function newProfile(): Promise<{ profile: BrowserContext; sent: Promise<string>[]; faults: string[] }> {
  const profile = await browser.newContext();
  onTestFinished(() => profile.close());
  const sent: Promise<string>[] = [];
  const faults: string[] = [];
  profile.on('requestfinished', (request) => {
    const text = async () => {
      const response = await request.response();
      return `${JSON.stringify(await response?.allHeaders())}\n${await response?.text().catch(() => 'a stream')}`;
    };
    sent.push(text());
  });
  profile.on('weberror', (error) => faults.push(error.error().message));
  // That a connection is lost or refused is told here too.
  profile.on('console', (message) => {
    if (/Content.Security.Policy/i.test(message.text())) faults.push(message.text());
  });
  return { profile, sent, faults };
}

/** The page's list: the sequence of each change, and the state after it. */
async function listed(page: Page): Promise<[number, string][]> {
  return page
    .locator('#changes > li')
    .evaluateAll((items) =>
      items.map((item) => [(item as HTMLLIElement).value, item.querySelector('strong')?.innerText ?? '']),
    );
}

const connection = (page: Page) => page.getByRole('status').innerText();

test(
  'the page goes on after every restart of the gateway, and shows each change once, in order',
  { timeout: 180_000 },
  async () => {
    const TENDER_DATA_DIR = await initializedDirectory();
    let running = await startGateway({ TENDER_DATA_DIR, TENDER_CORS_ORIGINS: '*' });
    const { url, key } = running;
    const till = tillAt({ url: `${url}/graphql`, keys: { test: key, live: '', other: '' } });
    const shop = await openShop({ url, key });
    const { profile, sent, faults } = await newProfile();
    const asked: (string | undefined)[] = [];
    const page = await profile.newPage();
    page.on('request', (request) => {
      if (request.url() === `${url}/graphql` && request.method() === 'POST') {
        asked.push(request.headers()['authorization']);
      }
    });
    let door = Promise.resolve();
    await page.route(`${url}/graphql`, async (route) => {
      await door;
      // The page may have given it up.
      await route.continue().catch(() => undefined);
    });
    await page.goto(shop.url);
    await expect.poll(() => listed(page), PATIENCE).toEqual([[1, 'CREATED']]);
    expect(await connection(page)).toBe('Connected.');
    expect(await page.getByRole('list', { name: 'What has happened' }).getAttribute('aria-live')).toBe('polite');
    expect(await page.getByRole('link', { name: 'Pay it' }).getAttribute('href')).toMatch(/^http/);

    const { paymentId } = shop;
    await till.process({ paymentId, card: card() });
    const shown: [number, string][] = [
      [1, 'CREATED'],
      [2, 'PROCESSING'],
      [3, 'SUCCEEDED'],
    ];
    await expect.poll(() => listed(page), PATIENCE).toEqual(shown);

    for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
      // The page comes again, and has to wait at the door until it has missed something.
      const missed = Promise.withResolvers<void>();
      door = missed.promise;
      running.child.kill(signal);
      await running.ended;
      await expect.poll(() => connection(page), PATIENCE).toMatch(/^Not connected/);
      running = await startGateway({
        TENDER_DATA_DIR,
        TENDER_CORS_ORIGINS: '*',
        PORT: new URL(url).port,
      });
      await till.refund({ paymentId, amount: 100 });
      expect(await listed(page)).toEqual(shown);
      missed.resolve();
      shown.push([shown.length + 1, 'SUCCEEDED'], [shown.length + 2, 'SUCCEEDED']);
      await expect.poll(() => listed(page), PATIENCE).toEqual(shown);
      expect(await connection(page)).toBe('Connected.');
      await till.refund({ paymentId, amount: 100 });
      shown.push([shown.length + 1, 'SUCCEEDED'], [shown.length + 2, 'SUCCEEDED']);
      await expect.poll(() => listed(page), PATIENCE).toEqual(shown);
    }

    expect(await till.eventTypes(paymentId)).toHaveLength(shown.length);
    expect(asked.length).toBeGreaterThan(2);
    for (const authorization of asked) expect(authorization).toMatch(/^Bearer ct_/);
    const everything = [...(await Promise.all(sent)), await page.content()].join('\n');
    expect(everything).toContain('paymentStatusChanged');
    expect(everything).toContain('ct_');
    expect(everything).not.toContain(key);
    expect(faults).toEqual([]);
  },
);

test('when its token is over, the page asks its backend for another, and misses nothing', async () => {
  const shop = await openShop({ url: gateway().url, key: gateway().keys.test });
  const till = new Till(gateway);
  const { profile, faults } = await newProfile();
  const page = await profile.newPage();
  let sessions = 0;
  page.on('request', (request) => (sessions += request.url().endsWith('/session') ? 1 : 0));
  await page.goto(shop.url);
  await expect.poll(() => listed(page), PATIENCE).toEqual([[1, 'CREATED']]);
  expect(sessions).toBe(1);
  await gateway().execute(RevokeClientTokensDocument, { input: {} });
  await till.process({ paymentId: shop.paymentId, card: card() });
  await expect
    .poll(() => listed(page), PATIENCE)
    .toEqual([
      [1, 'CREATED'],
      [2, 'PROCESSING'],
      [3, 'SUCCEEDED'],
    ]);
  expect(sessions).toBeGreaterThan(1);
  expect(faults).toEqual([]);
});
