import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Refund } from '../../generated/prisma/client.ts';
import { openDatabase, type Database } from '../../src/store/database.ts';
import { readClock } from '../../src/store/ledger.ts';
import type { SetBased, Transaction } from '../../src/store/transaction.ts';
import type { Writes } from '../../src/store/write.ts';
import { useGateway } from '../harness/gateway.ts';
import { recordStatements } from '../harness/statements.ts';
import { Till } from '../harness/till.ts';
import { until } from '../harness/until.ts';

const gateway = useGateway();
const undone: { readonly message: string; readonly pieces: number }[] = [];
let database: Database;
let statements: string[];

beforeAll(() => {
  database = openDatabase(gateway().database.connection, {
    onError: () => {},
    onUndone: ({ message }, pieces) => undone.push({ message, pieces }),
  });
  statements = recordStatements(database);
});

beforeEach(() => {
  undone.length = 0;
  statements.length = 0;
});

afterAll(() => database.close());

/** A row in a table that nothing points to. */
const addTokens: SetBased<string, void> = async (queries, tokens) => {
  await queries.query(
    `INSERT INTO sandbox_card (merchant, token, behavior) SELECT 'a merchant', token, '' FROM unnest($1::text[]) AS token`,
    [tokens],
  );
  return tokens.map(() => undefined);
};

const takeBackTokens: SetBased<string, void> = async (queries, tokens) => {
  await queries.query('DELETE FROM sandbox_card WHERE token = ANY($1::text[])', [tokens]);
  return tokens.map(() => undefined);
};

async function added(tokens: readonly string[]): Promise<string[]> {
  const { rows } = await gateway().app.gateway.database.pool.query<{ token: string }>(
    'SELECT token FROM sandbox_card WHERE token = ANY($1::text[]) ORDER BY token',
    [tokens],
  );
  return rows.map(({ token }) => token);
}

/** Work that adds a row, and tells the transaction in which it did. */
const add = (token: string) => async (transaction: Transaction) => {
  const { xid } = await readClock(transaction);
  await transaction.together(addTokens, token);
  return { commit: true, value: xid };
};

function drawTokens(count: number): string[] {
  return Array.from({ length: count }, () => randomUUID()).toSorted();
}

/** Work that adds a row, and is refused. */
const refuse = (token: string) => async (transaction: Transaction) => {
  await transaction.together(addTokens, token);
  return { commit: false, value: token };
};

test('work that arrives at the same time takes one transaction, and as many statements as one', async () => {
  const given = drawTokens(20);
  const xids = await Promise.all(given.map((token) => database.together('add', [token], add(token))));
  expect(new Set(xids).size).toBe(1);
  expect(statements).toHaveLength(4);
  expect(statements[0]).toMatch(/^BEGIN/);
  expect(statements[3]).toBe('COMMIT');
  expect(await added(given)).toEqual(given);
  expect(undone).toEqual([]);
});

test('no two pieces with a subject in common share a transaction', async () => {
  const given = drawTokens(6);
  const xids = await Promise.all(
    given.map((token, index) => database.together('add', [`payment ${index % 3}`, token], add(token))),
  );
  expect(new Set(xids).size).toBe(2);
  expect(xids.slice(0, 3)).toEqual([xids[0], xids[0], xids[0]]);
  expect(xids.slice(3)).toEqual([xids[3], xids[3], xids[3]]);
});

test('one that throws harms no other: all are undone, and each is run alone', async () => {
  const given = drawTokens(3);
  const bad = database.together('add', ['bad'], async (transaction) => {
    await transaction.together(addTokens, 'bad');
    throw new Error('a broken invariant');
  });
  const good = given.map((token) => database.together('add', [token], add(token)));
  await expect(bad).rejects.toThrow('a broken invariant');
  const xids = await Promise.all(good);
  expect(new Set(xids).size).toBe(3);
  expect(undone).toEqual([{ message: 'a broken invariant', pieces: 4 }]);
  expect(await added(['bad', ...given])).toEqual(given);
});

test('a row that the database refuses harms no other', async () => {
  const [taken = '', ...given] = drawTokens(4);
  await database.together('add', [taken], add(taken));
  const ends = await Promise.allSettled(
    [taken, ...given].map((token) => database.together('add', [randomUUID()], add(token))),
  );
  expect(ends.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled', 'fulfilled']);
  expect(undone).toMatchObject([{ pieces: 4 }]);
  expect(await added(given)).toEqual(given);
});

/** What PostgreSQL says where a human id that was drawn is taken. */
const drawTakenHumanId = `DO $$ BEGIN
  RAISE unique_violation USING CONSTRAINT = 'payment_environment_id_human_id_key'; END $$`;

test('where a human id that was drawn is taken, all draw again, together', async () => {
  const given = drawTokens(4);
  let draws = 0;
  const xids = await Promise.all(
    given.map((token, index) =>
      database.together('add', [token], async (transaction) => {
        if (index === 2 && ++draws <= 2) await transaction.query(drawTakenHumanId, []);
        return add(token)(transaction);
      }),
    ),
  );
  expect(draws).toBe(3);
  expect(new Set(xids).size).toBe(1);
  expect(undone).toEqual([]);
  expect(await added(given)).toEqual(given);
});

test('where it is taken again and again, each is run alone', async () => {
  const [unlucky = '', ...given] = drawTokens(3);
  const drawing = database.together('add', [unlucky], async (transaction) => {
    await transaction.query(drawTakenHumanId, []);
    return { commit: true, value: null };
  });
  const all = Promise.all(given.map((token) => database.together('add', [token], add(token))));
  await expect(drawing).rejects.toMatchObject({ constraint: 'payment_environment_id_human_id_key' });
  expect(new Set(await all).size).toBe(2);
  expect(undone).toMatchObject([{ pieces: 3 }]);
  expect(await added(given)).toEqual(given);
});

test('what is refused takes back what it wrote, and what others wrote stands', async () => {
  const [refused = '', ...given] = drawTokens(4);
  const refusal = database.together('add', [refused], async (transaction) => {
    await transaction.together(addTokens, refused);
    transaction.onRefusal(() => transaction.together(takeBackTokens, refused));
    return { commit: false, value: 'refused' };
  });
  const xids = await Promise.all(given.map((token) => database.together('add', [token], add(token))));
  expect(await refusal).toBe('refused');
  expect(new Set(xids).size).toBe(1);
  expect(await added([refused, ...given])).toEqual(given);
  expect(undone).toEqual([]);
});

test('where all are refused, nothing is committed', async () => {
  const given = drawTokens(2);
  expect(await Promise.all(given.map((token) => database.together('add', [token], refuse(token))))).toEqual(given);
  expect(statements.at(-1)).toBe('ROLLBACK');
  expect(await added(given)).toEqual([]);
});

test('one that needs a transaction of its own gets it, and the others go on without it', async () => {
  const [apart = '', ...given] = drawTokens(4);
  const alone = database.together('add', [apart], async (transaction) => {
    transaction.alone();
    return add(apart)(transaction);
  });
  const xids = await Promise.all(given.map((token) => database.together('add', [token], add(token))));
  expect(new Set([await alone, ...xids]).size).toBe(2);
  expect(undone).toEqual([]);
  expect(await added([apart, ...given])).toEqual([apart, ...given].toSorted());
});

test('who waits for a lock keeps no other waiting', async () => {
  const [locked = '', ...given] = drawTokens(4);
  await database.together('add', [locked], add(locked));
  const holder = await gateway().app.gateway.database.pool.connect();
  try {
    await holder.query('BEGIN');
    await holder.query('SELECT 1 FROM sandbox_card WHERE token = $1 FOR UPDATE', [locked]);
    let hasEnded = false;
    const waiting = database
      .together('add', [locked], async (transaction) => {
        await transaction.query('SELECT 1 FROM sandbox_card WHERE token = $1 FOR UPDATE', [locked]);
        return { commit: true, value: true };
      })
      .then((value) => (hasEnded = value));
    await Promise.all(given.map((token) => database.together('add', [token], add(token))));
    await until(() => undone.length > 0);
    // More of its kind come and go while it waits alone.
    for (const token of drawTokens(6)) await database.together('add', [token], add(token));
    expect(hasEnded).toBe(false);
    await holder.query('COMMIT');
    await waiting;
    expect(hasEnded).toBe(true);
  } finally {
    holder.release();
  }
});

const NO_REFUND: Refund = {
  environmentId: randomUUID(),
  id: randomUUID(),
  paymentId: randomUUID(),
  attemptId: randomUUID(),
  amount: 1n,
  currency: 'EUR',
  status: 'PENDING',
  reason: null,
  processorReference: null,
  failureCode: null,
  failureMessage: null,
  createdAt: new Date(0),
  updatedAt: new Date(0),
  createdBy: 'a test',
  updatedBy: 'a test',
};

/** A row that is nowhere, to be put in its own place. */
const NOWHERE: Writes = {
  insert: {},
  update: { refund: [NO_REFUND] },
};

test('a transaction whose last write finds no row is not committed', async () => {
  const [token = ''] = drawTokens(1);
  const work = database.together('add', [token], async (transaction) => {
    await transaction.together(addTokens, token);
    return { commit: true, value: null, writes: NOWHERE };
  });
  // division_by_zero
  await expect(work).rejects.toMatchObject({ code: '22012' });
  expect(await added([token])).toEqual([]);
});

/** Has the last write of a connection that is acquired fail before it is sent. */
function keepFromSending(acquired: pg.PoolClient): void {
  const query = acquired.query.bind(acquired) as (...args: unknown[]) => Promise<unknown>;
  acquired.query = ((...args: unknown[]) =>
    (args[0] as { text?: string }).text?.startsWith('WITH update_refund') === true
      ? Promise.reject(new Error('it was not sent'))
      : query(...args)) as typeof acquired.query;
  const putBack = (_: Error | undefined, released: pg.PoolClient): void => {
    if (released !== acquired) return;
    acquired.query = query as typeof acquired.query;
    database.pool.off('release', putBack);
  };
  database.pool.on('release', putBack);
}

test('a transaction whose last write could not be sent is not committed', async () => {
  const given = drawTokens(2);
  database.pool.on('acquire', keepFromSending);
  const work = given.map((token) =>
    database.together('add', [token], async (transaction) => {
      await transaction.together(addTokens, token);
      return { commit: true, value: null, writes: NOWHERE };
    }),
  );
  const ends = await Promise.allSettled(work);
  database.pool.off('acquire', keepFromSending);
  expect(ends).toMatchObject(given.map(() => ({ reason: { message: 'it was not sent' } })));
  expect(undone).toEqual([{ message: 'it was not sent', pieces: 2 }]);
  expect(await added(given)).toEqual([]);
});

/** Cuts the connection on which the next COMMIT is sent, when it is sent. */
function commitMet(): Promise<{ end: () => void }> {
  return new Promise((resolve) => {
    database.pool.once('acquire', (acquired: pg.PoolClient) => {
      const query = acquired.query.bind(acquired) as (...args: unknown[]) => Promise<unknown>;
      acquired.query = ((...args: unknown[]) => {
        if (args[0] !== 'COMMIT') return query(...args);
        const answered = Promise.withResolvers();
        resolve({ end: () => answered.reject(new Error('the connection broke')) });
        return answered.promise;
      }) as typeof acquired.query;
    });
  });
}

test('where nobody can tell whether it was committed, nothing is run again', async () => {
  const given = drawTokens(3);
  let runs = 0;
  const cut = given.map((token) =>
    database.together('cut', [token], async (transaction) => {
      runs++;
      await transaction.together(addTokens, token);
      const [row] = await transaction.query<{ pid: number }>('SELECT pg_backend_pid() AS pid', []);
      return { commit: true, value: row?.pid };
    }),
  );
  const client = await commitMet();
  client.end();
  const ends = await Promise.allSettled(cut);
  expect(ends.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
  expect(runs).toBe(3);
  expect(undone).toEqual([]);
});

test('one that COMMIT refuses harms no other', async () => {
  const [taken = '', ...given] = drawTokens(3);
  await database.pool.query('CREATE TABLE late (token text UNIQUE DEFERRABLE INITIALLY DEFERRED)');
  await database.pool.query('INSERT INTO late VALUES ($1)', [taken]);
  const work = [...given, taken].map((token) =>
    database.together('late', [randomUUID()], async (transaction) => {
      await transaction.query('INSERT INTO late VALUES ($1)', [token]);
      return { commit: true, value: token };
    }),
  );
  const ends = await Promise.allSettled(work);
  expect(ends).toMatchObject([...given.map((value) => ({ value })), { reason: { code: '23505' } }]);
  expect(undone).toMatchObject([{ pieces: 3 }]);
  const { rows } = await database.pool.query<{ token: string }>('SELECT token FROM late');
  expect(rows.map(({ token }) => token).toSorted()).toEqual([taken, ...given].toSorted());
});

test('what was being written when its connection was ended is run again or nobody knows of it, and never done twice', async () => {
  const { pool } = gateway().app.gateway.database;
  await new Till(gateway).customer();
  const customer = await gateway().app.gateway.database.prisma.customer.findFirstOrThrow();
  const ids = [randomUUID(), randomUUID()];
  const holder = await pool.connect();
  await holder.query('BEGIN; LOCK TABLE customer IN SHARE MODE');
  const work = ids.map((id) =>
    database.together('write', [id], () =>
      Promise.resolve({
        commit: true,
        value: id,
        writes: { insert: { customer: [{ ...customer, id, email: null }] }, update: {} },
      }),
    ),
  );
  await until(async () => {
    const { rowCount } = await pool.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
       WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE 'WITH insert_customer%'`,
    );
    return rowCount === 1;
  });
  await holder.query('ROLLBACK');
  holder.release();
  const ends = await Promise.allSettled(work);
  const { rows } = await pool.query<{ id: string }>('SELECT id FROM customer WHERE id = ANY ($1)', [ids]);
  const done = ends.flatMap((end) => (end.status === 'fulfilled' ? end.value : []));
  expect(rows.map(({ id }) => id).toSorted()).toEqual(done.toSorted());
});
