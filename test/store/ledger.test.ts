import { expect, test } from 'vitest';
import { decodeId } from '../../src/domain/ids.ts';
import { lockPaymentWith, type LockedPayment, type PaymentChild } from '../../src/store/ledger.ts';
import type { Together } from '../../src/store/together.ts';
import { transact } from '../../src/store/transaction.ts';
import { useGateway } from '../harness/gateway.ts';
import { Till } from '../harness/till.ts';
import { until } from '../harness/until.ts';

const gateway = useGateway();
const till = new Till(gateway);

test.each(['in a transaction of its own', 'together with others'])(
  'what is asked for right after a payment’s lock is read once it is had: %s',
  async (way) => {
    const { id: paymentId } = await till.pay();
    const { id: otherId } = await till.pay();
    const { database } = gateway().app.gateway;
    const id = decodeId(paymentId)?.uuid ?? '';
    const other = decodeId(otherId)?.uuid ?? '';
    const holder = await database.pool.connect();
    try {
      await holder.query('BEGIN');
      const { rows } = await holder.query<{ environmentId: string; pid: number }>(
        `SELECT environment_id AS "environmentId", pg_backend_pid() AS pid FROM payment WHERE id = $1 FOR UPDATE`,
        [id],
      );
      const { environmentId = '', pid } = rows[0] ?? {};
      let runs = 0;
      const read = <T extends PaymentChild>(uuid: string, table: T): Promise<LockedPayment<T>> =>
        (way === 'together with others' ? database.together : alone)('read', [uuid], async (transaction) => {
          runs++;
          return { commit: false, value: await lockPaymentWith(transaction, environmentId, uuid, [table]) };
        });
      const reading = Promise.all([read(id, 'operation'), read(other, 'attempt')]);
      await until(async () => {
        const waiting = await database.pool.query(
          'SELECT 1 FROM pg_stat_activity WHERE $1 = ANY (pg_blocking_pids(pid))',
          [pid],
        );
        return waiting.rowCount === 1;
      });
      await holder.query('UPDATE operation SET inquiries = 7 WHERE payment_id = $1', [id]);
      await holder.query(`UPDATE payment SET description = 'written under the lock' WHERE id = $1`, [id]);
      await holder.query('COMMIT');
      expect(await reading).toMatchObject([
        { payment: { id, description: 'written under the lock' }, rows: { operation: [{ inquiries: 7 }] } },
        { payment: { id: other }, rows: { attempt: [{ paymentId: other }] } },
      ]);
      // Those who could not wait for it together would have run again.
      expect(runs).toBe(2);
    } finally {
      holder.release();
    }
  },
);

const alone: Together = (_, __, work) => transact(gateway().app.gateway.database, work);
