import { expect, test } from 'vitest';
import { cancelledBy, notCancelled } from '../../src/store/cancellation.ts';
import { openDatabase, type Database } from '../../src/store/database.ts';
import { useGateway } from '../harness/gateway.ts';
import { lockTable } from '../harness/locked-table.ts';
import { recordStatements } from '../harness/statements.ts';

const gateway = useGateway();

async function withDatabase(poolSize: number, run: (database: Database) => Promise<void>): Promise<void> {
  const database = openDatabase(gateway().database.connection, {
    poolSize,
    onError: (error) => {
      throw error;
    },
  });
  try {
    await run(database);
  } finally {
    await database.close();
  }
}

class Over extends Error {}

test('a statement under way is cancelled, and its connection serves nobody else', () =>
  withDatabase(1, async ({ pool }) => {
    const { rows } = await pool.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
    const locked = await lockTable(gateway().database, 'customer');
    const ending = new AbortController();
    const reading = cancelledBy(ending.signal, () => pool.query('SELECT count(*) FROM customer'));
    await locked.waits(1);
    ending.abort(new Over());
    await expect(reading).rejects.toMatchObject({ code: '57014' });
    await locked.waits(0);
    // The pool has one connection, which was taken until then: this is another.
    const after = await pool.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
    expect(after.rows[0]?.pid).not.toBe(rows[0]?.pid);
  }));

test("so is one of Prisma's, also when it waits for others on the way", () =>
  withDatabase(4, async ({ prisma }) => {
    const locked = await lockTable(gateway().database, 'customer');
    const ending = new AbortController();
    const reading = cancelledBy(ending.signal, async () => {
      await prisma.payment.findMany({ take: 1 });
      return Promise.all([prisma.customer.findMany(), prisma.customer.count()]);
    });
    await locked.waits(2);
    ending.abort(new Over());
    await expect(reading).rejects.toThrow('cancel');
    await locked.waits(0);
  }));

test('after the signal no statement begins, though it waited for a connection', () =>
  withDatabase(1, async (database) => {
    const { pool, prisma } = database;
    const statements = recordStatements(database);
    const ending = new AbortController();
    const taken = await pool.connect();
    const waiting = cancelledBy(ending.signal, () => pool.query('SELECT 1'));
    ending.abort(new Over());
    taken.release();
    await expect(waiting).rejects.toThrow(Over);
    await expect(cancelledBy(ending.signal, () => pool.query('SELECT 2'))).rejects.toThrow(Over);
    await expect(cancelledBy(ending.signal, async () => prisma.payment.findMany())).rejects.toThrow(Over);
    const where = { id: '00000000-0000-0000-0000-000000000000' };
    await expect(cancelledBy(ending.signal, async () => prisma.environment.findUnique({ where }))).rejects.toThrow(
      Over,
    );
    expect(statements).toEqual([]);
    expect((await pool.query('SELECT 3 AS three')).rows).toEqual([{ three: 3 }]);
  }));

test('what may be joined with the statement of another goes on', () =>
  withDatabase(4, async ({ prisma }) => {
    const locked = await lockTable(gateway().database, 'account');
    const ending = new AbortController();
    const id = '00000000-0000-0000-0000-000000000000';
    const find = () => prisma.account.findUnique({ where: { id } });
    // In one tick, so that Prisma makes one statement of both.
    const own = cancelledBy(ending.signal, async () => find());
    const others = (async () => find())();
    await locked.waits(1);
    ending.abort(new Over());
    await locked.release();
    expect(await Promise.all([own, others])).toEqual([null, null]);
    expect(await notCancelled(() => prisma.account.count())).toBeGreaterThan(0);
  }));
