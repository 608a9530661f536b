import { expect, test } from 'vitest';
import { perSecond } from '../../src/domain/transport-limits.ts';
import { Admission } from '../../src/http/admission.ts';
import type { Gateway } from '../../src/payments/gateway.ts';

const rates = { key: perSecond(1, 3), token: perSecond(1, 3), address: perSecond(1, 4) };
const HOME = '192.0.2.1';

/** A gateway that knows one key, once it is let answer. Every question waits until then. */
function asked() {
  const waiting: PromiseWithResolvers<object | undefined>[] = [];
  const ask = () => {
    const question = Promise.withResolvers<object | undefined>();
    waiting.push(question);
    return question.promise;
  };
  const keyUses = { note: () => undefined };
  const gateway = { database: { askWhose: ask }, keyUses, now: () => new Date(0) } as unknown as Gateway;
  const answer = (by: (question: PromiseWithResolvers<object | undefined>) => void): number => {
    const questions = waiting.splice(0);
    for (const question of questions) by(question);
    return questions.length;
  };
  let nowMs = 1_000;
  return {
    admission: new Admission(gateway, rates, () => nowMs),
    /** @returns how many had asked */
    yes: () => answer(({ resolve }) => resolve({ id: 'a-key', environmentId: 'an-environment' })),
    no: () => answer(({ resolve }) => resolve(undefined)),
    broken: () => answer(({ reject }) => reject(new Error('no database'))),
    pass: (ms: number) => (nowMs += ms),
  };
}

/** What became of some requests: who was let in, or why not. */
const outcomes = async (all: readonly Promise<unknown>[]): Promise<string[]> =>
  (await Promise.allSettled(all)).map((each) =>
    each.status === 'fulfilled'
      ? 'in'
      : ((each.reason as { extensions?: { code?: string } }).extensions?.code ?? (each.reason as Error).message),
  );

test('those who come with the same key for the first time ask once, and take nothing of their address', async () => {
  const { admission, yes, no } = asked();
  const all = Array.from({ length: 5 }, () => admission.admit('sk', HOME));
  expect(yes()).toBe(1);
  // The key's own rate is 3.
  expect(await outcomes(all)).toEqual(['in', 'in', 'in', 'RATE_LIMITED', 'RATE_LIMITED']);
  const guesses = Array.from({ length: 5 }, (_, index) => admission.admit(`sk-${index}`, HOME));
  expect(no()).toBe(4);
  expect((await outcomes(guesses)).slice(3)).toEqual(['UNAUTHENTICATED', 'RATE_LIMITED']);
});

test('those who come with the same wrong key ask once, and each of them is counted', async () => {
  const { admission, no } = asked();
  const all = Array.from({ length: 4 }, () => admission.admit('sk', HOME));
  expect(no()).toBe(1);
  expect(await outcomes(all)).toEqual(Array(4).fill('UNAUTHENTICATED'));
  expect(await outcomes([admission.admit('another', HOME)])).toEqual(['RATE_LIMITED']);
  expect(no()).toBe(0);
});

test('an address gets its tries back at its pace', async () => {
  const { admission, no, pass } = asked();
  const all = Array.from({ length: 5 }, (_, index) => admission.admit(`sk-${index}`, HOME));
  expect(no()).toBe(4);
  expect((await outcomes(all)).at(-1)).toBe('RATE_LIMITED');
  pass(1_000);
  const later = [admission.admit('sk', HOME), admission.admit('sk-9', HOME)];
  expect(no()).toBe(1);
  expect(await outcomes(later)).toEqual(['UNAUTHENTICATED', 'RATE_LIMITED']);
});

test('while the database is away, nobody is taken for one who guesses', async () => {
  const { admission, broken } = asked();
  for (let count = 0; count < 10; count++) {
    const all = [admission.admit('sk', HOME), admission.admit('sk', HOME), admission.admit('sk', HOME)];
    expect(broken()).toBe(1);
    expect(await outcomes(all)).toEqual(Array(3).fill('no database'));
  }
});

test('a key that was known and is revoked is looked at once more, and is a guess then', async () => {
  const { admission, yes, no } = asked();
  const first = admission.admit('sk', HOME);
  yes();
  await first;
  const revoked: string[] = [];
  for (let count = 0; count < 6; count++) {
    const again = admission.admit('sk', HOME);
    no();
    revoked.push(...(await outcomes([again])));
  }
  expect(revoked).toEqual([...Array(5).fill('UNAUTHENTICATED'), 'RATE_LIMITED']);
});

test('a connection takes nothing of the rate of its key', async () => {
  const { admission, yes } = asked();
  for (let count = 0; count < 10; count++) {
    const greeted = admission.greet('sk', HOME);
    yes();
    expect(await greeted).toMatchObject({ kind: 'key' });
  }
  const admitted = admission.admit('sk', HOME);
  yes();
  expect((await admitted).headers['ratelimit']).toBe('"key";r=2;t=1');
});
