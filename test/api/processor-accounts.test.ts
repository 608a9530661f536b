import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { decodeIdOf } from '../../src/domain/ids.ts';
import { updateProcessorAccount } from '../../src/payments/processor-account.ts';
import { FarProcessor, NOTIFICATION_SECRET } from '../harness/far-processor.ts';
import { only, useGateway } from '../harness/gateway.ts';
import { MerchantAccounts, notify } from '../harness/merchant-accounts.ts';
import { countRows } from '../harness/rows.ts';
import { until } from '../harness/until.ts';

const far = new FarProcessor({ callTimeoutMs: 300 });
const gateway = useGateway({ connectors: [far] });
const accounts = new MerchantAccounts(gateway);
const pool = () => gateway().app.gateway.database.pool;

beforeEach(async () => {
  for (const table of ['processor_notification', 'processor_account']) await pool().query(`DELETE FROM ${table}`);
});

afterEach(() => {
  far.questions = 'answered';
  far.refused.clear();
});

test('an account is added, listed and found by its id, and tells the last characters of its key alone', async () => {
  const before = await accounts.list();
  const account = await accounts.open({ name: 'Europe', secretKey: 'sk_test_shop_00009876' });
  expect(account).toMatchObject({ name: 'Europe', processor: 'STRIPE', hint: '9876', rawCards: false, enabled: true });
  expect(account.createdBy).toMatch(/^key_/);
  expect(account.notificationUrl.startsWith(gateway().app.server.url)).toBe(true);
  const second = await accounts.open();
  expect(await accounts.list()).toEqual([...before, account, second]);
  const { rows } = await pool().query<{ id: string }>('SELECT credentials_key_id AS id FROM processor_account');
  expect(rows.map(({ id }) => id)).toContain(gateway().app.gateway.keyring.id);
});

test.each([
  ['a key that the processor refuses', { secretKey: 'sk_test_shop_refused' }, 'secretKey'],
  ['a key of the other mode', { secretKey: 'sk_live_shop_00001234' }, 'secretKey'],
  ['no key', { secretKey: '' }, 'secretKey'],
  ['a key so short that its last characters are most of it', { secretKey: 'sk_test_a' }, 'secretKey'],
  ['a key with a line break', { secretKey: 'sk_test_shop_0000\n1234' }, 'secretKey'],
  ['no name', { name: '' }, 'name'],
  ['a name that is too long', { name: 'a'.repeat(101) }, 'name'],
  [
    'three notification secrets',
    { notificationSecrets: ['a', 'b', 'c'].map((each) => each.repeat(20)) },
    'notificationSecrets',
  ],
  ['a notification secret with spaces', { notificationSecrets: ['a secret that is none'] }, 'notificationSecrets'],
])('%s is refused, and nothing is written', async (_, input, field) => {
  far.refused.add('sk_test_shop_refused');
  const before = await countRows(gateway());
  const refused = only(await accounts.create(input), 'InvalidInputError');
  expect(refused.path.slice(0, 2)).toEqual(['input', field]);
  const key = 'secretKey' in input && input.secretKey;
  if (key) expect(JSON.stringify(refused)).not.toContain(key);
  expect(await countRows(gateway())).toEqual(before);
});

test.each(['unreachable', 'broken', 'hanging'] as const)(
  'a processor whose answer is %s: nothing is written, and it can be asked again',
  async (how) => {
    far.questions = how;
    expect(only(await accounts.create(), 'ProcessorUnavailableError').path).toEqual(['input', 'secretKey']);
    expect(await accounts.list()).toEqual([]);
  },
);

test('a name is taken once, also by requests at once and by one that is renamed at that moment', async () => {
  const { id } = await accounts.open({ name: 'Europe' });
  expect(only(await accounts.create({ name: 'Europe' }), 'InvalidInputError').path).toEqual(['input', 'name']);
  const twice = await Promise.all([1, 2, 3].map(() => accounts.create({ name: 'Asia' })));
  const kinds = twice.map(({ __typename }) => __typename).toSorted();
  expect(kinds).toEqual(['CreateProcessorAccountPayload', 'InvalidInputError', 'InvalidInputError']);
  expect(only(await accounts.update({ accountId: id, name: 'Asia' }), 'InvalidInputError').path).toEqual([
    'input',
    'name',
  ]);
  const renaming = await pool().connect();
  try {
    await renaming.query('BEGIN');
    await renaming.query('UPDATE processor_account SET name = $1 WHERE id = $2', ['Africa', uuidOf(id)]);
    const creating = accounts.create({ name: 'Africa' });
    await until(async () => (await countWaiting()) === 1);
    await renaming.query('COMMIT');
    expect(only(await creating, 'InvalidInputError').path).toEqual(['input', 'name']);
  } finally {
    renaming.release();
  }
});

test('an environment has at most 20, also by requests at once', async () => {
  const many = await Promise.all(Array.from({ length: 22 }, () => accounts.create()));
  const refused = many.filter(({ __typename }) => __typename === 'InvalidInputError');
  expect(refused).toHaveLength(2);
  expect(JSON.stringify(refused)).toContain('20 accounts');
  expect(await accounts.list()).toHaveLength(20);
  await new MerchantAccounts(gateway, 'other').open();
});

test('what is left out of an update stays as it is', async () => {
  const account = await accounts.open();
  const renamed = await accounts.change(account.id, { name: 'Europe' });
  expect(renamed).toEqual({ ...account, name: 'Europe', updatedAt: renamed.updatedAt, updatedBy: renamed.updatedBy });
  const rolled = await accounts.change(account.id, { secretKey: 'sk_test_shop_00005678' });
  expect(rolled).toMatchObject({ name: 'Europe', hint: '5678', enabled: true });
  expect(await notify(rolled, far.notification([]))).toBe(200);
  const resigned = await accounts.change(account.id, {
    notificationSecrets: ['whsec_another_one', NOTIFICATION_SECRET],
  });
  expect(resigned.hint).toBe('5678');
  expect(await notify(rolled, far.notification([], { secret: 'whsec_another_one' }))).toBe(200);
  expect(await notify(rolled, far.notification([]))).toBe(200);
  expect(await accounts.change(account.id, { enabled: false })).toMatchObject({ enabled: false, name: 'Europe' });
  expect(await accounts.change(account.id, { enabled: true, rawCards: true })).toMatchObject({ rawCards: true });
});

test('a new key that is refused, or that nobody could be asked about, changes nothing', async () => {
  const account = await accounts.open();
  far.refused.add('sk_test_shop_refused');
  const refused = await accounts.update({ accountId: account.id, secretKey: 'sk_test_shop_refused', name: 'Europe' });
  expect(only(refused, 'InvalidInputError').path).toEqual(['input', 'secretKey']);
  far.questions = 'unreachable';
  only(
    await accounts.update({ accountId: account.id, secretKey: 'sk_test_shop_00005678' }),
    'ProcessorUnavailableError',
  );
  expect(await accounts.list()).toEqual([account]);
});

test('of two changes of the credentials at once, one is told that it was overtaken: neither is lost unseen', async () => {
  const { id } = await accounts.open();
  // Both in the millisecond in which the account was written last.
  const { rows } = await pool().query<{ environmentId: string; updatedAt: Date }>(
    'SELECT environment_id AS "environmentId", updated_at AS "updatedAt" FROM processor_account WHERE id = $1',
    [uuidOf(id)],
  );
  const { environmentId = '', updatedAt = new Date() } = rows[0] ?? {};
  const held = { ...gateway().app.gateway, now: () => updatedAt };
  const caller = { environmentId, mode: 'TEST', principal: 'p', actor: 'key', payer: null, schedules: true } as const;
  // Neither writes before both have read.
  const holding = await pool().connect();
  try {
    await holding.query('BEGIN');
    await holding.query('SELECT FROM processor_account WHERE id = $1 FOR UPDATE', [uuidOf(id)]);
    const updating = Promise.all([
      updateProcessorAccount(held, caller, uuidOf(id), { secretKey: 'sk_test_shop_00005678' }),
      updateProcessorAccount(held, caller, uuidOf(id), { notificationSecrets: ['whsec_another_one'] }),
    ]);
    await until(async () => (await countWaiting()) === 2);
    await holding.query('COMMIT');
    expect((await updating).filter(({ ok }) => ok)).toHaveLength(1);
  } finally {
    holding.release();
  }
});

test('what has nothing to do with another change is not overtaken by it', async () => {
  const { id } = await accounts.open();
  await Promise.all([
    accounts.change(id, { name: 'Europe' }),
    accounts.change(id, { enabled: false }),
    accounts.change(id, { secretKey: 'sk_test_shop_00005678' }),
  ]);
  expect(await accounts.list()).toMatchObject([{ name: 'Europe', enabled: false, hint: '5678' }]);
});

test('an account can be tried', async () => {
  const { id } = await accounts.open({ secretKey: 'sk_test_shop_00001234' });
  expect(await accounts.test(id)).toMatchObject({ result: 'GOOD', reason: null });
  far.refused.add('sk_test_shop_00001234');
  expect(await accounts.test(id)).toMatchObject({ result: 'REFUSED', reason: 'The key is not known.' });
  for (const how of ['unreachable', 'broken', 'hanging'] as const) {
    far.questions = how;
    expect(await accounts.test(id)).toMatchObject({ result: 'UNREACHABLE', reason: null });
  }
});

test.each(['other', 'live'] as const)('of an account, the environment "%s" knows nothing', async (key) => {
  const { id } = await accounts.open();
  const strangers = new MerchantAccounts(gateway, key);
  expect(await strangers.list()).toEqual([]);
  const unknown = { code: 'NOT_FOUND' };
  expect(await strangers.update({ accountId: id, enabled: false })).toMatchObject(unknown);
  expect(await strangers.test(id)).toMatchObject(unknown);
  expect(await strangers.store(id)).toMatchObject(unknown);
  expect(await accounts.update({ accountId: `pra_${randomUUID()}`, name: 'x' })).toMatchObject(unknown);
  expect(await accounts.test('pay_of another kind')).toMatchObject(unknown);
});

/** How many statements wait for a lock. It is asked outside of the transaction that holds one: within, it is told once. */
async function countWaiting(): Promise<number | null> {
  const waiting = `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`;
  return (await pool().query(waiting)).rowCount;
}

function uuidOf(accountId: string): string {
  return decodeIdOf('ProcessorAccount', accountId) ?? '';
}
