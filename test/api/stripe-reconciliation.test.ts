import { afterAll, expect, test } from 'vitest';
import { stripeConnector } from '../../src/processors/stripe/connector.ts';
import { only, useGateway } from '../harness/gateway.ts';
import { LedgerDay } from '../harness/ledger-day.ts';
import { MerchantAccounts } from '../harness/merchant-accounts.ts';
import { SECRET_KEY, StripeStandIn } from '../stripe/stand-in.ts';

/** A day at Stripe's stand-in is compared with ours; what is planted in its books has to be found. */

const standIn = new StripeStandIn();
await standIn.start();
const gateway = useGateway({ connectors: [stripeConnector({ apiUrl: standIn.url })] });

afterAll(() => standIn.stop());

test('an honest day agrees, and each planted difference is found', async () => {
  const day = await LedgerDay.open(gateway());
  const accounts = new MerchantAccounts(() => day.client);
  const account = await accounts.open({ secretKey: SECRET_KEY });
  const payments = [];
  for (let count = 0; count < 4; count++) payments.push(await accounts.pay(account, { token: 'pm_card_visa' }));
  const [shrunk, undone, gone, refunded] = payments;
  if (!shrunk || !undone || !gone || !refunded) throw new Error('four payments were made');
  await accounts.pay(account, { token: 'pm_card_visa_chargeDeclined' });
  const { refund } = only(await day.till.refund({ paymentId: refunded.id, amount: 100 }), 'RefundPaymentPayload');
  await day.settle();
  const bySeconds = Math.round((await day.pass()) / 1_000);
  const { intents, refunds } = standIn.books;
  for (const made of [...intents.values(), ...refunds.values()]) made.created -= bySeconds;
  const compare = () => day.compared({ processorAccountId: account.id });

  expect(await compare()).toMatchObject({ status: 'COMPLETED', agreeing: 6, differing: 0, differences: [] });

  const intentOf = ({ id }: { id: string }) => {
    const intent = [...intents.values()].find(({ metadata }) => metadata['tender_payment'] === id);
    if (intent === undefined) throw new Error('Stripe has no such payment');
    return intent;
  };
  intentOf(shrunk).amount_received = 1;
  intentOf(undone).status = 'canceled';
  intents.delete(intentOf(gone).id);
  for (const each of refunds.values()) each.amount = 99;
  const { differences } = await compare();
  const found = differences.map(({ kind, payment }) => `${kind} ${payment?.id ?? ''}`);
  expect(found.toSorted()).toEqual(
    [
      `OTHER_AMOUNT ${shrunk.id}`,
      `OTHER_STATE ${undone.id}`,
      `MISSING_THERE ${gone.id}`,
      `OTHER_AMOUNT ${refunded.id}`,
    ].toSorted(),
  );
  expect(refund.status).toBe('SUCCEEDED');
});
