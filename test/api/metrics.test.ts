import { afterAll, beforeAll, expect, test } from 'vitest';
import { FarProcessor, sign } from '../harness/far-processor.ts';
import { startGateway, type TestGateway } from '../harness/gateway.ts';
import { MerchantAccounts, notify } from '../harness/merchant-accounts.ts';

const TOKEN = 'a token of the tests';
const far = new FarProcessor();
let gateway: TestGateway;
const accounts = new MerchantAccounts(() => gateway);

beforeAll(async () => {
  gateway = await startGateway({ connectors: [far], metricsToken: TOKEN });
});

afterAll(() => gateway.close());

async function scrape(authorization?: string): Promise<{ status: number; text: string }> {
  const headers = authorization === undefined ? {} : { authorization };
  const answer = await fetch(`${gateway.app.server.url}/metrics`, { headers });
  return { status: answer.status, text: await answer.text() };
}

test.each([undefined, '', 'Bearer', 'Bearer another token', TOKEN])('without the token: %s', async (authorization) => {
  expect(await scrape(authorization)).toEqual({ status: 401, text: 'A token is needed.\n' });
});

test('a gateway without a token serves none', async () => {
  const other = await startGateway();
  const { status } = await fetch(`${other.app.server.url}/metrics`, { headers: { authorization: 'Bearer undefined' } });
  expect(status).toBe(404);
  await other.close();
});

test('the circuit of an account, and notifications that were refused', async () => {
  const account = await accounts.open();
  await accounts.pay(account);
  const state = async (name: string): Promise<string | undefined> => {
    const { text } = await scrape(`Bearer ${TOKEN}`);
    return new RegExp(`^tender_processor_circuit\\{account="${account.id}",state="${name}"\\} (.)$`, 'm').exec(
      text,
    )?.[1];
  };
  expect([await state('CLOSED'), await state('OPEN')]).toEqual(['1', '0']);
  far.calls.use({ charge: () => Promise.resolve({ kind: 'not_sent' }) });
  for (let failures = 0; failures < 5; failures++) await accounts.pay(account);
  expect([await state('CLOSED'), await state('OPEN')]).toEqual(['0', '1']);
  expect(await notify(account, sign(Buffer.from('{}'), { secret: 'whsec_of_nobody_at_all' }))).toBe(400);
  expect((await scrape(`Bearer ${TOKEN}`)).text).toContain(
    'tender_refused_notifications_total{reason="bad_signature"} 1',
  );
});
