import { expect, test } from 'vitest';
import { FarProcessor } from '../harness/far-processor.ts';
import { only, useGateway } from '../harness/gateway.ts';
import { LedgerDay } from '../harness/ledger-day.ts';
import { MerchantAccounts } from '../harness/merchant-accounts.ts';

/** A merchant's account with a processor outside, in which it does other business as well. */

const far = new FarProcessor();
const gateway = useGateway({ connectors: [far] });

async function dayInAccount() {
  const day = await LedgerDay.open(gateway());
  const accounts = new MerchantAccounts(() => day.client);
  const { account, merchant, book } = await accounts.openShop(far);
  const paid = await accounts.pay(account);
  const refunded = await accounts.pay(account);
  only(await day.till.refund({ paymentId: refunded.id, amount: 100 }), 'RefundPaymentPayload');
  await day.settle();
  const byMs = await day.pass();
  await day.plant(
    `UPDATE processor_account SET created_at = created_at - interval '9 days' WHERE environment_id::text = $1`,
  );
  for (const entry of [...book.charges, ...book.movements]) {
    entry.createdAt = new Date(entry.createdAt.getTime() - byMs);
  }
  return { day, account, merchant, book, paid, refunded };
}

const nightAfter = (day: LedgerDay): Date => new Date(Date.parse(day.day) + 26 * 3_600_000);

test('the day of an account is compared by itself, and what is none of ours only counted', async () => {
  const { day, account, book } = await dayInAccount();
  const [first] = book.charges;
  if (first === undefined) throw new Error('nothing was charged');
  book.charges.push({ ...first, reference: 'ch_by_hand', key: null });
  // It is known by its reference, too.
  first.key = null;
  await day.keepBooks(nightAfter(day));
  expect(await day.runs()).toMatchObject([
    { daily: true, processorAccount: { id: account.id }, agreeing: 3, differing: 0, underWay: 0, strangers: 1 },
  ]);
});

test('a charge that an account does not have, one that it has twice, and one of another amount', async () => {
  const { day, account, book, paid, refunded } = await dayInAccount();
  const [first, second] = book.charges;
  if (first === undefined || second === undefined) throw new Error('nothing was charged');
  book.charges.splice(0, 1, { ...first, reference: 'ch_twice' }, { ...first, captured: 1n });
  const { differences } = await day.compared({ processorAccountId: account.id });
  expect(differences).toMatchObject([
    { kind: 'MISSING_HERE', processorReference: 'ch_twice', payment: { id: paid.id }, ours: null },
    { kind: 'OTHER_AMOUNT', processorReference: first.reference, theirs: { amount: { amount: 1 } } },
  ]);
  book.charges.splice(0, 3);
  expect((await day.compared({ processorAccountId: account.id })).differences).toMatchObject([
    { kind: 'MISSING_THERE', processorReference: first.reference, payment: { id: paid.id }, theirs: null },
    { kind: 'MISSING_THERE', processorReference: second.reference, payment: { id: refunded.id }, theirs: null },
  ]);
});

test('a disabled account is compared as long as something was done in it', async () => {
  const { day, account } = await dayInAccount();
  const accounts = new MerchantAccounts(() => day.client);
  await accounts.change(account.id, { enabled: false });
  await day.keepBooks(nightAfter(day));
  expect(await day.runs()).toMatchObject([{ processorAccount: { id: account.id }, agreeing: 3 }]);
  const idle = await LedgerDay.open(gateway());
  const unused = await new MerchantAccounts(() => idle.client).openShop(far);
  await new MerchantAccounts(() => idle.client).change(unused.account.id, { enabled: false });
  await idle.keepBooks(nightAfter(idle));
  expect(await idle.runs()).toEqual([]);
});

test('an account whose credentials cannot be opened fails its run, and no other', async () => {
  const { day, account } = await dayInAccount();
  const other = await dayInAccount();
  await day.plant(
    `UPDATE processor_account SET credentials_key_id = 'of before', credentials = '' WHERE environment_id::text = $1`,
  );
  await day.keepBooks(nightAfter(day));
  expect(await day.runs()).toMatchObject([{ processorAccount: { id: account.id }, status: 'FAILED', tries: 1 }]);
  expect(await other.day.runs()).toMatchObject([{ status: 'COMPLETED', agreeing: 3 }]);
  expect(gateway().logged).toContainEqual(expect.objectContaining({ error: 'SealedAway' }));
});
