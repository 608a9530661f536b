import { afterAll, beforeAll, expect, test } from 'vitest';
import type { TypedDocumentString } from '../../generated/operations/graphql.ts';
import { LOG_START } from '../../src/domain/event-cursor.ts';
import { readEvents } from '../../src/store/event-reading.ts';
import { useGateway } from '../harness/gateway.ts';
import { openPool } from '../harness/database.ts';
import { countStatements, type CountedGraphQL } from '../harness/statements.ts';
import { Till } from '../harness/till.ts';

/** Whatever is read often is found by an index, as PostgreSQL plans it for any parameters once a table has grown. */

const COPIES = 2_000;

const gateway = useGateway();
const till = new Till(gateway);
let counted: CountedGraphQL;
let pool: ReturnType<typeof openPool>;
let id: string;

/** So many rows as the first one with ids of their own; triggers and keys are left out. */
const copies = (table: string, others: readonly string[]): string => {
  const columns = others.map((column) => `'${column}', gen_random_uuid()`).join(', ');
  return `INSERT INTO ${table} SELECT (jsonb_populate_record(row, jsonb_build_object(${columns}))).*
    FROM (SELECT ${table} AS row FROM ${table} LIMIT 1) AS one, generate_series(1, ${COPIES})`;
};

beforeAll(async () => {
  const customerId = await till.customer();
  const payment = await till.pay({ paymentMethodId: await till.storedCard(customerId), amount: 1000 });
  id = payment.id;
  await till.refund({ paymentId: id, amount: 100 });
  pool = openPool(gateway().database.connection, 1);
  await pool.query('DROP INDEX payment_environment_id_human_id_key');
  await pool.query('SET session_replication_role = replica');
  await pool.query(copies('customer', ['id']));
  await pool.query(copies('payment_method', ['id', 'customer_id']));
  await pool.query(copies('payment', ['id', 'customer_id']));
  for (const table of ['attempt', 'capture', 'refund']) await pool.query(copies(table, ['id', 'payment_id']));
  await pool.query(copies('payment_event', ['id', 'payment_id']));
  await pool.query(copies('refund_allocation', ['refund_id', 'capture_id']));
  await pool.query('ANALYZE');
  counted = await countStatements(gateway());
});

afterAll(async () => {
  await counted.close();
  await pool.end();
});

const PAYMENT = `id status amount { amount } customer { email } paymentMethod { id } attempts { id status }
  captures { id } refunds { id captures { id } }`;

test.each([
  ['a page', `query ($first: Int = 20) { payments(first: $first) { edges { cursor node { ${PAYMENT} } } } }`],
  ['the next page', `query ($after: String!) { payments(after: $after) { edges { node { ${PAYMENT} } } } }`],
  ['one', `query ($id: ID!) { payment(id: $id) { ${PAYMENT} } }`],
  ['a node', `query ($id: ID!) { node(id: $id) { ... on Payment { ${PAYMENT} } } }`],
])('%s is read by indexes alone, the first time and after', async (_, text) => {
  const document = text as unknown as TypedDocumentString<unknown, Record<string, unknown>>;
  const after = Buffer.from(JSON.stringify([new Date().toISOString(), id.slice(4)])).toString('base64url');
  for (let time = 0; time < 3; time++) {
    const { statements } = await counted.run(document, { id, after });
    expect(statements.length).toBeGreaterThan(1);
    for (const statement of statements) {
      // The key is found by its hash, in a table that stays small.
      if (!statement.includes('environment_id = $1')) continue;
      const { rows } = await pool.query<{ 'QUERY PLAN': string }>(`EXPLAIN (GENERIC_PLAN) ${statement}`);
      const plan = rows.map((row) => row['QUERY PLAN']).join('\n');
      expect(plan).toMatch(/Index (Only )?Scan/);
      expect(plan).not.toMatch(/Seq Scan|Bitmap Heap Scan on payment /);
    }
  }
});

test.each([false, true])('events are read by indexes alone, with their payments: %s', async (payments) => {
  let text = '';
  const asked = {
    query: (query: { text: string }) => {
      ({ text } = query);
      return Promise.resolve({ rows: [] });
    },
  };
  await readEvents(asked as unknown as typeof pool, LOG_START, 1, { keys: [], payments }, 5_000);
  const { rows } = await pool.query<{ 'QUERY PLAN': string }>(`EXPLAIN (GENERIC_PLAN) ${text}`);
  const plan = rows.map((row) => row['QUERY PLAN']).join('\n');
  expect(plan).toMatch(/Index Scan using payment_event_epoch_order_xid_position_idx/);
  if (payments) expect(plan).toMatch(/Index Scan using \w+ on payment /);
  // Keys are few here.
  expect(plan).not.toMatch(/(Seq Scan|Bitmap Heap Scan) on payment/);
});
