import { expect, test } from 'vitest';
import { decodeId } from '../../src/domain/ids.ts';
import { lockPayment, readOfPayment } from '../../src/store/ledger.ts';
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
    const { database } = gateway().app.gateway;
    const id = decodeId(paymentId)?.uuid ?? '';
    const holder = await database.pool.connect();
    try {
      await holder.query('BEGIN');
      const { rows } = await holder.query<{ environmentId: string; pid: number }>(
        `SELECT environment_id AS "environmentId", pg_backend_pid() AS pid FROM payment WHERE id = $1 FOR UPDATE`,
        [id],
      );
      const { environmentId = '', pid } = rows[0] ?? {};
      const reading = (way === 'together with others' ? database.together : alone)(
        'read',
        [id],
        async (transaction) => {
          const [payment, operations] = await Promise.all([
            lockPayment(transaction, environmentId, id),
            readOfPayment(transaction, 'operation', { environmentId, id }),
          ]);
          return {
            commit: false,
            value: { description: payment?.description, of: operations.map((row) => row.inquiries) },
          };
        },
      );
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
      expect(await reading).toEqual({ description: 'written under the lock', of: [7] });
    } finally {
      holder.release();
    }
  },
);

const alone: Together = (_, __, work) => transact(gateway().app.gateway.database, work);
