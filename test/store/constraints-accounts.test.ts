import { beforeEach, expect, test } from 'vitest';
import {
  accountRow,
  addProcessorAccount,
  inAccount,
  notificationRow,
  type Accounted,
} from '../harness/ledger-accounts.ts';
import { attemptRow, methodRow, operationRow, type Row } from '../harness/ledger.ts';
import { CHECK, RESTRICTED, UNIQUE, useBypass } from './bypass.ts';

/** What the database refuses of accounts with processors, whatever the code does. */

const sql = useBypass();
const { write, refusalOf } = sql;

let mine: Accounted;
let theirs: Accounted;

beforeEach(async () => {
  mine = await addProcessorAccount(sql.client, sql.mine);
  theirs = await addProcessorAccount(sql.client, sql.theirs);
});

const DONE: Readonly<Record<string, (of: Accounted) => Row>> = {
  payment_method: methodRow,
  attempt: (of) => attemptRow(of, 2),
  operation: operationRow,
};

test.for(Object.entries(DONE))(
  'of a %s: the sandbox has no accounts, and others nothing without',
  async ([table, row]) => {
    const refused = { code: CHECK, constraint: `${table}_of_account` };
    expect(await refusalOf(() => write(table, { ...row(mine), processor_account_id: mine.accountId }))).toEqual(
      refused,
    );
    expect(await refusalOf(() => write(table, { ...row(mine), processor: 'stripe' }))).toEqual(refused);
    await write(table, { ...row(mine), ...inAccount(mine) });
  },
);

test('no two accounts of an environment have one name', async () => {
  const row = accountRow(mine);
  await write('processor_account', row);
  await write('processor_account', { ...accountRow(theirs), name: row['name'] });
  expect(await refusalOf(() => write('processor_account', { ...accountRow(mine), name: row['name'] }))).toEqual({
    code: UNIQUE,
    constraint: 'processor_account_environment_id_name_key',
  });
});

test('an event of a processor is kept once for each account', async () => {
  const row = notificationRow(mine);
  await write('processor_notification', row);
  await write('processor_notification', { ...notificationRow(theirs), event_id: row['event_id'] });
  const again = { ...notificationRow(mine), event_id: row['event_id'] };
  expect(await refusalOf(() => write('processor_notification', again))).toEqual({
    code: UNIQUE,
    constraint: 'processor_notification_environment_id_processor_account_id__key',
  });
});

test('of a notification, no more is kept than that', async () => {
  await write('processor_notification', { ...notificationRow(mine), body: Buffer.alloc(262_144) });
  const tooMuch = { ...notificationRow(mine), body: Buffer.alloc(262_145) };
  expect(await refusalOf(() => write('processor_notification', tooMuch))).toEqual({
    code: CHECK,
    constraint: 'processor_notification_within_limit',
  });
});

test('an account in which something was done stays', async () => {
  await write('operation', { ...operationRow(mine), ...inAccount(mine) });
  const removal = () => sql.client.query('DELETE FROM processor_account WHERE id = $1', [mine.accountId]);
  expect(await refusalOf(removal)).toEqual({
    code: RESTRICTED,
    constraint: 'operation_environment_id_processor_account_id_fkey',
  });
});

test('versions of routing rules count from 1, and each is there once', async () => {
  const row = { environment_id: mine.environmentId, version: 1, rules: '[]', created_by: 'test' };
  await write('routing_rules', row);
  await write('routing_rules', { ...row, environment_id: theirs.environmentId });
  expect(await refusalOf(() => write('routing_rules', row))).toMatchObject({ code: UNIQUE });
  const refused = { code: CHECK, constraint: 'routing_rules_version_positive' };
  expect(await refusalOf(() => write('routing_rules', { ...row, version: 0 }))).toEqual(refused);
});

test('an attempt names the rule that led to it, and its version', async () => {
  const row = attemptRow(mine, 2);
  const ruled = { ...row, routing: 'RULE', routing_rule: 'large', routing_version: 1 };
  expect(await refusalOf(() => write('attempt', { ...ruled, routing_rule: null }))).toEqual({
    code: CHECK,
    constraint: 'attempt_rule_when_routed',
  });
  expect(await refusalOf(() => write('attempt', { ...ruled, routing_version: null }))).toEqual({
    code: CHECK,
    constraint: 'attempt_rule_of_version',
  });
  await write('attempt', ruled);
});
