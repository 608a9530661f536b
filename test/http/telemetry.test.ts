import { expect, test } from 'vitest';
import { gather } from '../../src/store/gather.ts';
import { summaryOf } from '../../src/store/statement-spans.ts';
import { createLogger, forPeople, Telemetry } from '../../src/telemetry.ts';
import { until } from '../harness/until.ts';

function logTo(lines: string[], format?: 'pretty') {
  return createLogger('info', { stream: { write: (line) => void lines.push(line) }, ...(format && { format }) });
}

function logged(facts: object): unknown {
  const lines: string[] = [];
  logTo(lines).info(facts, 'a line');
  const { time: _, ...line } = JSON.parse(lines[0] ?? '{}') as Record<string, unknown>;
  return line;
}

test('only what is on the list is logged, and what is not is named', () => {
  expect(logged({ paymentId: 'one', card: { number: '4242424242424242' }, headers: 'x', durationMs: 3 })).toEqual({
    level: 30,
    msg: 'a line',
    paymentId: 'one',
    durationMs: 3,
    withheld: ['card', 'headers'],
  });
});

test('an object under a name of the list stays out, and so does a name that is none', () => {
  expect(logged({ reason: { number: '4242424242424242' }, '4242424242424242': 1 })).toEqual({
    level: 30,
    msg: 'a line',
    withheld: ['reason'],
  });
});

test('what a processor words is cut, and tells no card number', () => {
  expect(logged({ reason: 'the card 4242 4242 4242 4242 is no good' })).toMatchObject({
    reason: 'it holds a card number',
  });
  expect(logged({ reason: 'a'.repeat(1_000) })).toMatchObject({ reason: 'a'.repeat(300) });
});

test('a logger without a request has no id, and a child of one has all of them', async () => {
  const lines: string[] = [];
  const log = logTo(lines);
  const telemetry = new Telemetry();
  log.info('before');
  await telemetry.errand({ requestId: 'one', round: 'recovery' }, 'recovery', async () => {
    await Promise.resolve();
    log.info('within');
    await telemetry.span('part', 'client', {}, async () => {
      await Promise.resolve();
      log.info('in a part');
    });
    telemetry.outside(() => log.info('outside'));
  });
  log.info('after');
  const told = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(told.map(({ msg, requestId, round }) => [msg, requestId, round])).toEqual([
    ['before', undefined, undefined],
    ['within', 'one', 'recovery'],
    ['in a part', 'one', 'recovery'],
    ['outside', undefined, undefined],
    ['after', undefined, undefined],
  ]);
});

test('what is gathered runs for the first who asked for it, and not for whoever was before', async () => {
  const telemetry = new Telemetry();
  const ran: (string | undefined)[] = [];
  const gate = Promise.withResolvers<void>();
  const ask = gather<string, string>({ atOnce: 1 }, async (keys) => {
    ran.push(telemetry.scope?.errand.requestId);
    await gate.promise;
    return keys;
  });
  const asked = (requestId: string) =>
    telemetry.within({ errand: { requestId }, span: undefined }, () => ask(requestId));
  const first = asked('one');
  await until(() => ran.length === 1);
  const second = asked('two');
  gate.resolve();
  expect(await Promise.all([first, second])).toEqual(['one', 'two']);
  expect(ran).toEqual(['one', 'two']);
});

test('for people, a line is a line', () => {
  const lines: string[] = [];
  logTo(lines, 'pretty').warn({ paymentId: 'one', durationMs: 3 }, 'it happened');
  expect(forPeople(lines[0] ?? '')).toMatch(
    /^\d\d:\d\d:\d\d\.\d{3} WARN {3}it happened {2}paymentId=one {2}durationMs=3\n$/,
  );
});

test.each([
  ['SELECT * FROM payment WHERE id = $1 FOR UPDATE', 'SELECT payment'],
  ['SELECT "public"."payment"."id" FROM "public"."payment" WHERE 1=1', 'SELECT payment'],
  ['WITH due AS (SELECT id FROM payment FOR UPDATE SKIP LOCKED) UPDATE payment SET due_at = now()', 'UPDATE payment'],
  ['WITH ours AS (INSERT INTO idempotency_key SELECT 1 ON CONFLICT DO NOTHING) SELECT now()', 'INSERT idempotency_key'],
  ['WITH a AS (SELECT 1 FROM attempt) SELECT * FROM a', 'SELECT attempt'],
  ['\n  DELETE FROM webhook_delivery WHERE true', 'DELETE webhook_delivery'],
  ['SELECT p.* FROM unnest($1::uuid[]) AS asked JOIN payment AS p ON p.id = asked.id', 'SELECT payment'],
  ['BEGIN', 'BEGIN'],
  ["NOTIFY tender_events, 'x'", 'NOTIFY'],
  ['', 'SQL'],
])('the name of the span of %s', (text, name) => expect(summaryOf(text)).toBe(name));
