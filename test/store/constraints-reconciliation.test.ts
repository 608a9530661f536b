import { beforeEach, expect, test } from 'vitest';
import { addProcessorAccount } from '../harness/ledger-accounts.ts';
import {
  addReconciliation,
  differenceRow,
  reconciliationRow,
  side,
  type Reconciled,
} from '../harness/ledger-reconciliation.ts';
import type { Row } from '../harness/ledger.ts';
import { CHECK, UNIQUE, useBypass } from './bypass.ts';

/** What the database refuses of comparisons with processors' books, whatever the code does. */

const sql = useBypass();
const { write, refusalOf } = sql;

let mine: Reconciled;
let theirs: Reconciled;

beforeEach(async () => {
  mine = await addReconciliation(sql.client, sql.mine);
  theirs = await addReconciliation(sql.client, sql.theirs);
});

const open = { finished_at: null, due_at: new Date() };

test.for<[string, Row, string | undefined]>([
  ['one that is over', {}, undefined],
  ['one that waits', { ...open, status: 'WAITING', started_at: null }, undefined],
  ['one that runs', { ...open, status: 'RUNNING' }, undefined],
  ['one that has failed for good', { status: 'FAILED' }, undefined],
  ['one that has failed for now', { status: 'FAILED', due_at: new Date() }, undefined],
  ['a stretch of no time', { until_at: new Date(0) }, 'of_some_time'],
  ['fewer than no differences', { differing: -1 }, 'counts_not_negative'],
  ['one that runs, and that nobody would take over', { ...open, status: 'RUNNING', due_at: null }, 'due_while_open'],
  ['one that is over, and is due', { due_at: new Date() }, 'due_while_open'],
  ['one that is over, and has no end', { finished_at: null }, 'finished_when_over'],
  ['one that runs, and has an end', { ...open, status: 'RUNNING', finished_at: new Date() }, 'finished_when_over'],
  ['one that runs, and was not begun', { ...open, status: 'RUNNING', started_at: null }, 'started_before_over'],
  ['one with another processor, in no account', { processor: 'stripe' }, 'of_account'],
])('%s', async ([, changes, constraint]) => {
  const refusal = await refusalOf(() => write('reconciliation', { ...reconciliationRow(mine), ...changes }));
  expect(refusal).toEqual(constraint && { code: CHECK, constraint: `reconciliation_${constraint}` });
});

const daily = (of: Reconciled): Row => ({ ...reconciliationRow(of), daily: true });

test('a day of a place is compared by itself once, also where the place is no account', async () => {
  const { accountId } = await addProcessorAccount(sql.client, mine);
  const inAccount = (): Row => ({ ...daily(mine), processor: 'stripe', processor_account_id: accountId });
  const refused = { code: UNIQUE, constraint: 'reconciliation_daily' };
  await write('reconciliation', daily(mine));
  await write('reconciliation', daily(theirs));
  await write('reconciliation', inAccount());
  await write('reconciliation', reconciliationRow(mine));
  expect(await refusalOf(() => write('reconciliation', daily(mine)))).toEqual(refused);
  expect(await refusalOf(() => write('reconciliation', inAccount()))).toEqual(refused);
});

const nobody = { payment_id: null, operation_id: null };

test.for<[string, Row, string | undefined]>([
  ['with another amount', {}, undefined],
  ['missing here', { kind: 'MISSING_HERE', ...side('our', null), ...nobody }, undefined],
  ['missing here, and done twice', { kind: 'MISSING_HERE', ...side('our', null) }, undefined],
  ['missing there', { kind: 'MISSING_THERE', ...side('their', null) }, undefined],
  ['half of our side', { our_state: null }, 'our_side_whole'],
  ['our side, of no operation', nobody, 'our_side_whole'],
  ['half of their side', { their_currency: null }, 'their_side_whole'],
  [
    'an operation of no payment',
    { kind: 'MISSING_HERE', ...side('our', null), payment_id: null },
    'operation_of_payment',
  ],
  ['missing here, and there is one', { kind: 'MISSING_HERE' }, 'of_sides'],
  ['missing there, and there is one', { kind: 'MISSING_THERE' }, 'of_sides'],
  ['another amount than nothing', { ...side('their', null) }, 'of_sides'],
])('a difference %s', async ([, changes, constraint]) => {
  const refusal = await refusalOf(() => write('reconciliation_difference', { ...differenceRow(mine), ...changes }));
  expect(refusal).toEqual(constraint && { code: CHECK, constraint: `reconciliation_difference_${constraint}` });
});
