import { expect, test } from 'vitest';
import { unscopedIn } from '../harness/scoping.ts';

const OWNERS = new Map([
  ['payment', 'environment_id'],
  ['attempt', 'environment_id'],
  ['environment', 'id'],
  ['sandbox_charge', 'merchant'],
]);

test.for([
  'SELECT * FROM payment WHERE environment_id = $1 AND id = $2 FOR UPDATE',
  'SELECT 1 FROM payment WHERE environment_id = ANY ($1) OFFSET 0',
  `SELECT "public"."payment"."id" FROM "public"."payment" WHERE ("public"."payment"."environment_id" = $1 AND 1=1)`,
  'SELECT FROM payment AS p JOIN attempt ON attempt.environment_id = p.environment_id WHERE p.environment_id = $1',
  'SELECT FROM payment WHERE environment_id = $1 AND EXISTS (SELECT FROM attempt AS a WHERE a.environment_id = payment.environment_id)',
  `SELECT FROM payment AS t0 WHERE t0.environment_id = $1 AND (t0.environment_id, t0.id) IN
     (SELECT t1.environment_id, t1.payment_id FROM attempt AS t1 WHERE t1.number = $2)`,
  'UPDATE payment SET status = $3 WHERE environment_id = $1 AND id = $2',
  `WITH gone AS (DELETE FROM attempt WHERE environment_id = $1 RETURNING *)
     UPDATE payment SET status = 'X' FROM gone WHERE payment.environment_id = gone.environment_id`,
  `UPDATE payment SET status = new.status FROM json_populate_recordset(NULL::payment, $1) AS new
     WHERE payment.environment_id = new.environment_id AND payment.id = new.id`,
  'INSERT INTO payment (environment_id, id) VALUES ($1, $2)',
  'SELECT retry_delays FROM environment WHERE id = $1',
  `UPDATE environment SET retry_delays = $2 FROM (SELECT id, retry_delays FROM environment WHERE id = $1 FOR UPDATE) AS former
     WHERE environment.id = former.id RETURNING former.retry_delays`,
  'SELECT FROM attempt JOIN environment ON environment.id = attempt.environment_id WHERE environment.id = $1',
  'SELECT FROM sandbox_charge WHERE merchant = $1 AND key = $2',
  'SELECT FROM sandbox_charge JOIN unnest($1::text[]) AS asked (merchant) USING (merchant)',
  'SELECT FROM unnest($1::uuid[], $2::uuid[]) AS asked (environment_id, id) JOIN payment USING (environment_id, id)',
  'SELECT p.* FROM unnest($2::uuid[]) AS of(id) CROSS JOIN LATERAL (SELECT * FROM payment WHERE environment_id = $1 AND id = of.id) AS p',
  'SELECT FROM payment WHERE (environment_id = $1 AND id = $2) OR (environment_id = $3 AND id = $4)',
  'SELECT now()',
  'BEGIN',
])('this keeps to one environment: %s', async (sql) => {
  expect(await unscopedIn(sql, OWNERS)).toEqual([]);
});

test.for([
  ['SELECT environment_id FROM payment WHERE id = $1', ['payment']],
  ['SELECT * FROM payment WHERE environment_id = $1 OR id = $2', ['payment']],
  ['SELECT FROM payment WHERE (environment_id = $1 AND id = $2) OR id = $4', ['payment']],
  ['SELECT * FROM payment WHERE environment_id <> $1', ['payment']],
  ['SELECT * FROM payment WHERE environment_id = environment_id', ['payment']],
  ['SELECT FROM payment AS p JOIN attempt ON attempt.payment_id = p.id WHERE p.environment_id = $1', ['attempt']],
  ['SELECT FROM payment, attempt AS a WHERE a.environment_id = payment.environment_id', ['payment', 'attempt AS a']],
  ['SELECT (SELECT count(*) FROM attempt) FROM payment WHERE environment_id = $1', ['attempt']],
  ['SELECT FROM payment WHERE environment_id = $1 AND id IN (SELECT payment_id FROM attempt)', ['attempt']],
  ['UPDATE payment SET status = $2 WHERE id = $1', ['payment']],
  [
    'DELETE FROM payment WHERE (environment_id, id) IN (SELECT environment_id, id FROM payment)',
    ['payment', 'payment'],
  ],
  [
    `WITH due AS (SELECT environment_id, id FROM payment WHERE due_at < now())
     UPDATE payment AS p SET due_at = NULL FROM due WHERE p.environment_id = due.environment_id AND p.id = due.id`,
    ['payment', 'payment AS p'],
  ],
  ['INSERT INTO payment (environment_id, id) SELECT $1, id FROM attempt', ['attempt']],
  ['SELECT FROM payment WHERE environment_id = $1 UNION ALL SELECT FROM payment', ['payment']],
  ['SELECT FROM environment', ['environment']],
  ['SELECT FROM (SELECT environment_id, id FROM payment) AS due WHERE due.id = $1', ['payment']],
  ['SELECT FROM unnest($1::uuid[]) AS asked (id) JOIN payment USING (id)', ['payment']],
  ['SELECT FROM sandbox_charge WHERE id = $1', ['sandbox_charge']],
] as const)('this does not: %s', async ([sql, expected]) => {
  expect(await unscopedIn(sql, OWNERS)).toEqual(expected);
});
