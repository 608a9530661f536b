import { expect, test } from 'vitest';
import { explain, type Observation } from './explain.ts';
import { NONE, view, type Request, type State, type View } from './model.ts';
import type { Verdict } from './requests.ts';

const AUTHORIZED: State = {
  ...NONE,
  status: 'AUTHORIZED',
  manual: true,
  charged: 'good',
  amount: 1000,
  authorized: 1000,
};
const CAPTURED: State = { ...AUTHORIZED, status: 'SUCCEEDED', captured: 1000, captures: 1 };

const capture = (key: string, amount: number): Request => ({ type: 'capture', key, amount, final: false });
const refund = (key: string, amount: number): Request => ({ type: 'refund', key, amount });
const cancel = (key: string): Request => ({ type: 'cancel', key });

function told(request: Request, verdict: Verdict, payment: View | null = null): Observation {
  return { request, verdict, payment };
}
const done = (request: Request, after: State) => told(request, { is: 'done', replayed: false }, view(after));

test('two captures at once that fit: either order explains them, whatever each saw of the other', () => {
  const first: State = { ...AUTHORIZED, captured: 300 };
  const both: State = { ...AUTHORIZED, captured: 700 };
  const states = explain([AUTHORIZED], [done(capture('a', 400), both), done(capture('b', 300), first)]);
  expect(states.map(({ captured, status }) => ({ captured, status }))).toContainEqual({
    captured: 700,
    status: 'AUTHORIZED',
  });
  expect(explain([AUTHORIZED], [done(capture('a', 400), first), done(capture('b', 300), first)])).toEqual([]);
});

test('of two refunds that exceed together, one is refused, and is told what the other left', () => {
  const given = done(refund('a', 600), { ...CAPTURED, refunded: 600 });
  const refused = (maximum: number) => told(refund('b', 500), { is: 'RefundTooLargeError', maximum });
  expect(explain([CAPTURED], [given, refused(400)])).not.toEqual([]);
  expect(explain([CAPTURED], [given, refused(1000)])).toEqual([]);
  expect(explain([CAPTURED], [given, done(refund('b', 500), { ...CAPTURED, refunded: 1000 })])).toEqual([]);
});

test('a whole capture and a cancellation: never both', () => {
  const captured = done(capture('a', 1000), CAPTURED);
  const canceled = done(cancel('b'), { ...AUTHORIZED, status: 'CANCELED', released: 1000 });
  const refused = (status: string) => told(cancel('b'), { is: 'IllegalStateError', status });
  expect(explain([AUTHORIZED], [captured, canceled])).toEqual([]);
  expect(explain([AUTHORIZED], [captured, refused('SUCCEEDED')])).not.toEqual([]);
  expect(explain([AUTHORIZED], [captured, refused('AUTHORIZED')])).not.toEqual([]);
  expect(explain([AUTHORIZED], [captured, refused('CANCELED')])).toEqual([]);
});

test('one key has one effect: whoever comes second is told so', () => {
  const request = refund('a', 600);
  const once = { ...CAPTURED, refunded: 600 };
  const replayed = told(request, { is: 'done', replayed: true }, view(once));
  expect(explain([CAPTURED], [done(request, once), replayed])).not.toEqual([]);
  expect(explain([CAPTURED], [done(request, once), done(request, once)])).toEqual([]);
  expect(
    explain([CAPTURED], [done(request, once), told(refund('a', 500), { is: 'IdempotencyKeyReusedError' })]),
  ).not.toEqual([]);
});
