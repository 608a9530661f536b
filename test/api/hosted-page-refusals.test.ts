import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { hosted } from '../../src/http/hosted.ts';
import { pageUrl, PAGE_PATHS } from '../../src/payments/page-link.ts';
import { useGateway } from '../harness/gateway.ts';
import { nonceIn, PagePayer, paymentOf } from '../harness/page-payer.ts';
import { countRows } from '../harness/rows.ts';
import { Till } from '../harness/till.ts';

const gateway = useGateway();
const till = new Till(gateway);
const payer = new PagePayer(gateway);

const origin = () => gateway().app.server.url;

test('an address that opens nothing answers the same, whatever is wrong with it', async () => {
  const { app } = gateway();
  const { url } = await payer.asked(till);
  const key = paymentOf(gateway(), url);
  const withCard = await till.pay();
  const token = new URL(url).pathname.slice(PAGE_PATHS.pay.length);
  const other = { ...key, id: key.id.replace(/.$/, (last) => (last === '0' ? '1' : '0')) };
  const receipt = pageUrl(app.gateway, 'receipt', key).slice(`${origin()}${PAGE_PATHS.receipt}`.length);
  const opensNothing = [
    '',
    'x',
    '%00',
    `${token}/`,
    `${token}x`,
    token.replace(/^./, (first) => (first === 'A' ? 'B' : 'A')),
    receipt,
    // Signed by this gateway: of a payment that there is not, in another environment, and that needs no page.
    pageUrl(app.gateway, 'pay', other).slice(`${origin()}${PAGE_PATHS.pay}`.length),
    pageUrl(app.gateway, 'pay', { ...key, environmentId: other.id }).slice(`${origin()}${PAGE_PATHS.pay}`.length),
    pageUrl(app.gateway, 'pay', { ...key, id: withCard.id.slice(4) }).slice(`${origin()}${PAGE_PATHS.pay}`.length),
  ];
  const { html: unknown } = await payer.open(`${origin()}${PAGE_PATHS.pay}nothing`);
  expect(unknown).toContain('There is no such payment.');
  for (const each of opensNothing) {
    for (const init of [{}, { method: 'POST', body: new URLSearchParams({ number: '4242424242424242' }) }]) {
      expect(await payer.open(`${origin()}${PAGE_PATHS.pay}${each}`, init)).toMatchObject({
        status: 404,
        html: unknown,
      });
    }
  }
});

test('HEAD answers without a page, and other methods are refused', async () => {
  const { url } = await payer.asked(till);
  expect(await payer.open(url, { method: 'HEAD' })).toMatchObject({ status: 200, html: '' });
  for (const method of ['PUT', 'DELETE', 'PATCH', 'OPTIONS']) {
    const { status, headers } = await payer.open(url, { method });
    expect(status).toBe(405);
    expect(headers.get('allow')).toBe('GET, HEAD, POST');
  }
});

test('what the page would not send is refused, and nothing is written', async () => {
  const { id, url } = await payer.asked(till);
  const nonce = nonceIn((await payer.open(url)).html);
  const body = new URLSearchParams({ nonce, number: '4242424242424242' }).toString();
  const form = { 'content-type': 'application/x-www-form-urlencoded' };
  const before = await countRows(gateway());
  const refusals: [number, RequestInit][] = [
    [403, { headers: { ...form, 'sec-fetch-site': 'cross-site' }, body }],
    [403, { headers: { ...form, 'sec-fetch-site': 'same-site' }, body }],
    [415, { headers: { 'content-type': 'text/plain' }, body }],
    [415, { headers: { 'content-type': 'application/json' }, body: '{}' }],
    [415, { headers: { 'content-type': 'application/x-www-form-urlencoded-too' }, body }],
    [413, { headers: form, body: `${body}&more=${'x'.repeat(4_096)}` }],
    [400, { headers: form, body: '' }],
    ...['', 'short', `${nonce}x`, `${nonce.slice(1)}%00`, 'n'.repeat(3_000)].map((wrong): [number, RequestInit] => [
      400,
      { headers: form, body: `number=4242424242424242&nonce=${wrong}` },
    ]),
  ];
  for (const [status, init] of refusals) {
    const answer = await payer.open(url, { method: 'POST', ...init });
    expect(answer).toMatchObject({ status, html: expect.stringContaining('Not accepted') });
    expect(answer.headers.get('content-security-policy')).toContain("form-action 'none'");
  }
  expect(await countRows(gateway())).toEqual(before);
  // As the page's own form is sent.
  const headers = { ...form, 'sec-fetch-site': 'same-origin' };
  expect(await payer.send(url, { nonce }, { headers })).toMatchObject({ status: 303 });
  expect(await till.read(id)).toMatchObject({ status: 'SUCCEEDED' });
});

test('what is paid, how much and where to is not taken from the browser', async () => {
  const { id, url } = await payer.asked(till);
  const { id: other } = await payer.asked(till);
  const nonce = nonceIn((await payer.open(url)).html);
  const more = { amount: '1', currency: 'JPY', paymentId: other, returnUrl: 'https://evil.example/' };
  await payer.send(`${url}?amount=1&returnUrl=https://evil.example/`, { nonce, ...more });
  expect(await till.read(id)).toMatchObject({ status: 'SUCCEEDED', captures: [{ amount: { amount: 4_999 } }] });
  expect(await till.read(other)).toMatchObject({ status: 'CREATED' });
  expect((await payer.open(url)).location).toBe(`https://shop.example/back?payment=${id}`);
});

test('a page takes thirty forms at once from an address, then one in twenty seconds; other pages are not concerned', async () => {
  const { url } = await payer.asked(till);
  for (let times = 0; times < 30; times++) expect((await payer.open(url, { method: 'POST' })).status).toBe(415);
  for (let times = 0; times < 30; times++)
    expect((await payer.open(url, { method: 'POST', body: new URLSearchParams({ nonce: 'x' }) })).status).toBe(400);
  const { status, headers, html } = await payer.open(url, {
    method: 'POST',
    body: new URLSearchParams({ nonce: 'x' }),
  });
  expect(status).toBe(429);
  expect(Number(headers.get('retry-after'))).toBeLessThanOrEqual(20);
  expect(html).toContain('Wait a few minutes, then try again.');
  expect((await payer.open(url)).status).toBe(200);
  const { url: another } = await payer.asked(till);
  expect((await payer.pay(another)).status).toBe(303);
});

test('where the gateway fails, the payer gets a page, and the log a name', async () => {
  const { url } = await payer.asked(till);
  const reports: unknown[] = [];
  const database = { ...gateway().app.gateway.database, prisma: {} as never };
  const serve = hosted({ ...gateway().app.gateway, database, report: (...report) => reports.push(report) }, () => '');
  const server = createServer((request, response) => void serve(request, response)).listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const { status, html } = await payer.open(`http://127.0.0.1:${port}${new URL(url).pathname}`);
  expect(status).toBe(500);
  expect(html).toContain('it says whether you have paid');
  expect(reports).toEqual([['a payment page ended with an error', { name: 'TypeError' }]]);
});

/** Not found in ids, hashes or amounts by chance: numbers do not begin with a zero. */
const SECRET_CVC = /(?<![\w+/-])0973(?![\w+/-])/;

test('the card is in no answer, no header, no log and no row', async () => {
  // Amex and its like, whose CVC has four digits; one is refused by the processor, one is wrong.
  const good = '378282246310005';
  const refused = '371449635398431';
  const wrong = '378282246310006';
  const visa = '4000000000009995';
  const cvc = '0973';
  for (const number of [good, refused, wrong]) {
    const { url } = await payer.asked(till, { returnUrl: null });
    await payer.pay(url, { number, cvc });
    await payer.open(url);
  }
  const { url } = await payer.asked(till);
  for (const fields of [
    { number: visa },
    { number: visa, cvc },
    { number: good, cvc, name: good },
    { number: good, cvc, expiry: good },
  ]) {
    await payer.pay(url, fields);
  }
  const nonce = nonceIn((await payer.open(url)).html);
  await payer.send(url, { nonce: `${nonce}x`, number: good, cvc });
  await payer.send(url, { nonce, number: good, cvc, more: 'x'.repeat(5_000) });
  await payer.send(url, { nonce, number: good, cvc });
  await payer.open(url);

  const { pool } = gateway().app.gateway.database;
  const { rows: tables } = await pool.query<{ name: string }>(
    `SELECT quote_ident(tablename) AS name FROM pg_tables WHERE schemaname = 'public'`,
  );
  const rows = await Promise.all(
    tables.map(({ name }) => pool.query<{ row: string }>(`SELECT t::text AS row FROM ${name} AS t`)),
  );
  const stored = rows.flatMap((each) => each.rows.map(({ row }) => row)).join('\n');
  expect(stored).toContain('0005');
  for (const text of [payer.seen, JSON.stringify(gateway().logged), stored]) {
    for (const number of [good, refused, wrong, visa]) expect(text.includes(number)).toBe(false);
    expect(SECRET_CVC.test(text)).toBe(false);
  }
});
