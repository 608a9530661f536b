import { setImmediate as turn } from 'node:timers/promises';
import { beforeEach, expect, test } from 'vitest';
import { cancelledBy, ownSignal } from '../../src/store/cancellation.ts';
import { GatheredReads } from '../../src/store/gathered-reads.ts';

/** A read that ends when it is told to. */
interface Under {
  readonly keys: readonly number[];
  readonly signal: AbortSignal | undefined;
  readonly end: (values: readonly string[]) => void;
  readonly fail: (error: Error) => void;
}

let under: Under[];
let idle: number;
let reads: GatheredReads<number, string>;

beforeEach(() => {
  under = [];
  idle = 0;
  const read = (keys: readonly number[]): Promise<readonly string[]> => {
    const { promise, resolve, reject } = Promise.withResolvers<readonly string[]>();
    under.push({ keys, signal: ownSignal(), end: resolve, fail: reject });
    return promise;
  };
  reads = new GatheredReads(read, () => idle++);
});

const load = (...keys: number[]): Promise<string[]> => Promise.all(keys.map((key) => reads.load(key)));

test('what is asked for at the same time is one read, and each gets its own', async () => {
  const asked = load(3, 1, 3);
  await turn();
  expect(under.map(({ keys }) => keys)).toEqual([[3, 1, 3]]);
  expect(idle).toBe(0);
  under[0]?.end(['three', 'one', 'three again']);
  expect(await asked).toEqual(['three', 'one', 'three again']);
  await turn();
  expect(idle).toBe(1);
});

test('a read answers nobody who asks after it has begun, and two run at once', async () => {
  const answered: string[] = [];
  for (const key of [1, 2, 3, 4]) {
    void reads.load(key).then((value) => answered.push(value));
    await turn();
  }
  expect(under.map(({ keys }) => keys)).toEqual([[1], [2]]);
  under[0]?.end(['one']);
  await turn();
  expect(under.map(({ keys }) => keys)).toEqual([[1], [2], [3, 4]]);
  expect(answered).toEqual(['one']);
  under[1]?.end(['two']);
  under[2]?.end(['three', 'four']);
  await turn();
  expect(answered.toSorted()).toEqual(['four', 'one', 'three', 'two']);
  expect(idle).toBe(1);
});

test('more than 64 are several reads', async () => {
  const asked = load(...Array.from({ length: 130 }, (_, key) => key));
  for (let at = 0; at < 3; at++) {
    await turn();
    under[at]?.end(under[at]?.keys.map(String) ?? []);
  }
  expect(await asked).toEqual(Array.from({ length: 130 }, (_, key) => String(key)));
  expect(under.map(({ keys }) => keys.length)).toEqual([64, 64, 2]);
});

test('one that fails, fails for all who asked, and for nobody else', async () => {
  const failing = [reads.load(1), reads.load(2)].map((each) => each.catch(String));
  await turn();
  under[0]?.fail(new Error('the connection was lost'));
  expect(await Promise.all(failing)).toEqual(['Error: the connection was lost', 'Error: the connection was lost']);
  const asked = load(3);
  await turn();
  under[1]?.end(['three']);
  expect(await asked).toEqual(['three']);
});

test('an answer too few is a fault', async () => {
  const asked = [reads.load(1), reads.load(2)].map((each) => each.catch(String));
  await turn();
  under[0]?.end(['one']);
  expect(await Promise.all(asked)).toEqual(Array(2).fill('Error: 1 answers for 2 keys'));
});

/** Asks in an operation that ends. */
function loadUntil(key: number): { readonly answer: Promise<string>; readonly end: () => void } {
  const ending = new AbortController();
  const answer = cancelledBy(ending.signal, () => reads.load(key)).catch(String);
  return { answer, end: () => ending.abort(new Error('its time is over')) };
}

test('who has no time left leaves, and the others are answered', async () => {
  const [hasty, patient] = [loadUntil(1), loadUntil(2)];
  await turn();
  hasty.end();
  expect(await hasty.answer).toBe('Error: its time is over');
  expect(under[0]?.signal?.aborted).toBe(false);
  under[0]?.end(['one', 'two']);
  expect(await patient.answer).toBe('two');
});

test('a read that nobody waits for any more is cancelled', async () => {
  const asked = [loadUntil(1), loadUntil(2)];
  await turn();
  for (const each of asked) each.end();
  expect(under[0]?.signal?.reason).toEqual(new Error('its time is over'));
  under[0]?.fail(new Error('canceling statement'));
  await turn();
  expect(idle).toBe(1);
});

test('who leaves before the read begins takes part in nothing, and spoils it for nobody', async () => {
  const gone = loadUntil(1);
  gone.end();
  const asked = load(2);
  await turn();
  expect(under.map(({ keys, signal }) => [keys, signal?.aborted])).toEqual([[[2], false]]);
  under[0]?.end(['two']);
  expect(await asked).toEqual(['two']);
  expect(await gone.answer).toBe('Error: its time is over');
});

test('who has no time left to begin with asks for nothing', async () => {
  const over = AbortSignal.abort(new Error('its time is over'));
  await expect(cancelledBy(over, () => reads.load(1))).rejects.toThrow('its time is over');
  await turn();
  expect(under).toEqual([]);
});
