import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { challenge, CHALLENGE_PATH } from '../../src/http/challenge.ts';
import { useBench } from '../processors/bench.ts';

const CHALLENGED = '4000000000003220';
const RETURN_URL = 'https://shop.example/back?order=A%20%26%20B&sum=a+b&"><script>x#receipt';

const bench = useBench();
let server: Server;
let origin: string;

beforeAll(async () => {
  const serve = challenge(bench().books);
  server = createServer((request, response) => {
    void serve(request, response).then((done) => done || response.writeHead(418).end());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(async () => {
  server.close();
  await once(server, 'close');
});

const at = (reference: string) => `${origin}${CHALLENGE_PATH}${reference}`;

function press(reference: string, body: string, init: RequestInit = {}): Promise<Response> {
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  return fetch(at(reference), { method: 'POST', headers, body, redirect: 'manual', ...init });
}

test('the page shows the amount and two buttons, and takes nothing from elsewhere', async () => {
  const { reference } = await bench().charge(CHALLENGED, { amount: 123_456n, currency: 'KWD', returnUrl: RETURN_URL });
  const page = await fetch(at(reference));
  expect(page.status).toBe(200);
  expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
  expect(page.headers.get('cache-control')).toBe('no-store');
  expect(page.headers.get('content-security-policy')).toMatch(
    /^default-src 'none'; style-src 'sha256-[\w+/=]+'; form-action 'self' https:; frame-ancestors 'none'; base-uri 'none'$/,
  );
  const html = await page.text();
  expect(html).toContain('123.456 KWD');
  expect(html).toContain('value="complete">Complete authentication<');
  expect(html).toContain('value="fail">Fail authentication<');
  expect(html).not.toMatch(/<script|<link|<img|src=|url\(/);
});

test.each([
  ['complete', 'approved', 'The payment was approved.'],
  ['fail', 'declined', 'The payment was declined.'],
])('%s: the charge is %s, and the payer goes back to the shop', async (result, status, text) => {
  const { reference, key } = await bench().charge(CHALLENGED, { returnUrl: RETURN_URL });
  const answer = await press(reference, `result=${result}`);
  expect(answer.status).toBe(303);
  // The merchant's own parameters arrive as they were.
  const back = `https://shop.example/back?order=A%20%26%20B&sum=a+b&%22%3E%3Cscript%3Ex&charge=${reference}#receipt`;
  expect(answer.headers.get('location')).toBe(back);
  expect(await bench().row({ key })).toMatchObject({ status });
  const html = await (await fetch(at(reference))).text();
  expect(html).toContain(text);
  expect(html).toContain(`<a href="${back.replaceAll('&', '&amp;')}">Back to shop.example</a>`);
  expect(html).not.toContain('<button');
});

test('pressed twice is pressed once', async () => {
  const { reference, key } = await bench().charge(CHALLENGED, { returnUrl: 'http://localhost:3000/' });
  for (const result of ['complete', 'fail']) {
    const answer = await press(reference, `result=${result}`);
    expect(answer.headers.get('location')).toBe(`http://localhost:3000/?charge=${reference}`);
  }
  expect(await bench().row({ key })).toMatchObject({ status: 'approved' });
});

test.each(['javascript:alert(1)', 'no URL'])('with %s to go back to, it says that it is done', async (returnUrl) => {
  const { reference } = await bench().charge(CHALLENGED, { returnUrl });
  const answer = await press(reference, 'result=complete');
  expect(answer.status).toBe(200);
  const html = await answer.text();
  expect(html).toContain('The payment was approved.');
  expect(html).not.toContain('<a');
  expect(answer.headers.get('content-security-policy')).toContain("form-action 'none'");
});

test('a payer who comes too late is told so', async () => {
  const { reference } = await bench().charge(CHALLENGED);
  await bench().elapse();
  expect(await (await fetch(at(reference))).text()).toContain('The time for this payment is over.');
  expect((await press(reference, 'result=complete')).status).toBe(303);
  expect(await (await fetch(at(reference))).text()).toContain('The time for this payment is over.');
});

test('what no form of ours sends is refused, and changes nothing', async () => {
  const { reference, key } = await bench().charge(CHALLENGED);
  expect((await press(reference, 'result=maybe')).status).toBe(400);
  expect((await press(reference, '')).status).toBe(400);
  expect((await press(reference, `result=complete&more=${'x'.repeat(2_000)}`)).status).toBe(413);
  expect((await press(reference, 'result=complete', { method: 'PUT' })).status).toBe(405);
  expect(await bench().row({ key })).toMatchObject({ status: 'action_required' });
});

test('an unknown charge has a page that says so; other paths are not its own', async () => {
  for (const id of ['', 'ch_000000000000000000000000', '%00', '<script>', 'ch_1/2']) {
    const page = await fetch(at(id));
    expect(page.status).toBe(404);
    expect(await page.text()).toContain('The sandbox has no such payment.');
  }
  expect((await press('ch_000000000000000000000000', 'result=complete')).status).toBe(404);
  expect((await fetch(`${origin}/sandbox`)).status).toBe(418);
});
