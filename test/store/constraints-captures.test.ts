import { randomUUID } from 'node:crypto';
import type { Client } from 'pg';
import { describe, expect, test } from 'vitest';
import {
  addPayment,
  attemptRow,
  captureRow,
  insert,
  reversalRow,
  writeLedger,
  type Ledger,
} from '../harness/ledger.ts';
import { CHECK, RESTRICTED, UNIQUE, useBypass } from './bypass.ts';

/** What the database refuses of captures and of what is taken back: every test goes around the code, with SQL. */

const sql = useBypass();
const { write, update, refusalOf, elsewhere, race } = sql;

const ENDS = ['COMMIT', 'ROLLBACK'] as const;

const exceeded = { code: CHECK, constraint: 'captures_within_authorized' };

/** A payment with an attempt of which nothing was captured, there to stay. */
function writeUncaptured(): Promise<Ledger> {
  return elsewhere(async (client) => {
    const ledger = await writeLedger(client);
    const row = { ...attemptRow(ledger, 2), id: randomUUID() };
    await insert(client, 'attempt', row);
    return { ...ledger, attemptId: row.id };
  });
}

const take = (of: Ledger, amount: number) => (client: Client) => insert(client, 'capture', captureRow(of, amount));

const authorize = (of: Ledger, amount: number) => (client: Client) =>
  client.query('UPDATE attempt SET amount_authorized = $1 WHERE id = $2', [amount, of.attemptId]);

const reversal = (captureId: string, amount: number) => reversalRow(sql.mine.environmentId, captureId, amount);

describe('captures of an attempt never exceed what was authorised', () => {
  test.for(['PENDING', 'SUCCEEDED'])('not with one more that is %s', async (status) => {
    await expect(write('capture', { ...captureRow(sql.mine, 1), status })).rejects.toMatchObject(exceeded);
  });

  test('one that takes nothing does not count, until it does', async () => {
    await write('capture', { ...captureRow(sql.mine, 1), status: 'CANCELED' });
    const failed = { ...captureRow(sql.mine, 1), id: randomUUID(), status: 'FAILED' };
    await write('capture', failed);
    await expect(update('capture', failed.id, `status = 'SUCCEEDED'`)).rejects.toMatchObject(exceeded);
  });

  test.for(ENDS)('of two that are written at once the second waits for the first one’s %s', async (end) => {
    const ledger = await writeUncaptured();
    const refusal = await race(take(ledger, 600), end, take(ledger, 600));
    expect(refusal).toEqual(end === 'COMMIT' ? exceeded : undefined);
  });
});

describe('an authorisation covers what was captured of it', () => {
  test('it does not shrink below that', async () => {
    await expect(update('attempt', sql.mine.attemptId, 'amount_authorized = 999')).rejects.toMatchObject({
      ...exceeded,
      table: 'attempt',
    });
  });

  test('captures count that take money, or may', async () => {
    const attempt = { ...attemptRow(sql.mine, 2), id: randomUUID() };
    await write('attempt', attempt);
    for (const status of ['PENDING', 'SUCCEEDED', 'FAILED', 'CANCELED']) {
      await write('capture', { ...captureRow({ ...sql.mine, attemptId: attempt.id }, 200), status });
    }
    await update('attempt', attempt.id, 'amount_authorized = 400');
    expect(await refusalOf(() => update('attempt', attempt.id, 'amount_authorized = 399'))).toEqual(exceeded);
  });

  test.for(ENDS)('it does not shrink beside a capture: it waits for its %s', async (end) => {
    const ledger = await writeUncaptured();
    const refusal = await race(take(ledger, 600), end, authorize(ledger, 599));
    expect(refusal).toEqual(end === 'COMMIT' ? exceeded : undefined);
  });

  test.for(ENDS)('a capture beside one that shrinks waits for its %s', async (end) => {
    const ledger = await writeUncaptured();
    const refusal = await race(authorize(ledger, 599), end, take(ledger, 600));
    expect(refusal).toEqual(end === 'COMMIT' ? exceeded : undefined);
  });
});

describe('a capture is of an attempt of its own payment', () => {
  const foreign = { code: CHECK, constraint: 'capture_of_own_attempt' };

  test.for(['PENDING', 'SUCCEEDED'])('one that is %s', async (status) => {
    const other = await addPayment(sql.client, sql.mine);
    const row = { ...captureRow(other, 1), status };
    expect(await refusalOf(() => write('capture', { ...row, payment_id: sql.mine.paymentId }))).toEqual(foreign);
    await write('capture', row);
  });
});

describe('a capture that has succeeded stays so', () => {
  test.for(['PENDING', 'FAILED', 'CANCELED'])('it does not become %s', async (status) => {
    await expect(update('capture', sql.mine.captureId, `status = '${status}'`)).rejects.toMatchObject({
      code: RESTRICTED,
      message: 'a capture that has succeeded stays so',
    });
  });

  test('it may be said to have succeeded again', async () => {
    await expect(update('capture', sql.mine.captureId, `status = 'SUCCEEDED'`)).resolves.toBeUndefined();
  });

  test.for(['FAILED', 'CANCELED'])('one that is under way may become %s', async (status) => {
    const capture = { ...captureRow(await addPayment(sql.client, sql.mine), 1), id: randomUUID(), status: 'PENDING' };
    await write('capture', capture);
    await expect(update('capture', capture.id, `status = '${status}'`)).resolves.toBeUndefined();
  });
});

describe('what was paid out was captured', () => {
  test.for(['PENDING', 'FAILED', 'CANCELED'])('nothing of a capture that is %s', async (status) => {
    const row = { ...captureRow(await addPayment(sql.client, sql.mine), 300), status, settled_at: new Date() };
    const refusal = await refusalOf(() => write('capture', row));
    expect(refusal).toEqual({ code: CHECK, constraint: 'capture_settled_succeeded' });
    await write('capture', { ...row, status: 'SUCCEEDED' });
  });

  test.for(['amount_captured = 0, amount_refunded = 0', `status = 'AUTHORIZED'`, `status = 'CAPTURED'`])(
    'no payment with %s is settled',
    async (assignments) => {
      await update('payment', sql.mine.paymentId, 'settled_at = now()');
      await expect(update('payment', sql.mine.paymentId, assignments)).rejects.toMatchObject({
        code: CHECK,
        constraint: 'payment_settled_succeeded',
      });
    },
  );
});

describe('what is taken back was captured', () => {
  const tooMuch = { code: CHECK, constraint: 'capture_reversal_within_capture' };

  test.for([299, 300])('%i of 300 are', async (amount) => {
    await expect(write('capture_reversal', reversal(sql.mine.secondCaptureId, amount))).resolves.toBeUndefined();
  });

  test('301 of 300 are not', async () => {
    await expect(write('capture_reversal', reversal(sql.mine.secondCaptureId, 301))).rejects.toMatchObject(tooMuch);
  });

  test.for(['PENDING', 'FAILED', 'CANCELED'])('nothing of a capture that is %s', async (status) => {
    const capture = { ...captureRow(await addPayment(sql.client, sql.mine), 300), id: randomUUID(), status };
    await write('capture', capture);
    await expect(write('capture_reversal', reversal(capture.id, 300))).rejects.toMatchObject(tooMuch);
  });

  test('it is taken back once', async () => {
    const row = reversal(sql.mine.captureId, 700);
    await write('capture_reversal', row);
    await expect(write('capture_reversal', row)).rejects.toMatchObject({
      code: UNIQUE,
      constraint: 'capture_reversal_pkey',
    });
  });
});
