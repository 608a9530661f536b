import { afterEach, expect, test } from 'vitest';
import { decodeIdOf } from '../../src/domain/ids.ts';
import { TOKENS } from '../harness/far-book.ts';
import { FarProcessor } from '../harness/far-processor.ts';
import { useGateway } from '../harness/gateway.ts';
import { MerchantAccounts, notify, type Account } from '../harness/merchant-accounts.ts';
import { until } from '../harness/until.ts';

/** A processor that does not answer about one account keeps nobody else waiting, whatever the gateway does by itself. */

const far = new FarProcessor({ callTimeoutMs: 60_000 });
const gateway = useGateway({ connectors: [far], settings: { recoveryDelayMs: 30_000 } });
const accounts = new MerchantAccounts(gateway);
const { till } = accounts;
const released: (() => void)[] = [];

afterEach(() => {
  far.calls.use({});
  for (const release of released.splice(0)) release();
});

/** Payments of an account whose charges and look-ups nobody is answered about, from now on. */
function hang(of: readonly string[]): Promise<void> {
  const called = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  released.push(gate.resolve);
  const wait = async <T>(isOurs: boolean, pass: () => Promise<T>): Promise<T> => {
    if (isOurs) {
      called.resolve();
      await gate.promise;
    }
    return pass();
  };
  far.calls.use({
    charge: ({ paymentId }, pass) => wait(of.includes(paymentId), pass),
    lookUpCharge: ({ reference }, pass) => wait(of.includes(reference ?? ''), pass),
  });
  return called.promise;
}

/** An account with a charge that is still to be decided. */
async function pendingCharge() {
  const { account, book } = await accounts.openShop(far);
  const { id } = await accounts.pay(account, { token: TOKENS.pending });
  const { reference = '' } = book.charges.at(-1) ?? {};
  return { account, id, reference, decide: () => book.decide(reference) };
}

async function scheduled({ id }: Pick<Account, 'id'>): Promise<string> {
  const paymentDate = new Date(Date.now() + 3_600_000).toISOString();
  return (await till.pay({ paymentMethodId: await accounts.token(id), process: false, paymentDate })).id;
}

async function fallsDue(table: 'operation' | 'payment', paymentId: string): Promise<void> {
  const due =
    table === 'operation'
      ? 'UPDATE operation SET recover_at = now() WHERE payment_id = $1'
      : 'UPDATE payment SET payment_date = now(), due_at = now() WHERE id = $1';
  await gateway().app.gateway.database.pool.query(due, [decodeIdOf('Payment', paymentId)]);
}

/** What a payment comes to. */
async function endOf(paymentId: string): Promise<string> {
  return until(async () => {
    const { status } = await till.read(paymentId);
    return status !== 'SCHEDULED' && status !== 'PROCESSING' && status;
  });
}

test('its notifications are answered, and those of others applied', async () => {
  const slow = await pendingCharge();
  const hung = hang([slow.reference]);
  for (let count = 0; count < 25; count++) {
    expect(await notify(slow.account, far.notification([slow.reference]))).toBe(200);
  }
  await hung;
  expect(await notify(slow.account, far.notification([slow.reference]))).toBe(200);
  const quick = await pendingCharge();
  quick.decide();
  expect(await notify(quick.account, far.notification([quick.reference]))).toBe(200);
  expect(await endOf(quick.id)).toBe('SUCCEEDED');
});

test('others are recovered', async () => {
  const slow = await pendingCharge();
  const quick = await pendingCharge();
  const hung = hang([slow.reference]);
  await fallsDue('operation', slow.id);
  await hung;
  quick.decide();
  await fallsDue('operation', quick.id);
  expect(await endOf(quick.id)).toBe('SUCCEEDED');
});

test('what others have scheduled is charged', async () => {
  const slow = await scheduled((await accounts.openShop(far)).account);
  const quick = await scheduled((await accounts.openShop(far)).account);
  const sandbox = await till.pay({ process: false, paymentDate: new Date(Date.now() + 3_600_000).toISOString() });
  const hung = hang([slow]);
  await fallsDue('payment', slow);
  await hung;
  for (const id of [quick, sandbox.id]) {
    await fallsDue('payment', id);
    expect(await endOf(id)).toBe('SUCCEEDED');
  }
});
