import { beforeEach, describe, expect, test } from 'vitest';
import { declineForPayer } from '../../src/domain/decline.ts';
import type { ChargeOutcome } from '../../src/processors/port.ts';
import { Backstage } from '../harness/backstage.ts';
import { useGateway } from '../harness/gateway.ts';
import { Interposed } from '../harness/interposed.ts';
import { nonceIn, PagePayer, paymentOf } from '../harness/page-payer.ts';
import { countRows } from '../harness/rows.ts';
import { halted, lost } from '../harness/stand-ins.ts';
import { Till } from '../harness/till.ts';
import { until } from '../harness/until.ts';

const processor = new Interposed();
// Recovery would find out by itself what a test holds back.
const gateway = useGateway({ sandbox: { interpose: processor }, settings: { recoveryDelayMs: 30_000 } });
const till = new Till(gateway);
const payer = new PagePayer(gateway);
const backstage = new Backstage(gateway);

const CHALLENGED = '4000000000003220';
const DECLINED = '4000000000000002';

beforeEach(() => processor.use({}));

/** What a payment was paid with. */
async function methodOf(url: string) {
  const { environmentId, id } = paymentOf(gateway(), url);
  const { prisma } = gateway().app.gateway.database;
  const where = { environmentId_id: { environmentId, id } };
  return (await prisma.payment.findUniqueOrThrow({ where, include: { paymentMethod: true } })).paymentMethod;
}

async function cardsAtProcessor(): Promise<number | null> {
  return (await gateway().app.gateway.database.pool.query('SELECT FROM sandbox_card')).rowCount;
}

/** The buttons of the sandbox's 3-D Secure. */
function press(actionUrl: string, result: string) {
  return payer.open(actionUrl, { method: 'POST', body: new URLSearchParams({ result }) });
}

test('the form says who is paid, for what and how much, and takes a card', async () => {
  const { url } = await payer.asked(till, {
    description: 'Two "tickets" & <script>alert(1)</script>',
    destinations: [
      { type: 'ORDER', id: 'ord_1', number: 'A-17', amount: 4_000 },
      { type: 'INVOICE', id: 'inv_2', amount: 999 },
    ],
  });
  const { status, headers, html } = await payer.open(url);
  expect(status).toBe(200);
  expect(html).toContain('<h1>Pay A shop</h1>');
  expect(html).toContain('<button class="first">Pay 49.99 EUR</button>');
  expect(html).toContain('Two &quot;tickets&quot; &amp; &lt;script&gt;alert(1)&lt;/script&gt;');
  expect(html).toContain('<li>Order A-17: 40.00 EUR</li><li>Invoice inv_2: 9.99 EUR</li>');
  expect(html).toContain('No money moves.');
  expect(html).toContain(`action="${new URL(url).pathname}"`);
  expect(html).not.toMatch(/<script|<link|<img|src=|url\(|style=|\son\w+=/);
  for (const [name, autocomplete] of [
    ['number', 'cc-number'],
    ['expiry', 'cc-exp'],
    ['cvc', 'cc-csc'],
    ['name', 'cc-name'],
  ]) {
    expect(html).toContain(`<label for="${name}">`);
    expect(html).toMatch(
      new RegExp(`<input id="${name}" name="${name}" required autocomplete="${autocomplete}" [^>]*maxlength`),
    );
  }
  expect(Object.fromEntries(headers)).toMatchObject({
    'content-type': 'text/html; charset=utf-8',
    'cache-control': 'no-store',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    'content-security-policy': expect.stringMatching(
      /^default-src 'none'; style-src 'sha256-[\w+/=]+'; form-action 'self' https:; frame-ancestors 'none'; base-uri 'none'$/,
    ),
  });
  expect(headers.has('set-cookie')).toBe(false);
});

test('each form that is shown has a nonce of its own', async () => {
  const { url } = await payer.asked(till);
  const nonces = [nonceIn((await payer.open(url)).html), nonceIn((await payer.open(url)).html)];
  expect(new Set(nonces).size).toBe(2);
});

test('paid, the payer is led to the shop, and again whenever they come back', async () => {
  const { id, url } = await payer.asked(till);
  const paid = await payer.pay(url, { number: '4242 4242-4242 4242', expiry: '1234' });
  expect(paid).toMatchObject({ status: 303, location: new URL(url).pathname, html: '' });
  expect(paid.headers.get('cache-control')).toBe('no-store');
  for (let times = 0; times < 2; times++) {
    expect(await payer.open(url)).toMatchObject({ status: 303, location: `https://shop.example/back?payment=${id}` });
  }
  expect(await till.read(id)).toMatchObject({
    status: 'SUCCEEDED',
    attempts: [{ number: 1, createdBy: 'hosted_page' }],
  });
  expect(await methodOf(url)).toMatchObject({ last4: '4242', expMonth: 12, expYear: 2034, holderName: 'Jenny Rosen' });
});

test.each([
  ['AUTOMATIC', '<h1>Paid</h1>', 'You paid A shop with American Express ending in 0005.'],
  ['MANUAL', '<h1>Confirmed</h1>', 'The amount is reserved for A shop on American Express ending in 0005.'],
] as const)('with no shop to go back to, and captureMethod %s: %s', async (captureMethod, title, text) => {
  const { url } = await payer.asked(till, { captureMethod, returnUrl: null });
  await payer.pay(url, { number: '3782 822463 10005', cvc: '1234' });
  const { status, html } = await payer.open(url);
  expect(status).toBe(200);
  expect(html).toContain(title);
  expect(html).toContain(text);
  expect(html).toContain('49.99 EUR');
  expect(html).not.toContain('<form');
});

test.each([
  ['4000000000000002', 'generic_decline'],
  ['4000000000009987', 'generic_decline'],
  ['4000000000009979', 'generic_decline'],
  ['4000000000006975', 'generic_decline'],
  ['4000000000009995', 'insufficient_funds'],
  ['4000000000000069', 'expired_card'],
  ['4000000000000127', 'incorrect_cvc'],
] as const)('declined: %s is told as %s, and another card pays', async (number, told) => {
  const { id, url } = await payer.asked(till);
  expect(await payer.pay(url, { number })).toMatchObject({ status: 303, location: new URL(url).pathname });
  const { status, html } = await payer.open(url);
  expect(status).toBe(200);
  expect(html).toContain(`role="alert" tabindex="-1" autofocus><p>${declineForPayer(told).message}</p>`);
  expect(html).not.toMatch(/lost|stolen|limit|Jenny/);
  await payer.send(url, { nonce: nonceIn(html) });
  expect(await till.read(id)).toMatchObject({ status: 'SUCCEEDED', attempts: [{ number: 1 }, { number: 2 }] });
});

const WRONG = [
  ['a wrong check digit', { number: '4242424242424241' }, 'number', 'This is no card number.'],
  ['no number', { number: '' }, 'number', 'This is no card number.'],
  ['a month 13', { expiry: '13/40' }, 'expiry', 'Give month and year, such as 04/29.'],
  ['a date in words', { expiry: 'May 40' }, 'expiry', 'Give month and year, such as 04/29.'],
  ['a date that is over', { expiry: '01/20' }, 'expiry', 'With this date the card has expired.'],
  ['a CVC that is too short', { cvc: '97' }, 'cvc', 'The CVC of this card has 3 digits.'],
  ['no name', { name: ' ' }, 'name', 'Give the name as it stands on the card.'],
  ['the number as the name', { name: '4242 4242 4242 4241' }, 'name', 'Give the name as it stands on the card.'],
  ['a name with the character NUL', { name: 'J\u0000' }, 'name', 'Give the name as it stands on the card.'],
] as const;

test.each(WRONG)('%s: nothing is asked of anyone, and the field says what is wrong', async (_, fields, id, text) => {
  const { url } = await payer.asked(till);
  const before = await countRows(gateway());
  const { status, html } = await payer.pay(url, fields);
  expect(status).toBe(422);
  expect(html).toMatch(new RegExp(`<input id="${id}"[^>]* aria-describedby="${id}-problem[^>]* aria-invalid="true"`));
  expect(html).toContain(`<span class="problem" id="${id}-problem">${text}`);
  expect(html).toContain(`<li><a href="#${id}">`);
  expect(html.match(/aria-invalid="/g)).toHaveLength(1);
  // The name is all that is filled in again.
  expect(html.match(/ value="[^"]*"/g)).toEqual([
    ` value="${nonceIn(html)}"`,
    id === 'name' ? expect.stringMatching(/ value="\D*"/) : ' value="Jenny Rosen"',
  ]);
  expect(await countRows(gateway())).toEqual(before);
});

test('a date is read as people and browsers write it', async () => {
  for (const expiry of ['12/34', '12 / 34', '12/2034', '122034', '1234', '１２／３４']) {
    const { url } = await payer.asked(till);
    expect(await payer.pay(url, { expiry })).toMatchObject({ status: 303 });
    expect(await methodOf(url)).toMatchObject({ expMonth: 12, expYear: 2034 });
  }
});

describe('the nonce is the idempotency key', () => {
  test('two clicks at once are one charge', async () => {
    const { id, url } = await payer.asked(till);
    const nonce = nonceIn((await payer.open(url)).html);
    const answers = await Promise.all([1, 2, 3].map(() => payer.send(url, { nonce })));
    for (const answer of answers) expect(answer).toMatchObject({ status: 303, location: new URL(url).pathname });
    expect((await till.read(id)).attempts).toHaveLength(1);
    expect(await backstage.charges(id)).toEqual([{ status: 'approved', captured: 4_999, refunded: 0 }]);
  });

  test('while the first click is under way, the second is told to wait', async () => {
    const { id, url } = await payer.asked(till);
    const nonce = nonceIn((await payer.open(url)).html);
    const charge = halted<ChargeOutcome>();
    processor.use({ charge: charge.standIn });
    const first = payer.send(url, { nonce });
    await charge.done;
    expect(await payer.send(url, { nonce })).toMatchObject({ status: 303 });
    const { headers, html } = await payer.open(url);
    expect(html).toContain('Your payment is being processed');
    expect(html).toMatch(/<meta http-equiv="refresh" content="\d+">/);
    expect(html).not.toContain('<form');
    expect(headers.get('content-security-policy')).toContain("form-action 'none'");
    charge.release();
    expect(await first).toMatchObject({ status: 303 });
    expect(await backstage.charges(id)).toHaveLength(1);
  });

  test('sent again after a decline, it charges nothing, and the decline is still told', async () => {
    const { id, url } = await payer.asked(till);
    const nonce = nonceIn((await payer.open(url)).html);
    for (let times = 0; times < 2; times++) {
      expect(await payer.send(url, { nonce, number: DECLINED })).toMatchObject({ status: 303 });
    }
    expect((await till.read(id)).attempts).toHaveLength(1);
    const again = await payer.send(url, { nonce, name: 'Mary Rosen' });
    expect(again.status).toBe(409);
    expect(again.html).toContain('This form was sent before, with another card.');
    expect(again.html).toContain('value="Mary Rosen"');
    await payer.send(url, { nonce: nonceIn(again.html) });
    expect(await till.read(id)).toMatchObject({ status: 'SUCCEEDED', attempts: [{}, {}] });
    expect(await payer.send(url, { nonce, name: 'Mary Rosen' })).toMatchObject({ status: 303 });
  });

  test('a second form of a payment that is paid charges nothing', async () => {
    const { id, url } = await payer.asked(till);
    const second = nonceIn((await payer.open(url)).html);
    await payer.pay(url);
    expect(await payer.send(url, { nonce: second })).toMatchObject({ status: 303, location: new URL(url).pathname });
    // What is wrong with a card is of no interest any more.
    expect(await payer.send(url, { nonce: second, cvc: '' })).toMatchObject({ status: 303 });
    expect(await backstage.charges(id)).toHaveLength(1);
  });
});

test('an answer that nobody knows is no decline: the page waits', async () => {
  const { id, url } = await payer.asked(till);
  processor.use({ charge: lost, lookUpCharge: lost });
  expect(await payer.pay(url)).toMatchObject({ status: 303 });
  expect((await payer.open(url)).html).toContain('Your payment is being processed');
  expect(await till.read(id)).toMatchObject({ status: 'PROCESSING' });
});

describe('3-D Secure', () => {
  test.each([
    ['complete', 'SUCCEEDED'],
    ['fail', 'FAILED'],
  ])('%s: the payer comes back to the page, and the payment is %s', async (result, status) => {
    const { id, url } = await payer.asked(till);
    processor.notifies = false;
    const { status: answered, location } = await payer.pay(url, { number: CHALLENGED });
    expect(answered).toBe(303);
    expect(location).toContain('/sandbox/challenge/ch_');
    const { html } = await payer.open(url);
    expect(html).toContain(`href="${location}">Confirm at your bank</a>`);
    expect(html).toMatch(/<meta http-equiv="refresh"/);
    expect(html).not.toContain('<form');
    const back = (await press(location ?? '', result)).location ?? '';
    expect(back).toMatch(new RegExp(`^${url}\\?charge=ch_`));
    // The bank has answered, and the gateway does not know yet.
    expect((await payer.open(back)).html).toContain('Waiting for your bank');
    processor.notifies = true;
    await until(async () => (await till.read(id)).status === status);
    const { location: onward, html: after } = await payer.open(back);
    if (status === 'SUCCEEDED') expect(onward).toBe(`https://shop.example/back?payment=${id}`);
    else expect(after).toContain(declineForPayer('three_d_secure_failed').message);
  });

  test('the payment needs no returnUrl for it', async () => {
    const { url } = await payer.asked(till, { returnUrl: null });
    expect((await payer.pay(url, { number: CHALLENGED })).location).toContain('/sandbox/challenge/ch_');
  });

  test('what is to end is not to be confirmed any more', async () => {
    const { id, url } = await payer.asked(till);
    await payer.pay(url, { number: CHALLENGED });
    processor.use({ void: lost, lookUpMovement: lost });
    await till.cancel({ paymentId: id });
    expect((await payer.open(url)).html).toContain('Your payment is being processed');
  });
});

describe('ended', () => {
  test('cancelled: it says so, and leads back', async () => {
    const { id, url } = await payer.asked(till);
    const nonce = nonceIn((await payer.open(url)).html);
    await till.cancel({ paymentId: id });
    expect(await payer.send(url, { nonce })).toMatchObject({ status: 303 });
    const { status, html } = await payer.open(url);
    expect(status).toBe(200);
    expect(html).toContain('This payment was cancelled. Nothing was charged.');
    expect(html).toContain(`<a href="https://shop.example/back?payment=${id}">Back to shop.example</a>`);
    expect(html).not.toContain('<form');
  });

  test('expired, and to expire any moment', async () => {
    const soon = new Date(Date.now() + 3_600_000).toISOString();
    const { id, url } = await payer.asked(till, { expiresAt: soon, returnUrl: null });
    const { pool } = gateway().app.gateway.database;
    const nonce = nonceIn((await payer.open(url)).html);
    // Not due yet: no round has come by.
    const past = `UPDATE payment SET expires_at = now() - interval '1 minute' WHERE id = $1`;
    await pool.query(past, [paymentOf(gateway(), url).id]);
    expect((await payer.open(url)).html).toContain('The time for this payment is over.');
    expect(await payer.send(url, { nonce })).toMatchObject({ status: 303 });
    await pool.query('UPDATE payment SET due_at = now() WHERE id = $1', [paymentOf(gateway(), url).id]);
    await until(async () => (await till.read(id)).status === 'EXPIRED');
    const { html } = await payer.open(url);
    expect(html).toContain('The time for this payment is over.');
    expect(html).not.toContain('<form');
    expect(html).not.toContain('<a');
    expect(await backstage.charges(id)).toEqual([]);
  });

  test('ten attempts have failed: no more cards are taken', async () => {
    const { id, url } = await payer.asked(till);
    const late = nonceIn((await payer.open(url)).html);
    // Different cards, so that it is the payment's own limit.
    const numbers = [DECLINED, '4000000000009995', '4000000000009987', '4000000000009979', '4000000000006975'];
    for (const number of [...numbers, ...numbers]) {
      expect(await payer.pay(url, { number })).toMatchObject({ status: 303 });
    }
    const { html } = await payer.open(url);
    expect(html).toContain('No more attempts');
    expect(html).toContain('Ask A shop for another way to pay.');
    expect(html).not.toContain('<form');
    expect(await payer.send(url, { nonce: late })).toMatchObject({ status: 303, location: new URL(url).pathname });
    expect((await till.read(id)).attempts).toHaveLength(10);
  });

  test("the gateway's own retries are none of the payer's", async () => {
    await till.setRetrySchedule(...Array.from({ length: 10 }, () => 3_600));
    const { id, url } = await payer.asked(till);
    await payer.pay(url, { number: '4000000000009995' });
    for (let times = 0; times < 10; times++) await backstage.letFallDue(id);
    await till.setRetrySchedule();
    expect(await till.read(id)).toMatchObject({ status: 'FAILED', attempts: { length: 11 } });
    await payer.pay(url);
    expect(await till.read(id)).toMatchObject({ status: 'SUCCEEDED' });
  });

  test('a card that has failed ten times elsewhere is not taken here', async () => {
    const number = '4000000000000119';
    const { url: other } = await payer.asked(till);
    for (let times = 0; times < 10; times++) await payer.pay(other, { number });
    const { id, url } = await payer.asked(till);
    const { status, html } = await payer.pay(url, { number });
    expect(status).toBe(422);
    expect(html).toContain('Too many attempts to pay have failed.');
    expect((await till.read(id)).attempts).toEqual([]);
    await payer.send(url, { nonce: nonceIn(html) });
    expect(await till.read(id)).toMatchObject({ status: 'SUCCEEDED' });
  });
});

test('a card that the processor does not take', async () => {
  const { id, url } = await payer.asked(till);
  const { status, html } = await payer.pay(url, { number: '4000000000000010' });
  expect(status).toBe(422);
  expect(html).toContain('This card is not accepted. Check its number, or try another card.');
  expect((await till.read(id)).attempts).toEqual([]);
});

test('once it is paid, a card that comes with a form of before is given to nobody', async () => {
  const { id, url } = await payer.asked(till);
  const nonces = [nonceIn((await payer.open(url)).html), nonceIn((await payer.open(url)).html)];
  await payer.send(url, { nonce: nonces[0] ?? '' });
  const before = await cardsAtProcessor();
  for (const nonce of nonces) {
    expect(await payer.send(url, { nonce })).toMatchObject({ status: 303, location: new URL(url).pathname });
  }
  expect(await cardsAtProcessor()).toBe(before);
  expect(await backstage.standing(id)).toEqual([4999]);
});

test('where no processor is set up, it says that nothing was charged', async () => {
  const live = new Till(gateway, 'live');
  const { payment } = (await live.create()) as unknown as { payment: { id: string } };
  const url = await payer.urlOf(payment.id, gateway().keys.live);
  expect((await payer.open(url)).html).not.toContain('Test mode');
  const { status, html } = await payer.pay(url);
  expect(status).toBe(503);
  expect(html).toContain('Payments cannot be taken at the moment. Nothing was charged.');
  expect(html).toContain('value="Jenny Rosen"');
});
