import { expect, test } from 'vitest';
import { Readiness } from '../../src/http/health.ts';

/** A database that is asked, and a clock. */
function setUp(countMissingMigrations: () => Promise<number>) {
  const at = { nowMs: 0, asked: 0 };
  const readiness = new Readiness({
    countMissingMigrations: () => {
      at.asked++;
      return countMissingMigrations();
    },
    nowMs: () => at.nowMs,
    answerMs: 1,
  });
  return { at, readiness };
}

test('ready when the database lacks nothing', async () => {
  const { readiness } = setUp(() => Promise.resolve(0));
  expect(await readiness.look()).toBeUndefined();
});

test('not ready without the migrations of this build', async () => {
  const { readiness } = setUp(() => Promise.resolve(1));
  expect(await readiness.look()).toBe('migrations');
});

test('not ready when the database refuses, and ready again when it does not', async () => {
  let broken = true;
  const { at, readiness } = setUp(() => (broken ? Promise.reject(new Error('refused')) : Promise.resolve(0)));
  expect(await readiness.look()).toBe('database');
  broken = false;
  at.nowMs = 1_000;
  expect(await readiness.look()).toBeUndefined();
});

test('an answer is kept for a second', async () => {
  const { at, readiness } = setUp(() => Promise.resolve(0));
  await Promise.all([readiness.look(), readiness.look()]);
  at.nowMs = 999;
  await readiness.look();
  expect(at.asked).toBe(1);
  at.nowMs = 1_000;
  await readiness.look();
  expect(at.asked).toBe(2);
});

test('a database that hangs is asked once, however often it is looked', async () => {
  const hanging = Promise.withResolvers<number>();
  const { at, readiness } = setUp(() => hanging.promise);
  expect(await readiness.look()).toBe('database');
  at.nowMs = 5_000;
  expect(await readiness.look()).toBe('database');
  expect(at.asked).toBe(1);
  hanging.resolve(0);
  await hanging.promise;
  at.nowMs = 10_000;
  expect(await readiness.look()).toBeUndefined();
});

test('not ready once it stops, whatever was known before', async () => {
  const asked = Promise.withResolvers<number>();
  const { readiness } = setUp(() => asked.promise);
  const under = readiness.look();
  readiness.stop();
  asked.resolve(0);
  expect([await under, await readiness.look(), readiness.isStopping]).toEqual(['stopping', 'stopping', true]);
});
