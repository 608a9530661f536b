import { randomUUID } from 'node:crypto';
import { beforeEach, describe, expect, test } from 'vitest';
import {
  addPayment,
  addRefund,
  allocationRow,
  attemptRow,
  captureRow,
  destinationRow,
  eventRow,
  insert,
  keyRow,
  operationRow,
  paymentRow,
  refundRow,
  resolutionRow,
  reversalRow,
  type Ledger,
} from '../harness/ledger.ts';
import { addProcessorAccount, inAccount } from '../harness/ledger-accounts.ts';
import { CHECK, FOREIGN_KEY, RESTRICTED, UNIQUE, useBypass } from './bypass.ts';

/**
 * What the database refuses whatever the code does: every test goes around the code, with SQL. What it refuses of
 * captures and refunds is in constraints-captures.test.ts and constraints-refunds.test.ts.
 */

const sql = useBypass();
const { write, update, refusalOf } = sql;

function idOf(table: 'attempt' | 'capture' | 'refund' | 'environment'): string {
  const { attemptId: attempt, captureId: capture, refundId: refund, environmentId: environment } = sql.mine;
  return { attempt, capture, refund, environment }[table];
}

function refusedBy(constraint: string) {
  return { code: FOREIGN_KEY, constraint };
}

/** What else there could be in each column of a row that moves money. */
async function otherMoney() {
  const { paymentId } = await addPayment(sql.client, sql.mine);
  const attemptId = randomUUID();
  await write('attempt', { ...attemptRow(sql.mine, 2), id: attemptId });
  return {
    amount: ['amount + 1', 'amount - 1'],
    currency: [`'USD'`],
    payment_id: [`'${paymentId}'`],
    attempt_id: [`'${attemptId}'`],
  };
}

describe('amounts', () => {
  test.for([
    ['payment_amount_positive', 'amount = 0'],
    ['payment_amount_positive', 'amount = -1'],
    ['payment_amounts_not_negative', 'amount_authorized = -1'],
    ['payment_amounts_not_negative', 'amount_capturing = -1'],
    ['payment_amounts_not_negative', 'amount_captured = -1'],
    ['payment_amounts_not_negative', 'amount_released = -1'],
    ['payment_amounts_not_negative', 'amount_refunding = -1'],
    ['payment_amounts_not_negative', 'amount_refunded = -1'],
    ['payment_amounts_not_negative', 'amount_reversed = -1'],
    ['payment_authorized_within_amount', 'amount_authorized = 1001'],
    ['payment_captured_within_authorized', 'amount_captured = 1001'],
    ['payment_captured_within_authorized', 'amount_released = 1'],
    ['payment_captured_within_authorized', 'amount_capturing = 1'],
    ['payment_refunded_within_captured', 'amount_refunded = 1001'],
    ['payment_refunded_within_captured', 'amount_refunding = 601'],
    ['payment_reversed_within_captured', 'amount_reversed = 1001'],
    ['payment_retry_count_not_negative', 'retry_count = -1'],
  ] as const)('%s refuses %s', async ([constraint, assignments]) => {
    await expect(update('payment', sql.mine.paymentId, assignments)).rejects.toMatchObject({
      code: CHECK,
      constraint,
    });
  });

  test.for([
    ['attempt', 'attempt_authorized_within_amount', 'amount_authorized = 1001'],
    ['attempt', 'attempt_authorized_within_amount', 'amount_authorized = -1'],
    ['capture', 'capture_refunds_within_amount', 'amount_refund_held = 701'],
    ['capture', 'capture_refunds_within_amount', 'amount_refund_held = -1'],
    ['environment', 'environment_retry_delays_positive', `retry_delays = '{60, 0}'`],
  ] as const)('of an existing %s: %s refuses %s', async ([table, constraint, assignments]) => {
    await expect(update(table, idOf(table), assignments)).rejects.toMatchObject({ code: CHECK, constraint });
  });

  test.for([
    ['payment_destination', (of: Ledger, amount: number) => ({ ...destinationRow(of), amount })],
    ['attempt', (of: Ledger, amount: number) => ({ ...attemptRow(of, 2), amount, amount_authorized: 0 })],
    ['capture', captureRow],
    ['capture_reversal', (of: Ledger, amount: number) => reversalRow(of.environmentId, of.secondCaptureId, amount)],
    ['refund', refundRow],
    ['refund_allocation', (of: Ledger, amount: number) => allocationRow(of, of.secondCaptureId, amount)],
  ] as const)('of a new %s: it is more than nothing', async ([table, rowOf]) => {
    for (const amount of [0, -5]) {
      expect(await refusalOf(() => write(table, rowOf(sql.mine, amount)))).toEqual({
        code: CHECK,
        constraint: `${table}_amount_positive`,
      });
    }
  });
});

describe('what moves money stays what it was', () => {
  const MONEY = ['amount', 'currency', 'payment_id'] as const;
  const KEPT = { attempt: MONEY, capture: [...MONEY, 'attempt_id'], refund: [...MONEY, 'attempt_id'] } as const;

  describe.for(['attempt', 'capture', 'refund'] as const)('%s', (table) => {
    test.for(KEPT[table])('%s', async (column) => {
      for (const value of (await otherMoney())[column]) {
        await sql.client.query('SAVEPOINT untouched');
        await expect(update(table, idOf(table), `${column} = ${value}`)).rejects.toMatchObject({
          code: RESTRICTED,
          message: `the amount and the payment of a row of ${table} never change`,
        });
        await sql.client.query('ROLLBACK TO untouched');
      }
    });

    test('it may be written again', async () => {
      const same = KEPT[table].map((column) => `${column} = ${column}`).join(', ');
      await expect(update(table, idOf(table), same)).resolves.toBeUndefined();
    });
  });
});

describe('a payment has one currency', () => {
  test.for([
    ['attempt', (of: Ledger) => attemptRow(of, 2)],
    ['capture', (of: Ledger) => ({ ...captureRow(of, 1), status: 'FAILED' })],
    ['payment_event', (of: Ledger) => eventRow(of, 1)],
  ] as const)('which every %s of it has too', async ([table, rowOf]) => {
    expect(await refusalOf(() => write(table, { ...rowOf(sql.mine), currency: 'USD' }))).toEqual({
      code: FOREIGN_KEY,
      constraint: `${table}_environment_id_payment_id_currency_fkey`,
    });
    await write(table, rowOf(sql.mine));
  });

  test('which every refund of it has too', async () => {
    const row = refundRow(sql.mine, 1);
    const part = [sql.mine.captureId, 1] as const;
    expect(await refusalOf(() => addRefund(sql.client, { ...row, currency: 'USD' }, [part]))).toEqual({
      code: FOREIGN_KEY,
      constraint: 'refund_environment_id_payment_id_currency_fkey',
    });
    await addRefund(sql.client, row, [part]);
  });

  test('for good', async () => {
    await expect(update('payment', sql.mine.paymentId, `currency = 'USD'`)).rejects.toMatchObject({
      code: RESTRICTED,
      constraint: expect.stringMatching(/_environment_id_payment_id_currency_fkey$/),
    });
  });
});

describe('an attempt is of its own payment', () => {
  test('for every operation', async () => {
    const { attemptId } = await addPayment(sql.client, sql.mine);
    const row = operationRow(sql.mine);
    expect(await refusalOf(() => write('operation', { ...row, attempt_id: attemptId }))).toEqual(
      refusedBy('operation_environment_id_payment_id_attempt_id_fkey'),
    );
    await write('operation', row);
    await expect(update('operation', String(row['id']), `attempt_id = '${attemptId}'`)).rejects.toMatchObject(
      refusedBy('operation_environment_id_payment_id_attempt_id_fkey'),
    );
  });

  test.for(['PENDING', 'SUCCEEDED', 'FAILED', 'CANCELED'])('for every refund that is %s', async (status) => {
    const { attemptId } = await addPayment(sql.client, sql.mine);
    const row = { ...refundRow(sql.mine, 1), status };
    const part = [sql.mine.captureId, 1] as const;
    expect(await refusalOf(() => addRefund(sql.client, { ...row, attempt_id: attemptId }, [part]))).toEqual(
      refusedBy('refund_environment_id_payment_id_attempt_id_fkey'),
    );
    await addRefund(sql.client, row, [part]);
  });

  test('for the one that counts', async () => {
    const other = await addPayment(sql.client, sql.mine);
    const point = (attemptId: string) => update('payment', sql.mine.paymentId, `current_attempt_id = '${attemptId}'`);
    expect(await refusalOf(() => point(other.attemptId))).toEqual(
      refusedBy('payment_environment_id_id_current_attempt_id_fkey'),
    );
    const row = { ...paymentRow(sql.mine), current_attempt_id: sql.mine.attemptId };
    expect(await refusalOf(() => write('payment', row))).toEqual(
      refusedBy('payment_environment_id_id_current_attempt_id_fkey'),
    );
    const second = attemptRow(sql.mine, 2);
    await write('attempt', second);
    await point(String(second['id']));
  });
});

describe('one at a time', () => {
  test.for(['DISPATCHED', 'PENDING', 'REQUIRES_ACTION', 'AUTHORIZED', 'UNKNOWN'])(
    'beside an attempt that is %s there is no other live one',
    async (status) => {
      await write('attempt', { ...attemptRow(sql.mine, 2), status });
      for (const [index, over] of ['SUCCEEDED', 'FAILED', 'CANCELED', 'EXPIRED'].entries()) {
        await write('attempt', { ...attemptRow(sql.mine, 3 + index), status: over });
      }
      await expect(write('attempt', { ...attemptRow(sql.mine, 9), status: 'DISPATCHED' })).rejects.toMatchObject({
        code: UNIQUE,
        constraint: 'attempt_one_live',
      });
    },
  );

  test('attempts of a payment are numbered apart, and so are its events', async () => {
    expect(await refusalOf(() => write('attempt', attemptRow(sql.mine, 1)))).toEqual({
      code: UNIQUE,
      constraint: 'attempt_environment_id_payment_id_number_key',
    });
    await write('payment_event', eventRow(sql.mine, 1));
    expect(await refusalOf(() => write('payment_event', eventRow(sql.mine, 1)))).toEqual({
      code: UNIQUE,
      constraint: 'payment_event_environment_id_payment_id_sequence_key',
    });
  });
});

describe('one key has one effect', () => {
  test('a key is claimed once; another principal, mutation or environment has a key of its own', async () => {
    const row = keyRow(sql.mine);
    await write('idempotency_key', row);
    expect(await refusalOf(() => write('idempotency_key', row))).toEqual({
      code: UNIQUE,
      constraint: 'idempotency_key_pkey',
    });
    await write('idempotency_key', { ...row, principal: 'another' });
    await write('idempotency_key', { ...row, operation: 'capturePayment' });
    await write('idempotency_key', { ...keyRow(sql.theirs), key: row['key'] });
  });

  test('a processor is called once under a key', async () => {
    const operation = { ...operationRow(sql.mine), processor_key: 'k' };
    await write('operation', operation);
    expect(await refusalOf(() => write('operation', { ...operation, id: randomUUID() }))).toEqual({
      code: UNIQUE,
      constraint: 'operation_environment_id_processor_processor_key_key',
    });
    await write('operation', {
      ...operation,
      id: randomUUID(),
      ...inAccount(await addProcessorAccount(sql.client, sql.mine)),
    });
    await write('operation', { ...operationRow(sql.theirs), processor_key: 'k' });
  });

  test.for(['payment', 'operation'])('a key comes before its %s, which is there at the commit', async (pointed) => {
    await insert(sql.client, 'idempotency_key', { ...keyRow(sql.mine), [`${pointed}_id`]: randomUUID() });
    await expect(sql.client.query('COMMIT')).rejects.toMatchObject({
      code: FOREIGN_KEY,
      constraint: `idempotency_key_environment_id_${pointed}_id_fkey`,
    });
  });
});

describe('history is never changed', () => {
  const HISTORY = ['payment_event', 'refund_allocation', 'capture_reversal', 'operation_resolution'];

  beforeEach(async () => {
    await write('payment_event', eventRow(sql.mine, 1));
    await write('capture_reversal', reversalRow(sql.mine.environmentId, sql.mine.secondCaptureId, 300));
    await write('operation_resolution', resolutionRow(sql.mine));
  });

  test.for(
    HISTORY.flatMap((table) => [
      [table, `UPDATE ${table} SET environment_id = environment_id`],
      [table, `DELETE FROM ${table}`],
      [table, `TRUNCATE ${table} CASCADE`],
    ]),
  )('%s: %s is refused', async ([table, statement]) => {
    await expect(sql.client.query(String(statement))).rejects.toMatchObject({
      code: RESTRICTED,
      message: `${table} rows are never changed or deleted`,
    });
  });

  test.for(['payment', 'capture', 'operation'])('nor emptied along with its %s', async (table) => {
    await expect(sql.client.query(`TRUNCATE ${table} CASCADE`)).rejects.toMatchObject({ code: RESTRICTED });
  });
});
