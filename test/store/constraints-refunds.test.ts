import { randomUUID } from 'node:crypto';
import type { Client } from 'pg';
import { describe, expect, test } from 'vitest';
import {
  addPayment,
  addRefund,
  allocationRow,
  captureRow,
  insert,
  refundRow,
  reversalRow,
  writeLedger,
  type Ledger,
} from '../harness/ledger.ts';
import { CHECK, useBypass } from './bypass.ts';

/** What the database refuses of refunds: every test goes around the code, with SQL. */

const sql = useBypass();
const { write, update, check, refusalOf, elsewhere, race } = sql;

const ENDS = ['COMMIT', 'ROLLBACK'] as const;
const HELD = ['PENDING', 'SUCCEEDED'];
const STATUSES = [...HELD, 'FAILED', 'CANCELED'];

type Part = readonly [captureId: string, amount: number];

/** Another refund, in the test's transaction, of which what would be checked at the commit is checked. */
async function refund(amount: number, status: string, parts: readonly Part[], of: Ledger = sql.mine): Promise<string> {
  const id = randomUUID();
  await addRefund(sql.client, { ...refundRow(of, amount), id, status }, parts);
  await check();
  return id;
}

/** One out of the first capture, of which 300 are left. */
const refundOfFirst = (amount: number, status: string) => refund(amount, status, [[sql.mine.captureId, amount]]);

const takeBack = (of: Ledger) => (client: Client) =>
  insert(client, 'capture_reversal', reversalRow(of.environmentId, of.captureId, 700));

describe('refunds of a capture never exceed it', () => {
  const exceeded = { code: CHECK, constraint: 'capture_refunds_within_amount' };

  test('the capture counts what is held of it', async () => {
    const held = 'SELECT amount_refund_held FROM capture WHERE id = $1';
    const { rows } = await sql.client.query(held, [sql.mine.captureId]);
    expect(rows).toEqual([{ amount_refund_held: '400' }]);
  });

  test('not with one more, and those under way count', async () => {
    await refundOfFirst(300, 'PENDING');
    await expect(refundOfFirst(1, 'PENDING')).rejects.toMatchObject(exceeded);
  });

  test('not with one that failed, held nothing, and comes back to life', async () => {
    const failed = await refundOfFirst(301, 'FAILED');
    await refundOfFirst(300, 'SUCCEEDED');
    await expect(update('refund', failed, `status = 'SUCCEEDED'`)).rejects.toMatchObject(exceeded);
  });

  test('one that fails late gives back what it held', async () => {
    await update('refund', sql.mine.refundId, `status = 'FAILED'`);
    expect(await refundOfFirst(700, 'PENDING')).toBeDefined();
  });
});

describe('a refund is made of what its own payment captured', () => {
  const notCaptured = { code: CHECK, constraint: 'refund_allocation_of_captured' };

  test.for(STATUSES)('one that is %s of nothing that another payment did', async (status) => {
    const other = await addPayment(sql.client, sql.mine);
    const captureId = randomUUID();
    await write('capture', { ...captureRow(other, 500), id: captureId });
    expect(await refusalOf(() => refund(500, status, [[captureId, 500]]))).toEqual(notCaptured);
    expect(await refund(500, status, [[captureId, 500]], other)).toBeDefined();
  });

  test('not of another currency either', async () => {
    const other = await addPayment(sql.client, sql.mine, { currency: 'USD' });
    const captureId = randomUUID();
    await write('capture', { ...captureRow(other, 500), id: captureId, currency: 'USD' });
    await expect(refund(500, 'PENDING', [[captureId, 500]])).rejects.toMatchObject(notCaptured);
  });

  test.for(['PENDING', 'FAILED', 'CANCELED'])('nothing of a capture that is %s', async (status) => {
    const other = await addPayment(sql.client, sql.mine);
    const captureId = randomUUID();
    await write('capture', { ...captureRow(other, 500), id: captureId, status });
    for (const refundStatus of STATUSES) {
      expect(await refusalOf(() => refund(500, refundStatus, [[captureId, 500]], other))).toEqual(notCaptured);
    }
    await update('capture', captureId, `status = 'SUCCEEDED'`);
    expect(await refund(500, 'PENDING', [[captureId, 500]], other)).toBeDefined();
  });
});

describe('a capture that was taken back is not refunded', () => {
  const reversed = { code: CHECK, constraint: 'refund_allocation_not_reversed' };

  test.for(STATUSES)('it has nothing for a refund that is %s', async (status) => {
    await takeBack(sql.mine)(sql.client);
    await expect(refundOfFirst(1, status)).rejects.toMatchObject({ ...reversed, table: 'refund_allocation' });
  });

  test('another capture of the payment is', async () => {
    await takeBack(sql.mine)(sql.client);
    expect(await refund(300, 'SUCCEEDED', [[sql.mine.secondCaptureId, 300]])).toBeDefined();
  });

  test.for(HELD)('a refund of it that failed does not come back to life as %s', async (status) => {
    const failed = await refundOfFirst(1, 'FAILED');
    await takeBack(sql.mine)(sql.client);
    await update('refund', failed, `status = 'CANCELED'`);
    await expect(update('refund', failed, `status = '${status}'`)).rejects.toMatchObject({
      ...reversed,
      table: 'refund',
    });
  });

  test.for(['SUCCEEDED', 'FAILED'])('one that was under way before may still have %s', async (status) => {
    const pending = await refundOfFirst(1, 'PENDING');
    await takeBack(sql.mine)(sql.client);
    await expect(update('refund', pending, `status = '${status}'`)).resolves.toBeUndefined();
  });

  test.for(ENDS)('a refund that is written while it is taken back waits for the %s', async (end) => {
    const ledger = await elsewhere(writeLedger);
    const refusal = await race(takeBack(ledger), end, (client) =>
      addRefund(client, refundRow(ledger, 300), [[ledger.captureId, 300]]),
    );
    expect(refusal).toEqual(end === 'COMMIT' ? reversed : undefined);
  });

  test.for(ENDS)('a refund that comes back to life while it is taken back waits for the %s', async (end) => {
    const ledger = await elsewhere(writeLedger);
    const row = { ...refundRow(ledger, 300), id: randomUUID(), status: 'FAILED' };
    await elsewhere(async (client) => {
      await client.query('BEGIN');
      await addRefund(client, row, [[ledger.captureId, 300]]);
      await client.query('COMMIT');
    });
    const refusal = await race(takeBack(ledger), end, (client) =>
      client.query(`UPDATE refund SET status = 'PENDING' WHERE id = $1`, [row.id]),
    );
    expect(refusal).toEqual(end === 'COMMIT' ? reversed : undefined);
  });

  test('it is taken back after a refund that is written at once', async () => {
    const ledger = await elsewhere(writeLedger);
    const refusal = await race(
      (client) => addRefund(client, refundRow(ledger, 300), [[ledger.captureId, 300]]),
      'COMMIT',
      takeBack(ledger),
    );
    expect(refusal).toBeUndefined();
  });
});

describe('a refund is shared out whole over the captures that it gives back', () => {
  const notShared = { code: CHECK, constraint: 'refund_shared_out' };

  test.for(STATUSES)('one that is %s comes before its parts, which are there at the commit', async (status) => {
    await addRefund(sql.client, { ...refundRow(sql.mine, 1), status }, []);
    await expect(sql.client.query('COMMIT')).rejects.toMatchObject(notShared);
  });

  test.for([1, 2, 3, 4])('of 3, not with parts of 1 and %i, unless that is all', async (rest) => {
    const { captureId, secondCaptureId } = sql.mine;
    const refusal = await refusalOf(() =>
      refund(3, 'PENDING', [
        [captureId, 1],
        [secondCaptureId, rest],
      ]),
    );
    expect(refusal).toEqual(rest === 2 ? undefined : notShared);
  });

  test.for(STATUSES)('one that is %s and whole gets no other part', async (status) => {
    const { refundId, secondCaptureId } = sql.mine;
    await update('refund', refundId, `status = '${status}'`);
    await insert(sql.client, 'refund_allocation', allocationRow(sql.mine, secondCaptureId, 1));
    await expect(sql.client.query('COMMIT')).rejects.toMatchObject(notShared);
  });
});
