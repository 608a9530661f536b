import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { LOG_START } from '../../src/domain/event-cursor.ts';
import { decodeIdOf } from '../../src/domain/ids.ts';
import { readVitalSigns, VITAL_STATEMENTS } from '../../src/store/vital-signs.ts';
import { FarProcessor, sign } from '../harness/far-processor.ts';
import { startGateway, type TestGateway } from '../harness/gateway.ts';
import { MerchantAccounts, notify } from '../harness/merchant-accounts.ts';
import { recordStatements } from '../harness/statements.ts';
import { card, Till } from '../harness/till.ts';
import { until } from '../harness/until.ts';

const TOKEN = 'a token of the tests';
const far = new FarProcessor();
let gateway: TestGateway;
const accounts = new MerchantAccounts(() => gateway);

beforeAll(async () => {
  gateway = await startGateway({ connectors: [far], metricsToken: TOKEN });
});

afterAll(() => gateway.close());

async function scrape(authorization?: string): Promise<{ status: number; text: string }> {
  const headers = authorization === undefined ? {} : { authorization };
  const answer = await fetch(`${gateway.app.server.url}/metrics`, { headers });
  return { status: answer.status, text: await answer.text() };
}

test.each([undefined, '', 'Bearer', 'Bearer another token', TOKEN])('without the token: %s', async (authorization) => {
  expect(await scrape(authorization)).toEqual({ status: 401, text: 'A token is needed.\n' });
});

test('a gateway without a token serves none', async () => {
  const other = await startGateway();
  const { status } = await fetch(`${other.app.server.url}/metrics`, { headers: { authorization: 'Bearer undefined' } });
  expect(status).toBe(404);
  await other.close();
});

test('the circuit of an account, and notifications that were refused', async () => {
  const account = await accounts.open();
  await accounts.pay(account);
  const state = async (name: string): Promise<string | undefined> => {
    const { text } = await scrape(`Bearer ${TOKEN}`);
    return new RegExp(`^tender_processor_circuit\\{account="${account.id}",state="${name}"\\} (.)$`, 'm').exec(
      text,
    )?.[1];
  };
  expect([await state('CLOSED'), await state('OPEN')]).toEqual(['1', '0']);
  far.calls.use({ charge: () => Promise.resolve({ kind: 'not_sent' }) });
  for (let failures = 0; failures < 5; failures++) await accounts.pay(account);
  expect([await state('CLOSED'), await state('OPEN')]).toEqual(['0', '1']);
  expect(gateway.logged).toContainEqual(
    expect.objectContaining({
      msg: 'the circuit of a processor account has changed',
      processorAccountId: decodeIdOf('ProcessorAccount', account.id),
      from: 'CLOSED',
      to: 'OPEN',
    }),
  );
  expect(await notify(account, sign(Buffer.from('{}'), { secret: 'whsec_of_nobody_at_all' }))).toBe(400);
  expect((await scrape(`Bearer ${TOKEN}`)).text).toContain(
    'tender_refused_notifications_total{reason="bad_signature"} 1',
  );
});

/** The value of a series, by its name and its labels as they stand in the text. */
async function value(series: string): Promise<number | undefined> {
  const { text } = await scrape(`Bearer ${TOKEN}`);
  const line = text.split('\n').find((each) => each.startsWith(`${series} `));
  return line === undefined ? undefined : Number(line.slice(series.length + 1));
}

/** A gateway whose database was not asked yet: what it told is kept for 15 seconds. */
async function fresh() {
  const other = await startGateway({ metricsToken: TOKEN }, gateway);
  onTestFinished(() => other.app.close());
  const answer = await fetch(`${other.app.server.url}/metrics`, { headers: { authorization: `Bearer ${TOKEN}` } });
  return answer.text();
}

function operations(type: string, field: string, outcome: string): Promise<number | undefined> {
  return value(`tender_operation_duration_seconds_count{type="${type}",field="${field}",outcome="${outcome}"}`);
}

test('operations are counted by their root field, never by the names that clients have for them', async () => {
  await gateway.request('query Theirs { viewer { __typename } }');
  await gateway.request('query Others { viewer { __typename } payments(first: 1) { totalCount } }');
  await gateway.request('query Through { ...Root } fragment Root on Query { viewer { __typename } }');
  await gateway.request('{ __schema { queryType { name } } }');
  await gateway.request('{ nothing }');
  await until(async () => (await operations('none', 'none', 'refused')) === 1);
  expect(await operations('query', 'viewer', 'ok')).toBe(2);
  expect(await operations('query', 'several', 'ok')).toBe(1);
  expect(await operations('query', 'introspection', 'ok')).toBe(1);
  expect((await scrape(`Bearer ${TOKEN}`)).text).not.toMatch(/Theirs|Others|Through|nothing/);
});

test('declines, calls and changes of payments', async () => {
  const till = new Till(() => gateway);
  const before = (await value('tender_declines_total{processor="sandbox",code="insufficient_funds"}')) ?? 0;
  await till.pay({ card: card('4000000000009995') });
  expect(await value('tender_declines_total{processor="sandbox",code="insufficient_funds"}')).toBe(before + 1);
  const call = 'tender_processor_call_duration_seconds_count{processor="sandbox",kind="CHARGE",asked="CALL"';
  expect(await value(`${call},outcome="declined"}`)).toBe(1);
  await till.pay({ card: card('4242424242424242') });
  expect(await value(`${call},outcome="approved"}`)).toBe(1);
  expect(await value('tender_payment_events_total{type="PAYMENT_SUCCEEDED",processor="sandbox"}')).toBe(1);
  expect(await value('tender_payment_events_total{type="PAYMENT_FAILED",processor="sandbox"}')).toBe(1);
});

test('what is not known, what waits for an operator, and what is due', async () => {
  const till = new Till(() => gateway);
  const { id } = await till.pay({ card: card('4000000000001034') });
  const { pool } = gateway.app.gateway.database;
  const uuid = decodeIdOf('Payment', id);
  await pool.query(
    `UPDATE operation SET status = 'RAISED', created_at = now() - interval '1 hour', recover_at = now() + interval '1 hour'
     WHERE payment_id = $1`,
    [uuid],
  );
  const text = await fresh();
  expect(text).toContain('tender_vital_signs_up 1');
  expect(text).toContain('tender_operations_open{kind="CHARGE",status="RAISED",processor="sandbox"} 1');
  expect(text).toContain('tender_unknown_outcomes 1');
  expect(Number(/^tender_unknown_outcome_oldest_seconds (.*)$/m.exec(text)?.[1])).toBeGreaterThan(3_599);
  expect(text).toContain('tender_due{work="webhooks"} 0');
});

test('how far events lag behind, while a transaction is open', async () => {
  const client = await gateway.app.gateway.database.pool.connect();
  try {
    await client.query('BEGIN');
    await client.query('SELECT pg_current_xact_id()');
    await new Till(() => gateway).pay({ card: card('4242424242424242') });
    const signs = await readVitalSigns(gateway.app.gateway.database.pool, LOG_START);
    expect(signs.horizonTransactions).toBeGreaterThan(1);
    expect(signs.horizonSeconds).toBeGreaterThan(0);
    expect(signs.eventLagSeconds).toBeGreaterThan(0);
  } finally {
    await client.query('ROLLBACK');
    client.release();
  }
});

test('the process: its connections, its build, its subscribers, its loop', async () => {
  // What the gateway does by itself may want every connection for a moment.
  const text = await until(async () => {
    const { text: told } = await scrape(`Bearer ${TOKEN}`);
    return /^tender_pool_waiting 0$/m.test(told) && told;
  });
  expect(text).toMatch(/^tender_pool_connections\{state="idle"\} \d+$/m);
  expect(text).toMatch(/^tender_pool_waiting 0$/m);
  expect(text).toMatch(/^tender_event_subscribers 0$/m);
  expect(text).toMatch(/^tender_build_info\{commit="unknown",node="v24[.\d]+"\} 1$/m);
  expect(text).toMatch(/^nodejs_eventloop_lag_p99_seconds /m);
  expect(text).toMatch(/^process_resident_memory_bytes /m);
});

test('a database that is asked again and again is asked once in 15 seconds', async () => {
  const other = await startGateway({ metricsToken: TOKEN }, gateway);
  onTestFinished(() => other.app.close());
  const statements = recordStatements(other.app.gateway.database);
  for (let scrapes = 0; scrapes < 3; scrapes++) {
    await fetch(`${other.app.server.url}/metrics`, { headers: { authorization: `Bearer ${TOKEN}` } });
  }
  expect(statements.filter((text) => text === VITAL_STATEMENTS.vital_signs_open)).toHaveLength(1);
});

test.each(Object.entries(VITAL_STATEMENTS))('%s reads no table from one end to the other', async (_, text) => {
  const client = await gateway.app.gateway.database.pool.connect();
  try {
    await client.query('BEGIN READ ONLY');
    await client.query('SET LOCAL enable_seqscan = off');
    const values = text.includes('$3') ? [1, 1, 1] : [];
    const { rows } = await client.query<{ 'QUERY PLAN': string }>(`EXPLAIN ${text}`, values);
    const plan = rows.map((row) => row['QUERY PLAN']).join('\n');
    expect(plan).not.toMatch(/Seq Scan/);
    expect(plan).toMatch(/Index|Function Scan/);
  } finally {
    await client.query('ROLLBACK');
    client.release();
  }
});

function read(...path: string[]): string {
  return readFileSync(join(import.meta.dirname, '..', '..', ...path), 'utf8');
}

test('every metric has a row in the documentation, and every alert asks for metrics that there are', async () => {
  const { text } = await scrape(`Bearer ${TOKEN}`);
  const served = [...text.matchAll(/^# TYPE (tender_\w+) /gm)].map(([, name]) => name);
  const documented = [...read('docs', 'observability.md').matchAll(/^\| `(tender_\w+)`/gm)].map(([, name]) => name);
  expect(new Set(documented)).toEqual(new Set(served));
  const asked = read('examples', 'monitoring', 'alerts.yml').matchAll(/\btender_[a-z_]+/g);
  const parts = served.flatMap((name) => [name, `${name}_count`, `${name}_bucket`]);
  expect([...asked].map(([name]) => name).filter((name) => !parts.includes(name))).toEqual([]);
});
