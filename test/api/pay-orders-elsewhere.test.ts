import { randomUUID } from 'node:crypto';
import { beforeEach, expect, test } from 'vitest';
import { Backstage } from '../harness/backstage.ts';
import { only, useGateway } from '../harness/gateway.ts';
import { PagePayer } from '../harness/page-payer.ts';
import { grant, Payer } from '../harness/payer.ts';
import { card, Till } from '../harness/till.ts';

/** What payOrders has paid is not paid again by other ways that a payer has: a hosted page, the token of one payment. */

const gateway = useGateway();
const till = new Till(gateway);
const backstage = new Backstage(gateway);
const page = new PagePayer(gateway);

let order: string;
let payer: Payer;

beforeEach(async () => {
  order = `ord_${randomUUID()}`;
  payer = await Payer.of(gateway(), { customerId: await till.customer(), grants: [grant(order)] });
});

/** A payment of the merchant's for the order, whose payer had no luck with a first card. */
async function failed(): Promise<{ id: string; url: string }> {
  const destinations = [{ type: 'ORDER', id: order, amount: 1000 }] as const;
  const asked = await page.asked(till, { amount: 1000, destinations: [...destinations] });
  await page.pay(asked.url, { number: '4000000000000002' });
  expect((await till.read(asked.id)).status).toBe('FAILED');
  return asked;
}

test('the page that was left open says so, and charges nothing', async () => {
  const { id, url } = await failed();
  await payer.paid([order]);
  const shown = await page.pay(url);
  expect(shown.status).toBe(409);
  expect(shown.html).toContain('paid already');
  expect(await backstage.standing(id)).toEqual([]);
  expect((await till.read(id)).attempts).toHaveLength(1);
});

test('the token of the payment', async () => {
  const { id } = await failed();
  const paid = await payer.paid([order]);
  const one = await Payer.of(gateway(), { paymentId: id });
  // Nor is it told which payment that is: it is none of theirs.
  expect(await one.process({ paymentId: id, card: card() })).toMatchObject({ code: 'ALREADY_PAID', paymentId: null });
  only(await till.refund({ paymentId: paid.id }), 'RefundPaymentPayload');
  expect(only(await one.process({ paymentId: id, card: card() }), 'ProcessPaymentPayload').payment.status).toBe(
    'SUCCEEDED',
  );
});

test('the page and payOrders at once: one of them', async () => {
  const { id, url } = await failed();
  const [, answer] = await Promise.all([page.pay(url), payer.payOrders([order])]);
  const byOrders = answer.__typename === 'PayOrdersPayload' ? await backstage.standing(answer.payment.id) : [];
  expect([...(await backstage.standing(id)), ...byOrders]).toEqual([1000]);
});

test('two payments of the merchant for one thing are both paid', async () => {
  const [one, other] = [await failed(), await failed()];
  for (const { id, url } of [one, other]) {
    await page.pay(url);
    expect(await backstage.standing(id)).toEqual([1000]);
  }
});
