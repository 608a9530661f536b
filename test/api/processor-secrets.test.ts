import { afterEach, expect, onTestFinished, test } from 'vitest';
import { decodeIdOf } from '../../src/domain/ids.ts';
import { Backstage } from '../harness/backstage.ts';
import { FarProcessor, NOTIFICATION_SECRET } from '../harness/far-processor.ts';
import { only, startGateway, useGateway } from '../harness/gateway.ts';
import { MerchantAccounts, notify } from '../harness/merchant-accounts.ts';
import { dumpRows } from '../harness/rows.ts';
import { doneThenLost, lost } from '../harness/stand-ins.ts';
import { until } from '../harness/until.ts';

const far = new FarProcessor();
const gateway = useGateway({ connectors: [far] });
const accounts = new MerchantAccounts(gateway);
const pool = () => gateway().app.gateway.database.pool;

afterEach(() => {
  far.questions = 'answered';
  far.calls.use({});
});

test('nothing of the credentials is in any row, answer, event or line of the log', async () => {
  const answers: unknown[] = [];
  const secretKey = 'sk_test_discreet_Kq8vW2zN5xTr';
  const nextKey = 'sk_test_discreet_Lm3pY7bC9dFg';
  const secrets = [secretKey, nextKey, NOTIFICATION_SECRET];
  const account = await accounts.open({ secretKey });
  answers.push(
    account,
    await accounts.change(account.id, { secretKey: nextKey, notificationSecrets: [NOTIFICATION_SECRET] }),
  );
  for (const questions of ['broken', 'unreachable'] as const) {
    far.questions = questions;
    answers.push(
      await accounts.create({ secretKey }),
      await accounts.test(account.id),
      await accounts.store(account.id),
    );
  }
  far.questions = 'answered';
  answers.push(
    await accounts.create({ secretKey: `${secretKey} ` }),
    await accounts.create({ secretKey: `sk_live${secretKey}` }),
  );
  const mistyped = {
    name: 'x',
    processor: 'STRIPE',
    secretKey: [secretKey],
    notificationSecrets: [{ secret: NOTIFICATION_SECRET }],
  };
  const mutation =
    'mutation ($input: CreateProcessorAccountInput!) { createProcessorAccount(input: $input) { __typename } }';
  answers.push((await gateway().request(mutation, { input: mistyped })).text);
  far.calls.use({ charge: () => Promise.reject(new Error(nextKey)) });
  const { id } = await accounts.pay(account);
  far.calls.use({});
  await pool().query('UPDATE processor_account SET credentials = $1 WHERE id = $2', [
    Buffer.alloc(60),
    uuidOf(account.id),
  ]);
  answers.push(await accounts.test(account.id), await accounts.store(account.id));
  answers.push(await accounts.list(), await accounts.till.read(id), await accounts.till.events());
  const told = [JSON.stringify(answers), JSON.stringify(gateway().logged), await dumpRows(gateway())];
  for (const text of told) {
    expect(text).toMatch(/stripe/i);
    for (const secret of secrets) for (const part of [secret, secret.slice(8)]) expect(text).not.toContain(part);
  }
});

test('credentials that are copied to another account cannot be opened there', async () => {
  const account = await accounts.open();
  const other = await accounts.open({ secretKey: 'sk_test_other_00001234' });
  const paymentMethodId = await accounts.token(other.id);
  await pool().query(
    'UPDATE processor_account SET credentials = (SELECT credentials FROM processor_account WHERE id = $1) WHERE id = $2',
    [uuidOf(account.id), uuidOf(other.id)],
  );
  expect(await accounts.test(other.id)).toMatchObject({ result: 'SEALED', reason: null });
  expect(await accounts.test(account.id)).toMatchObject({ result: 'GOOD' });
  expect(await accounts.till.pay({ paymentMethodId })).toMatchObject({ status: 'FAILED' });
  expect(far.book('other').charges).toHaveLength(0);
});

const NEXT_SECRET = 'another secret of the tests that has 32 characters';

test('after a change of the secret: what is new fails at once, what is open waits, and the operator is told', async () => {
  const before = await startGateway({ connectors: [far] });
  const merchant = new MerchantAccounts(() => before);
  const { id: accountId } = await merchant.open({ secretKey: 'sk_test_changed_00001234' });
  const paymentMethodId = await merchant.token(accountId);
  const held = await merchant.till.authorize({ paymentMethodId });
  far.calls.use({ charge: doneThenLost, lookUpCharge: lost });
  const open = await merchant.till.pay({ paymentMethodId });
  // Until it has ended, it would look it up by itself.
  await before.app.close();
  far.calls.use({});

  const after = await startGateway({ connectors: [far], secret: NEXT_SECRET }, before);
  onTestFinished(() => after.close());
  const told = () => after.logged.map(({ msg }) => msg);
  expect(told()).toContainEqual(
    expect.stringMatching(/^the credentials of processor accounts were sealed with another/),
  );
  const changed = new MerchantAccounts(() => after);
  const { till } = changed;
  expect(await till.pay({ paymentMethodId })).toMatchObject({
    status: 'FAILED',
    decline: { code: 'processor_unavailable', retryable: true },
  });
  expect(told()).toContainEqual(expect.stringMatching(/cannot be opened/));
  expect(only(await changed.store(accountId), 'ProcessorUnavailableError').path).toEqual(['input', 'token']);
  const [account] = await changed.list();
  expect(await notify(account ?? { notificationUrl: '' }, far.notification([]))).toBe(503);
  expect(await changed.test(accountId)).toMatchObject({ result: 'SEALED' });
  // What was sent may have been done: nothing follows from not being able to ask.
  await new Backstage(() => after).letTimePass(open.id, 1);
  expect(await till.read(open.id)).toMatchObject({ status: 'PROCESSING', attempts: [{ status: 'UNKNOWN' }] });
  const capture = only(await till.capture({ paymentId: held.id }), 'CapturePaymentPayload');
  expect(capture.payment.captures).toMatchObject([{ status: 'PENDING' }]);

  const half = await changed.update({ accountId, secretKey: 'sk_test_changed_00005678' });
  expect(only(half, 'InvalidInputError').path).toEqual(['input', 'notificationSecrets']);
  const notificationSecrets = [NOTIFICATION_SECRET];
  await changed.change(accountId, { secretKey: 'sk_test_changed_00005678', notificationSecrets });
  expect(await changed.test(accountId)).toMatchObject({ result: 'GOOD' });
  for (const { id } of [held, open]) {
    await new Backstage(() => after).askAgain(id);
    await until(async () => (await till.read(id)).status === 'SUCCEEDED');
  }
  expect(far.book('changed').charges.map(({ captured }) => captured)).toEqual([4999n, 4999n]);
});

function uuidOf(accountId: string): string {
  return decodeIdOf('ProcessorAccount', accountId) ?? '';
}
